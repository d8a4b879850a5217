//! The modes of the user's terminal: whether nono may set them, raw mode, and the way back.
//!
//! A process in the background that sets the modes of the terminal that controls it is stopped by SIGTTOU, one that
//! reads it by SIGTTIN (termios(3), credentials(7)). So the foreground is asked for first. Between the question and the
//! act a shell can still take the terminal away; then nono is stopped as any job would be, and `fg` continues it. It may
//! write, but for `stty tostop`, which stops nono as it would stop the command.

use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{InputModes, LocalModes, OptionalActions, OutputModes, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The terminal that nono has set to raw mode, and its own modes: for a panic, which drops nothing.
static HELD: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// Locks [`HELD`]: for as long as the modes are being changed.
type Held = MutexGuard<'static, Option<(OwnedFd, Termios)>>;

fn lock() -> Held {
    // Nothing panics with it.
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts the terminal's own modes back, if nono has changed them, whatever else is going on. Until what this returns is dropped,
/// no thread changes them again.
pub(crate) fn put_back() -> impl Drop {
    let held = lock();
    if let Some((terminal, own)) = &*held {
        set(terminal.as_fd(), own);
    }
    held
}

fn set(terminal: BorrowedFd<'_>, own: &Termios) {
    // In the background, they are somebody else's.
    if is_ours(terminal) {
        // Fails only for a terminal that is gone.
        let _put_back = tcsetattr(terminal, OptionalActions::Now, own);
    }
}

/// Whether the terminal may be read and set: nono is in its foreground, or it controls no process of this session.
pub(super) fn is_ours(terminal: BorrowedFd<'_>) -> bool {
    match tcgetpgrp(terminal) {
        Ok(group) => group == getpgrp(),
        // Not the controlling terminal (tcgetpgrp(3)): nobody is stopped for using it.
        Err(error) => error == Errno::NOTTY,
    }
}

/// The modes that the user's terminal has when nono does not hold it.
pub(super) struct Modes {
    own: Termios,
    /// Whether nono has set it to raw mode.
    raw: bool,
}

impl Modes {
    /// The modes of a terminal.
    pub(super) fn of(terminal: BorrowedFd<'_>) -> Result<Modes, Errno> {
        let mut own = tcgetattr(terminal)?;
        if !is_ours(terminal) {
            // A shell that edits a line has set these; nono takes the terminal when it is brought to the foreground.
            own.input_modes |= InputModes::ICRNL;
            own.output_modes |= OutputModes::OPOST;
            own.local_modes |= LocalModes::ISIG | LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN;
        }
        Ok(Modes { own, raw: false })
    }

    /// The modes that the command's terminal begins with: those that its user has chosen.
    pub(super) fn for_the_command(&self) -> Termios {
        self.own.clone()
    }

    /// Puts the terminal into raw mode; whether nono holds it now.
    pub(super) fn claim(&mut self, terminal: BorrowedFd<'_>) -> bool {
        if !is_ours(terminal) {
            self.raw = false;
            return false;
        }
        // They may be others than last time: another program had the terminal meanwhile. Where lines are not edited, it
        // is in the raw mode that nono left it in when it was stopped unasked (SIGSTOP).
        if let Ok(found) = tcgetattr(terminal)
            && !self.raw
            && found.local_modes.contains(LocalModes::ICANON)
        {
            self.own = found;
        }
        let mut raw = self.own.clone();
        raw.make_raw();
        // At once: waiting for the output to be shown would last as long as the terminal is stopped (`TCSADRAIN`).
        let mut held = lock();
        self.raw = tcsetattr(terminal, OptionalActions::Now, &raw).is_ok();
        *held = terminal.try_clone_to_owned().ok().filter(|_| self.raw).map(|terminal| (terminal, self.own.clone()));
        self.raw
    }

    /// Puts the terminal's own modes back, if nono has changed them.
    pub(super) fn release(&mut self, terminal: BorrowedFd<'_>) {
        let mut held = lock();
        if std::mem::take(&mut self.raw) {
            set(terminal, &self.own);
            *held = None;
        }
    }
}

impl fmt::Debug for Modes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Modes").field("raw", &self.raw).finish_non_exhaustive()
    }
}
