//! `nono shell`: `nono run` for the user's shell.

use super::run;
use crate::args::Shell;
use crate::error::CliError;
use crate::shell::{self, Kind};
use crate::terminal;
use std::ffi::OsString;

/// Runs the shell; returns as [`run::run`] does.
pub(crate) fn run(given: Shell, typed: Vec<OsString>) -> Result<u8, CliError> {
    let found = shell::find(std::env::var_os("SHELL"));
    if !given.options.quiet {
        if let Some(instead) = &found.instead {
            terminal::note(instead);
        }
        if found.kind == Kind::Other {
            let shell = found.path.display();
            terminal::note(&format!("the prompt of {shell} shows no sandbox, and its history is its own affair"));
        }
    }
    run::run(given.running(found, typed))
}
