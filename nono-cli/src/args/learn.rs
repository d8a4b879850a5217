//! `nono learn`.

use super::path;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// Run a command unrestricted, and write a profile of what it used.
#[derive(Debug, Args)]
pub(crate) struct Learn {
    /// Write the profile to FILE [default: the command's name with .toml, here].
    #[arg(short, long, value_name = "FILE", value_parser = path(), conflicts_with = "diff")]
    pub(crate) output: Option<PathBuf>,
    /// Call it NAME; without --output it becomes one of yours, for `nono run -p NAME`.
    #[arg(long, value_name = "NAME", conflicts_with = "diff")]
    pub(crate) name: Option<String>,
    /// Add to a profile that was learnt before.
    #[arg(long, conflicts_with = "diff")]
    pub(crate) merge: bool,
    /// Write nothing: tell what the command needs beyond PROFILE, and what that grants and it does not use.
    #[arg(long, value_name = "PROFILE")]
    pub(crate) diff: Option<OsString>,
    /// Print what was learnt as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The command and its arguments. It runs without restrictions.
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}
