//! `cargo xtask bench`: nono against the least that the kernel allows.
//!
//! What is compared runs in turn, round after round, so that what else the machine does hits all of it alike.

mod explain;
mod open;
mod start;
mod syscalls;

pub(crate) use explain::run as explain;
pub(crate) use open::run as open;
pub(crate) use start::run as start;
pub(crate) use syscalls::run as syscalls;

use anyhow::ensure;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
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
