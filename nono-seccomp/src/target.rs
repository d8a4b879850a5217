//! The memory of a process that waits in an intercepted call.
//!
//! Two races are met here. The target's other threads can change its memory at any time: so each pointer is read once,
//! and what was read is what is judged. And a thread id can be reused once the call is over: so after each read the
//! kernel is asked whether the call still waits, and if not, the bytes are dropped, for they may be another process's.
//!
//! The supervisor needs the right to trace the target (`ptrace(2)`): the same user, a target that is dumpable, and under
//! Yama an ancestor.
//!
//! # Security
//! A pointer into memory backed by `userfaultfd(2)` blocks the reader until the target pleases. Refuse that call in the
//! filter, or read on a thread that may be lost.

use crate::decode::{self, OPEN_HOW_MAX, OpenHow, PATH_MAX, SocketAddress};
use crate::error::Malformed;
use crate::{Listener, TargetError, sys};
use std::ffi::CString;

/// Reads never cross a multiple of this, the smallest page there is, so that one ends where memory may.
const PAGE: usize = 4096;

/// The process that made an intercepted call; made by [`Notification::target`](crate::Notification::target).
#[derive(Debug, Clone, Copy)]
pub struct Target<'n> {
    listener: &'n Listener,
    id: u64,
    thread: u32,
}

impl<'n> Target<'n> {
    pub(crate) const fn new(listener: &'n Listener, id: u64, thread: u32) -> Self {
        Self { listener, id, thread }
    }

    /// The path at `address`: bytes, not text, without its NUL. Reads to the end of the page, then one page more.
    ///
    /// # Errors
    /// [`Malformed::PathTooLong`] without a NUL in 4096 bytes; [`TargetError::Unreadable`]; [`TargetError::Gone`].
    pub fn path(&self, address: u64) -> Result<CString, TargetError> {
        let mut buffer = [0; PATH_MAX];
        let (first, second) = buffer.split_at_mut(to_page_end(address));
        self.fill(address, first)?;
        if !first.contains(&0) && !second.is_empty() {
            let next = address.saturating_add(u64::try_from(first.len()).unwrap_or(u64::MAX));
            self.fill(next, second)?;
        }
        self.confirm()?;
        decode::path(&buffer).ok_or(Malformed::PathTooLong.into())
    }

    /// The `open_how` at `address`, of the size the caller gave.
    ///
    /// # Errors
    /// [`TargetError::Malformed`] as the kernel judges sizes, and for what is newer than this code;
    /// [`TargetError::Unreadable`]; [`TargetError::Gone`].
    pub fn open_how(&self, address: u64, size: u64) -> Result<OpenHow, TargetError> {
        let mut buffer = [0; OPEN_HOW_MAX];
        let size = decode::open_how_size(size)?;
        let bytes = self.exactly(address, &mut buffer, size)?;
        Ok(decode::open_how(bytes)?)
    }

    /// The socket address at `address`, of the length the caller gave. Nothing is read if that is 0.
    ///
    /// # Errors
    /// [`Malformed::AddressLength`]; [`TargetError::Unreadable`]; [`TargetError::Gone`].
    pub fn socket_address(&self, address: u64, length: u64) -> Result<SocketAddress, TargetError> {
        let mut buffer = [0; decode::ADDRESS_MAX];
        let length = decode::socket_address_length(length)?;
        let bytes = self.exactly(address, &mut buffer, length)?;
        Ok(decode::socket_address(bytes)?)
    }

    /// Fills `buffer` with the bytes at `address`.
    ///
    /// # Errors
    /// [`TargetError::Unreadable`] if there are fewer; [`TargetError::Gone`].
    pub fn bytes(&self, address: u64, buffer: &mut [u8]) -> Result<(), TargetError> {
        self.fill_whole(address, buffer)?;
        self.confirm()
    }

    fn exactly<'b>(&self, address: u64, buffer: &'b mut [u8], size: usize) -> Result<&'b [u8], TargetError> {
        let bytes = buffer.get_mut(..size).unwrap_or_default();
        if !bytes.is_empty() {
            self.bytes(address, bytes)?;
        }
        Ok(bytes)
    }

    /// Reads any number of bytes, page by page.
    fn fill_whole(&self, mut address: u64, mut rest: &mut [u8]) -> Result<(), TargetError> {
        while !rest.is_empty() {
            let (now, later) = rest.split_at_mut(to_page_end(address).min(rest.len()));
            self.fill(address, now)?;
            address = address.saturating_add(u64::try_from(now.len()).unwrap_or(u64::MAX));
            rest = later;
        }
        Ok(())
    }

    /// Reads bytes of one page. `confirm` tells whether they are the target's.
    fn fill(&self, address: u64, buffer: &mut [u8]) -> Result<(), TargetError> {
        let len_bytes = buffer.len();
        let unreadable = |source| TargetError::Unreadable { address, len_bytes, source };
        // 0 would be this process itself; it stands for a thread of another pid namespace.
        let thread = libc::pid_t::try_from(self.thread).unwrap_or_default();
        if thread == 0 {
            return Err(unreadable(None));
        }
        match sys::read_memory(thread, address, buffer) {
            Ok(read) if read == len_bytes => Ok(()),
            Ok(_) => Err(unreadable(None)),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Err(TargetError::Gone),
            Err(source) => Err(unreadable(Some(source))),
        }
    }

    fn confirm(&self) -> Result<(), TargetError> {
        if self.listener.is_pending(self.id)? { Ok(()) } else { Err(TargetError::Gone) }
    }
}

/// How many bytes there are from `address` to the end of its page.
fn to_page_end(address: u64) -> usize {
    let into = usize::try_from(address).unwrap_or_default() % PAGE;
    PAGE.saturating_sub(into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_end_where_pages_do() {
        for (address, expected) in [(0, 4096), (1, 4095), (4095, 1), (4096, 4096), (u64::MAX, 1)] {
            assert_eq!(to_page_end(address), expected, "{address:#x}");
        }
    }
}
