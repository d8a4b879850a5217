//! What the user typed, as clap sees it, or, of the usual flags, as it would: no I/O, no meaning.

mod deferred;
mod learn;
mod network;
mod profile;
mod run;
mod shell;
mod supervision;
mod usual;
mod why;

pub(crate) use deferred::Deferred;
pub(crate) use learn::Learn;
pub(crate) use network::Network;
pub(crate) use profile::{Profile, ProfileCommand};
pub(crate) use run::{Grants, Options, Run};
pub(crate) use shell::Shell;
pub(crate) use supervision::Supervision;
pub(crate) use usual::read as read_usual;
pub(crate) use why::{Asked, Op, Why};

use crate::generated;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Run programs with nothing but the capabilities they were given.
#[derive(Debug, Parser)]
#[command(name = "nono", version, max_term_width = 80, arg_required_else_help = true)]
#[command(after_help = "Permission denied? `nono run --explain` lists what was refused, each with the\n\
                  flag that grants it. `nono profile new` begins a profile, to keep and to share\n\
                  what you grant. The network is closed unless granted. `nono doctor` says what\n\
                  this machine can enforce.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Subcommands,
}

/// What nono can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Subcommands {
    /// Run a command with nothing but what is granted.
    Run(Box<Run>),
    /// Run a command unrestricted, and write a profile of what it used.
    Learn(Box<Deferred<Learn>>),
    /// Run your shell with nothing but what is granted.
    Shell(Box<Deferred<Shell>>),
    /// Tell whether something would be allowed, by what, and what would allow it.
    Why(Box<Deferred<Why>>),
    /// Tell what this machine can enforce, each guarantee tried for real.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List, show, check and write profiles.
    Profile(Deferred<Profile>),
    /// Print what a shell completes nono's arguments by.
    Completions {
        /// For which shell.
        #[arg(value_parser = generated::COMPLETIONS.names())]
        shell: String,
    },
    /// Print a manual page, for `man -l -`.
    Man {
        /// Of which command, with a dash before what follows it; of nono itself if not said.
        #[arg(value_parser = generated::PAGES.names())]
        command: Option<String>,
    },
    /// One side of a trial of `doctor`.
    #[command(name = crate::doctor::TRIAL, hide = true)]
    Trial {
        /// The fixture, as JSON.
        fixture: String,
    },
}

/// Takes any bytes, none included: an empty path gets a message of its own.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}
