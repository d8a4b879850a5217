//! Starting a command under a profile, by a program that applies it to itself and then becomes the command.
//!
//! `sandbox_init` allocates and takes locks: between fork and exec of a process with threads it can hang. So the child is
//! a program of its own (the caller's, executed again), which is told by its arguments what to apply and what to become:
//!
//! ```text
//! HELPER  nono-seatbelt-exec  1  PROFILE  PROGRAM  ARGUMENT..
//! ```
//!
//! Nothing is in the environment, which the command inherits as it is, and no descriptor is needed. The arguments are
//! visible to the user's other processes until the command is executed; they hold paths and ports, no secrets of nono.

use crate::backend::Policy;
use crate::error::{ApplyError, HandoverError};
use crate::parse::parse;
use crate::system;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// The first argument of a program that is to apply a profile.
const MARK: &str = "nono-seatbelt-exec";

/// The version of what follows it.
const VERSION: &str = "1";

/// What a helper is told: a profile, and the command it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "nothing is started until it is executed"]
pub struct Handover {
    profile: String,
    program: OsString,
    arguments: Vec<OsString>,
}

/// Why [`Handover::exec`] came back.
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

/// The command that starts `command` under `policy`, by `helper`: a program whose `main` begins with [`run_if_helper`].
///
/// Environment and working directory are those of `command`; its standard streams must be set again, for they cannot be
/// read from a [`Command`].
pub fn sandboxed(command: &Command, policy: &Policy, helper: &Path) -> Command {
    let mut made = Command::new(helper);
    made.arg(MARK).arg(VERSION).arg(policy.profile()).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => made.env(name, value),
            None => made.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        made.current_dir(directory);
    }
    made
}

/// In a helper: applies the profile and becomes the command, if the arguments of this process say so. To be called before
/// anything else.
///
/// # Errors
/// [`HandoverError`]: the arguments are meant for a helper and are not understood. Nothing was started.
pub fn run_if_helper() -> Result<Option<ExecError>, HandoverError> {
    let handover = Handover::read(std::env::args_os().skip(1))?;
    Ok(handover.map(Handover::exec))
}

impl Handover {
    /// Reads the arguments of a helper, without its own name; none if they are not meant for one.
    ///
    /// # Errors
    /// [`HandoverError`]: another version, or a part that is missing or not what it should be.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Handover>, HandoverError> {
        let mut arguments = arguments.into_iter();
        if arguments.next().as_deref() != Some(OsStr::new(MARK)) {
            return Ok(None);
        }
        let mut next = |field| arguments.next().ok_or(HandoverError::Missing { field });
        let (version, profile, program) = (next("version")?, next("profile")?, next("program")?);
        if version != VERSION {
            return Err(HandoverError::Version { found: version, expected: VERSION });
        }
        let profile = profile.into_string().map_err(|_profile| HandoverError::NotUtf8)?;
        // Only what this crate writes: a text that lets its process out of every sandbox is none of that.
        parse(&profile).map_err(|source| HandoverError::Profile { source })?;
        if program.is_empty() {
            return Err(HandoverError::Missing { field: "program" });
        }
        Ok(Some(Handover { profile, program, arguments: arguments.collect() }))
    }

    /// The profile to be applied.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// Applies the profile to this process and becomes the command. Returns only if that failed: then the process may be
    /// restricted and should end.
    #[must_use = "it returns only on failure"]
    pub fn exec(self) -> ExecError {
        self.exec_after(system::apply)
    }

    /// As [`Handover::exec`], with another way to apply the profile. The program is not started if that fails.
    ///
    /// # Security
    /// If `apply` restricts nothing, neither does this. It is for tests of the way to the command.
    #[must_use = "it returns only on failure"]
    pub fn exec_after(self, apply: impl FnOnce(&str) -> Result<(), ApplyError>) -> ExecError {
        match apply(&self.profile) {
            Ok(()) => ExecError::Exec { source: Command::new(&self.program).args(&self.arguments).exec() },
            Err(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use nono_core::CapabilitySet;

    fn read(arguments: &[&str]) -> Result<Option<Handover>, HandoverError> {
        Handover::read(arguments.iter().map(OsString::from))
    }

    #[test]
    fn what_is_not_for_a_helper_is_left_alone() {
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&["run", MARK]).unwrap(), None);
    }

    #[test]
    fn what_is_incomplete_or_strange_is_refused() {
        let profile = generate(&CapabilitySet::default());
        assert!(read(&[MARK, "1", &profile, "/bin/true"]).unwrap().is_some());
        for (arguments, expected) in [
            (vec![MARK], "no version"),
            (vec![MARK, "1", &profile], "no program"),
            (vec![MARK, "1", &profile, ""], "no program"),
            (vec![MARK, "2", &profile, "/bin/true"], "version \"2\""),
            (vec![MARK, "1", "(version 1)(allow default (with no-sandbox))", "/bin/true"], "profile"),
            (vec![MARK, "1", "", "/bin/true"], "profile"),
        ] {
            let message = read(&arguments).unwrap_err().to_string();
            assert!(message.contains(expected), "{arguments:?}: {message}");
        }
    }
}
