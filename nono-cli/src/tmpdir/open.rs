//! Opening directories that others may have prepared: one component at a time, by descriptor, never
//! through a link.

use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::{Errno, Result};
use rustix::path::Arg;

/// A handle on a directory, through links: for paths that are trusted.
pub(super) const HANDLE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// `open(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW)`: a handle that needs no permission on the
/// directory itself. A link is `ENOTDIR`.
pub(super) fn handle<P: Arg>(dir: BorrowedFd<'_>, name: P) -> Result<OwnedFd> {
    rustix::fs::openat(dir, name, HANDLE | OFlags::NOFOLLOW, Mode::empty())
}

/// Opens the directory behind a handle for listing.
pub(super) fn listable(handle: BorrowedFd<'_>) -> Result<OwnedFd> {
    rustix::fs::openat(handle, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Opens `name`, a directory in `dir`, for listing. A link is `ELOOP`, a mount point `EXDEV`, even if
/// what is mounted there comes from the same file system.
pub(super) fn inside<P: Arg>(dir: BorrowedFd<'_>, name: P) -> Result<OwnedFd> {
    within(dir, name, OFlags::RDONLY)
}

/// The same, after giving its owner all permissions if they lack them.
///
/// # Security
/// Changes a mode, so only below a directory that was condemned. The change is made on what was
/// opened; whoever can move a directory of theirs there could have changed its mode themselves.
pub(super) fn unlocked<P: Arg + Copy>(dir: BorrowedFd<'_>, name: P) -> Result<OwnedFd> {
    let opened = match inside(dir, name) {
        Err(Errno::ACCESS) => {
            unlock(within(dir, name, OFlags::PATH)?.as_fd())?;
            inside(dir, name)?
        }
        other => other?,
    };
    if !Mode::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode).contains(Mode::RWXU) {
        match rustix::fs::fchmod(&opened, Mode::RWXU) {
            Ok(()) | Err(Errno::PERM) => {} // somebody else's: what it permits may still do
            Err(other) => return Err(other),
        }
    }
    Ok(opened)
}

/// Sets mode 0700 on the directory behind a handle, which `fchmod` refuses on `O_PATH` descriptors
/// (`fchmodat2` would do it, from Linux 6.6).
pub(super) fn unlock(handle: BorrowedFd<'_>) -> Result<()> {
    let link = format!("/proc/self/fd/{}", handle.as_raw_fd());
    rustix::fs::chmodat(CWD, link, Mode::RWXU, AtFlags::empty())
}

/// `name` is one name, so that a link could only be at its end.
fn within<P: Arg>(dir: BorrowedFd<'_>, name: P, access: OFlags) -> Result<OwnedFd> {
    let name = name.into_c_str()?;
    let flags = access | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve =
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    match rustix::fs::openat2(dir, &*name, flags, Mode::empty(), resolve) {
        // A sandbox around this one may have to refuse it (Landlock below ABI 3).
        Err(Errno::NOSYS) => {
            let opened = rustix::fs::openat(dir, &*name, flags, Mode::empty())?;
            if mount(dir)? == mount(opened.as_fd())? { Ok(opened) } else { Err(Errno::XDEV) }
        }
        opened => opened,
    }
}

/// The number of the mount that a directory is on: `statx(2)`, since Linux 5.8.
fn mount(directory: BorrowedFd<'_>) -> Result<u64> {
    let found = rustix::fs::statx(directory, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
    let known = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID);
    if known { Ok(found.stx_mnt_id) } else { Err(Errno::NOSYS) }
}
