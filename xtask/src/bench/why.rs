//! `cargo xtask bench why`: what an answer costs with a profile of a thousand entries, beside `/bin/true`, which is what
//! starting any program costs here.

use super::row::{Row, print};
use super::{build_nono, is_directory};
use crate::tests_run::target_dir;
use anyhow::{Context, ensure};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use xshell::Shell;

/// Entries of the profile.
const ENTRIES: usize = 1000;
/// In microseconds, on a machine with nothing else to do.
const LIMIT: f64 = 5_000.0;

/// A question, and the exit status of its answer.
const QUESTIONS: [(&str, &[&str], i32); 3] = [
    ("allowed", &["--path", "why/7/7", "--op", "list"], 0),
    ("denied, and a flag", &["--path", "why/7/7/new", "--op", "create"], 1),
    ("a port, and a flag", &["--connect", "443"], 1),
];

/// Asks each question `runs` times, in turn with `/bin/true`.
pub(crate) fn run(shell: &Shell, runs: usize) -> anyhow::Result<Vec<Row>> {
    ensure!(runs > 0, "--runs is at least 1");
    let target = target_dir(shell)?;
    let nono = build_nono(shell, &target)?;
    let place = target.join("bench");
    let profile = profile(shell, &place)?;
    let mut rows = Vec::new();
    for (name, question, status) in QUESTIONS {
        let mut why = Command::new(&nono);
        why.args(["why", "-p"]).arg(&profile).args(question);
        let (floor, times) = alternate(&mut why, status, &place, runs)?;
        rows.push(Row::of(name, "us", &times, Some(LIMIT))?);
        rows.push(Row::ratio(&format!("{name}, to /bin/true"), &times, &floor, None)?);
    }
    print(&format!("nono why, {ENTRIES} entries"), &rows);
    Ok(rows)
}

/// A profile that grants directories which exist.
fn profile(shell: &Shell, place: &Path) -> anyhow::Result<PathBuf> {
    let (mut text, tree) = ("[filesystem]\nread = [\n".to_owned(), place.join("why"));
    for number in 0..ENTRIES {
        let path = tree.join((number / 100).to_string()).join((number % 100).to_string());
        if !is_directory(&path) {
            fs::create_dir_all(&path)?;
        }
        writeln!(text, "  {path:?},")?;
    }
    text.push_str("]\n");
    let file = place.join("why.toml");
    shell.write_file(&file, text)?;
    Ok(file)
}

/// The times of `/bin/true` and of `why`, in microseconds; the first three rounds are not counted.
fn alternate(why: &mut Command, expected: i32, place: &Path, runs: usize) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let (mut floor, mut times) = (Vec::new(), Vec::new());
    for round in 0..runs + 3 {
        let (least, took) = (once(&mut Command::new("/bin/true"), 0, place)?, once(why, expected, place)?);
        if round >= 3 {
            floor.push(least);
            times.push(took);
        }
    }
    Ok((floor, times))
}

fn once(command: &mut Command, expected: i32, place: &Path) -> anyhow::Result<f64> {
    command.current_dir(place).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    let took = started.elapsed().as_secs_f64() * 1e6;
    ensure!(status.code() == Some(expected), "{command:?}: {status}");
    Ok(took)
}
