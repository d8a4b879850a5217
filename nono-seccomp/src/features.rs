//! What this kernel's seccomp offers, found by asking it.
//!
//! Never by its version: distributions carry features back, and containers forbid what the kernel has.

use crate::install::{companions, knows_flags};
use crate::sys::{self, uapi};
use crate::{Action, InstallError, InstallFlags, decode};

/// What a kernel's seccomp offers. A plain value: a test can make one for a kernel it does not run on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// Filters can be installed at all.
    pub filters: bool,
    /// A filter can have a listener.
    pub notification: bool,
    /// The flags the kernel knows.
    pub flags: InstallFlags,
    /// The actions the kernel knows; a filter that answers another one kills.
    pub actions: Vec<Action>,
}

/// One action of each kind that a kernel may lack.
const ACTIONS: [Action; 8] = [
    Action::KillProcess,
    Action::KillThread,
    Action::Trap,
    Action::Errno(0),
    Action::Notify,
    Action::Trace(0),
    Action::Log,
    Action::Allow,
];

impl Features {
    /// Asks the running kernel, in about a dozen system calls. Installs nothing. A kernel without seccomp is a value.
    ///
    /// # Errors
    /// [`InstallError::Blocked`] if asking is forbidden, as by a container's filter.
    pub fn probe() -> Result<Self, InstallError> {
        if !has_filters()? {
            return Ok(Self::default());
        }
        let known = |flags: u32| matches!(knows_flags(flags), Ok(true));
        let actions: Vec<_> =
            ACTIONS.into_iter().filter(|action| sys::action_available(action.to_return()).is_ok()).collect();
        let notification = known(uapi::FLAG_NEW_LISTENER) && actions.contains(&Action::Notify) && sizes_are_ours();
        let flags = InstallFlags::all().iter().filter(|flag| known(companions(*flag))).collect();
        Ok(Self { filters: true, notification, flags, actions })
    }

    /// The flags to install a filter with a listener by: `WAIT_KILLABLE_RECV` where there is that.
    pub fn listener_flags(&self) -> InstallFlags {
        self.flags & InstallFlags::WAIT_KILLABLE_RECV
    }
}

/// Whether filters can be installed at all, asked in one system call: for a program that needs no more than that.
///
/// # Errors
/// [`InstallError::Blocked`] if asking is forbidden, as by a container's filter.
pub fn has_filters() -> Result<bool, InstallError> {
    knows_flags(0).or_else(|source| match source.raw_os_error() {
        Some(libc::ENOSYS) => Ok(false),
        Some(libc::EPERM) => Err(InstallError::Blocked { source }),
        _ => Err(InstallError::Call { call: "seccomp(SECCOMP_SET_MODE_FILTER)", source }),
    })
}

/// Whether the kernel's notification is the one this crate decodes.
fn sizes_are_ours() -> bool {
    sys::notification_sizes().is_ok_and(|sizes| {
        usize::from(sizes.seccomp_notif) == decode::NOTIFICATION_SIZE
            && usize::from(sizes.seccomp_notif_resp) == size_of::<uapi::seccomp_notif_resp>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probing_installs_nothing_and_repeats() {
        let Ok(features) = Features::probe() else { return println!("skipped: seccomp is blocked here") };
        assert_eq!(Features::probe().unwrap(), features);
        assert_eq!(has_filters().unwrap(), features.filters);
        if features.notification {
            assert!(features.filters && features.actions.contains(&Action::Notify), "{features:?}");
        }
    }

    #[test]
    fn a_listener_is_installed_with_what_there_is() {
        assert_eq!(Features::default().listener_flags(), InstallFlags::empty());
        let all = Features { flags: InstallFlags::all(), ..Features::default() };
        assert_eq!(all.listener_flags(), InstallFlags::WAIT_KILLABLE_RECV);
    }
}
