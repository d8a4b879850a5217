//! One target: checked, linked, started.

use super::{Environment, Target, host};
use crate::tests_run::target_dir;
use anyhow::{Context, ensure};
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use xshell::Shell;

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Yes,
    No,
    /// Not tried.
    Not,
    Skipped,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Outcome::Yes => "yes",
            Outcome::No => "FAILED",
            Outcome::Not => "-",
            Outcome::Skipped => "skipped",
        })
    }
}

/// A line of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) check: Outcome,
    pub(super) link: Outcome,
    pub(super) run: Outcome,
    pub(super) note: String,
}

impl Row {
    /// A target whose toolchain is not there.
    pub(super) fn missing(why: &str, skips: bool) -> Row {
        let (check, note) = if skips {
            (Outcome::Skipped, format!("{why}; `cargo xtask cross` fetches it"))
        } else {
            (Outcome::No, why.to_owned())
        };
        Row { check, link: Outcome::Not, run: Outcome::Not, note: one_line(&note) }
    }

    pub(super) fn failed(error: &anyhow::Error) -> Row {
        Row { check: Outcome::No, link: Outcome::Not, run: Outcome::Not, note: one_line(&format!("{error:#}")) }
    }

    pub(super) fn has_failed(&self) -> bool {
        [self.check, self.link, self.run].contains(&Outcome::No)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every crate that is meant for `target`.
fn packages(target: Target) -> &'static [&'static str] {
    if target.is_macos() {
        &["--package", "nono-core", "--package", "nono-macos", "--package", "nono-cli"]
    } else {
        &["--workspace", "--exclude", "xtask"]
    }
}

/// Checks, and unless that is all, links and starts.
pub(super) fn all(shell: &Shell, target: Target, environment: &Environment, check_only: bool) -> anyhow::Result<Row> {
    let mut row = Row { check: Outcome::Yes, link: Outcome::Not, run: Outcome::Not, note: String::new() };
    if let Err(error) = cargo(shell, environment, "check", &[packages(target), &["--all-targets"]].concat()) {
        return Ok(Row::failed(&error));
    }
    if check_only {
        return Ok(row);
    }
    if let Err(error) = cargo(shell, environment, "build", &["--package", "nono-cli"]) {
        (row.link, row.note) = (Outcome::No, one_line(&format!("{error:#}")));
        return Ok(row);
    }
    row.link = Outcome::Yes;
    let program = place(shell)?.join(target.name).join("debug/nono");
    match start(&program, target.name, &host(shell)?) {
        Ok(Some(how)) => (row.run, row.note) = (Outcome::Yes, how),
        Ok(None) if target.is_macos() => row.note = "there is no Mac here".into(),
        Ok(None) => row.note = "no emulator here (qemu-user-static)".into(),
        Err(error) => (row.run, row.note) = (Outcome::No, one_line(&format!("{error:#}"))),
    }
    Ok(row)
}

/// Where all targets are built: what is for this machine, macros and scripts, is built once.
fn place(shell: &Shell) -> anyhow::Result<std::path::PathBuf> {
    Ok(target_dir(shell)?.join("cross-build"))
}

/// A command of cargo's. A warning is an error: all of them are shown.
fn cargo(shell: &Shell, environment: &Environment, subcommand: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(shell.current_dir()).args([subcommand, "--quiet", "--locked"]).args(arguments);
    command.arg("--target-dir").arg(place(shell)?);
    environment.apply(&mut command);
    let ran = command.output().context("cargo")?;
    std::io::stderr().write_all(&ran.stderr).context("standard error")?;
    ensure!(ran.status.success(), "cargo {subcommand} failed; its errors are above");
    let warns = ran.stderr.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"warning"));
    ensure!(!warns, "cargo {subcommand} warns, as is shown above");
    Ok(())
}

/// Starts a command nono for `target`: alone, and as a sandbox around a command. What runs here only under an emulator is asked
/// for its version there: emulators of a user's programs have neither Landlock nor seccomp. None if there is no emulator.
pub(crate) fn start(program: &Path, target: &str, host: &str) -> anyhow::Result<Option<String>> {
    if !target.contains("-linux-") {
        return Ok(None);
    }
    // riscv64gc names extensions too.
    let architecture = |target: &str| target.split(['-', 'g']).next().unwrap_or_default().to_owned();
    let architecture = (architecture(target), architecture(host));
    if architecture.0 == architecture.1 {
        output(Command::new(program).arg("--version"))?;
        output(Command::new(program).args(["run", "--", "/bin/true"]))?;
        return Ok(Some("--version, run".to_owned()));
    }
    for emulator in [format!("qemu-{}-static", architecture.0), format!("qemu-{}", architecture.0)] {
        if Command::new(&emulator).arg("--version").output().is_ok() {
            output(Command::new(&emulator).arg(program).arg("--version"))?;
            return Ok(Some(format!("--version ({emulator})")));
        }
    }
    Ok(None)
}

fn output(command: &mut Command) -> anyhow::Result<()> {
    let ran = command.output().with_context(|| format!("it does not start: {command:?}"))?;
    let said = ran.stderr.escape_ascii();
    ensure!(ran.status.success(), "{command:?} ended with {}; it said \"{said}\"", ran.status);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_to_be_fetched_is_skipped() {
        assert!(!Row::missing("zig is not there", true).has_failed());
        assert!(Row::missing("zig is not there", false).has_failed());
        let row = Row::failed(&anyhow::anyhow!("two\nlines"));
        assert_eq!((row.has_failed(), row.note.as_str()), (true, "two lines"));
    }
}
