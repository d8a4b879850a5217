//! macOS tells no program what another one was refused, so `--explain` is an error that says so. The items are those of
//! elsewhere.

use crate::error::CliError;
use crate::platform::{Policy, Sandbox};
use crate::supervise::Ended;
use nono_core::CapabilitySet;
use serde::Serialize;
use std::ffi::OsString;

pub(crate) fn check(wanted: bool) -> Result<(), CliError> {
    if wanted { Err(CliError::ExplainUnsupported) } else { Ok(()) }
}

/// Refused before.
pub(crate) fn watched(sandbox: Sandbox) -> Sandbox {
    sandbox
}

/// Nobody looks on.
#[derive(Debug)]
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn of(_policy: &Policy) -> Option<Watch> {
        None
    }

    #[expect(clippy::unused_self, reason = "as elsewhere")]
    pub(crate) fn explain(&self, _set: &CapabilitySet, _ended: Option<Ended>) -> Explanation {
        Explanation
    }
}

/// There is nothing to tell.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation;

impl Explanation {
    #[expect(clippy::unused_self, reason = "as elsewhere")]
    pub(crate) fn human(&self, _arguments: &[OsString], _command: usize, _colours: bool) -> String {
        String::new()
    }
}
