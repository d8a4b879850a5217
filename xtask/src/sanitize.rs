//! `cargo xtask sanitize`: what reads foreign bytes and makes system calls, under what sees wrong uses of memory.
//!
//! Miri interprets what is pure. It comes with a nightly toolchain, and where there is none that is said. The address sanitizer,
//! which a stable compiler has behind `RUSTC_BOOTSTRAP`, watches the same and what Miri cannot run: system calls.

use crate::tests_run::{follow, target_dir};
use crate::{cross, tally::Skips};
use std::process::Command;
use xshell::{Shell, cmd};

/// Tests that Miri is given: decoders, the interpreter of filters, the model. They ask nothing of a kernel; those that go
/// through thousands of cases are left out, for which an interpreter takes hours.
const PURE: [(&str, &[&str]); 2] = [
    ("nono-seccomp", &["decode::", "condition::", "interpret::", "program::", "syscall::"]),
    ("nono-core", &["access::", "decide::", "enforcement::", "net::", "request::"]),
];

/// Those that the address sanitizer is given: all that stands beside code with `unsafe` in it, and what calls it on a kernel.
const WATCHED: [&str; 7] = [
    "--package=nono-seccomp",
    "--package=nono-linux",
    "--package=nono-core",
    "--lib",
    "--test=kernel",
    "--test=property",
    "--all-features",
];

/// Runs both; whether nothing was found.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<bool> {
    let target = target_dir(shell)?;
    let has_miri = cmd!(shell, "cargo +nightly miri --version").quiet().ignore_stdout().ignore_stderr().run().is_ok();
    let mut good = true;
    if has_miri {
        for (package, tests) in PURE {
            let mut command = Command::new("cargo");
            command.args(["+nightly", "miri", "test", "--package", package, "--lib", "--target-dir"]);
            command.arg(target.join("miri")).arg("--").args(tests);
            // For the directories of some tests.
            command.env("MIRIFLAGS", "-Zmiri-disable-isolation");
            good &= counted(shell, &mut command, "tests under Miri")?;
        }
    } else {
        println!(
            "SKIPPED Miri: no nightly toolchain with it (rustup toolchain install nightly --component miri,rust-src)"
        );
    }
    let mut command = Command::new(env!("CARGO"));
    command.arg("test").args(WATCHED).args(["--no-fail-fast", "--target", &cross::host(shell)?, "--target-dir"]);
    command.arg(target.join("asan"));
    // Only with a target of its own is the flag for tests alone, and not for what runs while they are built.
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
    // A child that is to end without a word would be said to leak.
    command.env("ASAN_OPTIONS", "detect_leaks=0").env_remove("CARGO_ENCODED_RUSTFLAGS");
    good &= counted(shell, &mut command, "tests under the address sanitizer")?;
    Ok(good)
}

/// Whether all tests of `command` passed; says how many there were.
fn counted(shell: &Shell, command: &mut Command, what: &str) -> anyhow::Result<bool> {
    let (tally, succeeded) = follow(command.current_dir(shell.current_dir()))?;
    let (passed, failed, _) = tally.totals(&Skips::default());
    println!("figures: sanitize: {passed} {what}, {failed} that failed there");
    Ok(succeeded && failed == 0)
}
