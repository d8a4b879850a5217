//! One intercepted call, and its one answer.
//!
//! Each way to answer takes the notification, so there cannot be two answers. One that is dropped, as when its handler
//! panics, fails the call with `EPERM`: the caller neither hangs nor gets through.

use crate::decode::RawNotification;
use crate::sys::{self, uapi};
use crate::target::Target;
use crate::{Call, Errno, ListenError, Listener};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// A call that waits for its answer.
#[derive(Debug)]
#[must_use = "an unanswered call fails with EPERM"]
pub struct Notification<'l> {
    listener: &'l Listener,
    raw: RawNotification,
    answered: bool,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The target got it.
    Delivered,
    /// The call was interrupted or its process ended: nobody got it.
    TargetGone,
    /// Of an injection: the target has no free descriptor, and its call failed with `EMFILE` as `open` would have.
    TableFull,
}

bitflags::bitflags! {
    /// How a descriptor is given to a target.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct InjectFlags: u32 {
        /// Closed on exec. To be mirrored from what the target asked for, or its children inherit what they should not.
        const CLOEXEC = libc::O_CLOEXEC.cast_unsigned();
    }
}

impl InjectFlags {
    /// The flags that mirror `O_CLOEXEC` in the flags a target gave to `open`.
    pub const fn mirroring(open_flags: u64) -> Self {
        Self::from_bits_truncate(crate::syscall::low(open_flags))
    }
}

impl<'l> Notification<'l> {
    pub(crate) const fn new(listener: &'l Listener, raw: RawNotification) -> Self {
        Self { listener, raw, answered: false }
    }

    /// The kernel's number for it, for logs: unique while the listener lives.
    pub const fn id(&self) -> u64 {
        self.raw.id
    }

    /// The call.
    pub const fn call(&self) -> &Call {
        &self.raw.call
    }

    /// The calling thread's id (not its process's) as this process sees it; `None` in another pid namespace.
    ///
    /// It may be reused once the call is over: whatever is found by it counts only if
    /// [`is_pending`](Self::is_pending) holds afterwards.
    pub const fn thread(&self) -> Option<u32> {
        match self.raw.thread {
            0 => None,
            thread => Some(thread),
        }
    }

    /// Whether the call still waits.
    ///
    /// # Errors
    /// [`ListenError::Call`].
    pub fn is_pending(&self) -> Result<bool, ListenError> {
        self.listener.is_pending(self.raw.id)
    }

    /// The caller, to read its memory.
    pub const fn target(&self) -> Target<'_> {
        Target::new(self.listener, self.raw.id, self.raw.thread)
    }

    /// Lets the kernel make the call as if it had not been intercepted.
    ///
    /// # Errors
    /// [`ListenError::ResumeUnsupported`] before 5.5, where the call then fails with `EPERM`;
    /// [`ListenError::AlreadyAnswered`]; [`ListenError::Call`].
    ///
    /// # Security
    /// The kernel reads the arguments' memory again, and the target may have changed it since it was read here. Never
    /// the way to say "this one is allowed, others are not" without a boundary underneath.
    pub fn resume(mut self) -> Result<Answer, ListenError> {
        self.respond(0, 0, uapi::RESPONSE_CONTINUE).map_err(|error| match error {
            ListenError::Call { source, .. } if source.raw_os_error() == Some(libc::EINVAL) => {
                ListenError::ResumeUnsupported { source }
            }
            error => error,
        })
    }

    /// Makes the call fail with `errno`.
    ///
    /// # Errors
    /// [`ListenError::AlreadyAnswered`]; [`ListenError::Call`].
    pub fn fail(mut self, errno: Errno) -> Result<Answer, ListenError> {
        self.respond(0, errno.number(), 0)
    }

    /// Makes the call return `value` without being made. A value from -4095 to -1 is an error to the C library.
    ///
    /// # Errors
    /// [`ListenError::AlreadyAnswered`]; [`ListenError::Call`].
    pub fn succeed(mut self, value: i64) -> Result<Answer, ListenError> {
        self.respond(value, 0, 0)
    }

    /// Gives the target a duplicate of `descriptor`, and makes the call return its number there.
    ///
    /// In one step from 5.14; before, a target that is interrupted between the two keeps a descriptor it does not know
    /// of. The thread that answers should have its signals blocked: interrupted by a handler at the wrong moment, the
    /// kernel makes the call return 0 ([`ListenError::AlreadyAnswered`] here).
    ///
    /// # Errors
    /// In each case the call is failed with `EPERM`: [`ListenError::NotInjectable`],
    /// [`ListenError::InjectUnsupported`] before 5.9; [`ListenError::AlreadyAnswered`]; [`ListenError::Call`].
    pub fn inject(mut self, descriptor: BorrowedFd<'_>, flags: InjectFlags) -> Result<Answer, ListenError> {
        let mut added = self.add(descriptor, flags, uapi::ADDFD_SEND);
        if matches!(&added, Err(error) if error.raw_os_error() == Some(libc::EINVAL)) {
            added = self.add(descriptor, flags, 0);
            if let Ok(number) = added {
                return self.respond(number.into(), 0, 0);
            }
        }
        let Err(source) = added else { return Ok(self.settle(Answer::Delivered)) };
        match source.raw_os_error() {
            // ESRCH: it ended while the descriptor was on its way (kernel/seccomp.c, the end of seccomp_do_user_notification).
            Some(libc::ENOENT | libc::ESRCH) => Ok(self.settle(Answer::TargetGone)),
            Some(libc::EMFILE) => Ok(match self.respond(0, Errno::EMFILE.number(), 0)? {
                Answer::Delivered => Answer::TableFull,
                answer => answer,
            }),
            Some(libc::EBADF) => Err(ListenError::NotInjectable { source }),
            Some(libc::EINVAL | libc::ENOTTY) => Err(ListenError::InjectUnsupported { source }),
            Some(libc::EINPROGRESS) => {
                self.answered = true;
                Err(ListenError::AlreadyAnswered { source })
            }
            _ => Err(ListenError::Call { call: "ioctl(SECCOMP_IOCTL_NOTIF_ADDFD)", source }),
        }
    }

    fn add(&self, descriptor: BorrowedFd<'_>, inject: InjectFlags, flags: u32) -> io::Result<libc::c_int> {
        let request = uapi::seccomp_notif_addfd {
            id: self.raw.id,
            flags,
            srcfd: descriptor.as_raw_fd().cast_unsigned(),
            newfd: 0,
            newfd_flags: inject.bits(),
        };
        sys::add_descriptor(self.listener.as_fd(), &request)
    }

    /// `error` is positive here; the kernel wants it negative, and takes a positive one for a success.
    fn respond(&mut self, val: i64, error: u16, flags: u32) -> Result<Answer, ListenError> {
        let error = i32::from(error).saturating_neg();
        let response = uapi::seccomp_notif_resp { id: self.raw.id, val, error, flags };
        match sys::send(self.listener.as_fd(), &response) {
            Ok(()) => Ok(self.settle(Answer::Delivered)),
            Err(source) => match source.raw_os_error() {
                Some(libc::ENOENT) => Ok(self.settle(Answer::TargetGone)),
                Some(libc::EINPROGRESS) => {
                    self.answered = true;
                    Err(ListenError::AlreadyAnswered { source })
                }
                _ => Err(ListenError::Call { call: "ioctl(SECCOMP_IOCTL_NOTIF_SEND)", source }),
            },
        }
    }

    fn settle(&mut self, answer: Answer) -> Answer {
        self.answered = true;
        answer
    }
}

impl Drop for Notification<'_> {
    fn drop(&mut self) {
        if !self.answered {
            // Nobody is left to tell of a failure. If it fails the call waits until the listener is closed: ENOSYS.
            drop(self.respond(0, Errno::EPERM.number(), 0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_on_exec_is_mirrored_and_nothing_else() {
        let cloexec = u64::from(libc::O_CLOEXEC.cast_unsigned());
        let others = u64::from((libc::O_RDWR | libc::O_CREAT).cast_unsigned());
        assert_eq!(InjectFlags::mirroring(cloexec | others | 1 << 40), InjectFlags::CLOEXEC);
        assert_eq!(InjectFlags::mirroring(others), InjectFlags::empty());
    }
}
