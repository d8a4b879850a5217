//! Removing a directory whose content is hostile.
//!
//! The tree may have links and mount points, directories without permissions, 100,000 levels, any
//! number of entries, and a process that goes on changing it. So: only names in directories that are
//! open, never a path; links are removed, not followed; mount points are left. A directory that is not
//! empty is emptied of all but directories, and those are moved up beside it, to the top of the dying
//! tree under names of our own, and it is removed. However deep the tree, each directory is moved once
//! and four descriptors are open. A pass that changes nothing is the last, and so is the deadline: what
//! is left can be gone on with at any time.
//!
//! In a sandbox of Landlock's first ABI (Linux 5.13 to 5.18) no directory can be moved to another. There
//! the removal goes down 16 levels; what is deeper is left to whoever removes the outer directory.

use super::open;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, RawDir, SeekFrom};
use rustix::io::Errno;
use std::cell::Cell;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

/// Bytes of directory entries read at once.
pub(super) const LISTING_BYTES: usize = 8192;

/// How far a removal goes down where directories cannot be moved; each level has a descriptor and a
/// listing on the stack.
const DESCENTS: u32 = 16;

/// What became of a directory that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing is left of it.
    Gone,
    /// The time was over before the work was.
    Unfinished,
    /// Something there cannot be removed: immutable, a mount point, somebody else's.
    Left,
}

/// The moment at which work stops.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

/// What one pass over a directory did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Changed,
    Unchanged,
    Late,
}

impl Deadline {
    /// `budget` from now; never, if that is later than a clock can say.
    pub(super) fn after(budget: Duration) -> Self {
        Self(Instant::now().checked_add(budget))
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }
}

/// Removes directory `name` of `parent` with all below it.
pub(super) fn remove(parent: BorrowedFd<'_>, name: &CStr, deadline: &Deadline) -> Outcome {
    if rmdir(parent, name) {
        return Outcome::Gone;
    }
    let Ok(top) = open::unlocked(parent, name) else { return Outcome::Left };
    let top = Top { directory: top, next_name: Cell::new(seed()) };
    loop {
        let pass = top.pass(deadline);
        if rmdir(parent, name) {
            return Outcome::Gone;
        }
        match pass {
            Pass::Changed => {}
            Pass::Unchanged => return Outcome::Left,
            Pass::Late => return Outcome::Unfinished,
        }
    }
}

/// The top of the dying tree, and the number in the next name that a directory moved there gets.
struct Top {
    directory: OwnedFd,
    next_name: Cell<u64>,
}

impl Top {
    fn pass(&self, deadline: &Deadline) -> Pass {
        let Ok(listing) = open::listable(self.directory.as_fd()) else { return Pass::Unchanged };
        each(&listing, deadline, |name, kind| {
            if discard(self.directory.as_fd(), name, kind) {
                return Pass::Changed;
            }
            self.empty(self.directory.as_fd(), name, DESCENTS, deadline)
        })
    }

    /// Empties directory `name` of `parent`, and removes it.
    fn empty(&self, parent: BorrowedFd<'_>, name: &CStr, descents: u32, deadline: &Deadline) -> Pass {
        let Ok(directory) = open::unlocked(parent, name) else { return Pass::Unchanged };
        let mut result = Pass::Unchanged;
        loop {
            let pass = each(&directory, deadline, |inner, kind| {
                if discard(directory.as_fd(), inner, kind) || self.lift(directory.as_fd(), inner) {
                    return Pass::Changed;
                }
                match (kind, descents.checked_sub(1)) {
                    (FileType::Directory | FileType::Unknown, Some(descents)) => {
                        self.empty(directory.as_fd(), inner, descents, deadline)
                    }
                    _ => Pass::Unchanged,
                }
            });
            if rmdir(parent, name) {
                return Pass::Changed;
            }
            match pass {
                Pass::Changed => result = Pass::Changed,
                Pass::Unchanged => return result,
                Pass::Late => return Pass::Late,
            }
            if rustix::fs::seek(&directory, SeekFrom::Start(0)).is_err() {
                return result;
            }
        }
    }

    /// Moves directory `name` of `from` to the top. The number is new to a hostile writer, and if it
    /// meets an empty directory after all, that one is replaced: it is dying too.
    fn lift(&self, from: BorrowedFd<'_>, name: &CStr) -> bool {
        let mut locked = true;
        for _ in 0..4 {
            self.next_name.set(self.next_name.get().wrapping_add(1));
            let fresh = format!("{:x}", self.next_name.get());
            match rustix::fs::renameat(from, name, &self.directory, fresh) {
                Ok(()) | Err(Errno::NOENT) => return true,
                // A directory that gets another parent must be writable itself: its `..` changes.
                Err(Errno::ACCESS | Errno::PERM) if locked && open::unlocked(from, name).is_ok() => locked = false,
                Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                // EXDEV in a sandbox that forbids all moves, EBUSY at a mount point.
                Err(_) => return false,
            }
        }
        false
    }
}

/// Calls `visit` for each entry but `.` and `..`. Entries that come and go meanwhile may be missed.
fn each(listing: &OwnedFd, deadline: &Deadline, mut visit: impl FnMut(&CStr, FileType) -> Pass) -> Pass {
    let mut buffer = [MaybeUninit::uninit(); LISTING_BYTES];
    let mut entries = RawDir::new(listing, &mut buffer);
    let mut result = Pass::Unchanged;
    while let Some(Ok(entry)) = entries.next() {
        if deadline.is_over() {
            return Pass::Late;
        }
        if entry.file_name() == c"." || entry.file_name() == c".." {
            continue;
        }
        match visit(entry.file_name(), entry.file_type()) {
            Pass::Changed => result = Pass::Changed,
            Pass::Unchanged => {}
            Pass::Late => return Pass::Late,
        }
    }
    result
}

/// Removes an entry that is no directory, or an empty one. What the listing says of it may be out of
/// date or missing; the two calls refuse the wrong kind.
fn discard(directory: BorrowedFd<'_>, name: &CStr, kind: FileType) -> bool {
    let unlink = || matches!(rustix::fs::unlinkat(directory, name, AtFlags::empty()), Ok(()) | Err(Errno::NOENT));
    match kind {
        FileType::Directory => rmdir(directory, name),
        FileType::Unknown => unlink() || rmdir(directory, name),
        _ => unlink(),
    }
}

fn rmdir(parent: BorrowedFd<'_>, name: &CStr) -> bool {
    matches!(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR), Ok(()) | Err(Errno::NOENT))
}

/// A number that a hostile process cannot have filled the names after. Zero will do where there is no
/// randomness: names that are taken are passed over.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::NONBLOCK) {
        Ok(_) => u64::from_ne_bytes(bytes),
        Err(_) => 0,
    }
}
