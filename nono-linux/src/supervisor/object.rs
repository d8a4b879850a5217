//! An object that was pinned: what it is, where it is, and opening it anew.

use nono_core::Identity;
use rustix::fs::{FileType, Mode, OFlags, fcntl_setfl, fstat, fstatfs, openat, readlinkat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// File systems that show the kernel's state, part of it the reader's own: a file of theirs means another thing to whom it
/// is handed (linux/magic.h).
const NOT_FILES: [u64; 17] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x1cd1,      // devpts
    0xcafe_4a11, // bpf
    0xde5e_81e4, // efivarfs
    0x6e73_6673, // nsfs
    0x5049_4446, // pidfs
    0xf97c_ff8c, // selinuxfs
    0x6265_6570, // configfs
    0x534f_434b, // sockfs
    0x1980_0202, // mqueue
    0x6573_5543, // fusectl
];

/// A regular file or a directory, held by an `O_PATH` descriptor: it stays this object whatever its names become.
#[derive(Debug)]
pub(super) struct Object {
    pin: OwnedFd,
    pub(super) identity: Identity,
    pub(super) is_directory: bool,
}

/// What was pinned.
pub(super) enum Found {
    /// Something that can be handed over.
    Object(Object),
    /// A symbolic link, which the target asked not to follow.
    Link,
    /// A device, a pipe, a socket, or the kernel's own: the target opens it itself, or not.
    Other,
}

impl Object {
    pub(super) fn of(pin: OwnedFd) -> Result<Found, Errno> {
        let found = fstat(&pin)?;
        let kind = FileType::from_raw_mode(found.st_mode);
        if kind == FileType::Symlink {
            return Ok(Found::Link);
        }
        if !matches!(kind, FileType::RegularFile | FileType::Directory) {
            return Ok(Found::Other);
        }
        let magic = fstatfs(&pin)?.f_type.cast_unsigned() & u64::from(u32::MAX);
        if NOT_FILES.contains(&magic) {
            return Ok(Found::Other);
        }
        let identity = Identity { device: found.st_dev, inode: found.st_ino };
        Ok(Found::Object(Object { pin, identity, is_directory: kind == FileType::Directory }))
    }

    /// Whether it has more than one name; yes where it cannot be told.
    pub(super) fn has_other_names(&self) -> bool {
        fstat(&self.pin).map_or(true, |found| found.st_nlink > 1)
    }

    /// Its path now; none if it has none any more, or none that is reachable.
    pub(super) fn path(&self, own: &Descriptors) -> Option<PathBuf> {
        own.path_of(&self.pin)
    }

    /// Opens the pinned object itself, by no name that could have moved. Without waiting for a lease (fcntl(2)), which
    /// `flags` do not keep the target from if it did not ask for that.
    pub(super) fn open(&self, own: &Descriptors, flags: OFlags) -> Result<OwnedFd, Errno> {
        let how = flags | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let opened = openat(&own.0, own.name(&self.pin), how, Mode::empty())?;
        let again = fstat(&opened)?;
        if (Identity { device: again.st_dev, inode: again.st_ino }) != self.identity {
            return Err(Errno::STALE);
        }
        settle(opened, flags)
    }

    /// Makes a file of this name in the directory, which has none.
    pub(super) fn make(&self, name: &OsStr, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        // Exclusively: a link of that name is not followed either (open(2)).
        let how = flags | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOCTTY;
        openat(&self.pin, Path::new(name), how, mode)
    }

    /// Makes a file without a name in the directory's file system.
    pub(super) fn make_unnamed(&self, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        openat(&self.pin, c".", flags | OFlags::TMPFILE | OFlags::CLOEXEC, mode)
    }
}

/// Takes the non-blocking mode back that the target did not ask for.
fn settle(opened: OwnedFd, flags: OFlags) -> Result<OwnedFd, Errno> {
    if !flags.contains(OFlags::NONBLOCK) {
        let kept = OFlags::APPEND | OFlags::DIRECT | OFlags::NOATIME;
        fcntl_setfl(&opened, flags & kept)?;
    }
    Ok(opened)
}

/// This process's own descriptors, by which a pinned object is opened anew: `/proc/self/fd`.
#[derive(Debug)]
pub(crate) struct Descriptors(OwnedFd);

impl Descriptors {
    pub(crate) fn of_this_process() -> Result<Descriptors, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(rustix::fs::CWD, "/proc/self/fd", flags, Mode::empty()).map(Descriptors)
    }

    /// The path now of what is pinned; none if it has none any more, or none that is reachable.
    pub(crate) fn path_of(&self, pinned: &OwnedFd) -> Option<PathBuf> {
        let path = readlinkat(&self.0, self.name(pinned), Vec::with_capacity(256)).ok()?.into_bytes();
        // A file may be called so; then it is taken for removed.
        let gone = !path.starts_with(b"/") || path.ends_with(b" (deleted)");
        (!gone).then(|| PathBuf::from(OsString::from_vec(path)))
    }

    #[expect(clippy::unused_self, reason = "a name that means something below this directory alone")]
    fn name(&self, descriptor: &OwnedFd) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(descriptor.as_raw_fd().to_string().as_bytes()))
    }
}
