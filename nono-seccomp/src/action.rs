//! What a filter can answer to a call, and the error numbers an answer can carry.

use crate::BuildError;
use std::fmt;

/// What the kernel does with a call.
///
/// Where several filters are installed the sternest answer wins, in the order of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// The process ends as if by `SIGSYS`.
    KillProcess,
    /// The calling thread alone ends: its locks stay held, so rarely what is wanted.
    KillThread,
    /// The caller gets `SIGSYS`, with the call's number, and may handle it.
    Trap,
    /// The call is not made and returns this error; `Errno(0)` makes it a success that did nothing.
    Errno(u16),
    /// The call waits for the listener's answer. Without a listener it fails with `ENOSYS`.
    Notify,
    /// A tracer is told, with this number; without one the call fails with `ENOSYS`.
    Trace(u16),
    /// The call is made and logged.
    Log,
    /// The call is made.
    Allow,
}

/// The half of an answer that tells the action (`SECCOMP_RET_ACTION_FULL`).
const ACTION_MASK: u32 = 0xffff_0000;

impl Action {
    /// The value a filter returns for it (`SECCOMP_RET_*`).
    pub const fn to_return(self) -> u32 {
        match self {
            Self::KillProcess => 0x8000_0000,
            Self::KillThread => 0,
            Self::Trap => 0x0003_0000,
            Self::Errno(errno) => 0x0005_0000 | errno as u32,
            Self::Notify => 0x7fc0_0000,
            Self::Trace(message) => 0x7ff0_0000 | message as u32,
            Self::Log => 0x7ffc_0000,
            Self::Allow => 0x7fff_0000,
        }
    }

    /// The action of a value that a filter returned. The kernel kills the process for one it does not know.
    pub const fn from_return(value: u32) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the low half is the action's data")]
        let data = value as u16;
        match value & ACTION_MASK {
            0 => Self::KillThread,
            0x0003_0000 => Self::Trap,
            0x0005_0000 => Self::Errno(data),
            0x7fc0_0000 => Self::Notify,
            0x7ff0_0000 => Self::Trace(data),
            0x7ffc_0000 => Self::Log,
            0x7fff_0000 => Self::Allow,
            _ => Self::KillProcess,
        }
    }

    /// Refuses an error number that the kernel would change.
    pub(crate) const fn check(self) -> Result<(), BuildError> {
        match self {
            Self::Errno(errno) if errno > Errno::MAX => Err(BuildError::ErrnoTooLarge { errno }),
            _ => Ok(()),
        }
    }
}

impl From<Errno> for Action {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno.0)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillProcess => f.write_str("kill the process"),
            Self::KillThread => f.write_str("kill the thread"),
            Self::Trap => f.write_str("trap"),
            Self::Errno(errno) => match Errno::new(i32::from(*errno)) {
                Some(errno) => write!(f, "fail with {errno}"),
                None => write!(f, "succeed without effect"),
            },
            Self::Notify => f.write_str("notify"),
            Self::Trace(message) => write!(f, "trace {message}"),
            Self::Log => f.write_str("allow and log"),
            Self::Allow => f.write_str("allow"),
        }
    }
}

/// An error number a system call can fail with: 1 to 4095.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(u16);

impl Errno {
    /// The largest error number there is (kernel `MAX_ERRNO`).
    pub const MAX: u16 = 4095;

    /// The error with this number; `None` outside 1 to 4095.
    pub fn new(number: i32) -> Option<Self> {
        u16::try_from(number).ok().filter(|number| (1..=Self::MAX).contains(number)).map(Self)
    }

    /// Its number, positive.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// Defines the constants and their names from one list, so that neither can lack one.
macro_rules! errnos {
    ($($name:ident)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                #[expect(clippy::cast_possible_truncation, reason = "all are 1 to 4095")]
                pub const $name: Self = Self(libc::$name.cast_unsigned() as u16);
            )*

            const NAMES: &[(Self, &str)] = &[$((Self::$name, stringify!($name))),*];
        }
    };
}

errnos! {
    EPERM ENOENT EINTR EIO ENXIO E2BIG EBADF EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR
    EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC EROFS EMLINK EPIPE ENAMETOOLONG ENOSYS ENOTEMPTY ELOOP EOPNOTSUPP
    EAFNOSUPPORT EPROTONOSUPPORT EADDRNOTAVAIL ENETUNREACH ECONNREFUSED EHOSTUNREACH ETIMEDOUT
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(known, _)| known == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Action; 8] = [
        Action::KillProcess,
        Action::KillThread,
        Action::Trap,
        Action::Errno(13),
        Action::Notify,
        Action::Trace(7),
        Action::Log,
        Action::Allow,
    ];

    #[test]
    fn an_action_survives_its_return_value() {
        for action in ALL {
            assert_eq!(Action::from_return(action.to_return()), action);
        }
        assert_eq!(Action::from_return(0x1234_0000), Action::KillProcess, "as the kernel takes unknown values");
    }

    #[test]
    fn the_order_of_actions_is_the_kernels() {
        assert!(ALL.is_sorted(), "sternest first");
        assert!(ALL.is_sorted_by_key(|action| action.to_return().cast_signed()), "the lowest signed value wins");
    }

    #[test]
    fn errnos_are_bounded_and_named() {
        assert_eq!(Errno::new(libc::EACCES), Some(Errno::EACCES));
        for number in [0, -1, 4096, 65536 + 13] {
            assert_eq!(Errno::new(number), None, "{number}");
        }
        assert_eq!(Errno::EPERM.to_string(), "EPERM");
        assert_eq!(Errno::new(4000).unwrap().to_string(), "errno 4000");
        assert_eq!(Action::Errno(4096).check(), Err(BuildError::ErrnoTooLarge { errno: 4096 }));
    }
}
