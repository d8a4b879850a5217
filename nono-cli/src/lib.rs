//! The command `nono`: runs a program with nothing but the capabilities it was given.
//!
//! A library only so that benchmarks and fuzz targets reach what reads hostile text ([`hostile`]). The program is `start.rs`.
#![forbid(unsafe_code)]
#![cfg_attr(seatbelt, expect(dead_code, reason = "supervised runs, which macOS does not have, use more"))]

mod args;
mod cmd;
mod data;
mod denies;
mod error;
pub mod exit;
#[cfg_attr(seatbelt, path = "macos/explain.rs")]
mod explain;
mod generated;
mod home;
pub mod hostile;
mod inherit;
#[cfg_attr(seatbelt, path = "macos/learn.rs")]
mod learn;
mod network;
mod passwd;
mod pattern;
mod policy;
mod procfs;
mod profile;
mod program;
mod protected;
mod quote;
mod report;
mod schema;
mod shell;
mod spelling;
mod system;
mod terminal;
mod texts;
mod why;

// What differs by system. For macOS each has another body, with the same items; nothing else asks which system it is.
#[cfg_attr(seatbelt, path = "macos/doctor.rs")]
mod doctor;
#[cfg(not(seatbelt))]
mod listing;
#[cfg(not(seatbelt))]
mod look;
#[cfg_attr(seatbelt, path = "macos/platform.rs")]
mod platform;
#[cfg(not(seatbelt))]
mod pty;
#[cfg_attr(seatbelt, path = "macos/supervise.rs")]
mod supervise;
#[cfg_attr(seatbelt, path = "macos/tmpdir.rs")]
mod tmpdir;

use args::{Arguments, Run, Subcommands};
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::panic::PanicHookInfo;

/// Does what the arguments say, the program's name first, and returns the exit status.
pub fn run(arguments: Vec<OsString>) -> u8 {
    if let Some(error) = platform::helper(&arguments) {
        terminal::error(&error, error.remedy());
        return error.status();
    }
    let runs = arguments.get(1).is_some_and(|first| first == "run" || first == "shell" || first == "learn");
    let typed = arguments.clone();
    let arguments = match parse(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error, runs),
    };
    let result = match arguments.command {
        Subcommands::Run(run) => cmd::run::run(Run { typed, ..*run }),
        Subcommands::Learn(given) => learn::run(&given.0),
        Subcommands::Shell(shell) => cmd::shell::run(shell.0, typed),
        Subcommands::Why(why) => {
            // Here every error is one of the question.
            return why::run(why.0.asked()).unwrap_or_else(|error| {
                terminal::error(&error, error.remedy());
                exit::USAGE
            });
        }
        Subcommands::Doctor { json } => doctor::run(json),
        Subcommands::Profile(profile) => cmd::profile::run(&profile.0),
        Subcommands::Completions { shell } => Ok(print(generated::COMPLETIONS.of(&shell))),
        Subcommands::Man { command } => Ok(print(generated::PAGES.of(command.as_deref().unwrap_or_default()))),
        Subcommands::Trial { fixture } => doctor::child(&fixture),
    };
    result.unwrap_or_else(|error| {
        terminal::error(&error, error.remedy());
        let status = error.status();
        if status == exit::USAGE { wrong_usage(runs) } else { status }
    })
}

/// For the hook of panics: ends the command that nono is the parent of, puts the user's terminal back into its own modes, and
/// says what happened. `end` is told whether there was such a command.
pub fn panicked(panic: &PanicHookInfo<'_>, end: impl FnOnce(bool)) {
    supervise::abandon(|began| {
        // Not by the hook of the standard library: for a backtrace it walks a stack that the program has no tables for.
        terminal::message(&format!("nono: {panic}\n"));
        end(began);
    });
}

/// As [`panicked`], where memory was asked for that is not there.
pub fn out_of_memory(end: impl FnOnce(bool)) {
    supervise::abandon(|began| {
        terminal::message("nono: error: there is not enough memory\n");
        end(began);
    });
}

fn print(text: &str) -> u8 {
    terminal::output(text);
    exit::SUCCESS
}

/// What was typed: asked of clap only where that has to be asked.
fn parse(arguments: Vec<OsString>) -> Result<Arguments, clap::Error> {
    match args::read_usual(&arguments) {
        Some(run) => Ok(Arguments { command: Subcommands::Run(Box::new(run)) }),
        None => parse_all(arguments),
    }
}

/// As clap's `try_parse_from`, but what the flags were made of is left to the end of the process: taking it apart costs as much
/// as a third of making it. A function of its own: its stack is several pages.
#[inline(never)]
fn parse_all(arguments: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let mut command = ManuallyDrop::new(Arguments::command());
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Arguments::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Asking for help is no error.
fn usage(error: &clap::Error, runs: bool) -> u8 {
    terminal::clap(error);
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return exit::SUCCESS;
    }
    wrong_usage(runs)
}

/// 125 where a command would have been run.
fn wrong_usage(runs: bool) -> u8 {
    if runs { exit::SETUP } else { exit::USAGE }
}
