//! What can go wrong in the command, and with which exit status.

use crate::exit;
use crate::platform::{ApplyError, PrepareError, UnknownCapability};
use crate::profile::ProfileError;
use crate::protected::ProtectedError;
use crate::shell::FurnishError;
use crate::spelling::NoGuarantee;
use crate::supervise::SuperviseError;
use crate::tmpdir::TmpError;
use crate::why::WhyError;
use nono_core::{CapabilityError, ConflictError};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Why nono did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// A path of the command line cannot be granted.
    #[error("{flag}")]
    Grant { flag: &'static str, source: CapabilityError },
    /// A pattern of a shell in place of a path.
    #[error("{flag}: {path:?} does not exist, and patterns are not expanded; name the directory, or each file")]
    Pattern { flag: &'static str, path: PathBuf },
    /// The working directory is gone or unreachable.
    #[error("cannot find out the working directory")]
    CurrentDirectory { source: io::Error },
    /// `--workdir`.
    #[error("--workdir: cannot start in {path:?}")]
    Workdir { path: PathBuf, source: io::Error },
    /// It is denied.
    #[error("cannot start in {path:?}, which is denied (--deny, or a protected path); start elsewhere by --workdir")]
    DeniedWorkdir { path: PathBuf },
    /// Two wishes contradict each other.
    #[error(transparent)]
    Conflict(#[from] ConflictError),
    /// A grant of what is never granted.
    #[error(transparent)]
    Protected(#[from] ProtectedError),
    /// `--profile`, or `--diff` of `nono learn`.
    #[error("{flag}")]
    Profile { flag: &'static str, source: ProfileError },
    /// `nono profile`: what a profile says is of no use.
    #[error(transparent)]
    ProfileCommand { source: ProfileError },
    /// `nono profile new`
    #[error("cannot write {path:?}{hint}")]
    New { path: PathBuf, hint: &'static str, source: io::Error },
    /// `nono profile new` without a home directory.
    #[error("there is no configuration directory to write {name:?} to; name a file by -o FILE")]
    NoConfiguration { name: String },
    /// `--accept-gap` with a name that no guarantee has.
    #[error("--accept-gap")]
    AcceptGap { source: NoGuarantee },
    /// `--env` with an empty name.
    #[error("--env {given:?}: a variable has a name before the \"=\"")]
    Variable { given: OsString },
    /// Two network flags contradict each other.
    #[error("{one} and {other} contradict each other; leave out one of the two")]
    NetworkConflict { one: &'static str, other: &'static str },
    /// `--allow-unix` with a path that no socket address holds.
    #[error("--allow-unix: a path of {length} bytes; the address of a unix socket holds {longest}")]
    LongSocket { length: usize, longest: usize },
    /// `--allow-unix` with something else.
    #[error("--allow-unix: {path:?} is neither a unix socket nor a directory")]
    NotASocket { path: PathBuf },
    /// `--allow-unix`: gone meanwhile.
    #[error("--allow-unix: cannot look at {path:?}")]
    Socket { path: PathBuf, source: io::Error },
    /// `--keep-cap` with a name that no capability has.
    #[error("--keep-cap")]
    KeepCapability { source: UnknownCapability },
    /// The policy cannot be enforced here.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The kernel refused to restrict this process.
    #[error("cannot set up the sandbox")]
    Apply { source: ApplyError },
    /// A supervised run.
    #[error(transparent)]
    Supervise(#[from] SuperviseError),
    /// Temporary files have nowhere to be.
    #[error(transparent)]
    Tmp(#[from] TmpError),
    /// `--json` without anything to be printed.
    #[error("--json: with run it goes with --dry-run or --explain, whose results it prints")]
    IdleJson,
    /// `--explain` on macOS.
    #[cfg(seatbelt)]
    #[error(
        "--explain does not exist on macOS, which tells no program what another one is refused; try with \"log stream \
         --predicate 'sender == \"Sandbox\"'\""
    )]
    ExplainUnsupported,
    /// `nono learn` on macOS.
    #[cfg(seatbelt)]
    #[error(
        "learning does not exist on macOS, which tells no program what another one uses; write one by nono profile new"
    )]
    LearnUnsupported,
    /// `nono learn`: there is a file already.
    #[cfg(not(seatbelt))]
    #[error(
        "{path:?} exists and is left as it is; add to it by --merge, compare by --diff, or name another by -o FILE"
    )]
    LearnExists { path: PathBuf },
    /// `nono learn --merge`: somebody wrote it.
    #[cfg(not(seatbelt))]
    #[error("{path:?} was not written by nono learn, and adding to it would lose what else is in it; use --diff")]
    LearnForeign { path: PathBuf },
    /// `nono learn`: no profile could be written.
    #[cfg(not(seatbelt))]
    #[error("cannot write the profile {path:?}")]
    LearnWrite { path: PathBuf, source: io::Error },
    /// `nono shell`: its start files.
    #[error(transparent)]
    Shell(#[from] FurnishError),
    /// `--report`.
    #[error("--report: cannot write {path:?}")]
    Report { path: PathBuf, source: io::Error },
    /// No such command.
    #[error("{command:?}: command not found{hint}")]
    NotFound { command: OsString, hint: &'static str },
    /// A command that is none.
    #[error("{command:?}: {why}")]
    NotExecutable { command: OsString, why: &'static str },
    /// The policy does not let the command be executed.
    #[error("{program:?} may not be executed in the sandbox; grant it with --read {grant:?}")]
    Forbidden { program: PathBuf, grant: PathBuf },
    /// The kernel did not execute the command.
    #[error("cannot execute {program:?}{hint}")]
    Exec { program: PathBuf, hint: String, source: io::Error },
    /// `nono why` has no answer.
    #[error(transparent)]
    Why(#[from] WhyError),
    /// `doctor` could not set a trial up.
    #[error("cannot set up a trial: {step}")]
    Trial { step: &'static str, source: io::Error },
    /// `doctor` could not read what a trial said.
    #[error("a trial said something that is not understood")]
    TrialReport { source: serde_json::Error },
}

impl CliError {
    /// What to do about it, where a flag helps and the error itself does not say so.
    pub(crate) fn remedy(&self) -> Option<&'static str> {
        match self {
            CliError::Grant { source: CapabilityError::NotFound { .. }, .. } => {
                Some("create it, or leave it out by --allow-missing")
            }
            CliError::Grant { source: CapabilityError::DanglingLink { .. }, .. } => {
                Some("create that, or leave the link out by --allow-missing")
            }
            CliError::Grant { source: CapabilityError::NotADirectory { .. }, .. } => {
                Some("files are granted without a slash behind their name")
            }
            CliError::Grant { source: CapabilityError::Resolve { .. }, .. } => {
                Some("nono grants only what you can reach yourself")
            }
            CliError::Profile { source, .. } | CliError::ProfileCommand { source } => source.remedy(),
            CliError::NotFound { .. } | CliError::NotExecutable { .. } | CliError::Exec { .. } => {
                Some("run it with --explain to see all that it is refused")
            }
            _ => None,
        }
    }

    /// The exit status this error stands for.
    pub(crate) fn status(&self) -> u8 {
        match self {
            CliError::NotFound { .. } => exit::NOT_FOUND,
            CliError::NotExecutable { .. } | CliError::Forbidden { .. } | CliError::Exec { .. } => exit::NOT_EXECUTABLE,
            CliError::ProfileCommand { .. }
            | CliError::New { .. }
            | CliError::NoConfiguration { .. }
            | CliError::Why(_) => exit::USAGE,
            CliError::Trial { .. } | CliError::TrialReport { .. } => exit::NO_SANDBOX,
            CliError::Grant { .. }
            | CliError::Pattern { .. }
            | CliError::CurrentDirectory { .. }
            | CliError::Workdir { .. }
            | CliError::DeniedWorkdir { .. }
            | CliError::Conflict(_)
            | CliError::Protected(_)
            | CliError::Profile { .. }
            | CliError::AcceptGap { .. }
            | CliError::Variable { .. }
            | CliError::NetworkConflict { .. }
            | CliError::LongSocket { .. }
            | CliError::NotASocket { .. }
            | CliError::Socket { .. }
            | CliError::KeepCapability { .. }
            | CliError::Prepare(_)
            | CliError::Apply { .. }
            | CliError::Supervise(_)
            | CliError::Tmp(_)
            | CliError::IdleJson
            | CliError::Shell(_)
            | CliError::Report { .. } => exit::SETUP,
            #[cfg(seatbelt)]
            CliError::ExplainUnsupported | CliError::LearnUnsupported => exit::SETUP,
            #[cfg(not(seatbelt))]
            CliError::LearnExists { .. } | CliError::LearnForeign { .. } | CliError::LearnWrite { .. } => exit::SETUP,
        }
    }
}
