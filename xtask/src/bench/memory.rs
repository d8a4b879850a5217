//! `cargo xtask bench memory`: the most that nono has before it becomes the command, that a supervisor has after many opens,
//! and how large the program is that is given away.

use super::open::Place;
use super::row::{Row, print};
use super::{build_floor, build_nono, build_opens, can_measure};
use crate::dist;
use crate::tests_run::target_dir;
use anyhow::{Context, bail, ensure};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use xshell::{Shell, cmd};

/// KB of nono before exec, of a supervisor, and of the static program.
const LIMITS: [f64; 3] = [3_072.0, 8_192.0, 3_000.0];

/// A supervisor is measured after `opens`; `size` builds the program that is given away.
pub(crate) fn run(shell: &Shell, opens: usize, size: bool) -> anyhow::Result<Vec<Row>> {
    if !can_measure(shell, "memory", opens)? {
        return Ok(Vec::new());
    }
    let target = target_dir(shell)?;
    let nono = build_nono(shell, &target)?;
    let [before, after, program] = LIMITS;
    let mut rows = Vec::new();
    if let Some(peak) = before_exec(shell, &nono, &target)? {
        rows.push(Row::once("nono before exec", "KB", peak, before));
    }
    let most = supervisor(shell, &nono, &target, opens)?;
    rows.push(Row::once(&format!("supervisor, {opens} approved opens"), "KB", most, after));
    if size {
        let bytes = u32::try_from(dist::size(shell)?).context("no program is that large")?;
        rows.push(Row::once("program, static and stripped", "KB", f64::from(bytes) / 1_000.0, program));
    }
    print("memory and size", &rows);
    Ok(rows)
}

/// The most memory nono had before it became a command that has next to none of its own.
fn before_exec(shell: &Shell, nono: &Path, target: &Path) -> anyhow::Result<Option<f64>> {
    let (peak, nothing) = (build_floor(shell, target, "peak")?, target.join("floor-nothing"));
    if cmd!(shell, "cc -O2 -static -o {nothing} xtask/floor/nothing.c").quiet().ignore_stderr().run().is_err() {
        println!("SKIPPED peak memory: no static C library");
        return Ok(None);
    }
    let place = target.join("bench");
    let run = cmd!(shell, "{peak} {nono} run -q --allow {place} --read {target} -- {nothing}").quiet();
    Ok(Some(run.read()?.trim().parse()?))
}

/// What a supervisor holds after so many opens: the most that was resident, of `VmHWM` in `proc_pid_status(5)`.
fn supervisor(shell: &Shell, nono: &Path, target: &Path, opens: usize) -> anyhow::Result<f64> {
    let place = Place::new(shell, &target.join("bench/open"))?;
    let mut command = place.nono(nono, &build_opens(shell, target)?, "2");
    command.extend([place.approved_file(), (opens / 200).max(1).to_string().into()]);
    let [program, arguments @ ..] = command.as_slice() else { bail!("an empty command") };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(shell.current_dir())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {program:?}"))?;
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0_u32;
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        most = most.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(50));
    };
    ensure!(ended.success(), "nono: {ended}");
    ensure!(most > 0, "the supervisor ended before its memory was looked at: more opens");
    Ok(f64::from(most))
}
