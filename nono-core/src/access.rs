//! Which access rights exist, and what the everyday words for them mean.

use bitflags::bitflags;

bitflags! {
    /// Access rights on files and directories.
    ///
    /// A right granted on a directory holds for everything below it. The names are those of Landlock
    /// (`linux/landlock.h`), which has the finest division of the systems served here.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
    pub struct FsAccess: u32 {
        /// Opening a file for reading.
        const READ_FILE = 1 << 0;
        /// Listing a directory.
        const READ_DIR = 1 << 1;
        /// Executing a file. A guard rail, not containment: interpreters run what they can read.
        const EXECUTE = 1 << 2;
        /// Opening a file for writing.
        const WRITE_FILE = 1 << 3;
        /// Emptying or shortening a file.
        const TRUNCATE = 1 << 4;
        /// Creating regular files.
        const MAKE_REG = 1 << 5;
        /// Creating directories.
        const MAKE_DIR = 1 << 6;
        /// Creating symbolic links.
        const MAKE_SYM = 1 << 7;
        /// Creating unix sockets.
        const MAKE_SOCK = 1 << 8;
        /// Creating named pipes.
        const MAKE_FIFO = 1 << 9;
        /// Creating character devices.
        const MAKE_CHAR = 1 << 10;
        /// Creating block devices.
        const MAKE_BLOCK = 1 << 11;
        /// Removing anything but directories.
        const REMOVE_FILE = 1 << 12;
        /// Removing directories.
        const REMOVE_DIR = 1 << 13;
        /// Moving or linking a file from or to another directory.
        const REFER = 1 << 14;
        /// Device-specific `ioctl`s on a device that is opened inside the sandbox.
        const IOCTL_DEV = 1 << 15;
        /// Connecting to a unix socket by its path.
        const RESOLVE_UNIX = 1 << 16;
    }
}

impl FsAccess {
    /// The rights that mean something for what is not a directory.
    pub const FILE: FsAccess = FsAccess::READ_FILE
        .union(FsAccess::EXECUTE)
        .union(FsAccess::WRITE_FILE)
        .union(FsAccess::TRUNCATE)
        .union(FsAccess::IOCTL_DEV)
        .union(FsAccess::RESOLVE_UNIX);

    /// The rights that only a directory can carry.
    pub const DIRECTORY_ONLY: FsAccess = FsAccess::all().difference(FsAccess::FILE);

    /// Everything that changes the file system.
    pub const CHANGE: FsAccess = FsAccess::WRITE_FILE
        .union(FsAccess::TRUNCATE)
        .union(FsAccess::MAKE_REG)
        .union(FsAccess::MAKE_DIR)
        .union(FsAccess::MAKE_SYM)
        .union(FsAccess::MAKE_SOCK)
        .union(FsAccess::MAKE_FIFO)
        .union(FsAccess::MAKE_CHAR)
        .union(FsAccess::MAKE_BLOCK)
        .union(FsAccess::REMOVE_FILE)
        .union(FsAccess::REMOVE_DIR)
        .union(FsAccess::REFER);
}

/// The everyday words for sets of access rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum AccessMode {
    /// Read and execute.
    Read,
    /// Write, create, remove, rename: all that an atomic save (temporary file, then rename) needs.
    Write,
    /// Both.
    ReadWrite,
}

impl From<AccessMode> for FsAccess {
    /// Device nodes are left out of [`AccessMode::Write`] on purpose: to a process with `CAP_MKNOD` a directory in
    /// which it may make them is the whole disk.
    fn from(mode: AccessMode) -> FsAccess {
        let read = FsAccess::READ_FILE | FsAccess::READ_DIR | FsAccess::EXECUTE;
        let write = FsAccess::CHANGE.difference(FsAccess::MAKE_CHAR | FsAccess::MAKE_BLOCK);
        match mode {
            AccessMode::Read => read,
            AccessMode::Write => write,
            AccessMode::ReadWrite => read | write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_is_for_files_or_for_directories_only() {
        assert_eq!(FsAccess::FILE | FsAccess::DIRECTORY_ONLY, FsAccess::all());
        assert!((FsAccess::FILE & FsAccess::DIRECTORY_ONLY).is_empty());
    }

    #[test]
    fn no_everyday_word_makes_devices_or_reaches_sockets() {
        let all = FsAccess::from(AccessMode::ReadWrite);
        let never = FsAccess::MAKE_CHAR | FsAccess::MAKE_BLOCK | FsAccess::IOCTL_DEV | FsAccess::RESOLVE_UNIX;
        assert!((all & never).is_empty());
        assert_eq!(all | never, FsAccess::all());
    }
}
