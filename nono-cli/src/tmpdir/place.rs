//! Where a private temporary directory may be made: the places in order, and what makes one of them
//! unfit.
//!
//! A *base* is the directory that holds private directories: `nono-USER` in /tmp or another temporary
//! directory, or, when nested, the private directory of the outer sandbox itself. In /tmp anybody
//! can be first to take a name, so a base is used only if it is a directory of ours that nobody else
//! may write to, seen by descriptor; and when no such base is to be had, one is made under a name that
//! nobody could have guessed.

use super::name::{self, Entry};
use super::open;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, Stat};
use rustix::io::Errno;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The variable that names the innermost private directory, for commands that change `TMPDIR`.
pub(super) const OUTER_VARIABLE: &str = "NONO_TMPDIR";
/// The user that files of users without a number here are shown as (`/proc/sys/kernel/overflowuid`).
const UNMAPPED: u32 = 65_534;

/// What the places depend on: the environment, as values.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The system's temporary directory.
    pub(super) system: PathBuf,
    /// `TMPDIR`.
    pub(super) temporary: Option<PathBuf>,
    /// `NONO_TMPDIR`: the private directory of the sandbox this process is in.
    pub(super) outer: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub(super) runtime: Option<PathBuf>,
    /// The effective user.
    pub(super) user: u32,
    /// Longest path a private directory may have.
    pub(super) max_len_bytes: usize,
}

/// A place, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A private directory of an outer sandbox: itself the base.
    Outer(PathBuf),
    /// A directory in which the base is called `nono-USER`.
    Shared(PathBuf),
    /// A directory in which the base gets a random name. It is not found again by later starts.
    Unguessable(PathBuf),
}

/// What a base is to later starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Ours alone.
    Own,
    /// The command of an outer sandbox keeps its files there too.
    Outer,
    /// For this start only.
    Once,
}

/// A directory that was found fit to hold private directories.
#[derive(Debug)]
pub(super) struct Base {
    /// An `O_PATH` handle: a sandbox around us may forbid to list it.
    pub(super) handle: OwnedFd,
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// Why a place was passed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PlaceError {
    /// Relative, or with `..`.
    #[error("{path:?} is not an absolute path")]
    Relative { path: PathBuf },
    /// Sockets below it would not fit into their 108 bytes.
    #[error("{path:?} has {len_bytes} bytes, more than {max_len_bytes}")]
    TooLong { path: PathBuf, len_bytes: usize, max_len_bytes: usize },
    /// Missing, a link, or not ours to use.
    #[error("cannot open {path:?} as a directory ({source})")]
    Open { path: PathBuf, source: io::Error },
    /// Somebody else made it.
    #[error("{path:?} belongs to user {owner}")]
    Foreign { path: PathBuf, owner: u32 },
    /// Others may put things there.
    #[error("others may write to {path:?} (mode {mode:04o})")]
    Writable { path: PathBuf, mode: u32 },
    /// Full, read-only, or forbidden by a sandbox around us.
    #[error("cannot make {path:?} ({source})")]
    Make { path: PathBuf, source: io::Error },
    /// Every spelling of the name is there already.
    #[error("the names for this process in {path:?} are taken")]
    Taken { path: PathBuf },
}

impl PlaceError {
    /// Whether somebody else could be at work, which users want to hear of.
    pub(crate) fn is_suspicious(&self) -> bool {
        matches!(self, PlaceError::Foreign { .. } | PlaceError::Writable { .. } | PlaceError::Taken { .. })
    }
}

impl Places {
    /// Reads the environment.
    pub(crate) fn from_environment() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            system: PathBuf::from("/tmp"),
            temporary: variable("TMPDIR"),
            outer: variable(OUTER_VARIABLE),
            runtime: variable("XDG_RUNTIME_DIR"),
            user: rustix::process::geteuid().as_raw(),
            max_len_bytes: super::create::MAX_LEN_BYTES,
        }
    }

    /// The places in the order in which they are tried.
    pub(super) fn in_order(&self) -> Vec<Place> {
        let named = self.outer.as_deref().filter(|path| is_private(path));
        let around = self.temporary.as_deref().and_then(|path| path.ancestors().find(|above| is_private(above)));
        let mut places: Vec<Place> =
            named.into_iter().chain(around).map(|path| Place::Outer(path.to_owned())).collect();
        // Inside somebody's private directory a base of our own would be two levels instead of one.
        let temporary = self.temporary.as_ref().filter(|_| around.is_none());
        let shared = temporary.into_iter().chain([&self.system]).chain(&self.runtime);
        places.extend(shared.map(|path| Place::Shared(path.clone())));
        places.push(Place::Unguessable(self.system.clone()));
        places.dedup();
        places
    }

    /// Looks at a place, and makes the base if it is missing.
    ///
    /// # Errors
    /// Why the place is unfit; nothing was changed there then.
    pub(super) fn open(&self, place: &Place) -> Result<Base, PlaceError> {
        match place {
            Place::Outer(path) => self.open_outer(path),
            Place::Shared(path) => self.open_shared(path, &self.base_name()),
            Place::Unguessable(path) => self.make_unguessable(path),
        }
    }

    fn base_name(&self) -> String {
        format!("nono-{}", name::base62(u64::from(self.user)))
    }

    /// Longest `TMPDIR` below which a private directory has a short enough path.
    pub(super) fn room_bytes(&self) -> usize {
        self.max_len_bytes.saturating_sub(1 + self.base_name().len() + 1 + name::LEN_BYTES)
    }

    /// The private directory of the outer sandbox, to be shared where nothing else will do.
    pub(super) fn outer_to_share(&self) -> Option<Base> {
        let outer = |place| match place {
            Place::Outer(path) if path.as_os_str().len() <= self.max_len_bytes => self.open_handle(&path).ok(),
            _ => None,
        };
        self.in_order().into_iter().find_map(outer)
    }

    fn open_outer(&self, path: &Path) -> Result<Base, PlaceError> {
        self.check_len(path)?;
        self.open_handle(path)
    }

    fn open_handle(&self, path: &Path) -> Result<Base, PlaceError> {
        let handle = open::handle(CWD, path).map_err(|errno| cannot_open(path, errno))?;
        self.check_private(path, &stat(&handle, path)?)?;
        Ok(Base { handle, path: path.to_owned(), kind: Kind::Outer })
    }

    fn open_shared(&self, parent: &Path, name: &str) -> Result<Base, PlaceError> {
        let path = parent.join(name);
        self.check_len(&path)?;
        let parent = self.open_parent(parent)?;
        let handle = match open::handle(parent.as_fd(), name) {
            Err(Errno::NOENT) => match rustix::fs::mkdirat(&parent, name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => open::handle(parent.as_fd(), name), // another start was faster
                Err(errno) => return Err(cannot_make(&path, errno)),
            },
            opened => opened,
        };
        let handle = handle.map_err(|errno| cannot_open(&path, errno))?;
        self.check_private(&path, &stat(&handle, &path)?)?;
        Self::finish(handle, path, Kind::Own)
    }

    fn make_unguessable(&self, parent: &Path) -> Result<Base, PlaceError> {
        let directory = self.open_parent(parent)?;
        for _ in 0..8 {
            let mut seed = [0; 8];
            let given = rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::NONBLOCK);
            given.map_err(|errno| cannot_make(parent, errno))?;
            // A dot, where the names of users' bases have a dash.
            let name = format!("nono.{:0>6}", name::base62(u64::from_ne_bytes(seed) % 62_u64.pow(6)));
            let path = parent.join(&name);
            self.check_len(&path)?;
            match rustix::fs::mkdirat(&directory, &name, Mode::RWXU) {
                Ok(()) => {
                    let handle = open::handle(directory.as_fd(), &name).map_err(|errno| cannot_open(&path, errno))?;
                    self.check_private(&path, &stat(&handle, &path)?)?;
                    return Self::finish(handle, path, Kind::Once);
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(cannot_make(&path, errno)),
            }
        }
        Err(PlaceError::Taken { path: parent.to_owned() })
    }

    /// Opens a directory like /tmp, in which nobody may replace what is ours.
    fn open_parent(&self, path: &Path) -> Result<OwnedFd, PlaceError> {
        let handle =
            rustix::fs::openat(CWD, path, open::HANDLE, Mode::empty()).map_err(|errno| cannot_open(path, errno))?;
        let found = stat(&handle, path)?;
        let mode = Mode::from_raw_mode(found.st_mode);
        if ![0, self.user, UNMAPPED].contains(&found.st_uid) {
            return Err(PlaceError::Foreign { path: path.to_owned(), owner: found.st_uid });
        }
        if mode.intersects(Mode::WGRP | Mode::WOTH) && !mode.contains(Mode::SVTX) {
            return Err(PlaceError::Writable { path: path.to_owned(), mode: mode.as_raw_mode() });
        }
        Ok(handle)
    }

    /// Gives a base of ours the mode that an unusual umask kept from it.
    fn finish(handle: OwnedFd, path: PathBuf, kind: Kind) -> Result<Base, PlaceError> {
        if Mode::from_raw_mode(stat(&handle, &path)?.st_mode) != Mode::RWXU {
            open::unlock(handle.as_fd()).map_err(|errno| cannot_open(&path, errno))?;
        }
        Ok(Base { handle, path, kind })
    }

    fn check_private(&self, path: &Path, found: &Stat) -> Result<(), PlaceError> {
        let mode = Mode::from_raw_mode(found.st_mode);
        match found.st_uid {
            owner if owner != self.user => Err(PlaceError::Foreign { path: path.to_owned(), owner }),
            _ if mode.intersects(Mode::WGRP | Mode::WOTH) => {
                Err(PlaceError::Writable { path: path.to_owned(), mode: mode.as_raw_mode() })
            }
            _ => Ok(()),
        }
    }

    /// Checks that a private directory below `base` has a path that is short enough, and absolute.
    fn check_len(&self, base: &Path) -> Result<(), PlaceError> {
        let parent = base.components().any(|part| part == std::path::Component::ParentDir);
        if parent || !base.is_absolute() {
            return Err(PlaceError::Relative { path: base.to_owned() });
        }
        let (len_bytes, max_len_bytes) = (base.as_os_str().len() + 1 + name::LEN_BYTES, self.max_len_bytes);
        if len_bytes > max_len_bytes {
            return Err(PlaceError::TooLong { path: base.join("......-"), len_bytes, max_len_bytes });
        }
        Ok(())
    }
}

/// Whether a path is named like a private directory; whose it is, its owner tells.
fn is_private(path: &Path) -> bool {
    path.file_name().is_some_and(|name| matches!(name::parse(name.as_bytes()), Some(Entry::Private(_))))
}

fn stat(handle: &OwnedFd, path: &Path) -> Result<Stat, PlaceError> {
    rustix::fs::fstat(handle).map_err(|errno| cannot_open(path, errno))
}

fn cannot_open(path: &Path, errno: Errno) -> PlaceError {
    PlaceError::Open { path: path.to_owned(), source: errno.into() }
}

pub(super) fn cannot_make(path: &Path, errno: Errno) -> PlaceError {
    PlaceError::Make { path: path.to_owned(), source: errno.into() }
}
