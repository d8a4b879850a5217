//! Why a filter could not be built or installed, a notification not be answered, or a target not be read.
//!
//! One enum an operation. What is to be expected (a target that ended) is a value of the operation, not an error here.

use crate::{Action, Errno, InstallFlags, Syscall};
use std::io;

/// Why rules do not make a filter. No system call is involved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Calls have arguments 0 to 5.
    #[error("there is no argument {index}, only 0 to 5")]
    ArgumentIndex {
        /// The index given.
        index: u8,
    },
    /// An `int` cannot have this value, so the test would always give the same answer.
    #[error("an int argument is compared with {value:#x}, which has more than 32 bits")]
    ValueTooWide {
        /// The value given.
        value: u64,
    },
    /// The value has bits that the mask clears, so it would never be equal.
    #[error("{value:#x} has bits outside the mask {mask:#x}")]
    ValueOutsideMask {
        /// The mask given.
        mask: u64,
        /// The value given.
        value: u64,
    },
    /// A mask without bits tests nothing.
    #[error("a mask has no bits")]
    EmptyMask,
    /// A set without values tests nothing.
    #[error("a set has no values")]
    EmptySet,
    /// The kernel would return 4095 in place of it.
    #[error("{errno} is no error number: 4095 is the largest")]
    ErrnoTooLarge {
        /// The number given.
        errno: u16,
    },
    /// x32 numbers are always refused; a rule for one would have no effect.
    #[error("system call number {number:#x} belongs to x32, which every filter refuses")]
    X32Number {
        /// The number given.
        number: u32,
    },
    /// Two actions for the same call, neither with conditions.
    #[error("system call {} is answered both {first:?} and {second:?}", syscall.number())]
    TwoAnswers {
        /// The call.
        syscall: Syscall,
        /// What was said first, and still stands.
        first: Action,
        /// What was said second, and was not taken.
        second: Action,
    },
    /// The rules need more instructions than the kernel takes.
    #[error("the filter needs {length} instructions, the kernel takes {}", crate::Filter::MAX_LENGTH)]
    TooLong {
        /// How many they need.
        length: usize,
    },
}

/// Why a filter was not installed. Making one allocates nothing: it may happen between fork and exec.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// `ENOSYS`, or `EINVAL` without any flag: a kernel without seccomp filters.
    #[error("this kernel has no seccomp filters")]
    Unsupported {
        /// What the kernel answered.
        source: io::Error,
    },
    /// A kernel before 5.0: filters, but no notification.
    #[error("this kernel's seccomp has no user notification")]
    NoNotification {
        /// What the kernel answered.
        source: io::Error,
    },
    /// Flags this kernel does not know: see [`Features`](crate::Features).
    #[error("this kernel's seccomp does not know {flags:?}")]
    UnknownFlags {
        /// The flags it does not know.
        flags: InstallFlags,
        /// What the kernel answered.
        source: io::Error,
    },
    /// `EBUSY`: an earlier filter of this process has a listener, and a process can have one.
    #[error("a filter of this process has a listener already")]
    AlreadyListening {
        /// What the kernel answered.
        source: io::Error,
    },
    /// `EACCES`: needs `no_new_privs` or `CAP_SYS_ADMIN`.
    #[error("installing a filter needs no_new_privs to be set first")]
    NotPrivileged {
        /// What the kernel answered.
        source: io::Error,
    },
    /// `EPERM`: something above, often a container's own filter, forbids seccomp.
    #[error("seccomp is blocked here, as by a container's filter")]
    Blocked {
        /// What the kernel answered.
        source: io::Error,
    },
    /// With `TSYNC`: another thread has filters that this thread does not have. No thread got the filter.
    #[error("another thread has different seccomp filters")]
    ThreadDiverged {
        /// Which thread; the kernel does not tell with `TSYNC_ESRCH`.
        thread: Option<u32>,
    },
    /// `ENOMEM`: too many filters installed already, or no memory.
    #[error("the filters of this process would be too large together")]
    NoRoom {
        /// What the kernel answered.
        source: io::Error,
    },
    /// The kernel's check of the instructions failed though it knows the flags.
    #[error("the kernel refused the instructions of the filter")]
    Refused {
        /// What the kernel answered.
        source: io::Error,
    },
    /// Any other failure of a call.
    #[error("{call} failed")]
    Call {
        /// The call that failed.
        call: &'static str,
        /// What the kernel answered.
        source: io::Error,
    },
}

/// Why a listener or a notification failed its user. That a target is gone is no error: see [`Answer`](crate::Answer).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The descriptor is something else.
    #[error("the descriptor is not a seccomp listener")]
    NotAListener {
        /// What the kernel answered.
        source: io::Error,
    },
    /// Another holder of the listener answered first, or the answer was interrupted while being delivered.
    #[error("the notification was answered already")]
    AlreadyAnswered {
        /// What the kernel answered.
        source: io::Error,
    },
    /// A kernel before 5.5 cannot let a call go on.
    #[error("this kernel cannot resume an intercepted call")]
    ResumeUnsupported {
        /// What the kernel answered.
        source: io::Error,
    },
    /// A kernel before 5.9 cannot give a target a descriptor.
    #[error("this kernel cannot inject a descriptor")]
    InjectUnsupported {
        /// What the kernel answered.
        source: io::Error,
    },
    /// `EBADF`: the kernel injects no descriptor opened with `O_PATH`.
    #[error("the descriptor cannot be injected; was it opened with O_PATH?")]
    NotInjectable {
        /// What the kernel answered.
        source: io::Error,
    },
    /// No listener came over the socket.
    #[error("the socket closed, or its message held no descriptor")]
    NothingReceived,
    /// The kernel wrote a notification that does not decode.
    #[error("the kernel's notification does not decode")]
    Undecodable,
    /// Any other failure of a call.
    #[error("{call} failed")]
    Call {
        /// The call that failed.
        call: &'static str,
        /// What the kernel answered.
        source: io::Error,
    },
}

/// Why the memory of a target was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The call was interrupted or its process ended; what was read may be another process's and was dropped.
    #[error("the intercepted call is over")]
    Gone,
    /// The target's memory there cannot be read: a bad pointer, secret memory, or a target that may not be traced.
    #[error("cannot read {len_bytes} bytes at {address:#x} of the target")]
    Unreadable {
        /// Where.
        address: u64,
        /// How many bytes were wanted.
        len_bytes: usize,
        /// What the kernel answered; nothing if it read fewer bytes than wanted.
        source: Option<io::Error>,
    },
    /// The bytes are not what the call asks for.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Whether the call still waits could not be found out, so what was read cannot be trusted.
    #[error("cannot tell whether the intercepted call still waits")]
    Unconfirmed(#[from] ListenError),
}

/// What is wrong with bytes that a call pointed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// No NUL within 4096 bytes.
    #[error("the path has no end within 4096 bytes")]
    PathTooLong,
    /// An `open_how` of fewer than 24 bytes.
    #[error("an open_how of {size} bytes, fewer than the 24 of its first version")]
    OpenHowTooSmall {
        /// The size the caller gave.
        size: u64,
    },
    /// An `open_how` of more than 4096 bytes.
    #[error("an open_how of {size} bytes, more than 4096")]
    OpenHowTooLarge {
        /// The size the caller gave.
        size: u64,
    },
    /// An `open_how` that asks for something newer than this code.
    #[error("an open_how with fields that are not known")]
    OpenHowUnknown,
    /// A socket address of more than 128 bytes, or too short for its family.
    #[error("a socket address of {size} bytes")]
    AddressLength {
        /// The length the caller gave.
        size: u64,
    },
}

impl Malformed {
    /// What the kernel answers to such a call.
    pub const fn errno(self) -> Errno {
        match self {
            Self::PathTooLong => Errno::ENAMETOOLONG,
            Self::OpenHowTooLarge { .. } | Self::OpenHowUnknown => Errno::E2BIG,
            Self::OpenHowTooSmall { .. } | Self::AddressLength { .. } => Errno::EINVAL,
        }
    }
}

impl TargetError {
    /// What the kernel would answer to the call, where the reason lies in the call.
    ///
    /// `None` if the call is over, or its memory cannot be read by us: the kernel itself may well read it (secret
    /// memory, a target that may not be traced), so such a call is best resumed.
    pub const fn errno(&self) -> Option<Errno> {
        match self {
            Self::Malformed(malformed) => Some(malformed.errno()),
            Self::Unreadable { .. } | Self::Gone | Self::Unconfirmed(_) => None,
        }
    }
}
