//! `cargo xtask cross`: the workspace for every supported system, built on this one.
//!
//! A target is checked (the compiler accepts every crate and its tests, with no warning), the command is linked where there
//! is a linker for it, and what was linked is started where this machine, or an emulator, can.

mod build;
mod environment;
pub(crate) mod linker;
mod target;
mod toolchain;

pub(crate) use build::start;
pub(crate) use environment::{Environment, environment};
pub(crate) use toolchain::of_rustc;

use build::{Outcome, Row};
use clap::Args;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use target::{TARGETS, Target};
use toolchain::Toolchain;
use xshell::{Shell, cmd};

/// What is built.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only TARGET [default: all that are supported]
    #[arg(long, value_name = "TARGET")]
    target: Vec<String>,
    /// Fetch nothing, and skip what cannot be built with what is there
    #[arg(long)]
    available: bool,
    /// Check only: link and start nothing
    #[arg(long)]
    check: bool,
}

/// Builds for all targets, and prints a line for each; whether all that was not skipped is well.
pub(crate) fn run(options: &Options, shell: &Shell) -> anyhow::Result<bool> {
    let named: Result<Vec<Target>, _> = options.target.iter().map(|name| Target::find(name)).collect();
    let targets = if options.target.is_empty() { TARGETS.to_vec() } else { named? };
    let host = host(shell)?;
    let others = targets.iter().any(|target| target.name != host);
    let toolchain = match (others, options.available) {
        (false, _) => None,
        (true, true) => Some(toolchain::found(shell)),
        (true, false) => Some(toolchain::fetch(shell, !options.check)),
    };
    let mut rows = Vec::new();
    for target in targets {
        eprintln!("{}", target.name);
        let started = Instant::now();
        let row = match &toolchain {
            _ if target.name == host => build::all(shell, target, &Environment::native(target.name), options.check),
            Some(Ok(toolchain)) => with_toolchain(shell, target, toolchain, options),
            Some(Err(error)) => Ok(Row::missing(&format!("{error:#}"), options.available)),
            None => Ok(Row::missing("no toolchain", options.available)),
        };
        let row = row.unwrap_or_else(|error| Row::failed(&error));
        rows.push((target, row, started.elapsed()));
    }
    Ok(table(&rows))
}

fn with_toolchain(shell: &Shell, target: Target, toolchain: &Toolchain, options: &Options) -> anyhow::Result<Row> {
    // A build script of signal-hook's, which only Linux needs, compiles C.
    if toolchain.zig.is_none() && !target.is_macos() {
        return Ok(Row::missing("zig is not there", options.available));
    }
    let environment = Environment::cross(shell, target, toolchain, target.is_musl())?;
    build::all(shell, target, &environment, options.check || toolchain.zig.is_none())
}

/// Prints the lines; whether none failed.
fn table(rows: &[(Target, Row, Duration)]) -> bool {
    let width = rows.iter().map(|(target, ..)| target.name.len()).max().unwrap_or(0);
    println!("\n{:<width$}  {:<7}  {:<7}  {:<7}  {:>4}  note", "target", "check", "link", "run", "s");
    for (target, Row { check, link, run, note }, took) in rows {
        println!("{:<width$}  {check:<7}  {link:<7}  {run:<7}  {:>4}  {note}", target.name, took.as_secs());
    }
    let count = |outcome| rows.iter().filter(|(_, row, _)| row.check == outcome).count();
    let failed = rows.iter().filter(|(_, row, _)| row.has_failed()).count();
    let skipped = count(Outcome::Skipped);
    let well = rows.len().saturating_sub(failed).saturating_sub(skipped);
    println!("\n{well} well, {failed} failed, {skipped} skipped");
    failed == 0
}

/// For CI: the targets of macOS are checked, if what that takes can be had.
pub(crate) fn check_macos(shell: &Shell) -> anyhow::Result<bool> {
    if let Err(error) = toolchain::fetch(shell, false) {
        println!("SKIPPED x86_64-apple-darwin, aarch64-apple-darwin: {error:#}");
        return Ok(true);
    }
    let target = TARGETS.iter().filter(|target| target.is_macos()).map(|target| target.name.to_owned()).collect();
    run(&Options { target, available: true, check: true }, shell)
}

/// This machine's own target.
pub(crate) fn host(shell: &Shell) -> anyhow::Result<String> {
    of_rustc(shell, "host")
}

/// Where the compiler is.
pub(crate) fn sysroot(shell: &Shell) -> anyhow::Result<PathBuf> {
    Ok(cmd!(shell, "rustc --print sysroot").quiet().read()?.into())
}

/// Whether programs for other targets can be linked, without fetching anything.
pub(crate) fn is_there(shell: &Shell) -> bool {
    toolchain::found(shell).is_ok_and(|found| found.zig.is_some())
}
