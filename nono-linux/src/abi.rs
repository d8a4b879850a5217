//! What this kernel offers, asked of the kernel itself: never derived from a version string or a file in `/sys`.

use crate::carveout::Namespaces;
use crate::sys;
use nono_seccomp::{Arch, InstallError, has_filters};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use std::fmt;
use std::io;

/// A version of Landlock's interface; 0 is no Landlock. See the table in `linux/landlock.h` and landlock(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Abi(pub u32);

impl Abi {
    /// The Linux release that brought this ABI.
    pub(crate) const fn linux(self) -> &'static str {
        match self.0 {
            0 | 1 => "5.13",
            2 => "5.19",
            3 => "6.2",
            4 => "6.7",
            5 => "6.10",
            6 => "6.12",
            7 => "6.15",
            8 => "7.0",
            9 => "7.1",
            10 => "7.2",
            _ => "7.3",
        }
    }
}

impl fmt::Display for Abi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ABI {}", self.0)
    }
}

/// Why there is no Landlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absence {
    /// The kernel does not know the system call: older than Linux 5.13, or built without `CONFIG_SECURITY_LANDLOCK`.
    NotBuilt,
    /// The kernel has it, and it was not enabled at boot.
    Disabled,
    /// A filter on this process, such as a container's, refuses the system call.
    Blocked,
    /// A filter is on this process and the kernel seems not to know the call: either may be the cause.
    NotBuiltOrBlocked,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Absence::NotBuilt => {
                "this kernel was built without Landlock; use Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK"
            }
            Absence::Disabled => {
                "Landlock is built into this kernel but not enabled; add landlock to the boot parameter lsm="
            }
            Absence::Blocked => {
                "a filter on this process, most likely a container's, refuses Landlock; \
                 allow landlock_create_ruleset, landlock_add_rule and landlock_restrict_self in its seccomp profile"
            }
            Absence::NotBuiltOrBlocked => {
                "the kernel does not answer to Landlock: it is older than Linux 5.13 or built without it, or a \
                 container's seccomp profile hides it; allow the three landlock_ system calls there"
            }
        })
    }
}

/// What the running kernel offers a sandbox. Plain data: a test makes one for any kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// Landlock's ABI.
    pub abi: Abi,
    /// Why the ABI is 0; else none.
    pub absence: Option<Absence>,
    /// Whether filters of system calls can be installed.
    pub seccomp: bool,
    /// Whether core dumps can be switched off for a child of this process.
    pub core_limit: bool,
    /// Bit n-1 is set when Landlock's erratum n is fixed. 0 where the kernel cannot be asked.
    pub errata: u32,
    /// Whether mount namespaces can be made. Asking takes a child process: it is asked where the answer counts.
    pub namespaces: Namespaces,
}

impl Kernel {
    /// Asks the running kernel. Changes nothing.
    pub fn probe() -> Kernel {
        let (seccomp, core_limit, namespaces) = (seccomp(), core_limit(), Namespaces::NotAsked);
        match sys::landlock_abi() {
            Ok(abi) => {
                let errata = sys::landlock_errata().unwrap_or(0);
                Kernel { abi: Abi(abi), absence: None, seccomp, core_limit, errata, namespaces }
            }
            Err(error) => {
                let absence = absence(Errno::from_io_error(&error), filtered().unwrap_or(true));
                Kernel { abi: Abi(0), absence: Some(absence), seccomp, core_limit, errata: 0, namespaces }
            }
        }
    }

    /// A kernel with this ABI, seccomp, and all errata fixed, for tests and simulations.
    pub fn with_abi(abi: u32) -> Kernel {
        let absence = (abi == 0).then_some(Absence::NotBuilt);
        let errata = if abi == 0 { 0 } else { u32::MAX };
        Kernel { abi: Abi(abi), absence, seccomp: true, core_limit: true, errata, namespaces: Namespaces::NotAsked }
    }

    /// Whether unix sockets can be granted by their paths; otherwise there are all or none.
    pub fn has_unix_by_path(&self) -> bool {
        self.abi >= Abi(9)
    }

    /// Whether name lookups can be granted by UDP without granting all of it; otherwise they are by TCP alone.
    pub fn has_udp_by_port(&self) -> bool {
        self.abi >= Abi(10)
    }
}

/// Whether the limit on core files can be 1, which alone keeps the kernel from starting a handler (core(5)). A hard limit
/// of 0 can be raised with a capability only, and does no harm where no handler is set.
fn core_limit() -> bool {
    let raise = || capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_RESOURCE));
    let handler = || std::fs::read("/proc/sys/kernel/core_pattern").map_or(true, |pattern| pattern.starts_with(b"|"));
    getrlimit(Resource::Core).maximum != Some(0) || raise() || !handler()
}

/// Whether this kernel has filters and this crate the numbers of its machine.
fn seccomp() -> bool {
    // An error that tells neither is none to go on without filters: installing one will tell.
    let none = matches!(has_filters(), Ok(false) | Err(InstallError::Blocked { .. }));
    Arch::NATIVE.is_some() && !none
}

/// What an errno of `landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)` tells (`landlock(7)`).
fn absence(errno: Option<Errno>, filtered: bool) -> Absence {
    match errno {
        Some(Errno::OPNOTSUPP) => Absence::Disabled,
        Some(Errno::NOSYS) if filtered => Absence::NotBuiltOrBlocked,
        Some(Errno::NOSYS) => Absence::NotBuilt,
        _ => Absence::Blocked,
    }
}

/// Whether a seccomp filter is on this process: `Seccomp: 2` in `proc_pid_status(5)`.
fn filtered() -> io::Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    Ok(status.lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "2")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_errno_tells_why_landlock_is_absent() {
        for (errno, filtered, expected) in [
            (Errno::NOSYS, false, Absence::NotBuilt),
            (Errno::NOSYS, true, Absence::NotBuiltOrBlocked),
            (Errno::OPNOTSUPP, false, Absence::Disabled),
            (Errno::PERM, true, Absence::Blocked),
            (Errno::ACCESS, true, Absence::Blocked),
        ] {
            assert_eq!(absence(Some(errno), filtered), expected, "{errno:?}, filtered: {filtered}");
        }
    }

    #[test]
    fn the_kernel_has_the_abi_that_the_environment_states() {
        let found = Kernel::probe();
        assert_eq!(found.abi == Abi(0), found.absence.is_some());
        if let Ok(expected) = std::env::var("NONO_TEST_ABI") {
            assert_eq!(found.abi.0.to_string(), expected, "NONO_TEST_ABI and the kernel disagree");
        }
    }
}
