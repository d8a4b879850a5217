//! `cargo xtask bench explain`: what watching costs, for a command that opens little else than directories, and for one that
//! starts many programs.

use super::row::{Row, print};
use super::{build_nono, timed};
use crate::tests_run::target_dir;
use anyhow::{Context, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use xshell::{Shell, cmd};

/// Directories of the repository, and files in each of them.
const DIRECTORIES: usize = 300;
const FILES: usize = 15;

/// A command, where it runs, and what is removed before each run.
struct Work {
    name: &'static str,
    command: &'static [&'static str],
    place: PathBuf,
    before: Option<&'static str>,
    /// In per cent of the time without watching.
    limit: f64,
}

/// Runs each command in turn without and with `--explain`.
pub(crate) fn run(shell: &Shell, runs: usize) -> anyhow::Result<Vec<Row>> {
    ensure!(runs > 0, "--runs is at least 1");
    let target = target_dir(shell)?;
    let nono = build_nono(shell, &target)?;
    let root = target.join("bench");
    let mut rows = Vec::new();
    for work in [repository(shell, &root)?, package(shell, &root)?] {
        let [mut without, mut with] = [Vec::new(), Vec::new()];
        // The first round is not counted.
        for round in 0..=runs {
            for (flag, times) in [(None, &mut without), (Some("--explain"), &mut with)] {
                let took = once(&nono, &work, flag)?;
                if round > 0 {
                    times.push(took);
                }
            }
        }
        rows.push(Row::ratio(work.name, &with, &without, Some(1.0 + work.limit / 100.0))?);
    }
    print("nono run --explain, to nono run", &rows);
    Ok(rows)
}

/// `git status` in a repository of some thousand files.
fn repository(shell: &Shell, root: &Path) -> anyhow::Result<Work> {
    let place = root.join("repository");
    let git = place.join(".git");
    if fs::symlink_metadata(git).is_err() {
        for number in 0..DIRECTORIES {
            let directory = place.join((number % 20).to_string()).join(number.to_string());
            fs::create_dir_all(&directory)?;
            (0..FILES).try_for_each(|file| fs::write(directory.join(file.to_string()), "x"))?;
        }
        let _here = shell.push_dir(&place);
        cmd!(shell, "git init -q").quiet().run()?;
        cmd!(shell, "git add --all").quiet().run()?;
        cmd!(shell, "git -c user.name=a -c user.email=a@example.org commit -q -m all").quiet().run()?;
    }
    Ok(Work { name: "git status", command: &["git", "status", "--porcelain"], place, before: None, limit: 60.0 })
}

/// `cargo build` of a small package, from nothing.
fn package(shell: &Shell, root: &Path) -> anyhow::Result<Work> {
    let place = root.join("package");
    shell.create_dir(place.join("src"))?;
    shell.write_file(place.join("Cargo.toml"), "[package]\nname = \"small\"\nedition = \"2021\"\n[workspace]\n")?;
    shell.write_file(place.join("src/main.rs"), "fn main() { println!(\"{:?}\", std::env::args()); }\n")?;
    let command = &["cargo", "build", "-q", "--offline"];
    Ok(Work { name: "cargo build", command, place, before: Some("target"), limit: 15.0 })
}

fn once(nono: &Path, work: &Work, flag: Option<&str>) -> anyhow::Result<f64> {
    if let Some(name) = work.before {
        let _gone = fs::remove_dir_all(work.place.join(name));
    }
    let mut command = Command::new(nono);
    // cargo reads its configuration in all directories above.
    let above = work.place.ancestors().nth(3).context("a target directory in a workspace")?;
    command
        .args(["run", "-q", "--allow-cwd", "-p", "rust", "--read"])
        .arg(above)
        .args(flag)
        .arg("--")
        .args(work.command);
    command.current_dir(&work.place).stderr(Stdio::null());
    command.env_remove("CARGO_TARGET_DIR");
    timed(&mut command).with_context(|| work.name)
}
