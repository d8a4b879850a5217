//! What the user granted, to be found by path.

use super::ProtectedError;
use nono_core::{CachedResolver, FsAccess, FsCapability, PathKind, Source, compare_paths};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How many links are followed on the way to one path.
const MOST_LINKS: u32 = 40;

/// The grants that are not of the system group, sorted: there may be thousands, and a hundred protected paths to be looked up.
pub(super) struct Wide<'a>(Vec<&'a FsCapability>);

/// What of a directory the grants reach.
#[derive(Debug)]
pub(super) enum Reach<'a> {
    /// All that is in it.
    All,
    /// Something at or below these names, sorted.
    Below(Vec<&'a [u8]>),
}

impl Reach<'_> {
    /// Whether any of the grants may be of a directory above `path`, which is relative.
    pub(super) fn may_cover(&self, path: &str) -> bool {
        match self {
            Reach::All => true,
            Reach::Below(names) => path
                .split_once('/')
                .is_some_and(|(first, _)| names.binary_search_by(|name| (**name).cmp(first.as_bytes())).is_ok()),
        }
    }
}

impl<'a> Wide<'a> {
    pub(super) fn of(grants: &'a [FsCapability]) -> Wide<'a> {
        let mut grants: Vec<_> = grants.iter().filter(|grant| *grant.source() != Source::System).collect();
        // Stable: it is quick where they are sorted already.
        grants.sort_by(|one, other| compare_paths(one.resolved(), other.resolved()));
        Wide(grants)
    }

    /// What of `directory` the grants reach: of a hundred paths in a home directory hardly one has to be looked for.
    pub(super) fn reach(&self, directory: &Path) -> Reach<'a> {
        if self.above(directory).next().is_some() || self.at(directory).next().is_some() {
            return Reach::All;
        }
        let below = self.from(directory).map_while(|grant| first_name(grant.resolved(), directory));
        let mut names: Vec<&[u8]> = below.collect();
        names.dedup();
        Reach::Below(names)
    }

    /// The grants of directories strictly above `path`, which is written as a resolved path, the nearest first.
    pub(super) fn above(&self, path: &Path) -> impl Iterator<Item = &'a FsCapability> {
        let grants = directories_above(path).flat_map(|above| self.at(Path::new(above)));
        grants.filter(|grant| grant.kind() == PathKind::Directory)
    }

    /// The grants of exactly `path`.
    fn at(&self, path: &Path) -> impl Iterator<Item = &'a FsCapability> {
        self.from(path).take_while(move |grant| grant.resolved().as_os_str() == path.as_os_str())
    }

    /// The grants from `path` on: first those of it, then those of what is in it, then others.
    fn from(&self, path: &Path) -> impl Iterator<Item = &'a FsCapability> {
        let first = self.0.partition_point(|grant| compare_paths(grant.resolved(), path).is_lt());
        self.0.get(first..).unwrap_or_default().iter().copied()
    }

    /// Whether a grant of a directory strictly above `protected` reaches it: where it exists, and where it could be made.
    pub(super) fn covered(&self, protected: &Path) -> bool {
        // Writing could make it; for reading it must be there.
        let mut grants = self.above(protected);
        grants.any(|grant| changes(grant) || fs::symlink_metadata(protected).is_ok())
    }

    /// Denies the place to which `path` leads, and each link on the way that could be replaced.
    pub(super) fn cover_ways(&self, path: &Path, resolver: &CachedResolver, denies: &mut BTreeSet<PathBuf>) {
        // As far as it leads; where nothing is yet, to where it would be made.
        let (mut place, names) = straight(path, resolver);
        let mut links = 0;
        for name in names.components() {
            let next = place.join(name);
            let is_link = fs::symlink_metadata(&next).is_ok_and(|found| found.is_symlink());
            if !is_link {
                place = next;
                continue;
            }
            if self.above(&next).any(changes) {
                denies.insert(next.clone());
            }
            links += 1;
            match resolver.find(&next) {
                Ok(found) if links <= MOST_LINKS => place = found.path,
                // It leads nowhere: to be replaced is all that can be done with it.
                _ => return,
            }
        }
        denies.extend(self.covered(&place).then_some(place));
    }

    /// Refuses a grant that could change `own`: of it, or below it. What is granted above is denied there.
    pub(super) fn check_own(&self, own: &Path) -> Result<(), ProtectedError> {
        let mut below = self.from(own).take_while(|grant| is_at_or_below(grant.resolved(), own));
        match below.find(|grant| changes(grant)) {
            Some(grant) => Err(ProtectedError::OwnState {
                flag: flag(grant),
                granted: grant.original().to_owned(),
                own: own.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

pub(super) fn changes(grant: &FsCapability) -> bool {
    grant.access().intersects(FsAccess::CHANGE)
}

/// `path` in two: a directory to which no link leads, and the names behind it. The directory above it, mostly, and the resolver
/// knows it from the path before.
fn straight<'p>(path: &'p Path, resolver: &CachedResolver) -> (PathBuf, &'p Path) {
    let is_straight =
        |parent: &Path| resolver.directory(parent).is_ok_and(|found| found.as_os_str() == parent.as_os_str());
    let root = Path::new("/");
    let start = path.parent().filter(|parent| is_straight(parent)).unwrap_or(root);
    (start.to_owned(), path.strip_prefix(start).unwrap_or(path))
}

/// Whether `path` is `directory` or in it. Comparing bytes first: of thousands of grants hardly one is there.
pub(crate) fn is_at_or_below(path: &Path, directory: &Path) -> bool {
    path.as_os_str().as_bytes().starts_with(directory.as_os_str().as_bytes()) && path.starts_with(directory)
}

/// The directories strictly above `path`, the nearest first. For a path that is written as a resolved one, where every
/// slash is before a name: `Path::ancestors` would look for `.` and doubled slashes again at each step.
fn directories_above(path: &Path) -> impl Iterator<Item = &OsStr> {
    let bytes = path.as_os_str().as_bytes();
    let slashes = bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
    let above = slashes.filter_map(|(at, _)| bytes.get(..at.max(1))).filter(|above| above.len() < bytes.len());
    above.map(OsStr::from_bytes)
}

/// Of a path in `directory`, the first name behind it.
fn first_name<'p>(path: &'p Path, directory: &Path) -> Option<&'p [u8]> {
    let directory = directory.as_os_str().as_bytes();
    let rest = path.as_os_str().as_bytes().strip_prefix(directory)?;
    let rest = if directory == b"/" { rest } else { rest.strip_prefix(b"/")? };
    rest.split(|byte| *byte == b'/').next()
}

fn flag(grant: &FsCapability) -> String {
    match grant.source() {
        Source::Flag(name) => name.to_string(),
        Source::Profile { file, line } => format!("{file:?} line {line}: the grant of"),
        _ => "the grant of".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_above_a_path_are_its_ancestors() {
        for path in ["/home/u/.ssh", "/.ssh", "/"] {
            let expected: Vec<_> = Path::new(path).ancestors().skip(1).map(Path::as_os_str).collect();
            assert_eq!(directories_above(Path::new(path)).collect::<Vec<_>>(), expected, "{path}");
        }
    }

    #[test]
    fn what_is_not_reached_is_not_covered() {
        let resolver = nono_core::StdResolver;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["home/a/b", "home/a.b/c", "home/z", "homes/a", "x"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let paths = ["a", "a/b", "a/b/c", "a.b/c", "z/x", "y/x", "x"];
        let all = ["", "home", "home/a", "home/a/b", "home/a.b/c", "home/z", "homes/a", "x"];
        let mut reached = 0;
        for set in 0..1_u32 << all.len() {
            let given = all.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, path)| root.join(path));
            let grant =
                |path: PathBuf| FsCapability::resolve(&path, nono_core::AccessMode::ReadWrite, &resolver).unwrap();
            let grants: Vec<_> = given.map(grant).collect();
            let wide = Wide::of(&grants);
            for home in ["home", "x", "home/a", "none"].map(|home| root.join(home)).iter().chain([&PathBuf::from("/")])
            {
                let reach = wide.reach(home);
                for path in paths {
                    let covered = wide.covered(&home.join(path));
                    assert!(!covered || reach.may_cover(path), "{path} in {home:?}: {reach:?}");
                    reached += u32::from(reach.may_cover(path));
                }
            }
        }
        assert!(reached < 256 * 5 * 7 * 9 / 10, "{reached}: what is not reached is left out");
    }
}
