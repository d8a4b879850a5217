//! `cargo xtask bench start`: nono against a launcher in C that does only what the kernel requires.
//!
//! Each round starts every candidate once, so that what else the machine does hits all of them alike. Only ratios are
//! printed: absolute times say something about a machine.

use super::row::{Row, print};
use super::{
    build_floor, build_nono, can_measure, installed, is_directory, peers, read_directories, timed, unfiltered, words,
};
use crate::tests_run::target_dir;
use crate::{cross, dist};
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use xshell::Shell;

/// Times of one candidate.
struct Candidate {
    name: String,
    command: Vec<OsString>,
    /// In seconds.
    times: Vec<f64>,
}

/// What is held against the limit.
const OURS: &str = "nono, same grants";
/// The same of the program that is given away, with a limit of its own.
const DIST: &str = "nono of dist, same grants";
const DIST_LIMIT: f64 = 1.25;

/// Measures start-up with a few grants, beside other sandboxes, or with `many`.
pub(crate) fn run(shell: &Shell, runs: usize, many: Option<usize>, peers: &[PathBuf]) -> anyhow::Result<Vec<Row>> {
    if !can_measure(shell, "start", runs)? {
        return Ok(Vec::new());
    }
    let target = target_dir(shell)?;
    let nono = build_nono(shell, &target)?;
    let floor = build_floor(shell, &target, "launch")?;
    let place = target.join("bench");
    // Empty: some sandboxes look through the working directory.
    let workdir = place.join("workdir");
    shell.create_dir(&workdir)?;
    let (mut candidates, limit) = match many {
        None => {
            let mut all = few(&nono, &floor);
            all.extend(given_away(shell, &place)?);
            let others = peers::find(peers, &workdir).into_iter();
            all.extend(others.map(|peer| candidate(&peer.name, peer.command)));
            (all, 1.5)
        }
        Some(count) => (lots(shell, &nono, &floor, &place, count)?, 1.5),
    };
    measure(&mut candidates, &workdir, runs)?;
    report(&candidates, limit)
}

/// The same directory grants for both. For comparison: without the filter, which the floor does not have either, and
/// the default command, which grants some seventy paths.
fn few(nono: &Path, floor: &Path) -> Vec<Candidate> {
    let mut bare = vec![floor.into()];
    bare.extend(read_directories().map(OsString::from));
    bare.extend(words(["+.", "--", "/bin/true"]));
    let mut same = same_grants(nono);
    let mut unfiltered: Vec<OsString> = same.iter().cloned().chain(unfiltered()).collect();
    for command in [&mut same, &mut unfiltered] {
        command.extend(words(["--allow-cwd", "--", "/bin/true"]));
    }
    let mut default = vec![nono.into()];
    default.extend(words(["run", "-q", "--allow-cwd", "--", "/bin/true"]));
    vec![
        candidate("floor: launch", bare),
        candidate(OURS, same),
        candidate("nono, same grants, no filter", unfiltered),
        candidate("nono, system group", default),
        candidate("/bin/true alone", words(["/bin/true"])),
    ]
}

fn same_grants(nono: &Path) -> Vec<OsString> {
    let mut same = vec![nono.into()];
    same.extend(words(["run", "-q", "--no-system"]));
    same.extend(read_directories().flat_map(|path| words(["--read", path])));
    same
}

/// The program of `cargo xtask dist`, where the toolchain is there that makes another one of it.
fn given_away(shell: &Shell, place: &Path) -> anyhow::Result<Option<Candidate>> {
    if !cross::is_there(shell) {
        println!("SKIPPED {DIST}: its toolchain is not there; `cargo xtask cross` fetches it");
        return Ok(None);
    }
    let program = installed(shell, &dist::program(shell)?, &place.join("nono-dist"))?;
    let command = same_grants(&program).into_iter().chain(words(["--allow-cwd", "--", "/bin/true"]));
    Ok(Some(candidate(DIST, command.collect())))
}

/// `count` directories, which nono is given by a profile and the floor in a list.
fn lots(shell: &Shell, nono: &Path, floor: &Path, place: &Path, count: usize) -> anyhow::Result<Vec<Candidate>> {
    let tree = place.join("many");
    let mut bare = vec![floor.into(), OsString::from("/usr"), "/lib".into(), "/lib64".into()];
    bare.retain(|path| path == floor || is_directory(Path::new(path)));
    let mut same = vec![nono.into()];
    same.extend(words(["run", "-q", "--no-system"]));
    same.extend(bare.iter().skip(1).flat_map(|path| ["--read".into(), path.clone()]));
    let (mut list, mut profile) = (String::new(), "[filesystem]\nread = [\n".to_owned());
    for number in 0..count {
        let path = tree.join((number / 100).to_string()).join((number % 100).to_string());
        std::fs::create_dir_all(&path)?;
        let path = path.to_str().context("a target directory in UTF-8")?;
        list.push_str(path);
        list.push('\n');
        writeln!(profile, "{path:?},")?;
    }
    let (file, granted) = (place.join("many.list"), place.join("many.toml"));
    shell.write_file(&file, list)?;
    shell.write_file(&granted, profile + "]\n")?;
    same.extend(["--profile".into(), granted.into_os_string()]);
    let mut at = OsString::from("@");
    at.push(&file);
    bare.extend([at, "--".into(), "/bin/true".into()]);
    same.extend(words(["--", "/bin/true"]));
    Ok(vec![candidate("floor: launch @LIST", bare), candidate(OURS, same)])
}

fn candidate(name: &str, command: Vec<OsString>) -> Candidate {
    Candidate { name: name.to_owned(), command, times: Vec::new() }
}

/// Starts each candidate `runs` times in turn, after three rounds that are not counted.
fn measure(candidates: &mut [Candidate], workdir: &Path, runs: usize) -> anyhow::Result<()> {
    for round in 0..runs + 3 {
        for candidate in &mut *candidates {
            let [program, arguments @ ..] = candidate.command.as_slice() else { bail!("an empty command") };
            let mut command = Command::new(program);
            command.args(arguments).current_dir(workdir);
            let took = timed(&mut command).with_context(|| candidate.name.clone())?;
            if round >= 3 {
                candidate.times.push(took);
            }
        }
    }
    Ok(())
}

fn report(candidates: &[Candidate], limit: f64) -> anyhow::Result<Vec<Row>> {
    let floor = candidates.first().context("nothing was measured")?;
    let row = |candidate: &Candidate| {
        let limit = match candidate.name.as_str() {
            OURS => Some(limit),
            DIST => Some(DIST_LIMIT),
            _ => None,
        };
        Row::ratio(&candidate.name, &candidate.times, &floor.times, limit)
    };
    let rows = candidates.iter().map(row).collect::<anyhow::Result<Vec<_>>>()?;
    print("start-up in alternating runs, to the floor", &rows);
    Ok(rows)
}
