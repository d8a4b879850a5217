//! A pseudo terminal for a command, beside which nono asks its own questions on the user's terminal.
//!
//! What shares a terminal with nono can read the answer that was meant for nono, or print over the question. So the
//! command gets a terminal of its own, and nono stays and carries bytes between the two: keys from the user's terminal
//! to the master of the pty, what the command prints the other way. While a question is open, nothing is carried
//! ([`Relaying::pause`]).
//!
//! The user's terminal is in raw mode meanwhile, so that each key goes through as it is: a `^C` becomes a signal in the
//! command's terminal, not in nono's. Its modes are put back when the relay is dropped, and by [`put_back`] at a panic; what would
//! end nono without either (SIGTERM, SIGHUP) is to be caught by who holds the relay.
//!
//! ```text
//! mod       the pty, before it is in use           ends     the descriptors, each with its owner
//! control   pausing, suspending and ending         shared   what was asked of the thread, and what it has done
//! pump      the thread that carries                flow     bytes on their way in one direction
//! modes     raw mode, and whose the terminal is
//! ```

mod control;
mod ends;
mod flow;
mod modes;
mod pump;
mod shared;
#[cfg(test)]
mod tests;

pub(crate) use control::{Paused, Relaying};
pub(crate) use modes::put_back;

use ends::Ends;
use modes::Modes;
use pump::Pump;
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{OptionalActions, tcsetattr};
use shared::Shared;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread;

/// Why there is no terminal for the command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PtyError {
    /// The descriptor is none of a terminal, or of one that was hung up.
    #[error("there is no terminal to relay to")]
    NoTerminal { source: io::Error },
    /// The kernel has no pty for nono: too many of them, or no `/dev/ptmx` (pts(4)).
    #[error("cannot make a pseudo terminal: {call}")]
    Make { call: &'static str, source: io::Error },
}

/// Whom the keys of the user's terminal are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// The command: they are carried to it while nono is in the foreground.
    Command,
    /// Others: in `nono run .. | less` it is `less` that reads keys and sets modes. The terminal is written to, and
    /// otherwise left alone; `^C` is a signal for nono too, which has to send it on.
    Others,
}

/// The user's terminal, and the pty that was made for the command. Until [`start`](Relay::start) the user's terminal is
/// as it was.
#[derive(Debug)]
pub(crate) struct Relay {
    ends: Ends,
    modes: Modes,
}

impl Relay {
    /// Opens a pty with the size and the modes of `terminal`.
    ///
    /// `terminal` must have been opened for this (`/dev/tty`), not duplicated: it becomes non-blocking, and that is
    /// shared by all duplicates (fcntl(2), `F_SETFL`). Questions are asked through another descriptor.
    pub(crate) fn open(terminal: OwnedFd) -> Result<Relay, PtyError> {
        let no_terminal = |source: Errno| PtyError::NoTerminal { source: source.into() };
        let modes = Modes::of(terminal.as_fd()).map_err(no_terminal)?;
        rustix::io::ioctl_fionbio(&terminal, true).map_err(no_terminal)?;
        let make = |call| move |source: Errno| PtyError::Make { call, source: source.into() };
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).map_err(make("posix_openpt"))?;
        unlockpt(&master).map_err(make("unlockpt"))?;
        rustix::io::ioctl_fionbio(&master, true).map_err(make("FIONBIO"))?;
        // Not by its name, which may lead elsewhere: to another mount of devpts (ioctl_tty(2), TIOCGPTPEER).
        let slave = ioctl_tiocgptpeer(&master, flags).map_err(make("TIOCGPTPEER"))?;
        tcsetattr(&slave, OptionalActions::Now, &modes.for_the_command()).map_err(make("tcsetattr"))?;
        let ends = Ends { terminal, master, slave };
        ends.copy_size();
        Ok(Relay { ends, modes })
    }

    /// The command's end, to be its controlling terminal and those of its standard streams that are terminals outside.
    /// Closed on exec; opening it has made it nobody's controlling terminal.
    pub(crate) fn slave(&self) -> io::Result<OwnedFd> {
        self.ends.slave.try_clone()
    }

    /// Relays until [`Relaying::finish`]. If the keys are for the command, the user's terminal is put into raw mode, as
    /// soon as nono is in its foreground.
    ///
    /// The thread that does so inherits the caller's blocked signals (`pthread_sigmask(3)`): to be called after those
    /// that the caller waits for were blocked, and after any fork.
    pub(crate) fn start(self, keys: Keys) -> io::Result<Relaying> {
        let ends = Arc::new(self.ends);
        let shared = Arc::new(Shared::new()?);
        let pump = Pump::new(Arc::clone(&ends), Arc::clone(&shared), self.modes, keys);
        let thread = thread::Builder::new().name("relay".to_owned()).spawn(move || pump.run())?;
        Ok(Relaying::new(ends, shared, thread))
    }
}
