//! Starting a program under a policy: as a child, or in place of this process.

use crate::error::ApplyError;
use crate::policy::Policy;
use crate::restrict::Step;
use crate::sys;
use nono_core::Prepared;
use nono_core::environment::withheld;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Restricts the child of a [`std::process::Command`].
pub trait CommandExt {
    /// Applies `policy` in the child, between fork and exec: of the program nothing runs unrestricted.
    ///
    /// If the kernel refuses, spawning fails with the errno of the step (std's pipe carries no more), and the program
    /// is not started. Programs and working directories are looked up inside: they must be granted.
    ///
    /// Variables that hold credentials are withheld ([`withheld_variables`]); those the command is to have are set before.
    fn sandbox(&mut self, policy: Policy) -> &mut Command;
}

impl CommandExt for Command {
    fn sandbox(&mut self, policy: Policy) -> &mut Command {
        withhold(self, &policy);
        sys::restrict_before_exec(self, policy.restriction)
    }
}

/// The variables of this process's environment that `command` does not inherit: those that hold credentials by their name,
/// and orders to the loader ([`nono_core::environment`]), unless the command sets or removes them by name.
pub fn withheld_variables(command: &Command) -> Vec<OsString> {
    let named = |name: &OsString| command.get_envs().any(|(set, _)| set == name.as_os_str());
    std::env::vars_os().map(|(name, _)| name).filter(|name| withheld(name).is_some() && !named(name)).collect()
}

pub(crate) fn withhold(command: &mut Command, policy: &Policy) {
    if policy.withhold {
        for name in withheld_variables(command) {
            command.env_remove(name);
        }
    }
}

/// Why [`exec`] came back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The sandbox could not be set up. The program was not started.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The sandbox stands, and the program could not be executed in it.
    #[error("the program could not be executed")]
    Exec {
        /// What the kernel said.
        source: io::Error,
    },
}

/// Restricts this process and replaces it by `command`. Returns only if that failed; the process may be restricted then
/// and should end.
#[must_use = "it returns only on failure"]
pub fn exec(policy: Policy, command: &mut Command) -> ExecError {
    withhold(command, &policy);
    // A denied working directory would be an error, also where the command starts in another.
    if let Some(directory) = command.get_current_dir().filter(|directory| directory.is_absolute())
        && policy.restriction.namespace.is_some()
        && let Err(source) = std::env::set_current_dir(directory)
    {
        return ExecError::Apply(ApplyError::Step { step: Step::WorkingDirectory, source });
    }
    match policy.apply() {
        Ok(()) => ExecError::Exec { source: command.exec() },
        Err(error) => error.into(),
    }
}
