//! The tasks of this workspace: `cargo xtask test`, `test-vm`, `ci`, `prove`, `fuzz` and `bench`.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "paths are those of this repository and of tools, and no text is long"
)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal of contributors")]

mod bench;
mod check;
mod ci;
mod cross;
mod dist;
mod fetch;
mod fuzz;
mod mutants;
mod promises;
mod prove;
mod sanitize;
mod tally;
mod tests_run;
mod vm;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use xshell::Shell;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The tasks of this workspace")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build nono and the test programs, and run all tests
    Test {
        /// Passed on to `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Everything a change has to pass: format, lints, docs, checks, tests
    Ci,
    /// Mass tests in full; their figures go to docs/proof.md
    Prove(prove::Options),
    /// Change what decides, plans and filters, one thing at a time: a test must notice
    Mutants(mutants::Options),
    /// What reads foreign bytes and makes system calls, under Miri and the address sanitizer
    Sanitize,
    /// Hostile bytes for everything that reads such
    Fuzz(fuzz::Options),
    /// The workspace for every supported system: checked, linked, started
    Cross(cross::Options),
    /// Make static programs with checksums, each built twice and alike
    Dist(dist::Options),
    /// The tests on many kernels, each in a virtual machine
    TestVm(vm::TestVm),
    /// Measure against the least that the kernel allows
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// All of them, written to docs/bench
    All {
        /// Another sandbox to start beside it, by its path; those found in PATH are too
        #[arg(long, value_name = "PATH")]
        peer: Vec<PathBuf>,
    },
    /// What `nono run --explain` adds to a command
    Explain {
        /// How often each is run
        #[arg(long, default_value_t = 20)]
        runs: usize,
    },
    /// How long it takes until the command runs
    Start {
        /// How often each is started
        #[arg(long, default_value_t = 200)]
        runs: usize,
        /// Measure with so many grants instead
        #[arg(long)]
        many: Option<usize>,
        /// Another sandbox to start beside it, by its path; those found in PATH are too
        #[arg(long, value_name = "PATH")]
        peer: Vec<PathBuf>,
    },
    /// How decisions and plans grow with the grants, and what a granted open costs
    Rules {
        /// How often each is measured
        #[arg(long, default_value_t = 50)]
        runs: usize,
    },
    /// What an open costs under supervision
    Open {
        /// How often each is started
        #[arg(long, default_value_t = 20)]
        runs: usize,
    },
    /// The memory of nono and of a supervisor, and the size of the program
    Memory {
        /// How many opens the supervisor serves
        #[arg(long, default_value_t = 1_000_000)]
        opens: usize,
        /// Leave the size out, for which the program is built as `dist` does
        #[arg(long)]
        no_size: bool,
    },
    /// What a sandbox and a supervisor add to `cargo build`
    Build {
        /// How often each builds
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// How much the filter adds to a system call that it lets pass
    Syscalls {
        /// How often each is started
        #[arg(long, default_value_t = 50)]
        runs: usize,
    },
    /// What an answer of `nono why` costs with a profile of a thousand entries
    Why {
        /// How often each question is asked
        #[arg(long, default_value_t = 100)]
        runs: usize,
    },
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == cross::linker::SUBCOMMAND) {
        let error = cross::linker::run(&arguments.collect::<Vec<_>>());
        eprintln!("xtask: {error:#}");
        return ExitCode::FAILURE;
    }
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the task succeeded.
fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let shell = Shell::new()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has a root")?;
    shell.change_dir(root);
    match arguments.task {
        Task::Test { rest } => tests_run::run(&shell, &rest),
        Task::Ci => Ok(ci::run(&shell)),
        Task::TestVm(options) => vm::run(&shell, &options),
        Task::Prove(options) => prove::run(&shell, &options),
        Task::Sanitize => sanitize::run(&shell),
        Task::Mutants(options) => mutants::run(&shell, &options),
        Task::Fuzz(options) => fuzz::run(&options, &shell),
        Task::Cross(options) => cross::run(&options, &shell),
        Task::Dist(options) => dist::run(&options, &shell),
        Task::Bench(bench) => measure(bench, &shell),
    }
}

/// Whether everything could be measured.
fn measure(bench: Bench, shell: &Shell) -> anyhow::Result<bool> {
    let rows = match bench {
        Bench::All { peer } => return bench::all(shell, &peer),
        Bench::Start { runs, many, peer } => bench::start(shell, runs, many, &peer),
        Bench::Rules { runs } => bench::rules(shell, runs),
        Bench::Open { runs } => bench::open(shell, runs),
        Bench::Syscalls { runs } => bench::syscalls(shell, runs),
        Bench::Build { runs } => bench::build(shell, runs),
        Bench::Explain { runs } => bench::explain(shell, runs),
        Bench::Why { runs } => bench::why(shell, runs),
        Bench::Memory { opens, no_size } => bench::memory(shell, opens, !no_size),
    };
    rows.map(|_| true)
}
