//! `cargo xtask ci`: steps one after the other, the cheapest first, and how long each took.

use crate::{check, tests_run};
use std::time::{Duration, Instant};
use xshell::{Shell, cmd};

/// What comes before the guests may take so long: all of it is to be over in forty minutes, and building for guests and running
/// them takes seven to nine.
const BEFORE_GUESTS: Duration = Duration::from_mins(28);

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Went {
    Well,
    Wrong,
    /// What it needs cannot be had here, or there is no time for it; it has said so.
    Skipped,
}

impl From<bool> for Went {
    fn from(good: bool) -> Went {
        if good { Went::Well } else { Went::Wrong }
    }
}

/// The steps that were made.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<(&'static str, Duration, Went)>);

impl Steps {
    /// Makes a step, unless one before it failed.
    fn make<W: Into<Went>>(&mut self, name: &'static str, step: impl FnOnce() -> anyhow::Result<W>) {
        if self.are_good() {
            self.make_anyway(name, step);
        }
    }

    /// Makes a step.
    pub(crate) fn make_anyway<W: Into<Went>>(&mut self, name: &'static str, step: impl FnOnce() -> anyhow::Result<W>) {
        println!("\n== {name}");
        let started = Instant::now();
        let went = match step() {
            Ok(went) => went.into(),
            Err(error) => {
                eprintln!("xtask: {name}: {error:#}");
                Went::Wrong
            }
        };
        self.0.push((name, started.elapsed(), went));
    }

    fn are_good(&self) -> bool {
        self.0.iter().all(|(_, _, went)| *went != Went::Wrong)
    }

    /// Says how it went.
    pub(crate) fn end(self) -> bool {
        println!();
        for (name, took, went) in &self.0 {
            let word = match went {
                Went::Well => "ok",
                Went::Wrong => "FAILED",
                Went::Skipped => "skipped",
            };
            println!("{name:<24} {:>5} s  {word}", took.as_secs());
        }
        self.are_good()
    }
}

/// Everything a change has to pass.
pub(crate) fn run(shell: &Shell) -> bool {
    let began = Instant::now();
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
    steps.make("kernels (quick)", || {
        if began.elapsed() > BEFORE_GUESTS {
            println!("skipped: tests on other kernels: the steps before took {} s", began.elapsed().as_secs());
            return Ok(Went::Skipped);
        }
        crate::vm::quick(shell)
    });
    steps.end()
}
