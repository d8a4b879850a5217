//! What a panic must not leave as it is: a command whose supervisor is gone, and a terminal in raw mode.
//!
//! nono ends at its first panic, in whichever thread, and nothing is dropped. The kernel fails the calls that wait for an
//! answer then, and all later ones (`ENOSYS`, seccomp(2)): nothing opens, but the command is better ended than broken.

use crate::pty;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// While there is a command: its handle, or why it has none. Not its number, which may be another's when it has ended.
static COMMAND: Mutex<Option<Result<OwnedFd, Errno>>> = Mutex::new(None);

/// While it lives, a panic ends the command.
#[must_use = "a panic ends the command only until this is dropped"]
pub(super) struct Begun(());

impl Begun {
    pub(super) fn new(command: Pid) -> Begun {
        *lock() = Some(pidfd_open(command, PidfdFlags::empty()));
        Begun(())
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        *lock() = None;
    }
}

/// Ends the command, if there is one, and puts the user's terminal back into its own modes. `act` is told whether there was
/// one; nothing claims the terminal meanwhile.
pub(crate) fn abandon(act: impl FnOnce(bool)) {
    let began = end_command();
    let _claimed_by_nobody = pty::put_back();
    act(began);
}

/// Whether there was one.
fn end_command() -> bool {
    let command = lock();
    if let Some(Ok(handle)) = &*command {
        // Fails only for one that has ended.
        let _gone = pidfd_send_signal(handle, Signal::KILL);
    }
    command.is_some()
}

fn lock() -> MutexGuard<'static, Option<Result<OwnedFd, Errno>>> {
    // Nothing panics with it.
    COMMAND.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    #[test]
    fn a_command_is_ended_while_it_is_supervised() {
        assert!(!end_command());
        let start = || Command::new("/bin/cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let (mut one, mut other) = (start(), start());
        let begun = Begun::new(Pid::from_child(&one));
        assert!(end_command());
        assert_eq!(one.wait().unwrap().signal(), Some(Signal::KILL.as_raw()));
        assert!(end_command(), "it has ended, and began all the same");
        drop(begun);
        drop(Begun::new(Pid::from_child(&other)));
        assert!(!end_command());
        drop(other.stdin.take());
        assert_eq!(other.wait().unwrap().code(), Some(0), "it was not ended, but read to the end");
    }
}
