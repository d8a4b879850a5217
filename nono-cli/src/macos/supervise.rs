//! macOS has nothing by which a program's opens could be answered by another, so there are no supervised runs: asking for
//! one is an error that says so. The items are those of supervised runs elsewhere.

use crate::args::{Run, Supervision};
use crate::platform::{Policy, SpawnError};
use nono_core::{CapabilitySet, FsCapability};
use std::path::Path;
use std::process::Command;

/// Why a command could not be run under supervision.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SuperviseError {
    /// It cannot be.
    #[error(
        "{flag} does not exist on macOS, which lets no program answer for another's files; grant what is needed, by \
         --read PATH, --write PATH or --allow PATH"
    )]
    Unsupported { flag: &'static str },
    /// A flag that needs another, which does not exist either.
    #[error("{flag} is for supervised runs, which do not exist on macOS; leave it out")]
    Idle { flag: &'static str },
    /// Elsewhere, nobody to ask.
    #[expect(dead_code, reason = "the same variants as elsewhere")]
    #[error("there is no terminal to ask on")]
    NoTerminal,
    /// Elsewhere, a program that could not be started.
    #[expect(dead_code, reason = "the same variants as elsewhere")]
    #[error("cannot set up the sandbox")]
    Spawn { source: SpawnError },
}

/// Where nono would ask.
#[derive(Debug)]
pub(crate) enum Desk {}

impl Desk {
    /// There is none: an error, if one is asked for.
    pub(crate) fn open(run: &Run) -> Result<Option<Desk>, SuperviseError> {
        let given = &run.supervision;
        let flags = [
            ("--supervised", given.supervised),
            ("--approve", given.approve.is_some()),
            ("--approve-rules", given.approve_rules.is_some()),
            ("[approve] of a profile", given.rules.is_some()),
            ("--approve-timeout", given.approve_timeout.is_some()),
            ("--broker-threads", given.broker_threads.is_some()),
        ];
        match flags.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(SuperviseError::Unsupported { flag }),
            None => Ok(None),
        }
    }

    pub(crate) fn check(&self, _grants: &[FsCapability]) -> Result<(), SuperviseError> {
        match *self {}
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match *self {}
    }
}

/// Everyone who would have a say.
#[derive(Debug)]
pub(crate) enum Judges {}

/// A supervised command.
#[expect(dead_code, reason = "the same fields as elsewhere")]
pub(crate) struct Session<'a> {
    pub(crate) policy: Policy,
    pub(crate) command: &'a mut Command,
    pub(crate) judges: Judges,
    pub(crate) options: &'a Supervision,
    pub(crate) quiet: bool,
    pub(crate) grants: &'a CapabilitySet,
    pub(crate) desk: Option<Desk>,
}

/// How a supervised command ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended {}

impl Ended {
    pub(crate) fn is_success(self) -> bool {
        match self {}
    }
}

pub(crate) fn judges(
    _options: &Supervision,
    _grants: &CapabilitySet,
    _desk: Option<&Desk>,
) -> Result<(Judges, ()), SuperviseError> {
    Err(SuperviseError::Unsupported { flag: "--supervised" })
}

#[expect(clippy::needless_pass_by_value, reason = "as elsewhere, where it is taken apart")]
pub(crate) fn run(session: Session<'_>) -> Result<Ended, SuperviseError> {
    match session.judges {}
}

/// Nothing is to be put in order: nono is nobody's parent.
pub(crate) fn abandon(act: impl FnOnce(bool)) {
    act(false);
}

pub(crate) fn end_as(ended: Ended) -> u8 {
    match ended {}
}
