//! `cargo xtask ci` and `prove`: steps one after the other, the cheapest first, and how long each took.

use crate::tests_run::target_dir;
use crate::{check, tests_run};
use std::time::{Duration, Instant};
use xshell::{Shell, cmd};

/// The steps that were made.
#[derive(Debug, Default)]
struct Steps(Vec<(&'static str, Duration, bool)>);

impl Steps {
    /// Makes a step, unless one before it failed.
    fn make(&mut self, name: &'static str, step: impl FnOnce() -> anyhow::Result<bool>) {
        if self.0.iter().any(|(_, _, good)| !good) {
            return;
        }
        println!("\n== {name}");
        let started = Instant::now();
        let good = step().unwrap_or_else(|error| {
            eprintln!("xtask: {name}: {error:#}");
            false
        });
        self.0.push((name, started.elapsed(), good));
    }

    /// Says how it went.
    fn end(self) -> bool {
        println!();
        for (name, took, good) in &self.0 {
            println!("{name:<24} {:>5} s  {}", took.as_secs(), if *good { "ok" } else { "FAILED" });
        }
        self.0.iter().all(|(_, _, good)| *good)
    }
}

/// Everything a change has to pass.
pub(crate) fn run(shell: &Shell) -> bool {
    let mut steps = Steps::default();
    let run = |command: xshell::Cmd<'_>| Ok(command.run().map(|()| true)?);
    steps.make("format", || run(cmd!(shell, "cargo fmt --all --check")));
    steps.make("files and dependencies", || check::run(shell).map(|()| true));
    steps.make("lints", || {
        run(cmd!(shell, "cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings"))
    });
    steps.make("documentation", || {
        let doc = cmd!(shell, "cargo doc --quiet --workspace --all-features --no-deps --document-private-items");
        run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
    steps.make("cross (available)", || crate::cross::check_macos(shell));
    // The full number of cases is for `prove`.
    let _cases = std::env::var_os("NONO_TEST_CASES").is_none().then(|| shell.push_env("NONO_TEST_CASES", "20000"));
    steps.make("tests", || tests_run::run(shell, &[]));
    steps.make("fuzz (15 s each)", || crate::fuzz::run(&crate::fuzz::Options::of_ci(), shell));
    steps.make("bench (smoke)", || {
        crate::bench::start(shell, 20, None, &[])?;
        crate::bench::rules(shell, 5)?;
        crate::bench::open(shell, 3)?;
        crate::bench::memory(shell, 10_000, false)?;
        crate::bench::syscalls(shell, 5).map(|_| true)
    });
    steps.end()
}

/// Mass tests in full: a million calls through random filters, a million in random sandboxes, all attempts to break out under
/// `--explain`, and a hundred thousand sets through macOS profiles.
pub(crate) fn prove(shell: &Shell) -> bool {
    let mut steps = Steps::default();
    steps.make("property tests", || {
        let test = cmd!(shell, "cargo test --release --package nono-seccomp --test property -- --nocapture");
        Ok(test.env("NONO_TEST_CASES", "1000000").run().map(|()| true)?)
    });
    steps.make("model and kernel", || {
        let test = cmd!(shell, "cargo test --release --package nono-tests --test model");
        Ok(test.env("NONO_TEST_CASES", "1000000").run().map(|()| true)?)
    });
    steps.make("races", || {
        cmd!(shell, "cargo build --release --package nono-cli --package nono-tests --bins").run()?;
        let target = target_dir(shell)?;
        let test =
            cmd!(shell, "cargo test --release --package nono-tests --test races -- --nocapture nothing_is_opened");
        let test = test.env("NONO_TEST_BIN_DIR", target.join("release")).env("NONO_TEST_CASES", "1000000");
        Ok(test.run().map(|()| true)?)
    });
    steps.make("why and kernel", || {
        let target = target_dir(shell)?;
        let test = cmd!(shell, "cargo test --release --package nono-tests --test why -- --nocapture why_says");
        let test = test.env("NONO_TEST_BIN_DIR", target.join("release")).env("NONO_TEST_WHY_CASES", "5000");
        Ok(test.run().map(|()| true)?)
    });
    steps.make("answers of a supervisor", || {
        let target = target_dir(shell)?;
        let test = cmd!(shell, "cargo test --release --package nono-tests --test answers -- --nocapture");
        let test = test.env("NONO_TEST_BIN_DIR", target.join("release")).env("NONO_TEST_CASES", "1000000");
        Ok(test.run().map(|()| true)?)
    });
    steps.make("escapes under --explain", || {
        let target = target_dir(shell)?;
        let test = cmd!(shell, "cargo test --release --package nono-tests --test escape -- --nocapture explaining");
        let test = test.env("NONO_TEST_BIN_DIR", target.join("release")).env("NONO_TEST_FULL", "1");
        Ok(test.run().map(|()| true)?)
    });
    steps.make("profiles of macOS", || {
        let test = cmd!(shell, "cargo test --release --package nono-macos --test model -- --nocapture");
        Ok(test.env("NONO_TEST_MODEL_CASES", "100000").run().map(|()| true)?)
    });
    steps.end()
}
