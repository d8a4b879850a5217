//! The descriptor through which intercepted calls are received.

use crate::notification::Notification;
use crate::sys::{self, uapi};
use crate::{ListenError, decode};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

/// Receives the calls a filter answers with [`Action::Notify`](crate::Action::Notify).
///
/// When the last copy of it is closed, waiting calls and all later ones fail with `ENOSYS`: nothing opens. It can be
/// shared by threads: each notification is received by one of them.
#[derive(Debug)]
pub struct Listener {
    descriptor: OwnedFd,
}

/// Why [`Listener::poll`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// A call waits to be received.
    Waiting,
    /// The deadline has passed.
    DeadlinePassed,
    /// No process has the filter any more (5.9): there is nothing left to wait for.
    Unused,
}

impl Listener {
    /// Takes a descriptor that came from elsewhere.
    ///
    /// # Errors
    /// [`ListenError::NotAListener`] if it is something else.
    pub fn adopt(descriptor: OwnedFd) -> Result<Self, ListenError> {
        let listener = Self { descriptor };
        // The kernel numbers notifications from a random start; whether 0 waits does not matter, only who answers.
        match listener.is_pending(0) {
            Ok(_) => Ok(listener),
            Err(ListenError::Call { source, .. }) => Err(ListenError::NotAListener { source }),
            Err(error) => Err(error),
        }
    }

    /// The caller vouches that it is a listener.
    pub(crate) fn new_unchecked(descriptor: OwnedFd) -> Self {
        Self { descriptor }
    }

    /// Waits for a call and receives it. Blocks also on a descriptor in non-blocking mode: [`poll`](Self::poll) first.
    ///
    /// `None` if the call that woke us was over before it was received, or no process has the filter any more; `poll`
    /// tells these apart. Older kernels (seen on 5.10; not on 6.12) wait for ever when no process has the filter: poll
    /// first there too.
    ///
    /// # Errors
    /// [`ListenError::Call`].
    pub fn recv(&self) -> Result<Option<Notification<'_>>, ListenError> {
        let mut buffer = uapi::NotificationBuffer([0; decode::NOTIFICATION_SIZE]);
        match sys::receive(self.as_fd(), &mut buffer) {
            Ok(()) => {
                let raw = decode::notification(&buffer.0).ok_or(ListenError::Undecodable)?;
                Ok(Some(Notification::new(self, raw)))
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(source) => Err(ListenError::Call { call: "ioctl(SECCOMP_IOCTL_NOTIF_RECV)", source }),
        }
    }

    /// Waits until a call can be received, at most to `deadline`, through signals.
    ///
    /// # Errors
    /// [`ListenError::Call`].
    pub fn poll(&self, deadline: Option<Instant>) -> Result<Readiness, ListenError> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match sys::poll(self.as_fd(), left) {
                Ok(ready) if ready & libc::POLLIN != 0 => return Ok(Readiness::Waiting),
                Ok(ready) if ready & libc::POLLHUP != 0 => return Ok(Readiness::Unused),
                // Otherwise 0, or POLLERR: the kernel was interrupted while looking.
                Ok(0) if deadline.is_some() => return Ok(Readiness::DeadlinePassed),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(ListenError::Call { call: "ppoll", source }),
            }
        }
    }

    /// Asks the kernel to run target and supervisor on one processor in turn, which makes an answer cheaper where
    /// both have nothing else to do (6.6). Tells whether this kernel can.
    ///
    /// # Errors
    /// [`ListenError::Call`].
    pub fn set_sync_wake_up(&self, on: bool) -> Result<bool, ListenError> {
        match sys::set_flags(self.as_fd(), if on { uapi::SYNC_WAKE_UP } else { 0 }) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTTY)) => Ok(false),
            Err(source) => Err(ListenError::Call { call: "ioctl(SECCOMP_IOCTL_NOTIF_SET_FLAGS)", source }),
        }
    }

    /// Whether the call of this id still waits.
    pub(crate) fn is_pending(&self, id: u64) -> Result<bool, ListenError> {
        let mut answer = sys::is_valid(self.as_fd(), uapi::ID_VALID, id);
        if matches!(&answer, Err(error) if error.raw_os_error() == Some(libc::EINVAL)) {
            answer = sys::is_valid(self.as_fd(), uapi::ID_VALID_BEFORE_5_8, id);
        }
        match answer {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(source) => Err(ListenError::Call { call: "ioctl(SECCOMP_IOCTL_NOTIF_ID_VALID)", source }),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl From<Listener> for OwnedFd {
    fn from(listener: Listener) -> Self {
        listener.descriptor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_listener_is_adopted() {
        let (file, _) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(matches!(Listener::adopt(file.into()), Err(ListenError::NotAListener { .. })));
    }
}
