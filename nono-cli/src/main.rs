//! The command `nono`: runs a program with nothing but the capabilities it was given.
#![forbid(unsafe_code)]

mod args;
mod cmd;
mod doctor;
mod error;
mod exit;
mod home;
mod inherit;
mod network;
mod platform;
mod policy;
mod program;
mod protected;
mod report;
mod system;
mod terminal;
mod tmpdir;

use args::{Arguments, Subcommands};
use clap::Parser;
use clap::error::ErrorKind;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let result = match arguments.command {
        Subcommands::Run(run) => cmd::run::run(&run),
        Subcommands::Doctor { json } => cmd::doctor::run(json),
        Subcommands::Trial { fixture } => doctor::child(&fixture),
    };
    result.unwrap_or_else(|error| {
        terminal::error(&error, error.remedy());
        ExitCode::from(error.status())
    })
}

/// Wrong usage: 125 where a command would have been run, else 2. Asking for help is no error.
fn usage(error: &clap::Error) -> ExitCode {
    terminal::clap(error);
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return exit::SUCCESS;
    }
    let runs = std::env::args_os().nth(1).is_some_and(|first| first == "run");
    ExitCode::from(if runs { exit::SETUP } else { exit::USAGE })
}
