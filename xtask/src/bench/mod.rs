//! `cargo xtask bench`: nono against the least that the kernel allows.
//!
//! What is compared runs in turn, round after round, so that what else the machine does hits all of it alike.

mod all;
mod build;
mod explain;
mod memory;
mod open;
mod peers;
mod plot;
mod record;
mod row;
mod rules;
mod start;
mod syscalls;
mod why;

pub(crate) use all::run as all;
pub(crate) use build::run as build;
pub(crate) use explain::run as explain;
pub(crate) use memory::run as memory;
pub(crate) use open::run as open;
pub(crate) use rules::run as rules;
pub(crate) use start::run as start;
pub(crate) use syscalls::run as syscalls;
pub(crate) use why::run as why;

use anyhow::{Context, ensure};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use xshell::{Shell, cmd};

/// Whether there is what measuring takes; says what is missing.
fn can_measure(shell: &Shell, name: &str, runs: usize) -> anyhow::Result<bool> {
    ensure!(runs > 0, "--runs is at least 1");
    let compiles = cmd!(shell, "cc --version").quiet().ignore_stdout().run().is_ok();
    if !compiles {
        println!("SKIPPED bench {name}: no C compiler (cc) for the floor");
    }
    Ok(compiles)
}

/// nono as it is released, and copied as it is installed: a file as the linker wrote it lies in the page cache in small pieces,
/// which makes its start dearer until it is read again.
fn build_nono(shell: &Shell, target: &Path) -> anyhow::Result<PathBuf> {
    cmd!(shell, "cargo build --quiet --release --package nono-cli").run()?;
    shell.create_dir(target.join("bench"))?;
    installed(shell, &target.join("release/nono"), &target.join("bench/nono"))
}

/// A copy of `program`, which is no link to it.
fn installed(shell: &Shell, program: &Path, copy: &Path) -> anyhow::Result<PathBuf> {
    shell.remove_path(copy)?;
    shell.copy_file(program, copy)?;
    Ok(copy.to_owned())
}

fn build_floor(shell: &Shell, target: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let (source, program) = (format!("xtask/floor/{name}.c"), target.join(format!("floor-{name}")));
    cmd!(shell, "cc -O2 -o {program} {source}").quiet().run()?;
    shell.create_dir(target.join("bench"))?;
    installed(shell, &program, &target.join("bench").join(format!("floor-{name}")))
}

/// The program that opens a file again and again.
fn build_opens(shell: &Shell, target: &Path) -> anyhow::Result<PathBuf> {
    let program = target.join("bench/opens-program/opens");
    shell.create_dir(target.join("bench/opens-program"))?;
    cmd!(shell, "cc -O2 -pthread -o {program} xtask/floor/opens.c").quiet().run()?;
    Ok(program)
}

/// Seconds that `command` takes, which has to succeed. It gets neither input nor what `cargo run` added to the environment.
fn timed(command: &mut Command) -> anyhow::Result<f64> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    // Other sandboxes of this name ask a server whether they are the newest.
    command.env("NONO_NO_UPDATE_CHECK", "1");
    for name in of_cargo() {
        command.env_remove(name);
    }
    let started = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let took = started.elapsed().as_secs_f64();
    ensure!(status.success(), "{command:?}: {status}");
    Ok(took)
}

/// What `cargo run` adds to the environment. With `LD_LIBRARY_PATH` the loader looks in more places, for the floor and for
/// `/bin/true` too: a ratio would be better than it is.
fn of_cargo() -> impl Iterator<Item = OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| name == "LD_LIBRARY_PATH" || name.as_bytes().starts_with(b"CARGO"))
}

/// Directories that ordinary programs read, as far as they exist.
fn read_directories() -> impl Iterator<Item = &'static str> {
    let all = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.conf.d", "/opt"];
    all.into_iter().filter(|path| is_directory(Path::new(path)))
}

/// Whether it can be granted as a directory here.
fn is_directory(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_dir())
}

/// Guarantees that nono's filter keeps, from Landlock's ABI 3 on. Without any of them there is no filter, and Landlock's
/// rules on files are the same: `truncate` would be one of its rights that is not handled, and make opening cheaper.
const FILTERED: [&str; 11] = [
    "terminal",
    "other-protocols",
    "tcp-ports",
    "listen-any-port",
    "udp",
    "unix-sockets",
    "kernel-surface",
    "user-namespaces",
    "attributes",
    "other-processes",
    "ipc",
];

/// The options of `nono run` that leave its filter off.
fn unfiltered() -> impl Iterator<Item = OsString> {
    FILTERED.into_iter().flat_map(|name| words(["--accept-gap", name]))
}

fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.map(OsString::from).to_vec()
}

/// What is said about many times of the same.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figures {
    median: f64,
    best: f64,
}

/// None of nothing.
fn figures(times: &[f64]) -> Option<Figures> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (lower, upper) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(Figures { median: f64::midpoint(*lower, *upper), best: *sorted.first()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_the_best_the_least() {
        assert_eq!(figures(&[5.0, 1.0, 3.0]), Some(Figures { median: 3.0, best: 1.0 }));
        assert_eq!(figures(&[5.0, 1.0, 3.0, 4.0]), Some(Figures { median: 3.5, best: 1.0 }));
        assert_eq!(figures(&[]), None);
    }
}
