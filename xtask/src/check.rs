//! What no lint checks: how long files are, where `unsafe` is, and how little the libraries pull in.

use crate::promises;
use anyhow::{Context, bail};
use std::collections::BTreeSet;
use xshell::{Shell, cmd};

/// Lines above which a file is too long to be read in one go.
const LONGEST: usize = 600;

/// Where `unsafe` may be: the modules that make system calls, and those of the test programs.
const UNSAFE: [&str; 13] = [
    "nono-seccomp/src/sys/",
    "nono-linux/src/sys/",
    "nono-macos/src/descriptors.rs",
    "nono-macos/src/ffi.rs",
    "nono-cli/src/start.rs",
    "nono-seccomp/tests/kernel/raw.rs",
    "tests/src/bin/attempt/sys.rs",
    "tests/src/bin/denied/sys.rs",
    "tests/src/bin/deputy/sys.rs",
    "tests/src/bin/racer/sys.rs",
    "tests/src/child/",
    "tests/src/probe.rs",
    "tests/src/raw.rs",
];

/// Normal dependencies of the libraries, proc macros and what they need left out.
const DEPENDENCIES: [(&str, &[&str]); 4] = [
    ("nono-core", &["bitflags", "thiserror"]),
    ("nono-seccomp", &["bitflags", "libc", "thiserror"]),
    ("nono-macos", &["bitflags", "nono-core", "thiserror", "tracing", "tracing-core", "once-cell", "pin-project-lite"]),
    (
        "nono-linux",
        &[
            "bitflags",
            "enumflags2",
            "errno",
            "landlock",
            "libc",
            "nono-core",
            "rustix",
            "linux-raw-sys",
            "thiserror",
            "tracing",
            "tracing-core",
            "once-cell",
            "pin-project-lite",
            "nono-seccomp",
        ],
    ),
];

/// Runs all checks.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let files = cmd!(shell, "git ls-files --cached --others --exclude-standard -- *.rs").quiet().read()?;
    let mut faults = Vec::new();
    for file in files.lines() {
        let text = shell.read_file(file)?;
        let lines = text.lines().count();
        if lines > LONGEST {
            faults.push(format!("{file} has {lines} lines, more than {LONGEST}"));
        }
        let uses = text.lines().any(|line| {
            let code = line.split("//").next().unwrap_or_default();
            ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].iter().any(|word| code.contains(word))
        });
        if uses && !UNSAFE.iter().any(|place| file.starts_with(place)) && file != "xtask/src/check.rs" {
            faults.push(format!("{file} has unsafe code; its places are {}", UNSAFE.join(", ")));
        }
    }
    faults.extend(promises::faults(shell)?);
    for (library, allowed) in DEPENDENCIES {
        faults.extend(extra(shell, library, allowed)?);
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n       "));
    }
    Ok(())
}

/// The dependencies of `library` that nobody agreed to.
fn extra(shell: &Shell, library: &str, allowed: &[&str]) -> anyhow::Result<Vec<String>> {
    let format = "{lib}";
    let tree = cmd!(
        shell,
        "cargo tree --package {library} --edges normal,no-proc-macro --prefix none --target x86_64-unknown-linux-gnu --format {format}"
    );
    let tree = tree.quiet().read().context("cargo tree")?;
    let names: BTreeSet<String> =
        tree.lines().map(|line| line.trim().trim_end_matches(" (*)").replace('_', "-")).collect();
    let agreed = |name: &&String| allowed.contains(&name.as_str()) || **name == library || name.is_empty();
    Ok(names.iter().filter(|name| !agreed(name)).map(|name| format!("{library} pulls in {name}")).collect())
}
