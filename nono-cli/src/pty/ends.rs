//! The descriptors of a relay.

use rustix::termios::{tcgetwinsize, tcsetwinsize};
use std::os::fd::OwnedFd;

/// What a relay is between.
#[derive(Debug)]
pub(super) struct Ends {
    /// The user's terminal; non-blocking.
    pub(super) terminal: OwnedFd,
    /// nono's end of the pty; non-blocking. Closing it hangs up on the command.
    pub(super) master: OwnedFd,
    /// The command's end. nono keeps it too: else a command that closes its streams and opens `/dev/tty` later would
    /// have no slave open in between, and the master would say, without pause, that it is hung up (`POLLHUP`).
    pub(super) slave: OwnedFd,
}

impl Ends {
    /// Makes the pty as large as the user's terminal; programs in its foreground get SIGWINCH (`ioctl_tty(2)`).
    pub(super) fn copy_size(&self) {
        // Neither fails but for a terminal that is gone, and then no size matters.
        let _copied = tcgetwinsize(&self.terminal).and_then(|size| tcsetwinsize(&self.master, size));
    }
}
