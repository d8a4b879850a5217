//! Root's privileges, given up before the program starts: capabilities(7).
//!
//! Landlock and seccomp stand in the way of root like of anyone, but some checks ask for a capability first. Since Linux
//! 6.15 `CAP_PERFMON` opens `/proc/PID/environ` and `maps` of every process, whatever Landlock says of tracing
//! (kernel/fork.c, `may_access_mm`). A program that was given paths has no use for any of them, with one exception: a
//! granted file that belongs to another user is not root's to write without `CAP_DAC_OVERRIDE`. Others are kept by name.

use nono_core::Permissions;
use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
};
use std::fmt;
use std::str::FromStr;

/// How many capabilities the kernel's masks have room for; 41 are in use (linux/capability.h).
const ROOM: u32 = 64;

/// A capability of capabilities(7), by its name there: with or without `CAP_`, in upper or lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capability(CapabilitySet);

/// A name that no [`Capability`] has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no capability is called {name:?}; capabilities(7) lists them")]
#[expect(missing_docs, reason = "the message explains the field")]
pub struct UnknownCapability {
    pub name: String,
}

impl FromStr for Capability {
    type Err = UnknownCapability;
    fn from_str(name: &str) -> Result<Capability, UnknownCapability> {
        let upper = name.to_ascii_uppercase();
        let found = CapabilitySet::from_name(upper.strip_prefix("CAP_").unwrap_or(&upper));
        found.map(Capability).ok_or_else(|| UnknownCapability { name: name.to_owned() })
    }
}

impl Capability {
    /// Its name, without `CAP_`.
    pub fn name(self) -> &'static str {
        self.0.iter_names().next().map_or("", |(name, _)| name)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a process gives up, decided beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Privileges {
    held: CapabilitySet,
    kept: CapabilitySet,
    /// For a user other than root, what is kept survives exec only as an ambient capability.
    ambient: bool,
}

impl Privileges {
    /// All that this thread holds will be given up.
    pub(crate) fn of_this_thread() -> Result<Privileges, Errno> {
        let ambient = !rustix::process::geteuid().is_root();
        Ok(Privileges { held: capabilities(None)?.permitted, kept: CapabilitySet::empty(), ambient })
    }

    /// None will be given up.
    pub(crate) fn kept_all() -> Privileges {
        Privileges { held: CapabilitySet::empty(), kept: CapabilitySet::empty(), ambient: false }
    }

    /// All are held in it, and given up.
    pub(crate) fn of_a_new_user_namespace() -> Privileges {
        Privileges { held: CapabilitySet::all(), kept: CapabilitySet::empty(), ambient: false }
    }

    /// Keeps `wanted` too.
    ///
    /// # Errors
    /// The first that is not held.
    pub(crate) fn keep(self, wanted: &[Capability]) -> Result<Privileges, Capability> {
        match wanted.iter().find(|one| !self.held.contains(one.0)) {
            Some(missing) => Err(*missing),
            None => Ok(Privileges { kept: wanted.iter().fold(self.kept, |all, one| all | one.0), ..self }),
        }
    }

    /// Keeps what root needs for files of other users, if it is there: `foreign` says whether any was granted.
    pub(crate) fn for_files(self, foreign: bool) -> Privileges {
        let needed = if foreign { CapabilitySet::DAC_OVERRIDE } else { CapabilitySet::empty() };
        Privileges { kept: self.kept | self.held & needed, ..self }
    }

    /// What permissions of files are to a program, by what [`Privileges::for_files`] keeps.
    pub(crate) fn permissions(self) -> Permissions {
        let needed = CapabilitySet::DAC_OVERRIDE;
        if self.kept.contains(needed) {
            Permissions::Overridden
        } else if self.held.contains(needed) {
            Permissions::OverriddenForOthers(rustix::process::geteuid().as_raw())
        } else {
            Permissions::Hold
        }
    }

    /// Whether there is anything to give up.
    pub(crate) fn held(self) -> bool {
        !self.held.is_empty()
    }

    /// Gives them up, for this thread and for what it executes. Async-signal-safe: system calls alone.
    ///
    /// For a program that root executes, the kernel takes the bounding set for its capabilities: it has to go as well.
    /// Without `CAP_SETPCAP` it cannot, which is an error unless nothing but what may stay is in it.
    pub(crate) fn drop(self) -> Result<(), Errno> {
        if !self.held() {
            return Ok(());
        }
        for number in 0..ROOM {
            let one = CapabilitySet::from_bits_retain(1 << number);
            if self.kept.contains(one) {
                continue;
            }
            match remove_capability_from_bounding_set(one) {
                // The kernel knows no more.
                Err(Errno::INVAL) => break,
                // Not ours to drop. It may be gone already; and inside a sandbox that kept it, it stays.
                Err(Errno::PERM) if one == CapabilitySet::DAC_OVERRIDE => {}
                Err(Errno::PERM) if !capability_is_in_bounding_set(one)? => {}
                dropped => dropped?,
            }
        }
        match clear_ambient_capability_set() {
            // Before Linux 4.3 there was no such set.
            Ok(()) | Err(Errno::INVAL) => {}
            Err(errno) => return Err(errno),
        }
        let inheritable = if self.ambient { self.kept } else { CapabilitySet::empty() };
        set_capabilities(None, CapabilitySets { effective: self.kept, permitted: self.kept, inheritable })?;
        for number in 0..ROOM {
            let one = CapabilitySet::from_bits_retain(1 << number);
            if inheritable.contains(one) {
                configure_capability_in_ambient_set(one, true)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_others_keep_a_capability_that_is_there() {
        let none = Privileges { held: CapabilitySet::empty(), kept: CapabilitySet::empty(), ambient: false };
        let root = Privileges { held: CapabilitySet::all(), ..none };
        assert_eq!(root.for_files(false).kept, CapabilitySet::empty());
        assert_eq!(root.for_files(true).kept, CapabilitySet::DAC_OVERRIDE);
        assert_eq!(none.for_files(true).kept, CapabilitySet::empty());
    }

    #[test]
    fn capabilities_are_kept_by_name_if_they_are_there() {
        let some = CapabilitySet::CHOWN | CapabilitySet::FOWNER;
        let root = Privileges { held: some, kept: CapabilitySet::empty(), ambient: false };
        let named = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<Capability>>();
        assert_eq!(root.keep(&named(&["CHOWN", "cap_fowner"])).unwrap().for_files(true).kept, some);
        assert_eq!(root.keep(&named(&["FOWNER", "SYS_ADMIN"])).unwrap_err().name(), "SYS_ADMIN");
        for wrong in ["", "CAP_", "ROOT", "CHOWN,FOWNER"] {
            assert!(wrong.parse::<Capability>().is_err(), "{wrong}");
        }
    }
}
