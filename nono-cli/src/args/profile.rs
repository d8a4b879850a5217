//! `nono profile`: what there is, what one says, and a new one.

use super::path;
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// List, show, check and write profiles.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Yours are files in ~/.config/nono/profiles. One that was given to you is used by\n\
                  its path (`nono run -p ./tool.toml`), and by its name once it is there."
)]
pub(crate) struct Profile {
    #[command(subcommand)]
    pub(crate) command: ProfileCommand,
}

/// List, show, check and write profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// List the profiles there are: yours and built-in ones.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what a profile says, with what it extends, each grant with its line.
    Show {
        /// Its name, or a file (with a "/", or ending in .toml or .json).
        #[arg(value_name = "NAME|FILE")]
        profile: OsString,
        /// Print JSON.
        #[arg(long, conflicts_with = "raw")]
        json: bool,
        /// Print the file as it is, to start one of your own from it.
        #[arg(long)]
        raw: bool,
    },
    /// Check a profile: what it grants here, and what is wrong, dangerous or useless about it.
    Check {
        /// Its name, or a file (with a "/", or ending in .toml or .json).
        #[arg(value_name = "NAME|FILE")]
        profile: OsString,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write a new profile with a comment for each thing it could say.
    New {
        /// Its name.
        name: String,
        /// Write it to FILE instead of your configuration directory.
        #[arg(short, long, value_name = "FILE", value_parser = path())]
        output: Option<PathBuf>,
    },
    /// Print a JSON Schema: of profiles, or of what nono prints with --json.
    Schema {
        /// Of what.
        #[arg(value_parser = crate::schema::SCHEMAS.names(), default_value = "profile")]
        of: String,
    },
}
