//! Static test programs of all crates, for guests that have no library.

use crate::cross::Environment;
use crate::tests_run::target_dir;
use anyhow::{Context, bail};
use serde_json::Value;
use std::ffi::OsString;
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
    let target = target_dir(shell)?;
    let weak = target.join("weak");
    let (mut tests, mut programs) = (Vec::new(), Vec::new());
    let workspace = ["test", "--no-run", "--workspace", "--exclude", "xtask", "--all-features"];
    for (program, is_test) in cargo(shell, environment, &workspace)? {
        if is_test {
            tests.push(program);
        } else {
            programs.push(program.file);
        }
    }
    let command = ["build", "--package", "nono-cli"];
    programs.extend(cargo(shell, environment, &command)?.into_iter().map(|(program, _)| program.file));
    let weak_arguments = [&command[..], &["--target-dir", path(&weak)?]].concat();
    let mut with_hole = environment.clone();
    with_hole.rustflags.extend(["--cfg", "weak_broker"].map(OsString::from));
    let weak = cargo(shell, &with_hole, &weak_arguments)?;
    let weak = weak.into_iter().next().context("cargo built no weak nono")?.0.file;
    tests.sort_by(|one, other| one.group.cmp(&other.group));
    let nono = programs.iter().find(|file| file.ends_with("nono")).context("cargo built no nono")?;
    let directory = nono.parent().context("a program is in a directory")?.to_owned();
    Ok(Programs { tests, directory, started: programs, weak })
}

fn path(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Runs cargo, and returns the programs it made; true for tests.
fn cargo(shell: &Shell, environment: &Environment, arguments: &[&str]) -> anyhow::Result<Vec<(TestProgram, bool)>> {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).args(["--profile", "vm", "--quiet", "--message-format", "json-render-diagnostics"]);
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
