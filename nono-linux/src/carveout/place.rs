//! What is at each denied path. Nothing is changed.

use super::mounts::{Mounted, aliases, mounted_below, parse};
use crate::error::PrepareError;
use nono_core::{CapabilitySet, Identity, PathKind};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, StatVfsMountFlags, StatxAttributes, StatxFlags, makedev, statvfs, statx,
};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// What a denied path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Directory,
    File,
    /// A symbolic link: what it leads to is another path, but whoever replaces it leads elsewhere.
    Link,
    /// Nothing. The directory is the nearest that exists.
    Missing {
        parent: PathBuf,
    },
    /// A cover that the sandbox around this one has put there.
    Covered,
}

/// A denied path and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The denied path.
    pub(crate) path: PathBuf,
    /// What has to be closed: the path, or the directory on the way to it that cannot be looked into.
    pub(crate) at: PathBuf,
    pub(crate) place: Place,
    /// Which object is there; of what is missing, none.
    pub(crate) identity: Option<Identity>,
    /// Where it is too, by other mounts of its file system.
    pub(crate) aliases: Vec<PathBuf>,
    /// What is mounted below it, and where that is too.
    pub(crate) inner: Vec<[PathBuf; 2]>,
    /// What is granted in it and is neither a regular file nor a directory: a read-only mount does not keep it from being
    /// written to.
    pub(crate) special: Vec<PathBuf>,
}

/// Looks at every denied path of `set`.
pub(crate) fn look(set: &CapabilitySet) -> Result<Vec<Found>, PrepareError> {
    if set.denies().is_empty() {
        return Ok(Vec::new());
    }
    let mounts = std::fs::read("/proc/self/mountinfo").map_err(|source| PrepareError::Mounts { source })?;
    let mounts = parse(&mounts);
    let look = |path: &PathBuf| {
        let special =
            special(set, path).map_err(|source| PrepareError::Deny { path: path.clone(), source: source.into() })?;
        Ok(Found { special, ..found(path, &mounts)? })
    };
    set.denies().iter().map(look).collect()
}

/// The pipes, sockets and devices that are granted at or below `deny`.
fn special(set: &CapabilitySet, deny: &Path) -> Result<Vec<PathBuf>, Errno> {
    let first = set.fs().partition_point(|one| one.resolved() < deny);
    let inside = set.fs().iter().skip(first).take_while(|one| one.resolved().starts_with(deny));
    let mut special = Vec::new();
    for one in inside.filter(|one| one.kind() == PathKind::File) {
        let found = statx(CWD, one.resolved(), AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE)?;
        if FileType::from_raw_mode(found.stx_mode.into()) != FileType::RegularFile {
            special.push(one.resolved().to_owned());
        }
    }
    Ok(special)
}

fn found(path: &Path, mounts: &[Mounted]) -> Result<Found, PrepareError> {
    let failed = |source: Errno| PrepareError::Deny { path: path.to_owned(), source: source.into() };
    let shows = |alias: &Path, wanted| examine(alias).is_ok_and(|found| found.mount == wanted);
    let names = |examined: &Examined, at: &Path| -> Vec<PathBuf> {
        let names = aliases(at, examined.mount, mounts).into_iter();
        names.filter(|(alias, mount)| shows(alias, *mount)).map(|(alias, _)| alias).collect()
    };
    let there = |examined: Examined, at: &Path| {
        let inner = mounted_below(at, mounts).into_iter();
        let inner = inner.filter(|names| names.iter().all(|(path, mount)| shows(path, *mount)));
        Found {
            path: path.to_owned(),
            at: at.to_owned(),
            aliases: names(&examined, at),
            inner: inner.map(|names| names.map(|(path, _)| path)).collect(),
            identity: Some(examined.identity),
            place: examined.place,
            special: Vec::new(),
        }
    };
    let mut error = match examine(path) {
        Ok(examined) => return Ok(there(examined, path)),
        Err(errno) => errno,
    };
    for above in path.ancestors().skip(1) {
        match (error, examine(above)) {
            (Errno::NOENT | Errno::NOTDIR, Ok(examined)) if examined.is_directory => {
                let name = path.strip_prefix(above).unwrap_or(path);
                let aliases = names(&examined, above).iter().map(|alias| alias.join(name)).collect();
                let (path, place) = (path.to_owned(), Place::Missing { parent: above.to_owned() });
                let (at, inner, special) = (path.clone(), Vec::new(), Vec::new());
                return Ok(Found { path, at, place, identity: None, aliases, inner, special });
            }
            // Who may not look into a directory can be its owner, who may change that: it is closed as a whole.
            (Errno::ACCESS, Ok(examined)) => return Ok(there(examined, above)),
            (_, Err(errno)) => error = errno,
            (_, Ok(_)) => {}
        }
    }
    Err(failed(error))
}

struct Examined {
    place: Place,
    is_directory: bool,
    identity: Identity,
    /// The number of its mount.
    mount: u64,
}

/// What is at `path`.
fn examine(path: &Path) -> Result<Examined, Errno> {
    let wanted = StatxFlags::TYPE | StatxFlags::MODE | StatxFlags::INO | StatxFlags::MNT_ID;
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, wanted)?;
    let place = match FileType::from_raw_mode(found.stx_mode.into()) {
        FileType::Directory => Place::Directory,
        FileType::Symlink => Place::Link,
        _ => Place::File,
    };
    let is_directory = place == Place::Directory;
    let mode = Mode::from_raw_mode(found.stx_mode.into());
    let closed = mode.is_empty() && found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT);
    let read_only = || statvfs(path).is_ok_and(|of| of.f_flag.contains(StatVfsMountFlags::RDONLY));
    let covered = closed && place != Place::Link && read_only();
    let identity = Identity { device: makedev(found.stx_dev_major, found.stx_dev_minor), inode: found.stx_ino };
    Ok(Examined {
        place: if covered { Place::Covered } else { place },
        is_directory,
        identity,
        mount: found.stx_mnt_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn every_kind_of_place_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::write(root.join("file"), "").unwrap();
        symlink("file", root.join("link")).unwrap();
        let of = |name: &str| found(&root.join(name), &[]).unwrap();
        assert_eq!(of("file").place, Place::File);
        assert_eq!(of("link").place, Place::Link);
        assert_eq!(of("").place, Place::Directory);
        let missing = Place::Missing { parent: root.clone() };
        for name in ["no", "no/such/thing", "file/below"] {
            assert_eq!(of(name).place, missing, "{name}");
            assert_eq!(of(name).at, root.join(name));
        }
    }
}
