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

/// Mediated where a supervisor connects and listens on behalf.
pub(crate) const CONNECT: NamedCall = NamedCall::new("connect");
pub(crate) const LISTEN: NamedCall = NamedCall::new("listen");

/// Which of them a number is here.
static NUMBERS: LazyLock<[Option<Syscall>; 4]> =
    LazyLock::new(|| MEDIATED.map(|call| Arch::NATIVE.and_then(|arch| call.on(arch))));

/// An open, as it was asked for.
#[derive(Debug)]
pub(super) struct Open {
    /// The call's name.
    pub(super) call: &'static str,
    /// `AT_FDCWD` or a descriptor of the target's.
    pub(super) directory: i32,
    pub(super) path: CString,
    pub(super) flags: OFlags,
    pub(super) mode: u32,
    pub(super) resolve: ResolveFlags,
}

impl Open {
    /// Reads the call. None: the kernel may answer it as it likes, for it is none of ours, malformed, or not readable.
    pub(super) fn read(notification: &Notification<'_>) -> Option<Open> {
        let call = notification.call();
        let [first, second, third, fourth, ..] = call.arguments;
        let target = notification.target();
        let which = NUMBERS.iter().position(|number| *number == Some(call.syscall()))?;
        let (directory, address, how) = match which {
            0 => (CWD, first, legacy(second, third)),
            1 => (CWD, first, legacy(CREATE_ONLY.bits().into(), second)),
            2 => (int(first), second, legacy(third, fourth)),
            _ => (int(first), second, target.open_how(third, fourth).ok()?),
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
    pub(super) fn asked(&self) -> Option<OpenFlags> {
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

    pub(super) fn is_absolute(&self) -> bool {
        self.path.to_bytes().starts_with(b"/")
    }

    /// `O_TMPFILE` holds the bit of `O_DIRECTORY` too.
    pub(super) fn is_unnamed(&self) -> bool {
        self.flags.contains(OFlags::TMPFILE)
    }

    /// Whether a file that does not exist is made.
    pub(super) fn creates(&self) -> bool {
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

fn int(register: u64) -> i32 {
    let [a, b, c, d, ..] = register.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_int_is_the_low_half_of_a_register() {
        assert_eq!(int(0xdead_beef_0000_0005), 5);
        assert_eq!(int(u64::from(CWD.cast_unsigned())), CWD);
    }
}
