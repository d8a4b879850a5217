//! One path that was granted: resolved once, with the object it named then.

use crate::access::{AccessMode, FsAccess};
use crate::error::CapabilityError;
use crate::order::{Key, common_len, compare, is_at_or_below, is_resolved};
use crate::resolve::{Resolved, Resolver};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a granted path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum PathKind {
    /// Anything that is not a directory: the grant is for this object alone.
    File,
    /// A directory: the grant is for all below it.
    Directory,
}

/// Which object a path named when it was resolved: its device and inode number (`stat(2)`).
///
/// A backend opens the path again and refuses if it finds another object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in stat(2)")]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
}

/// Where a capability came from, for reports.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Source {
    /// Code that called this library.
    #[default]
    Caller,
    /// A flag of the command line, with its dashes.
    Flag(Cow<'static, str>),
    /// The group of paths that lets ordinary programs start.
    System,
    /// The working directory or another place the command line only implies.
    Implied(Cow<'static, str>),
    /// A descriptor the program inherits, by its number.
    Inherited(u32),
    /// A line of a profile.
    Profile {
        /// The profile's file.
        #[cfg_attr(feature = "serde", serde(flatten, with = "crate::serial::path"))]
        file: Arc<Path>,
        /// The line in it, from 1.
        line: u32,
    },
}

/// Access rights on one existing path. A copy shares its paths: sets are copied as often as it is convenient.
#[derive(Debug, Clone)]
pub struct FsCapability {
    pub(crate) original: Arc<Path>,
    pub(crate) resolved: Arc<Path>,
    pub(crate) kind: PathKind,
    pub(crate) access: FsAccess,
    pub(crate) source: Source,
    pub(crate) identity: Option<Identity>,
}

impl FsCapability {
    /// Grants `mode` on `path`, a directory with all below it or a file.
    ///
    /// What is or may hold a device (`/dev`, what is below it, and what is above it) gets [`FsAccess::IOCTL_DEV`] too:
    /// without it a terminal opened inside is none (`isatty` fails from Landlock ABI 5 on). On a file, the rights that
    /// only directories have fall away.
    ///
    /// # Errors
    /// Any [`CapabilityError`] but `DirectoryOnly`.
    pub fn resolve(path: &Path, mode: AccessMode, resolver: &dyn Resolver) -> Result<FsCapability, CapabilityError> {
        let found = resolver.resolve(path)?;
        let mut access = FsAccess::from(mode);
        if found.is_device || holds_devices(&found.path) {
            access |= FsAccess::IOCTL_DEV;
        }
        if found.kind == PathKind::File {
            access &= FsAccess::FILE;
        }
        FsCapability::of(path.into(), found, access)
    }

    /// Grants exactly `access` on `path`.
    ///
    /// # Errors
    /// Any [`CapabilityError`]; `DirectoryOnly` names the rights that a file cannot carry.
    pub fn resolve_exactly(path: &Path, access: FsAccess, by: &dyn Resolver) -> Result<FsCapability, CapabilityError> {
        FsCapability::of(path.into(), by.resolve(path)?, access)
    }

    /// Grants `access` on what a resolver already found for `original`.
    ///
    /// # Errors
    /// [`CapabilityError::DirectoryOnly`], [`CapabilityError::NoRight`] and [`CapabilityError::NotResolved`].
    pub fn from_resolved(
        original: PathBuf,
        found: Resolved,
        access: FsAccess,
    ) -> Result<FsCapability, CapabilityError> {
        FsCapability::of(original.into(), found, access)
    }

    fn of(original: Cow<'_, Path>, found: Resolved, access: FsAccess) -> Result<FsCapability, CapabilityError> {
        let Resolved { path, kind, identity, .. } = found;
        if !is_resolved(&path) {
            return Err(CapabilityError::NotResolved { path });
        }
        let excess = access & FsAccess::DIRECTORY_ONLY;
        if kind == PathKind::File && !excess.is_empty() {
            return Err(CapabilityError::DirectoryOnly { path: original.into_owned(), excess });
        }
        if access.is_empty() {
            return Err(CapabilityError::NoRight { path: original.into_owned() });
        }
        let resolved: Arc<Path> = path.into();
        // By their bytes: as paths, "a//b" and "a/b" are equal.
        let same = original.as_os_str() == resolved.as_os_str();
        let original = if same { Arc::clone(&resolved) } else { original.into() };
        Ok(FsCapability { original, resolved, kind, access, source: Source::default(), identity })
    }

    /// The same capability, said to come from `source`.
    #[must_use = "the capability is returned, not changed"]
    pub fn with_source(self, source: Source) -> FsCapability {
        FsCapability { source, ..self }
    }

    /// Refuses what is not a file.
    ///
    /// # Errors
    /// [`CapabilityError::NotAFile`].
    pub fn require_file(self) -> Result<FsCapability, CapabilityError> {
        match self.kind {
            PathKind::File => Ok(self),
            PathKind::Directory => Err(CapabilityError::NotAFile { path: self.original.to_path_buf() }),
        }
    }

    /// Sorts by resolved path, as [`CapabilitySet::fs`](crate::CapabilitySet::fs) is: a directory right before what is below it.
    /// Capabilities of the same path stay in their order.
    pub fn sort(all: &mut [FsCapability]) {
        let is_sorted = all.is_sorted_by(|one, other| compare(&one.resolved, &other.resolved).is_le());
        if is_sorted {
            return;
        }
        // By a number each, mostly: thousands are in few directories, and comparing begins behind what they have in common.
        let common = common_len(all.iter().map(FsCapability::resolved));
        all.sort_by_cached_key(|one| Key::of(Arc::clone(&one.resolved), common));
    }

    /// The path as it was written.
    pub fn original(&self) -> &Path {
        &self.original
    }

    /// The path after symbolic links: absolute, without `.` and `..`.
    pub fn resolved(&self) -> &Path {
        &self.resolved
    }

    /// The same, to be kept without a copy.
    pub fn resolved_shared(&self) -> &Arc<Path> {
        &self.resolved
    }

    /// Whether the grant is for one object or for all below a directory.
    pub fn kind(&self) -> PathKind {
        self.kind
    }

    /// The rights. In a [`CapabilitySet`](crate::CapabilitySet), with those of the grants above it.
    pub fn access(&self) -> FsAccess {
        self.access
    }

    /// Where it came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The object that was resolved; none for a capability that was read from a file.
    pub fn identity(&self) -> Option<Identity> {
        self.identity
    }
}

fn holds_devices(path: &Path) -> bool {
    let devices = Path::new("/dev");
    is_at_or_below(path, devices) || is_at_or_below(devices, path)
}
