//! Passing a listener to the process that serves it.
//!
//! A child installs its filter itself and so gets the listener; its parent is to serve it. The child sends it over a
//! socket made before the fork. Neither sendmsg(2) nor what follows up to exec may be a call that is notified, unless
//! the parent already serves.

use crate::{ListenError, Listener, sys};
use std::os::fd::AsFd;

impl Listener {
    /// Sends a duplicate over a connected Unix socket. Async-signal-safe. The sender's own is closed by dropping it.
    ///
    /// # Errors
    /// [`ListenError::Call`].
    pub fn send(&self, socket: impl AsFd) -> Result<(), ListenError> {
        sys::send_descriptor(socket.as_fd(), self.as_fd())
            .map_err(|source| ListenError::Call { call: "sendmsg", source })
    }

    /// Receives what [`send`](Self::send) sent. Waits for it, or for the other side to close.
    ///
    /// # Errors
    /// [`ListenError::NothingReceived`] if the socket was closed or the message held no descriptor;
    /// [`ListenError::NotAListener`] if it held another one.
    pub fn receive(socket: impl AsFd) -> Result<Self, ListenError> {
        match sys::receive_descriptor(socket.as_fd()) {
            Ok(Some(descriptor)) => Self::adopt(descriptor),
            Ok(None) => Err(ListenError::NothingReceived),
            Err(source) => Err(ListenError::Call { call: "recvmsg", source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn nothing_and_something_else_are_told_apart() {
        let (here, there) = UnixStream::pair().unwrap();
        sys::send_descriptor(here.as_fd(), here.as_fd()).unwrap();
        assert!(matches!(Listener::receive(&there), Err(ListenError::NotAListener { .. })));
        std::io::Write::write_all(&mut &here, b"x").unwrap();
        assert!(matches!(Listener::receive(&there), Err(ListenError::NothingReceived)), "a byte without descriptor");
        drop(here);
        assert!(matches!(Listener::receive(&there), Err(ListenError::NothingReceived)), "closed");
    }
}
