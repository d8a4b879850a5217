//! The place: which files may be opened, which not, and where links can be changed.
//!
//! The harness lays it out; nobody but `work` can be changed from inside. `outer/via` leads to `work/flips`: a path through
//! it is not below a grant by its text, so the broker has to look where it leads.

use rustix::fs::{CWD, FileType, OFlags, RenameFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A file, by what it is and not by what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object {
    device: u64,
    inode: u64,
    size: i64,
}

impl Object {
    /// The open file; its size belongs to it, so that one that was truncated is another.
    pub(crate) fn of(file: impl AsFd) -> Result<Self, Errno> {
        Ok(Self::from_stat(&rustix::fs::fstat(file)?))
    }

    pub(crate) fn from_stat(stat: &rustix::fs::Stat) -> Self {
        // Directories have sizes of their own, which change with their content.
        let size = if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile { stat.st_size } else { 0 };
        Self { device: stat.st_dev, inode: stat.st_ino, size }
    }
}

/// The place.
#[derive(Debug)]
pub(crate) struct Ground {
    root: PathBuf,
}

impl Ground {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// A path below the root.
    pub(crate) fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// What lies there: looking at it needs no permission.
    pub(crate) fn object(&self, name: &str) -> Result<Object, Errno> {
        Ok(Object::from_stat(&rustix::fs::stat(self.at(name))?))
    }

    /// A handle of a directory, approved or not: to make one is no opening.
    pub(crate) fn handle(&self, name: &str) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(CWD, self.at(name), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, 0.into())
    }

    /// A fresh directory in which `kind` can change links.
    pub(crate) fn flips(&self, kind: &str) -> Result<PathBuf, Errno> {
        let dir = self.at("work/flips").join(kind);
        io(std::fs::create_dir_all(&dir))?;
        Ok(dir)
    }

    /// The same directory by the way that the text of a path does not show.
    pub(crate) fn via(&self, kind: &str) -> PathBuf {
        self.at("outer/via").join(kind)
    }

    /// Makes a link at `place` to `name` below the root.
    pub(crate) fn link(&self, place: impl AsRef<Path>, name: &str) -> Result<(), Errno> {
        io(symlink(self.at(name), place))
    }
}

/// Exchanges two names at once.
pub(crate) fn exchange(one: &Path, other: &Path) {
    // Cannot fail between two names that exist; if it does, nothing changes, and the tally of the kind shows that.
    let _ = rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
}

/// The number of an error of the standard library.
pub(crate) fn io<T>(answer: std::io::Result<T>) -> Result<T, Errno> {
    answer.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}
