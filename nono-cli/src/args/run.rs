//! `nono run`: grants, options, and the command.

use super::{Network, Supervision, path};
use crate::shell::Kind;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// `nono run [GRANTS] [OPTIONS] [--] COMMAND [ARG]...`
#[derive(Debug, Clone, Args, Default)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) grants: Grants,
    #[command(flatten)]
    pub(crate) network: Network,
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(flatten)]
    pub(crate) supervision: Supervision,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND", help_heading = "Arguments")]
    pub(crate) command: Vec<OsString>,
    /// If it is the shell of `nono shell`: which.
    #[arg(skip)]
    pub(crate) shell: Option<Kind>,
    /// All of the words that were typed, the program's name first. The standard library knows them only where C libraries tell
    /// them to constructors, as musl does not.
    #[arg(skip)]
    pub(crate) typed: Vec<OsString>,
}

impl Run {
    /// How many of the typed words are the command's, at the end.
    pub(crate) fn typed_of_command(&self) -> usize {
        if self.shell.is_some() { 0 } else { self.command.len() }
    }
}

/// Takes the number of a descriptor.
fn descriptor(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_unparsed| "a descriptor is a number, such as 3")
}

/// What the command is given.
#[derive(Debug, Clone, Args, Default)]
#[command(next_help_heading = "Grants")]
#[expect(clippy::struct_excessive_bools, reason = "a flag of the command line is a bool")]
pub(crate) struct Grants {
    /// Read and write PATH: a directory with all below it, or a file.
    #[arg(short, long, value_name = "PATH", value_parser = path())]
    pub(crate) allow: Vec<PathBuf>,
    /// Read and execute PATH.
    #[arg(short, long, value_name = "PATH", value_parser = path())]
    pub(crate) read: Vec<PathBuf>,
    /// Write PATH: change, create, rename and remove.
    #[arg(short, long, value_name = "PATH", value_parser = path())]
    pub(crate) write: Vec<PathBuf>,
    /// As --allow, and an error if it is a directory.
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) allow_file: Vec<PathBuf>,
    /// As --read, and an error if it is a directory.
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) read_file: Vec<PathBuf>,
    /// As --write, and an error if it is a directory.
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) write_file: Vec<PathBuf>,
    /// Nothing at PATH or below it, although a grant above covers it.
    #[arg(long, value_name = "PATH", value_parser = path())]
    pub(crate) deny: Vec<PathBuf>,
    /// Read and write the directory the command starts in.
    #[arg(long)]
    pub(crate) allow_cwd: bool,
    /// Add the grants of a profile: a name, or a file (with a "/", or ending in .toml or .json).
    #[arg(short, long, value_name = "NAME|FILE")]
    pub(crate) profile: Vec<OsString>,
    /// A granted path that does not exist is a note, not an error.
    #[arg(long)]
    pub(crate) allow_missing: bool,
    /// Leave out what ordinary programs need to start (/usr, /etc/passwd, /dev/null, ...).
    #[arg(long)]
    pub(crate) no_system: bool,
    /// Set a variable, or pass it on: one that holds a credential, or any where --env-clear removed it.
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<OsString>,
    /// Start from an empty environment.
    #[arg(long)]
    pub(crate) env_clear: bool,
    /// Let the command inherit the open descriptor N.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = descriptor)]
    pub(crate) pass_fd: Vec<u32>,
    /// As root: keep these capabilities, such as CHOWN,FOWNER.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) keep_cap: Vec<String>,
}

impl Grants {
    /// Whether any of them was given.
    pub(crate) fn any(&self) -> bool {
        let paths =
            [&self.allow, &self.read, &self.write, &self.allow_file, &self.read_file, &self.write_file, &self.deny];
        paths.iter().any(|paths| !paths.is_empty())
            || !self.profile.is_empty()
            || [self.allow_cwd, self.allow_missing, self.no_system, self.env_clear].contains(&true)
            || !(self.env.is_empty() && self.pass_fd.is_empty() && self.keep_cap.is_empty())
    }
}

/// How it is run.
#[derive(Debug, Clone, Args, Default)]
#[command(next_help_heading = "Options")]
#[expect(clippy::struct_excessive_bools, reason = "a flag of the command line is a bool")]
pub(crate) struct Options {
    /// Make every gap an error, also those that nobody asked about.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Go on without this guarantee, and leave off what would keep it; `nono doctor` prints the names.
    #[arg(long, value_name = "NAME")]
    pub(crate) accept_gap: Vec<String>,
    /// Start the command in DIR.
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) workdir: Option<PathBuf>,
    /// Print what would be enforced, and how; start nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Permission denied? Run as granted, and list at the end what was refused, each with the flag that grants it.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) explain: bool,
    /// Print JSON; needs --dry-run or --explain.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write what is enforced, and what --explain found, as JSON to FILE.
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) report: Option<PathBuf>,
    /// Say more.
    #[arg(short, long, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Say nothing but errors.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}
