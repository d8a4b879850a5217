//! What the user typed, as clap sees it: no I/O, no meaning.

mod run;

pub(crate) use run::{Grants, Options, Run};

use clap::{Parser, Subcommand};

/// Run programs with nothing but the capabilities they were given.
#[derive(Debug, Parser)]
#[command(name = "nono", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "The network is closed as far as this kernel allows; `nono doctor` says how far that is.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Subcommands,
}

/// What nono can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Subcommands {
    /// Run a command with nothing but what is granted.
    Run(Box<Run>),
    /// Tell what this machine can enforce, each guarantee tried for real.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// One side of a trial of `doctor`.
    #[command(name = crate::doctor::TRIAL, hide = true)]
    Trial {
        /// The fixture, as JSON.
        fixture: String,
    },
}
