//! `cargo xtask bench start`: nono against a launcher in C that does only what the kernel requires.
//!
//! Each round starts every candidate once, so that what else the machine does hits all of them alike. Only ratios are
//! printed: absolute times say something about a machine.

use super::{build_floor, build_nono, can_measure, figures, is_directory, read_directories, unfiltered, words};
use crate::tests_run::target_dir;
use anyhow::{Context, bail, ensure};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use xshell::{Shell, cmd};

/// Times of one candidate.
struct Candidate {
    name: &'static str,
    command: Vec<OsString>,
    /// In seconds.
    times: Vec<f64>,
}

/// Measures start-up with a few grants, or with `many`.
pub(crate) fn run(shell: &Shell, runs: usize, many: Option<usize>) -> anyhow::Result<()> {
    if !can_measure(shell, "start", runs)? {
        return Ok(());
    }
    let target = target_dir(shell)?;
    let nono = build_nono(shell, &target)?;
    let floor = build_floor(shell, &target, "launch")?;
    let place = target.join("bench");
    shell.create_dir(&place)?;
    let (mut candidates, limit) = match many {
        None => (few(&nono, &floor), 1.6),
        Some(count) => (lots(shell, &nono, &floor, &place, count)?, 2.5),
    };
    measure(&mut candidates, &place, runs)?;
    report(&candidates, limit)?;
    memory(shell, &nono, &target, &place)
}

/// The same directory grants for both. For comparison: without the filter, which the floor does not have either, and
/// the default command, which grants some seventy paths.
fn few(nono: &Path, floor: &Path) -> Vec<Candidate> {
    let mut bare = vec![floor.into()];
    bare.extend(read_directories().map(OsString::from));
    bare.extend(words(["+.", "--", "/bin/true"]));
    let mut same = vec![nono.into()];
    same.extend(words(["run", "-q", "--no-system"]));
    same.extend(read_directories().flat_map(|path| words(["--read", path])));
    let mut unfiltered: Vec<OsString> = same.iter().cloned().chain(unfiltered()).collect();
    for command in [&mut same, &mut unfiltered] {
        command.extend(words(["--allow-cwd", "--", "/bin/true"]));
    }
    let mut default = vec![nono.into()];
    default.extend(words(["run", "-q", "--allow-cwd", "--", "/bin/true"]));
    vec![
        candidate("floor: launch", bare),
        candidate("nono, same grants", same),
        candidate("nono, same grants, no filter", unfiltered),
        candidate("nono, system group", default),
        candidate("/bin/true alone", words(["/bin/true"])),
    ]
}

/// `count` directories, which nono is given on its command line and the floor in a file.
fn lots(shell: &Shell, nono: &Path, floor: &Path, place: &Path, count: usize) -> anyhow::Result<Vec<Candidate>> {
    let tree = place.join("many");
    let mut bare = vec![floor.into(), OsString::from("/usr"), "/lib".into(), "/lib64".into()];
    bare.retain(|path| path == floor || is_directory(Path::new(path)));
    let mut same = vec![nono.into()];
    same.extend(words(["run", "-q", "--no-system"]));
    same.extend(bare.iter().skip(1).flat_map(|path| ["--read".into(), path.clone()]));
    let mut list = String::new();
    for number in 0..count {
        let path = tree.join((number / 100).to_string()).join((number % 100).to_string());
        std::fs::create_dir_all(&path)?;
        list.push_str(path.to_str().context("a target directory in UTF-8")?);
        list.push('\n');
        same.extend(["--read".into(), path.into_os_string()]);
    }
    let file = place.join("many.list");
    shell.write_file(&file, list)?;
    let mut at = OsString::from("@");
    at.push(&file);
    bare.extend([at, "--".into(), "/bin/true".into()]);
    same.extend(words(["--", "/bin/true"]));
    Ok(vec![candidate("floor: launch @LIST", bare), candidate("nono, same grants", same)])
}

fn candidate(name: &'static str, command: Vec<OsString>) -> Candidate {
    Candidate { name, command, times: Vec::new() }
}

/// Starts each candidate `runs` times in turn, after three rounds that are not counted.
fn measure(candidates: &mut [Candidate], place: &Path, runs: usize) -> anyhow::Result<()> {
    for round in 0..runs + 3 {
        for candidate in &mut *candidates {
            let [program, arguments @ ..] = candidate.command.as_slice() else { bail!("an empty command") };
            let mut command = Command::new(program);
            command.args(arguments).current_dir(place).stdin(Stdio::null());
            for name in of_cargo() {
                command.env_remove(name);
            }
            let started = Instant::now();
            let status = command.status().with_context(|| format!("cannot start {program:?}"))?;
            let took = started.elapsed().as_secs_f64();
            ensure!(status.success(), "{}: {status}", candidate.name);
            if round >= 3 {
                candidate.times.push(took);
            }
        }
    }
    Ok(())
}

/// What `cargo run` adds to the environment. With `LD_LIBRARY_PATH` the loader looks in more places, for the floor and for
/// `/bin/true` too: a ratio would be better than it is.
fn of_cargo() -> impl Iterator<Item = OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| name == "LD_LIBRARY_PATH" || name.as_bytes().starts_with(b"CARGO"))
}

fn report(candidates: &[Candidate], limit: f64) -> anyhow::Result<()> {
    let floor = candidates.first().and_then(|floor| figures(&floor.times)).context("nothing was measured")?;
    let runs = candidates.first().map_or(0, |floor| floor.times.len());
    println!("\nstart-up, {runs} alternating runs       median    best   (ratio to the floor; limit {limit})");
    for candidate in candidates {
        let times = figures(&candidate.times).context("nothing was measured")?;
        println!("  {:<32} {:>6.2} {:>7.2}", candidate.name, times.median / floor.median, times.best / floor.best);
    }
    Ok(())
}

/// The most memory nono had before it became a command that has next to none of its own.
fn memory(shell: &Shell, nono: &Path, target: &Path, place: &Path) -> anyhow::Result<()> {
    let (peak, nothing) = (build_floor(shell, target, "peak")?, target.join("floor-nothing"));
    if cmd!(shell, "cc -O2 -static -o {nothing} xtask/floor/nothing.c").quiet().ignore_stderr().run().is_err() {
        println!("SKIPPED peak memory: no static C library");
        return Ok(());
    }
    let run = cmd!(shell, "{peak} {nono} run -q --allow {place} --read {target} -- {nothing}").quiet();
    println!("  peak memory of nono before exec: {} KB (limit 4096)", run.read()?.trim());
    Ok(())
}
