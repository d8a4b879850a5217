//! What Landlock leaves open, closed by one filter of system calls.
//!
//! [`Filtering`] says what is closed, as data; [`Filtering::program`] makes the rules of it. The filter judges registers
//! alone, so nothing a program changes in its memory meanwhile can deceive it.

/// Calls by their names, looked up when this is compiled: one that is misspelt does not compile.
macro_rules! calls {
    ($($name:literal),+ $(,)?) => { &const { [$(nono_seccomp::NamedCall::new($name)),+] } };
}

/// One of them.
macro_rules! call {
    ($name:literal) => {
        const { nono_seccomp::NamedCall::new($name) }
    };
}

mod files;
mod network;
mod observed;
mod others;
mod surface;

pub use network::{Sockets, Tcp, Unix};

use crate::abi::{Abi, Kernel};
use nono_core::{Accepted, CapabilitySet, Guarantee};
use nono_seccomp::{Action, Arch, BuildError, Condition, Errno, NamedCall, Program};

/// What the filter closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent parts, each of which a user may leave off")]
pub struct Filtering {
    /// Rarely used parts of the kernel.
    pub surface: bool,
    /// Namespaces of the program's own.
    pub namespaces: bool,
    /// Typing into the terminal.
    pub terminal: bool,
    /// Limits, priorities and processors of other processes.
    pub other_processes: bool,
    /// System V and POSIX IPC.
    pub ipc: bool,
    /// Extended attributes and flags of files.
    pub attributes: bool,
    /// Emptying files that are not open for writing: below ABI 3, where Landlock has no right for it.
    pub truncate: bool,
    /// Sockets but these; none if all are open.
    pub sockets: Option<Sockets>,
    /// What is notified to a supervisor, as far as no rule refuses it.
    pub notified: Notified,
}

/// Calls that a supervisor is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent calls")]
pub struct Notified {
    /// Opens of files outside the grants.
    pub opens: bool,
    /// Connects: by address, or to one unix socket of many.
    pub connects: bool,
    /// Listening, on a port that was granted.
    pub listens: bool,
    /// Whatever may be refused, to be looked at: what the other rules refuse is notified too, and an
    /// [`Observer`](crate::observe::Observer) answers it as they would.
    pub observed: bool,
}

impl Notified {
    /// Whether a supervisor does anything on behalf: then it has to know whose calls it answers.
    fn acts(self) -> bool {
        self.opens || self.connects || self.listens
    }
}

impl Filtering {
    /// All that `kernel` can and `set` does not grant, without what the user accepted to be open.
    /// With a `supervisor`, sockets that nothing else can tell apart are notified.
    pub(crate) fn of(set: &CapabilitySet, kernel: &Kernel, accepted: &Accepted, supervisor: bool) -> Filtering {
        if !kernel.seccomp {
            return Filtering::default();
        }
        let closed = |guarantee| !accepted.contains(guarantee);
        let notified = if supervisor { Notified::sockets(set, kernel.abi, accepted) } else { Notified::default() };
        Filtering {
            surface: closed(Guarantee::KernelSurface),
            namespaces: closed(Guarantee::UserNamespaces),
            terminal: closed(Guarantee::Terminal),
            other_processes: closed(Guarantee::OtherProcesses),
            ipc: closed(Guarantee::Ipc),
            attributes: closed(Guarantee::Attributes),
            truncate: closed(Guarantee::Truncate) && kernel.abi < Abi(3),
            sockets: Sockets::of(set, kernel.abi, accepted, notified.connects),
            notified,
        }
    }

    /// The rules. Everything they do not name is allowed.
    ///
    /// # Errors
    /// [`BuildError`]: rules that contradict each other, which a test excludes.
    pub fn program(&self, arch: Arch) -> Result<Program, BuildError> {
        let observed = self.notified.observed;
        let mut rules = Rules { arch, program: Program::new(arch, Action::Allow), observed };
        if *self == Filtering::default() {
            return Ok(rules.program);
        }
        surface::close_ways_around(&mut rules)?;
        if self.surface {
            surface::close_rare_calls(&mut rules)?;
        }
        if self.namespaces {
            surface::close_namespaces(&mut rules)?;
        }
        if self.terminal {
            others::close_terminal(&mut rules)?;
        }
        if self.other_processes {
            others::close_other_processes(&mut rules)?;
        }
        if self.ipc {
            others::close_ipc(&mut rules)?;
        }
        if self.attributes {
            files::close_attributes(&mut rules)?;
        }
        if self.truncate {
            files::close_truncation(&mut rules)?;
        }
        if let Some(sockets) = &self.sockets {
            sockets.close_others(&mut rules)?;
        }
        if self.notified.opens {
            files::notify_opens(&mut rules, self.truncate)?;
        }
        self.notified.notify_sockets(&mut rules)?;
        if observed {
            observed::notify_all(&mut rules)?;
        }
        if self.notified.acts() {
            surface::keep_descent(&mut rules)?;
        }
        Ok(rules.program)
    }
}

/// A program that is being written.
struct Rules {
    arch: Arch,
    program: Program,
    /// Refusals are notified instead.
    observed: bool,
}

impl Rules {
    /// These calls fail with `errno`. What an architecture does not have needs no rule.
    fn refuse(&mut self, calls: &[NamedCall], errno: Errno) -> Result<(), BuildError> {
        let action = self.refusal(errno);
        for syscall in calls.iter().filter_map(|call| call.on(self.arch)) {
            self.program.on(syscall, action)?;
        }
        Ok(())
    }

    /// A call that is made with every thread and process, and fails with `ENOSYS`, whoever watches: C libraries make another
    /// one then, and each notification would cost them more than the call.
    fn refuse_unseen(&mut self, call: NamedCall) -> Result<(), BuildError> {
        call.on(self.arch).map_or(Ok(()), |syscall| self.program.on(syscall, Errno::ENOSYS.into()).map(drop))
    }

    fn refusal(&self, errno: Errno) -> Action {
        if self.observed { Action::Notify } else { errno.into() }
    }

    /// The call fails with `errno` where all `conditions` hold.
    fn refuse_where<const N: usize>(
        &mut self,
        call: NamedCall,
        conditions: [Condition; N],
        errno: Errno,
    ) -> Result<(), BuildError> {
        if let Some(syscall) = call.on(self.arch) {
            self.program.on_match(syscall, conditions, self.refusal(errno))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
