//! The steps that restrict a process, in order; the only place that does.
//!
//! They run in the calling process or in a forked child before exec, where only async-signal-safe calls are allowed:
//! no allocation, no lock, plain system calls (signal-safety(7)).

use crate::carveout::Namespace;
use crate::privileges::Privileges;
use crate::sys;
use nono_seccomp::{Filter, InstallError, InstallFlags, Listener};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::error::Error as _;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// A step of restricting a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Giving the program a terminal of its own (`setsid`, `TIOCSCTTY`, `fork`, `tcsetpgrp`).
    Terminal,
    /// A mount namespace of its own (`unshare`, `uid_map`, `mount`).
    Namespace,
    /// Covering the denied paths (`move_mount`).
    Covers,
    /// Shared memory of its own (`move_mount`).
    SharedMemory,
    /// Back to the working directory by its path (`chdir`).
    WorkingDirectory,
    /// No core files, and no handler of them (`RLIMIT_CORE`).
    Limits,
    /// Descriptors that were not passed are closed on exec (`close_range`).
    Descriptors,
    /// Giving up root's capabilities, in every set (`capset`, `PR_CAPBSET_DROP`).
    Capabilities,
    /// No privileges by exec any more (`PR_SET_NO_NEW_PRIVS`).
    NoNewPrivileges,
    /// Entering the Landlock domain.
    Landlock,
    /// Installing the filter of system calls.
    Filter,
    /// Handing the filter's listener to the supervisor.
    Handover,
}

impl Step {
    /// All, by their numbers.
    const ALL: [Step; 12] = [
        Step::Terminal,
        Step::Namespace,
        Step::Covers,
        Step::SharedMemory,
        Step::WorkingDirectory,
        Step::Limits,
        Step::Descriptors,
        Step::Capabilities,
        Step::NoNewPrivileges,
        Step::Landlock,
        Step::Filter,
        Step::Handover,
    ];

    /// A number to tell a parent by.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// The step of this number.
    pub(crate) fn of_number(number: u8) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.number() == number)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Terminal => "giving the program a terminal of its own (setsid, TIOCSCTTY)",
            Step::Namespace => "entering a private mount namespace (unshare)",
            Step::Covers => "covering the denied paths, of which one may have been removed meanwhile (move_mount)",
            Step::SharedMemory => "mounting private shared memory on /dev/shm (move_mount)",
            Step::WorkingDirectory => "staying in the working directory, which may be denied (chdir)",
            Step::Limits => "switching core dumps off (RLIMIT_CORE)",
            Step::Descriptors => "closing inherited descriptors (close_range)",
            Step::Capabilities => "giving up capabilities (capset)",
            Step::NoNewPrivileges => "giving up privileges by exec (PR_SET_NO_NEW_PRIVS)",
            Step::Landlock => "entering the Landlock domain (landlock_restrict_self)",
            Step::Filter => "installing the filter of system calls (seccomp)",
            Step::Handover => "handing the listener to the supervisor (sendmsg)",
        })
    }
}

/// All that the steps need, made beforehand.
#[derive(Debug)]
pub(crate) struct Restriction {
    pub(crate) namespace: Option<Namespace>,
    pub(crate) hygiene: Hygiene,
    pub(crate) privileges: Privileges,
    /// None: files and ports are not restricted, of a program that is only watched.
    pub(crate) ruleset: Option<OwnedFd>,
    pub(crate) filter: Option<Filter>,
    /// How the filter gets a listener; none if it has no call to notify.
    pub(crate) listener: Option<InstallFlags>,
}

/// What a program does not inherit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hygiene {
    /// Core dumps are switched off.
    pub(crate) no_core_dumps: bool,
    /// The descriptors above 2 that stay open on exec; none if all do.
    pub(crate) passed: Option<Vec<u32>>,
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
        if self.listener.is_some() {
            // Nobody would serve the calls: they would fail with ENOSYS.
            return Err((Step::Handover, io::Error::from_raw_os_error(libc::EDESTADDRREQ)));
        }
        self.before_filter(threads)?;
        let flags = if threads == Threads::All { InstallFlags::TSYNC } else { InstallFlags::empty() };
        let installed = self.filter.as_ref().map_or(Ok(()), |filter| filter.install(flags));
        installed.map_err(|error| (Step::Filter, errno_of(&error)))
    }

    /// Takes every step, in order, in a process of one thread, whose calls the listener tells of. Async-signal-safe.
    pub(crate) fn apply_with_listener(&self) -> Result<Listener, (Step, io::Error)> {
        self.before_filter(Threads::Only)?;
        let missing = || (Step::Filter, io::Error::from_raw_os_error(libc::ENOSYS));
        let filter = self.filter.as_ref().ok_or_else(missing)?;
        let installed = filter.install_with_listener(self.listener.unwrap_or_default());
        installed.map_err(|error| (Step::Filter, errno_of(&error)))
    }

    fn before_filter(&self, threads: Threads) -> Result<(), (Step, io::Error)> {
        let mut privileges = self.privileges;
        if let Some(namespace) = &self.namespace {
            self.hygiene.check_directories()?;
            let missing = || (Step::Namespace, io::Error::from_raw_os_error(libc::EBADF));
            let ruleset = self.ruleset.as_ref().ok_or_else(missing)?;
            namespace.enter(ruleset.as_fd()).map_err(|(step, errno)| (step, errno.into()))?;
            if namespace.has_user() {
                privileges = Privileges::of_a_new_user_namespace();
            }
        }
        self.hygiene.apply()?;
        privileges.drop().map_err(|errno| (Step::Capabilities, errno.into()))?;
        rustix::thread::set_no_new_privs(true).map_err(|errno| (Step::NoNewPrivileges, errno.into()))?;
        self.ruleset.as_ref().map_or(Ok(()), |ruleset| {
            sys::landlock_restrict_self(ruleset.as_fd(), threads == Threads::All)
                .map_err(|error| (Step::Landlock, error))
        })
    }
}

impl Hygiene {
    /// From a directory that was opened before, names lead around all covers.
    fn check_directories(&self) -> Result<(), (Step, io::Error)> {
        let passed = self.passed.iter().flatten().copied();
        for descriptor in (0..3).chain(passed) {
            match sys::is_directory(descriptor) {
                Ok(true) => return Err((Step::Descriptors, io::Error::from_raw_os_error(libc::EISDIR))),
                Ok(false) => {}
                Err(error) => return Err((Step::Descriptors, error)),
            }
        }
        Ok(())
    }

    fn apply(&self) -> Result<(), (Step, io::Error)> {
        if self.no_core_dumps {
            no_core_dumps().map_err(|errno| (Step::Limits, errno.into()))?;
        }
        if let Some(passed) = &self.passed {
            sys::close_on_exec_above_2().map_err(|error| (Step::Descriptors, error))?;
            for descriptor in passed {
                sys::keep_on_exec(*descriptor).map_err(|error| (Step::Descriptors, error))?;
            }
        }
        Ok(())
    }
}

/// With a limit of 1 there is neither a file nor a handler, whatever `core_pattern` says; with 0 a handler would still be
/// started (core(5)). Where 0 cannot be raised it was found that there is no handler.
fn no_core_dumps() -> Result<(), Errno> {
    let one = Rlimit { current: Some(1), maximum: Some(1) };
    match setrlimit(Resource::Core, one) {
        Err(Errno::PERM) if getrlimit(Resource::Core).maximum == Some(0) => Ok(()),
        set => set,
    }
}

/// The error number in `error`. An error that is made of a number allocates nothing.
fn errno_of(error: &InstallError) -> io::Error {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let number = source.and_then(io::Error::raw_os_error).unwrap_or(libc::EINVAL);
    io::Error::from_raw_os_error(number)
}

/// Whether `error` of [`Step::Landlock`] says that 16 layers are already there (`landlock_restrict_self(2)`).
pub(crate) fn is_too_many_layers(step: Step, error: &io::Error) -> bool {
    step == Step::Landlock && Errno::from_io_error(error) == Some(Errno::TOOBIG)
}
