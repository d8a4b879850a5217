//! What may be missing on a machine, and what a test does about it: it says so, and can be told that it must not be.
//!
//! ```
//! fn commits_are_possible() {
//!     nono_tests::need!(nono_tests::need::Need::Program("git"));
//!     // the test
//! }
//! # commits_are_possible();
//! ```
//! A test whose precondition is missing writes one line, `SKIPPED name: reason`, past the capture of the test harness,
//! and adds `name<TAB>reason` to the file named in `NONO_TEST_SKIPS`, if any. `NONO_TEST_REQUIRE` turns such skips into
//! failures: a comma list of `landlock`, `seccomp`, `userns`, `programs`, `root`, or `all`, which is all of them but
//! `root` (who runs the tests is a choice, not a property of the machine).

use crate::probe;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// One precondition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A program in `PATH`.
    Program(&'static str),
    /// A program in `PATH` that can do more than busybox's of that name.
    Full(&'static str),
    /// Landlock of at least this ABI.
    Landlock(u32),
    /// Seccomp filters.
    Seccomp,
    /// User namespaces for unprivileged processes, with capabilities in them.
    UserNamespaces,
    /// User 0 with the capability to administer the system.
    Root,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(name) => write!(f, "no program {name} in PATH"),
            Self::Full(name) => write!(f, "no program {name} in PATH but busybox's"),
            Self::Landlock(abi) => write!(f, "no Landlock ABI {abi} (this kernel: {})", probe::landlock_abi()),
            Self::Seccomp => f.write_str("no seccomp filters"),
            Self::UserNamespaces => f.write_str("no user namespaces"),
            Self::Root => f.write_str("not root"),
        }
    }
}

impl Need {
    /// The word in `NONO_TEST_REQUIRE` that makes it a must.
    pub fn group(self) -> &'static str {
        match self {
            Self::Program(_) | Self::Full(_) => "programs",
            Self::Landlock(_) => "landlock",
            Self::Seccomp => "seccomp",
            Self::UserNamespaces => "userns",
            Self::Root => "root",
        }
    }

    /// Whether it is there.
    ///
    /// # Panics
    /// When `NONO_TEST_ABI` names another Landlock ABI than the kernel has: the machine is not what the runner thinks.
    pub fn is_met(self) -> bool {
        match self {
            Self::Program(name) => program(name).is_some(),
            Self::Full(name) => program(name).is_some_and(|found| is_full(&found)),
            Self::Landlock(wanted) => landlock_abi() >= wanted,
            Self::Seccomp => probe::seccomp_filters(),
            Self::UserNamespaces => probe::user_namespaces(),
            Self::Root => is_root(),
        }
    }
}

/// The Landlock ABI of this kernel, 0 without Landlock.
///
/// # Panics
/// When `NONO_TEST_ABI` states another one.
pub fn landlock_abi() -> u32 {
    let found = probe::landlock_abi();
    if let Ok(stated) = std::env::var("NONO_TEST_ABI") {
        assert_eq!(stated.trim().parse(), Ok(found), "NONO_TEST_ABI={stated}, but the kernel has Landlock ABI {found}");
    }
    found
}

/// User 0, and not one whose capabilities a container took away.
pub fn is_root() -> bool {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok());
    rustix::process::geteuid().is_root() && effective.is_some_and(|set| set & CAP_SYS_ADMIN != 0)
}

/// Where a program is in `PATH`.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|program| {
        let found = std::fs::metadata(program);
        found.is_ok_and(|file| {
            file.is_file() && std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o111 != 0
        })
    })
}

/// Whether `program` is a program of its own, and no other name of busybox.
fn is_full(program: &Path) -> bool {
    std::fs::canonicalize(program).is_ok_and(|file| file.file_name() != Some("busybox".as_ref()))
}

/// Whether `test` can run; when it cannot, says so and records it. Tests use [`need!`](crate::need!).
///
/// # Panics
/// When a need is not met and `NONO_TEST_REQUIRE` asks for it.
#[must_use = "a test whose needs are not met must return"]
pub fn met(test: &str, needs: &[Need]) -> bool {
    let required = std::env::var("NONO_TEST_REQUIRE").unwrap_or_default();
    let Some(missing) = needs.iter().find(|need| !need.is_met()) else { return true };
    assert!(!is_required(missing.group(), &required), "{missing}, and NONO_TEST_REQUIRE={required}");
    skip(test, &missing.to_string());
    false
}

fn is_required(group: &str, list: &str) -> bool {
    list.split(',').map(str::trim).any(|word| word == group || (word == "all" && group != "root"))
}

/// Says and records that `test` was left out, and why.
///
/// # Panics
/// When it cannot be recorded: a skip that nobody hears of is a pass.
pub fn skip(test: &str, reason: &str) {
    // Written directly: the harness captures print macros of tests that pass. A closed stdout loses only the line.
    drop(writeln!(io::stdout(), "SKIPPED {test}: {reason}"));
    if let Some(list) = std::env::var_os("NONO_TEST_SKIPS") {
        let line = format!("{test}\t{reason}\n");
        let written =
            OpenOptions::new().append(true).create(true).open(&list).and_then(|mut f| f.write_all(line.as_bytes()));
        assert!(written.is_ok(), "cannot record a skip in {list:?}: {written:?}");
    }
}

/// Returns from the test, having said why, unless every [`Need`] given is met.
#[macro_export]
macro_rules! need {
    ($($need:expr),+ $(,)?) => {{
        fn here() {}
        let name = ::std::any::type_name_of_val(&here);
        // The child of a test is there because its parent had what it needs.
        if !$crate::child::is_child() && !$crate::need::met(name.strip_suffix("::here").unwrap_or(name), &[$($need),+]) {
            return;
        }
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_leaves_out_root_only() {
        for (group, list, required) in [
            ("programs", "all", true),
            ("root", "all", false),
            ("root", "all,root", true),
            ("userns", "landlock, userns", true),
            ("seccomp", "landlock, userns", false),
            ("seccomp", "", false),
        ] {
            assert_eq!(is_required(group, list), required, "{group} in {list:?}");
        }
    }

    #[test]
    fn programs_are_looked_for_in_path() {
        assert!(Need::Program("sh").is_met());
        assert!(!Need::Program("no-such-program-here").is_met());
    }

    #[test]
    fn another_name_of_busybox_is_no_program_of_its_own() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let [own, busybox, applet] = ["tar", "busybox", "diff"].map(|name| dir.path().join(name));
        std::fs::write(&own, "")?;
        std::fs::write(&busybox, "")?;
        std::os::unix::fs::symlink("busybox", &applet)?;
        assert!(is_full(&own) && !is_full(&applet) && !is_full(&dir.path().join("missing")));
        Ok(())
    }

    #[test]
    fn the_abi_is_the_stated_one() {
        assert!(Need::Landlock(0).is_met());
        assert!(!Need::Landlock(u32::MAX).is_met());
    }
}
