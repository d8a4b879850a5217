//! Starting a command under a profile, by a program that applies it to itself and then becomes the command.
//!
//! `sandbox_init` allocates and takes locks: between fork and exec of a process with threads it can hang. So the child is
//! a program of its own (the caller's, executed again), which is told by its arguments what to apply and what to become:
//!
//! ```text
//! NAME  nono-seatbelt-exec  2  PROFILE  DESCRIPTORS  PROGRAM  ARGUMENT..
//! ```
//!
//! NAME, by which the helper is called, is the one that the command is called by. DESCRIPTORS are the numbers that the
//! command inherits beside the standard streams, between commas, or `all`.
//!
//! Nothing is in the environment, which the command inherits as it is, and no descriptor is needed. The arguments are
//! visible to the user's other processes until the command is executed; they hold paths and ports, no secrets of nono.

use crate::backend::Policy;
use crate::descriptors;
use crate::error::{ApplyError, HandoverError};
use crate::parse::parse;
use crate::system;
use nono_core::environment::withheld;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// The first argument of a program that is to apply a profile.
const MARK: &str = "nono-seatbelt-exec";

/// The version of what follows it.
const VERSION: &str = "2";

/// In place of numbers: every descriptor is inherited.
const ALL: &str = "all";

/// What a helper is told: a profile, and the command it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "nothing is started until it is executed"]
pub struct Handover {
    profile: String,
    /// None: all of them.
    descriptors: Option<Vec<u32>>,
    name: OsString,
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

/// A command that starts `program` under `policy`, by `helper`: a program whose `main` begins with [`run_if_helper`].
///
/// What else the program is to have is set as on any command: arguments, another name (`arg0`), environment, working
/// directory, streams. Variables that hold credentials are withheld, unless they are set on it by name, and those of the loader.
///
/// A relative `program` is looked for in the command's working directory, not on `PATH`.
///
/// # Security
/// The helper is started with the program's environment. Variables of the loader (`DYLD_*`, dyld(1)) that are set on the
/// command make it load libraries before the profile is applied: [`exec`] refuses them, other ways of starting it do not.
pub fn sandboxed(program: impl AsRef<OsStr>, policy: &Policy, helper: &Path) -> Command {
    let program = program.as_ref();
    let mut command = Command::new(helper);
    command.arg0(program).arg(MARK).arg(VERSION).arg(policy.profile());
    let descriptors = policy.descriptors().map(|numbers| numbers.iter().map(u32::to_string).collect::<Vec<_>>());
    command.arg(descriptors.map_or(ALL.to_owned(), |numbers| numbers.join(","))).arg(program);
    let secret = |name: &OsStr| policy.withholds_variables() && withheld(name).is_some();
    for (name, _) in std::env::vars_os().filter(|(name, _)| secret(name) || is_of_the_loader(name)) {
        command.env_remove(name);
    }
    command
}

/// Replaces this process by `command`, made by [`sandboxed`]. Returns only if that failed: nothing was restricted then.
#[must_use = "it returns only on failure"]
pub fn exec(command: &mut Command) -> ExecError {
    if let Some((name, _)) = command.get_envs().find(|(name, value)| value.is_some() && is_of_the_loader(name)) {
        return ApplyError::Loader { name: name.to_owned() }.into();
    }
    let source = command.exec();
    ApplyError::Helper { helper: command.get_program().into(), source }.into()
}

/// The variables of this process's environment that `command`, made by [`sandboxed`], does not inherit because they hold
/// credentials, or are orders to the loader ([`nono_core::environment`]).
pub fn withheld_variables(command: &Command) -> Vec<OsString> {
    let withheld = |name: &OsStr| withheld(name).is_some() || is_of_the_loader(name);
    let removed = command.get_envs().filter(|(name, value)| value.is_none() && withheld(name));
    removed.map(|(name, _)| name.to_owned()).collect()
}

/// Whether the loader obeys the variable: dyld(1).
fn is_of_the_loader(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"DYLD_")
}

/// In a helper: applies the profile and becomes the command, if the arguments of this process say so. To be called before
/// anything else.
///
/// # Errors
/// [`HandoverError`]: the arguments are meant for a helper and are not understood. Nothing was started.
pub fn run_if_helper() -> Result<Option<ExecError>, HandoverError> {
    let handover = Handover::read(std::env::args_os())?;
    Ok(handover.map(Handover::exec))
}

impl Handover {
    /// Reads the arguments of a helper, its own name first; none if they are not meant for one.
    ///
    /// # Errors
    /// [`HandoverError`]: another version, or a part that is missing or not what it should be.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Handover>, HandoverError> {
        let mut arguments = arguments.into_iter();
        let name = arguments.next().unwrap_or_default();
        if arguments.next().as_deref() != Some(OsStr::new(MARK)) {
            return Ok(None);
        }
        let mut next = |field| arguments.next().ok_or(HandoverError::Missing { field });
        let version = next("version")?;
        if version != VERSION {
            return Err(HandoverError::Version { found: version, expected: VERSION });
        }
        let (profile, descriptors, program) = (next("profile")?, next("list of descriptors")?, next("program")?);
        let profile = profile.into_string().map_err(|_profile| HandoverError::NotUtf8)?;
        // Only what this crate writes: a text that lets its process out of every sandbox is none of that.
        parse(&profile).map_err(|source| HandoverError::Profile { source })?;
        if program.is_empty() {
            return Err(HandoverError::Missing { field: "program" });
        }
        let descriptors = numbers(descriptors)?;
        Ok(Some(Handover { profile, descriptors, name, program, arguments: arguments.collect() }))
    }

    /// What is to become of this process.
    pub fn program(&self) -> &Path {
        Path::new(&self.program)
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
        let closed = self.descriptors.as_deref().map_or(Ok(()), descriptors::keep_only);
        let closed = closed.map_err(|source| ApplyError::Descriptors { source });
        match closed.and_then(|()| apply(&self.profile)) {
            Ok(()) => {
                let mut command = Command::new(&self.program);
                ExecError::Exec { source: command.arg0(&self.name).args(&self.arguments).exec() }
            }
            Err(error) => error.into(),
        }
    }
}

/// The numbers of a list.
fn numbers(list: OsString) -> Result<Option<Vec<u32>>, HandoverError> {
    if list == ALL {
        return Ok(None);
    }
    let text = list.to_str().unwrap_or("not UTF-8");
    let numbers: Result<Vec<u32>, _> = text.split(',').filter(|part| !part.is_empty()).map(str::parse).collect();
    numbers.map(Some).map_err(|source| HandoverError::Descriptors { found: list, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use nono_core::CapabilitySet;

    fn read(arguments: &[&str]) -> Result<Option<Handover>, HandoverError> {
        Handover::read(["name"].iter().chain(arguments).map(OsString::from))
    }

    #[test]
    fn what_is_not_for_a_helper_is_left_alone() {
        assert_eq!(Handover::read([]).unwrap(), None);
        assert_eq!(Handover::read([OsString::from(MARK)]).unwrap(), None);
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&["run", MARK]).unwrap(), None);
    }

    #[test]
    fn what_is_incomplete_or_strange_is_refused() {
        let profile = generate(&CapabilitySet::default());
        let good = read(&[MARK, VERSION, &profile, "3,63", "/bin/true", "a"]).unwrap().unwrap();
        assert_eq!(good.descriptors, Some(vec![3, 63]));
        assert_eq!((good.name, good.program, good.arguments), ("name".into(), "/bin/true".into(), vec!["a".into()]));
        for (list, expected) in [("all", None), ("", Some(vec![])), ("7", Some(vec![7]))] {
            assert_eq!(read(&[MARK, VERSION, &profile, list, "/bin/true"]).unwrap().unwrap().descriptors, expected);
        }
        for (arguments, expected) in [
            (vec![MARK], "no version"),
            (vec![MARK, VERSION, &profile], "no list of descriptors"),
            (vec![MARK, VERSION, &profile, ""], "no program"),
            (vec![MARK, VERSION, &profile, "", ""], "no program"),
            (vec![MARK, VERSION, &profile, "3,x", "/bin/true"], "\"3,x\""),
            (vec![MARK, VERSION, &profile, "-1", "/bin/true"], "\"-1\""),
            (vec![MARK, "1", &profile, "/bin/true"], "version \"1\""),
            (vec![MARK, VERSION, "(version 1)(allow default (with no-sandbox))", "", "/bin/true"], "profile"),
            (vec![MARK, VERSION, "", "", "/bin/true"], "profile"),
        ] {
            let message = read(&arguments).unwrap_err().to_string();
            assert!(message.contains(expected), "{arguments:?}: {message}");
        }
    }
}
