//! What a call asks to open: registers and memory of the target, copied once, in one form for the four calls.

use nono_core::OpenFlags;
use nono_seccomp::{Arch, NamedCall, Notification, OpenHow, Syscall};
use rustix::fs::{OFlags, ResolveFlags};
use std::ffi::CString;
use std::sync::LazyLock;

const OPEN: NamedCall = NamedCall::new("open");
const CREAT: NamedCall = NamedCall::new("creat");
const OPENAT: NamedCall = NamedCall::new("openat");
const OPENAT2: NamedCall = NamedCall::new("openat2");

/// The calls that are mediated.
pub(crate) const MEDIATED: [NamedCall; 4] = [OPEN, CREAT, OPENAT, OPENAT2];

/// Notified where opens are: who calls it gets nothing from a supervisor any more.
pub(crate) const CONFINE: NamedCall = NamedCall::new("landlock_restrict_self");

/// Mediated where a supervisor connects and listens on behalf.
pub(crate) const CONNECT: NamedCall = NamedCall::new("connect");
pub(crate) const LISTEN: NamedCall = NamedCall::new("listen");

/// Which of them a number is here.
static NUMBERS: LazyLock<[Option<Syscall>; 4]> =
    LazyLock::new(|| MEDIATED.map(|call| Arch::NATIVE.and_then(|arch| call.on(arch))));

/// Whether this is a call by which a process closes itself in further.
pub(super) fn confines(notification: &Notification<'_>) -> bool {
    Arch::NATIVE.and_then(|arch| CONFINE.on(arch)) == Some(notification.call().syscall())
}

/// An open, as it was asked for.
#[derive(Debug)]
pub(crate) struct Open {
    /// The call's name.
    pub(crate) call: &'static str,
    /// `AT_FDCWD` or a descriptor of the target's.
    pub(crate) directory: i32,
    pub(crate) path: CString,
    pub(crate) flags: OFlags,
    pub(crate) mode: u32,
    pub(crate) resolve: ResolveFlags,
}

impl Open {
    /// Reads the call. None: the kernel may answer it as it likes, for it is none of ours, malformed, or not readable.
    pub(crate) fn read(notification: &Notification<'_>) -> Option<Open> {
        let call = notification.call();
        let [first, second, third, fourth, ..] = call.arguments;
        let target = notification.target();
        let which = NUMBERS.iter().position(|number| *number == Some(call.syscall()))?;
        let (directory, address, how) = match which {
            0 => (CWD, first, legacy(second, third)),
            1 => (CWD, first, legacy(CREATE_ONLY.bits().into(), second)),
            2 => (int(first), second, legacy(third, fourth)),
            _ => (int(first), second, target.open_how(third, fourth).ok().filter(is_valid)?),
        };
        let flags = OFlags::from_bits_retain(u32::try_from(how.flags).ok()?);
        // What cannot be read is the kernel's to refuse, with the error it has for it.
        let path = target.path(address).ok()?;
        let resolve = ResolveFlags::from_bits(how.resolve)?;
        if flags.contains(OFlags::PATH) || resolve.contains(ResolveFlags::CACHED) || path.is_empty() {
            return None;
        }
        let mode = u32::try_from(how.mode & 0o7777).ok()?;
        Some(Open { call: NAMES.get(which)?, directory, path, flags, mode, resolve })
    }

    /// What is asked of the model, but for what only the object tells.
    pub(crate) fn asked(&self) -> Option<OpenFlags> {
        let mode = match self.flags & OFlags::ACCMODE {
            OFlags::RDONLY => OpenFlags::READ,
            OFlags::WRONLY => OpenFlags::WRITE,
            OFlags::RDWR => OpenFlags::READ | OpenFlags::WRITE,
            // The mode that only drivers know.
            _ => return None,
        };
        let truncate = if self.flags.contains(OFlags::TRUNC) { OpenFlags::TRUNCATE } else { OpenFlags::empty() };
        Some(mode | truncate)
    }

    /// `O_TMPFILE` holds the bit of `O_DIRECTORY` too.
    pub(crate) fn is_unnamed(&self) -> bool {
        self.flags.contains(OFlags::TMPFILE)
    }

    /// Whether a file that does not exist is made.
    pub(crate) fn creates(&self) -> bool {
        self.flags.contains(OFlags::CREATE) && !self.is_unnamed()
    }
}

const NAMES: [&str; 4] = ["open", "creat", "openat", "openat2"];
const CWD: i32 = libc::AT_FDCWD;
/// creat(2).
const CREATE_ONLY: OFlags = OFlags::CREATE.union(OFlags::WRONLY).union(OFlags::TRUNC);

/// Arguments of type `int` are the low half of a register; of the mode, only permissions count.
fn legacy(flags: u64, mode: u64) -> OpenHow {
    OpenHow { flags: flags & u64::from(u32::MAX), mode: mode & 0o7777, resolve: 0 }
}

/// What openat2(2) does not refuse with `EINVAL`, which open(2) takes as if it were not there.
fn is_valid(how: &OpenHow) -> bool {
    let known = OFlags::ACCMODE
        | OFlags::APPEND
        | OFlags::CLOEXEC
        | OFlags::CREATE
        | OFlags::DIRECT
        | OFlags::DIRECTORY
        | OFlags::DSYNC
        | OFlags::EXCL
        | OFlags::LARGEFILE
        | OFlags::NOATIME
        | OFlags::NOCTTY
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::PATH
        | OFlags::SYNC
        | OFlags::TMPFILE
        | OFlags::TRUNC
        | OFlags::from_bits_retain(libc::O_ASYNC.cast_unsigned());
    let makes = how.flags & u64::from((OFlags::CREATE | OFlags::TMPFILE.difference(OFlags::DIRECTORY)).bits()) != 0;
    how.flags & !u64::from(known.bits()) == 0 && how.mode & !(if makes { 0o7777 } else { 0 }) == 0
}

/// An argument of type `int`: the low half of a register.
pub(crate) fn int(register: u64) -> i32 {
    let [a, b, c, d, ..] = register.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openat2_refuses_what_open_does_not_see() {
        let how = |flags: u64, mode| is_valid(&OpenHow { flags, mode, resolve: 0 });
        let create = u64::from(OFlags::CREATE.bits());
        assert!(how(0, 0) && how(create, 0o644) && how(u64::from(OFlags::TMPFILE.bits()) | 2, 0o600));
        assert!(!how(1 << 26, 0) && !how(1 << 40, 0) && !how(0, 0o644) && !how(create, 0o10_0644));
        assert!(!how(u64::from(OFlags::DIRECTORY.bits()), 0o644));
    }

    #[test]
    fn an_int_is_the_low_half_of_a_register() {
        assert_eq!(int(0xdead_beef_0000_0005), 5);
        assert_eq!(int(u64::from(CWD.cast_unsigned())), CWD);
    }
}
