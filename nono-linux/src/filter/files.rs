//! What can be done to a file without opening it for writing, and that Landlock has no right for, here or at all.

use super::Rules;
use crate::supervisor::MEDIATED;
use nono_seccomp::Operator::{AnyBit, MaskedEqual, OneOf};
use nono_seccomp::{Action, BuildError, Condition, Errno, NamedCall};

/// Extended attributes, access control lists among them. Refused as on a file system that has none: programs that copy
/// attributes go on without.
const ATTRIBUTES: &[NamedCall] = calls![
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "setxattrat",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "removexattrat",
];

/// For which a descriptor open for reading is enough: `FS_IOC_SETFLAGS`, `FS_IOC_FSSETXATTR`, `FS_IOC_SETVERSION`
/// (linux/fs.h) and its older number on ext4, `FS_IOC_SET_ENCRYPTION_POLICY` (linux/fscrypt.h),
/// `FS_IOC_ENABLE_VERITY` (linux/fsverity.h), which makes a file unchangeable for good, and on btrfs
/// (linux/btrfs.h) making and removing subvolumes: `SNAP_CREATE`, `SUBVOL_CREATE`, `SNAP_DESTROY`, `SNAP_CREATE_V2`,
/// `SUBVOL_CREATE_V2`, `SUBVOL_SETFLAGS`, `SNAP_DESTROY_V2`.
const CHANGES: [u64; 13] = [
    0x4008_6602,
    0x401c_5820,
    0x4008_7602,
    0x4008_6604,
    0x800c_6613,
    0x4080_6685,
    0x5000_9401,
    0x5000_940e,
    0x5000_940f,
    0x5000_9417,
    0x5000_9418,
    0x4008_941a,
    0x5000_943f,
];

const O_PATH: u64 = 0o10_000_000;
const O_ACCMODE: u64 = 3;
const O_TRUNC: u64 = 0o1000;

pub(super) fn close_attributes(rules: &mut Rules) -> Result<(), BuildError> {
    rules.refuse(ATTRIBUTES, Errno::EOPNOTSUPP)?;
    rules.refuse(calls!["file_setattr"], Errno::EOPNOTSUPP)?;
    rules.refuse_where(call!("ioctl"), [Condition::int(1, OneOf(CHANGES.into()))?], Errno::EPERM)
}

/// Below Landlock ABI 3 a file is emptied by whoever may write it outside the sandbox, unless opening it takes the right
/// to write: which is so for `O_WRONLY` and `O_RDWR` alone, neither for reading nor for the mode 3 that drivers know.
pub(super) fn close_truncation(rules: &mut Rules) -> Result<(), BuildError> {
    rules.refuse(calls!["truncate"], Errno::EACCES)?;
    // Its flags are in memory. The C libraries open by openat(2).
    rules.refuse(calls!["openat2"], Errno::ENOSYS)?;
    for (call, flags) in [(call!("open"), 1), (call!("openat"), 2)] {
        for mode in [0, O_ACCMODE] {
            let emptying = MaskedEqual { mask: O_TRUNC | O_ACCMODE, value: O_TRUNC | mode };
            rules.refuse_where(call, [Condition::int(flags, emptying)?], Errno::EACCES)?;
        }
    }
    Ok(())
}

/// Opens go to a supervisor, but for those of a path alone (`O_PATH`), which give nothing to read or write. The flags of
/// openat2 are in memory; where it is refused altogether, it stays refused.
pub(super) fn notify_opens(rules: &mut Rules, openat2_is_refused: bool) -> Result<(), BuildError> {
    for (call, flags) in [(call!("open"), 1), (call!("openat"), 2)] {
        if let Some(syscall) = call.on(rules.arch) {
            rules.program.on_match(syscall, [Condition::int(flags, AnyBit(O_PATH))?], Action::Allow)?;
        }
    }
    for syscall in MEDIATED.iter().filter_map(|call| call.on(rules.arch)) {
        if !(openat2_is_refused && call!("openat2").on(rules.arch) == Some(syscall)) {
            rules.program.on(syscall, Action::Notify)?;
        }
    }
    Ok(())
}
