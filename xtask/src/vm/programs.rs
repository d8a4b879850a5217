//! Static test programs of all crates, for guests that have no library.

use crate::cross::Environment;
use crate::tests_run::target_dir;
use anyhow::{Context, bail};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use xshell::Shell;

/// One test program.
#[derive(Debug, Clone)]
pub(super) struct TestProgram {
    /// What it is called in tables: `nono-linux`, `nono-seccomp/kernel`, `escape`.
    pub(super) group: String,
    pub(super) file: PathBuf,
    /// Where cargo would start it.
    pub(super) directory: PathBuf,
}

/// All that was built.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) tests: Vec<TestProgram>,
    /// Where `nono` and the programs that tests start are.
    pub(super) directory: PathBuf,
    /// Those programs.
    pub(super) started: Vec<PathBuf>,
    /// A `nono` with a hole that the tests of races must find.
    pub(super) weak: PathBuf,
}

/// Builds everything, as small as it gets.
pub(super) fn build(shell: &Shell, environment: &Environment) -> anyhow::Result<Programs> {
    let weak = build_weak(shell, environment)?;
    // All at once: chosen by themselves, packages have other features, and would be compiled again.
    let all = ["--workspace", "--exclude", "xtask", "--all-features", "--tests", "--bins", "--examples"];
    let (mut tests, mut programs) = (Vec::new(), Vec::new());
    for (program, is_test) in cargo(shell, environment, &all)? {
        if is_test {
            tests.push(program);
        } else {
            programs.push(program.file);
        }
    }
    tests.sort_by(|one, other| one.group.cmp(&other.group));
    let nono = programs.iter().find(|file| file.ends_with("nono")).context("cargo built no nono")?;
    let directory = nono.parent().context("a program is in a directory")?.to_owned();
    Ok(Programs { tests, directory, started: programs, weak })
}

/// A `nono` with a hole, for one test: quick to build rather than quick. A flag for rustc would have all packages compiled
/// again; a wrapper has those of the workspace, and cargo keeps what it makes beside what is made without
/// (`RUSTC_WORKSPACE_WRAPPER`).
fn build_weak(shell: &Shell, environment: &Environment) -> anyhow::Result<PathBuf> {
    let place = target_dir(shell)?.join("weak");
    let (wrapper, copy) = (place.join("rustc-with-hole"), place.join("nono"));
    let written = || -> std::io::Result<()> {
        fs::create_dir_all(&place)?;
        fs::write(&wrapper, "#!/bin/sh\nexec \"$@\" --cfg weak_broker -C opt-level=0\n")?;
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))
    };
    written().with_context(|| format!("cannot write {}", wrapper.display()))?;
    let mut with_hole = environment.clone();
    with_hole.variables.push(("RUSTC_WORKSPACE_WRAPPER".to_owned(), wrapper.into()));
    let made = cargo(shell, &with_hole, &["--package", "nono-cli"])?;
    let made = made.into_iter().next().context("cargo built no weak nono")?.0.file;
    // The one without a hole is put in its place.
    fs::copy(&made, &copy).with_context(|| format!("cannot copy {} to {}", made.display(), copy.display()))?;
    Ok(copy)
}

/// Runs cargo, and returns the programs it made; true for tests.
fn cargo(shell: &Shell, environment: &Environment, arguments: &[&str]) -> anyhow::Result<Vec<(TestProgram, bool)>> {
    let mut command = Command::new(env!("CARGO"));
    command.arg("build").args(arguments).args([
        "--profile",
        "vm",
        "--quiet",
        "--message-format",
        "json-render-diagnostics",
    ]);
    environment.apply(&mut command);
    let ran = command.current_dir(shell.current_dir()).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !ran.status.success() {
        bail!("cargo could not build the tests for {}", environment.target);
    }
    let messages = String::from_utf8_lossy(&ran.stdout);
    Ok(messages.lines().filter_map(|line| program(&serde_json::from_str(line).ok()?)).collect())
}

/// A program from a message of cargo's, and whether it is a test.
fn program(message: &Value) -> Option<(TestProgram, bool)> {
    let text = |pointer: &str| message.pointer(pointer)?.as_str();
    let file = PathBuf::from(text("/executable")?);
    let directory = Path::new(text("/manifest_path")?).parent()?.to_owned();
    let package = directory.file_name()?.to_str()?.to_owned();
    let (kind, target) = (text("/target/kind/0")?, text("/target/name")?);
    let is_test = message.pointer("/profile/test")?.as_bool()?;
    let group = match (package.as_str(), kind) {
        ("tests", "bin") => format!("tests/{target} (unit)"),
        ("tests", "test") => target.to_owned(),
        (package, "test") => format!("{package}/{target}"),
        (package, _) => package.to_owned(),
    };
    Some((TestProgram { group, file, directory }, is_test))
}
