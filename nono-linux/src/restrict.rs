//! The steps that restrict a process, in order; the only place that does.
//!
//! They run in the calling process or in a forked child before exec, where only async-signal-safe calls are allowed:
//! no allocation, no lock, plain system calls (signal-safety(7)).

use crate::privileges::Privileges;
use crate::sys;
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// A step of restricting a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Giving up root's capabilities, in every set (`capset`, `PR_CAPBSET_DROP`).
    Capabilities,
    /// No privileges by exec any more (`PR_SET_NO_NEW_PRIVS`).
    NoNewPrivileges,
    /// Entering the Landlock domain.
    Landlock,
}

/// All that the steps need, made beforehand.
#[derive(Debug)]
pub(crate) struct Restriction {
    pub(crate) ruleset: OwnedFd,
    pub(crate) privileges: Privileges,
}

/// Which threads a restriction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// The calling one, which is the only one.
    Only,
    /// All of the process, at once: `LANDLOCK_RESTRICT_SELF_TSYNC`, ABI 8.
    All,
}

impl Restriction {
    /// Takes every step, in order. Async-signal-safe.
    pub(crate) fn apply(&self, threads: Threads) -> Result<(), (Step, io::Error)> {
        self.privileges.drop().map_err(|errno| (Step::Capabilities, errno.into()))?;
        rustix::thread::set_no_new_privs(true).map_err(|errno| (Step::NoNewPrivileges, errno.into()))?;
        sys::landlock_restrict_self(self.ruleset.as_fd(), threads == Threads::All)
            .map_err(|error| (Step::Landlock, error))
    }
}

/// Whether `error` of [`Step::Landlock`] says that 16 layers are already there (`landlock_restrict_self(2)`).
pub(crate) fn is_too_many_layers(step: Step, error: &io::Error) -> bool {
    step == Step::Landlock && Errno::from_io_error(error) == Some(Errno::TOOBIG)
}
