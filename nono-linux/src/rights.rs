//! Which file-system access rights this kernel's Landlock can handle, and their names in the `landlock` crate.
//!
//! Landlock gained rights one ABI at a time; this module alone knows when. Nothing here calls the kernel, so every ABI
//! is tested on any machine.

use crate::abi::Abi;
use landlock::{AccessFs, BitFlags};
use nono_core::FsAccess;

/// Every right: the ABI that added it (`linux/landlock.h`), and the crate's name for it.
const RIGHTS: [(Abi, FsAccess, AccessFs); 17] = [
    (Abi(1), FsAccess::EXECUTE, AccessFs::Execute),
    (Abi(1), FsAccess::WRITE_FILE, AccessFs::WriteFile),
    (Abi(1), FsAccess::READ_FILE, AccessFs::ReadFile),
    (Abi(1), FsAccess::READ_DIR, AccessFs::ReadDir),
    (Abi(1), FsAccess::REMOVE_DIR, AccessFs::RemoveDir),
    (Abi(1), FsAccess::REMOVE_FILE, AccessFs::RemoveFile),
    (Abi(1), FsAccess::MAKE_CHAR, AccessFs::MakeChar),
    (Abi(1), FsAccess::MAKE_DIR, AccessFs::MakeDir),
    (Abi(1), FsAccess::MAKE_REG, AccessFs::MakeReg),
    (Abi(1), FsAccess::MAKE_SOCK, AccessFs::MakeSock),
    (Abi(1), FsAccess::MAKE_FIFO, AccessFs::MakeFifo),
    (Abi(1), FsAccess::MAKE_BLOCK, AccessFs::MakeBlock),
    (Abi(1), FsAccess::MAKE_SYM, AccessFs::MakeSym),
    (Abi(2), FsAccess::REFER, AccessFs::Refer),
    (Abi(3), FsAccess::TRUNCATE, AccessFs::Truncate),
    (Abi(5), FsAccess::IOCTL_DEV, AccessFs::IoctlDev),
    (Abi(9), FsAccess::RESOLVE_UNIX, AccessFs::ResolveUnix),
];

/// Access rights, parted by what the kernel does about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "`open` is what this kernel will not enforce: report it"]
pub struct Handling {
    /// Denied unless a rule grants them.
    pub handled: FsAccess,
    /// Never denied by Landlock, whatever the ruleset says: each one is a gap.
    pub open: FsAccess,
    /// Always denied, even where granted: `REFER` on ABI 1. Not a gap, but a surprise: `mv` between directories copies.
    pub withheld: FsAccess,
}

/// Parts `wanted` by what Landlock `abi` does about each right. `Abi(0)`: no Landlock.
pub fn handling(wanted: FsAccess, abi: Abi) -> Handling {
    let known: FsAccess = RIGHTS.iter().filter(|(since, ..)| *since <= abi).map(|(_, right, _)| *right).collect();
    let handled = wanted & known;
    let withheld = if abi == Abi(1) { wanted & FsAccess::REFER } else { FsAccess::empty() };
    Handling { handled, open: wanted.difference(handled | withheld), withheld }
}

/// The same rights in the `landlock` crate's type.
pub(crate) fn to_landlock(access: FsAccess) -> BitFlags<AccessFs> {
    let named = RIGHTS.iter().filter(|(_, right, _)| access.contains(*right));
    named.map(|(.., theirs)| *theirs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_was_added_by_exactly_one_abi() {
        let listed: FsAccess = RIGHTS.iter().map(|(_, right, _)| *right).collect();
        assert_eq!(listed, FsAccess::all());
        assert_eq!(RIGHTS.len(), FsAccess::all().iter().count(), "a right is listed twice");
    }

    #[test]
    fn the_crate_agrees_about_every_abi_it_knows() {
        use landlock::{ABI, Access};
        let known = [ABI::V1, ABI::V2, ABI::V3, ABI::V4, ABI::V5, ABI::V6, ABI::V7, ABI::V8, ABI::V9, ABI::V10];
        for (number, theirs) in (1..).zip(known) {
            let ours = handling(FsAccess::all(), Abi(number)).handled;
            assert_eq!(to_landlock(ours), AccessFs::from_all(theirs), "ABI {number}");
            assert_eq!(to_landlock(ours & FsAccess::FILE), AccessFs::from_file(theirs), "files, ABI {number}");
        }
    }

    #[test]
    fn handling_by_abi() {
        let (wanted, none) = (FsAccess::READ_FILE | FsAccess::REFER, FsAccess::empty());
        for (abi, handled, open, withheld) in [
            (0, none, wanted, none),
            (1, FsAccess::READ_FILE, none, FsAccess::REFER),
            (2, wanted, none, none),
            (99, wanted, none, none), // a kernel newer than this code handles no less
        ] {
            assert_eq!(handling(wanted, Abi(abi)), Handling { handled, open, withheld }, "ABI {abi}");
        }
    }
}
