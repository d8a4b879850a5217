//! How long nothing has changed in a private directory.
//!
//! "Changed" is the inode's change time: every change of an entry, a file's content or its attributes
//! sets it to the present, and nobody can set it otherwise, as `touch` can the modification time. It is
//! looked at for the directory and for what two levels below it hold, 128 entries at most, without
//! changing anything. So an orphan that writes only deeper than that may lose its temporary files, but
//! nothing else is ever at stake. A change time in the future (the clock was set back) is a recent one.

use super::open;
use super::tree::{Deadline, LISTING_BYTES};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, RawDir, Statx, StatxFlags};
use std::ffi::CStr;
use std::mem::MaybeUninit;

const LEVELS: u32 = 2;
/// So few that the look leaves time for the removal.
const LOOKED_AT: u32 = 128;

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing that changed later.
    Unchanged,
    /// Something did.
    Changed,
    /// The time was over first.
    Late,
}

/// A look into a directory for changes later than `before`, in seconds since 1970.
pub(super) struct Search<'a> {
    pub(super) before: i64,
    pub(super) deadline: &'a Deadline,
}

/// `statx(2)` of an entry, never of what a link names.
pub(super) fn entry(directory: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<Statx> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    rustix::fs::statx(directory, name, flags, StatxFlags::BASIC_STATS)
}

impl Search<'_> {
    /// Looks at what directory `name` holds. A directory that cannot be listed is judged by its own
    /// time: its mode is not ours to change before it is condemned.
    pub(super) fn below(&self, parent: BorrowedFd<'_>, name: &CStr) -> Look {
        self.level(parent, name, LEVELS, &mut 0)
    }

    fn level(&self, parent: BorrowedFd<'_>, name: &CStr, levels: u32, seen: &mut u32) -> Look {
        match open::inside(parent, name) {
            Ok(listing) => self.entries(&listing, levels, seen),
            Err(_) => Look::Unchanged,
        }
    }

    fn entries(&self, listing: &OwnedFd, levels: u32, seen: &mut u32) -> Look {
        let mut buffer = [MaybeUninit::uninit(); LISTING_BYTES];
        let mut entries = RawDir::new(listing, &mut buffer);
        while let Some(Ok(found)) = entries.next() {
            let name = found.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            if *seen >= LOOKED_AT {
                return Look::Unchanged;
            }
            *seen += 1;
            if self.deadline.is_over() {
                return Look::Late;
            }
            if entry(listing.as_fd(), name).is_ok_and(|stat| stat.stx_ctime.tv_sec > self.before) {
                return Look::Changed;
            }
            if levels > 1 && found.file_type() == FileType::Directory {
                match self.level(listing.as_fd(), name, levels - 1, seen) {
                    Look::Unchanged => {}
                    other => return other,
                }
            }
        }
        Look::Unchanged
    }
}
