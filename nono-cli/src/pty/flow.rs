//! Bytes on their way from one descriptor to another, neither of which blocks.

use rustix::io::{Errno, retry_on_intr};
use std::os::fd::BorrowedFd;

/// As much as is carried at once.
const SIZE: usize = 4096;

/// What a descriptor had to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// So many bytes were read, or all were written.
    Done(usize),
    /// Not now.
    Later,
    /// Never again: hung up.
    Gone,
}

/// What was read at one end and is not yet written at the other. More is read only when it is empty, so who writes
/// faster than the other end reads is made to wait.
#[derive(Debug)]
pub(super) struct Flow {
    bytes: [u8; SIZE],
    start: usize,
    end: usize,
}

impl Flow {
    pub(super) fn new() -> Flow {
        Flow { bytes: [0; SIZE], start: 0, end: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Forgets what is on its way.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Reads once, if there is nothing left to write.
    pub(super) fn fill(&mut self, from: BorrowedFd<'_>) -> Outcome {
        if !self.is_empty() {
            return Outcome::Later;
        }
        self.clear();
        match retry_on_intr(|| rustix::io::read(from, &mut self.bytes)) {
            // A terminal in line mode at `^D`; one that is hung up says so to poll(2) as well.
            Ok(0) | Err(Errno::AGAIN) => Outcome::Later,
            Ok(count) => {
                self.end = count;
                Outcome::Done(count)
            }
            // EIO: the other side is closed (`pty(7)` and read(2)). Whatever else it is, it would be so again.
            Err(_) => Outcome::Gone,
        }
    }

    /// Writes as much as is taken.
    pub(super) fn pour(&mut self, to: BorrowedFd<'_>) -> Outcome {
        let mut written = 0_usize;
        while let Some(rest) = self.bytes.get(self.start..self.end).filter(|rest| !rest.is_empty()) {
            match retry_on_intr(|| rustix::io::write(to, rest)) {
                Ok(0) | Err(Errno::AGAIN) => return Outcome::Later,
                Ok(count) => {
                    self.start = self.start.saturating_add(count);
                    written = written.saturating_add(count);
                }
                Err(_) => {
                    self.clear();
                    return Outcome::Gone;
                }
            }
        }
        Outcome::Done(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, pipe};
    use std::os::fd::AsFd;

    #[test]
    fn what_is_not_taken_is_kept_in_order() {
        let (source, feed) = pipe().unwrap();
        let (mut sink, to) = pipe().unwrap();
        for end in [source.as_fd(), to.as_fd()] {
            rustix::io::ioctl_fionbio(end, true).unwrap();
        }
        let mut flow = Flow::new();
        assert_eq!(flow.fill(source.as_fd()), Outcome::Later);
        assert_eq!(flow.pour(to.as_fd()), Outcome::Done(0));
        let mut filled = 0;
        while let Ok(count) = rustix::io::write(&to, &[b'.'; SIZE]) {
            filled += count;
        }
        assert_eq!(rustix::io::write(&feed, b"words"), Ok(5));
        assert_eq!(flow.fill(source.as_fd()), Outcome::Done(5));
        assert_eq!(flow.pour(to.as_fd()), Outcome::Later);
        assert_eq!(flow.fill(source.as_fd()), Outcome::Later, "nothing is read over it");
        sink.read_exact(&mut vec![0; filled]).unwrap();
        assert_eq!(flow.pour(to.as_fd()), Outcome::Done(5));
        drop(to);
        let mut rest = String::new();
        sink.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "words");
    }

    #[test]
    fn an_end_that_is_closed_is_gone() {
        let (source, feed) = pipe().unwrap();
        let (sink, to) = pipe().unwrap();
        drop(sink);
        let mut flow = Flow::new();
        assert_eq!(rustix::io::write(&feed, b"words"), Ok(5));
        assert_eq!(flow.fill(source.as_fd()), Outcome::Done(5));
        assert_eq!(flow.pour(to.as_fd()), Outcome::Gone);
        assert!(flow.is_empty());
    }
}
