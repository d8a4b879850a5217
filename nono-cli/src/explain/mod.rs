//! `nono run --explain`: what the command was refused, and the flags that grant it.
//!
//! ```text
//! remedy   from refusals to the fewest flags: the model is asked again with each of them
//! row      one line for each thing that was refused
//! show     the table, the line to be pasted, and both as JSON
//! ```

mod remedy;
mod row;
mod show;

pub(crate) use remedy::abstract_gaps;
pub(crate) use show::Explanation;

use crate::error::CliError;
use crate::platform::{Observer, Policy, Sandbox};
use crate::protected::Protected;
use crate::supervise::Ended;
use nono_core::CapabilitySet;
use remedy::Remedies;
use std::path::PathBuf;
use std::sync::Arc;

/// Whether it can be had. Here it can.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it is an error")]
pub(crate) fn check(_wanted: bool) -> Result<(), CliError> {
    Ok(())
}

/// A backend whose programs are watched.
pub(crate) fn watched(sandbox: Sandbox) -> Sandbox {
    sandbox.observed()
}

/// Looks on while a command runs.
#[derive(Debug)]
pub(crate) struct Watch(Arc<Observer>);

impl Watch {
    /// If the programs of this policy are watched.
    pub(crate) fn of(policy: &Policy) -> Option<Watch> {
        policy.observer().map(Watch)
    }

    /// What the command was refused with these grants. If it did not end well (`ended`; none: it did not start), what programs
    /// usually do without may have been the reason.
    pub(crate) fn explain(&self, set: &CapabilitySet, ended: Option<Ended>) -> Explanation {
        let observed = self.0.observations();
        let (shown, folded) = row::matter(&observed.refused, !ended.is_some_and(Ended::is_success));
        // A hundred looks at the file system, which are of no use where there is nothing to mark.
        let protected = if shown.is_empty() { Vec::new() } else { Protected::here().all() };
        let mut remedies = Remedies::new(set, &protected);
        let rows = row::rows(&shown, &mut remedies);
        Explanation::new(rows, &remedies, folded, &observed, ended.is_some_and(is_bad_call))
    }
}

/// Whether it was ended by SIGSYS, or is a shell whose last command was: nothing is told of a call that the filter kills for.
fn is_bad_call(ended: Ended) -> bool {
    const BY_SHELL: i32 = 128 + libc::SIGSYS;
    ended == Ended::Signal(libc::SIGSYS) || matches!(ended, Ended::Exit(status) if i32::from(status) == BY_SHELL)
}

/// Whether `path` is one of `protected`, or below one.
fn is_protected(path: &std::path::Path, protected: &[PathBuf]) -> bool {
    protected.iter().any(|one| path.starts_with(one))
}
