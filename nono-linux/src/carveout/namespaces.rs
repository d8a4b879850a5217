//! Whether a mount namespace is permitted, found by making one in a child: no setting tells for all the ways in which it can
//! be refused.

use super::cover::Namespace;
use crate::sys;
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, capabilities};
use std::fmt;

/// What can be made to cover paths in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Namespaces {
    /// Nobody asked yet.
    #[default]
    NotAsked,
    /// A mount namespace, by root's own privilege.
    Mount,
    /// A user namespace, and in it a mount namespace.
    UserAndMount,
    /// None.
    Refused(NoNamespace),
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoNamespace {
    /// `unshare(2)` failed, with this errno.
    Unshare(i32),
    /// It was made, and mounting in it failed, with this errno.
    Mount(i32),
    /// Root without `CAP_SYS_ADMIN`, as in a container: in a user namespace it would lose what it has.
    Root,
    /// The child that tried it said nothing, or could not be started.
    Unknown,
}

impl fmt::Display for NoNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoNamespace::Unshare(libc::ENOSPC) => {
                "user namespaces are switched off (sysctl user.max_user_namespaces or user.max_mnt_namespaces is too low)"
            }
            NoNamespace::Unshare(libc::ENOSYS | libc::EINVAL) => "this kernel was built without user namespaces",
            NoNamespace::Unshare(libc::EPERM) => {
                "namespaces are refused here (by a container's seccomp profile, by a sandbox around this one, or by sysctl \
                 kernel.unprivileged_userns_clone)"
            }
            NoNamespace::Mount(libc::EPERM | libc::EACCES) => {
                "mounting in a namespace of one's own is refused here (by AppArmor, sysctl \
                 kernel.apparmor_restrict_unprivileged_userns, or by a container's seccomp profile)"
            }
            NoNamespace::Root => "root has no CAP_SYS_ADMIN here: in a container, or in a sandbox around this one",
            NoNamespace::Unshare(errno) | NoNamespace::Mount(errno) => {
                return write!(f, "no namespace can be made ({})", std::io::Error::from_raw_os_error(*errno));
            }
            NoNamespace::Unknown => "whether a namespace can be made could not be found out",
        })
    }
}

impl Namespaces {
    /// Makes one in a child, with a cover in it, and tells how that went.
    pub(crate) fn try_out() -> Namespaces {
        let admin = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN));
        let kind = match (admin, rustix::process::geteuid().is_root()) {
            (true, _) => Namespaces::Mount,
            (false, true) => return Namespaces::Refused(NoNamespace::Root),
            (false, false) => Namespaces::UserAndMount,
        };
        let trial = Namespace::trial(kind);
        match sys::word_of_child(|| trial.try_out()) {
            Some(0) => kind,
            Some(word) if word & sys::LATER != 0 => {
                Namespaces::Refused(NoNamespace::Mount((word & !sys::LATER).into()))
            }
            Some(errno) => Namespaces::Refused(NoNamespace::Unshare(errno.into())),
            None => Namespaces::Refused(NoNamespace::Unknown),
        }
    }

    /// Whether there are some; why not, if not.
    pub(super) fn permitted(self) -> Result<(), NoNamespace> {
        match self {
            Namespaces::Mount | Namespaces::UserAndMount => Ok(()),
            Namespaces::Refused(why) => Err(why),
            Namespaces::NotAsked => Err(NoNamespace::Unknown),
        }
    }
}

/// One byte for how a trial went.
pub(super) fn word(outcome: Result<(), (bool, Errno)>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err((later, errno)) => {
            let errno = u8::try_from(errno.raw_os_error()).unwrap_or(u8::MAX) & !sys::LATER;
            if later { errno | sys::LATER } else { errno }
        }
    }
}
