//! Protected paths: keys, tokens, browser profiles, histories, start files. A grant that covers one is refused; a grant
//! of exactly one, or of something below it, is taken as meant.

use crate::system::expand;
use nono_core::{CachedResolver, FsAccess, FsCapability, PathKind, Source};
use std::collections::{HashMap, HashSet};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const DATA: &str = include_str!("../data/protected-linux.txt");

/// Why a grant is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ProtectedError {
    /// It covers a protected path.
    #[error(
        "{flag} {granted:?} covers {protected:?}, which is protected; grant a directory that does not hold it, \
         or exactly that path if you mean it"
    )]
    Covers { flag: String, granted: PathBuf, protected: PathBuf },
    /// It would let the command change what governs the next sandbox.
    #[error("{flag} {granted:?} would make nono's own {own:?} writable, which is never granted")]
    OwnState { flag: String, granted: PathBuf, own: PathBuf },
}

/// Refuses the first of `grants` that covers a protected path below one of `homes`.
pub(crate) fn check(grants: &[FsCapability], homes: &[PathBuf]) -> Result<(), ProtectedError> {
    let resolver = CachedResolver::default();
    let wide = Wide::of(grants);
    for home in homes {
        let home = as_resolved(home);
        let listing = Listing::read(&home);
        for line in lines() {
            let Some(path) = expand(line, Some(&home)) else { continue };
            let real =
                if listing.may_be_elsewhere(line) { resolver.find(&path).ok().map(|found| found.path) } else { None };
            wide.check(&path, real.as_deref())?;
        }
    }
    for own in own_state(homes) {
        wide.check_own(&own)?;
        // It, or the directory it will be made in, may be a link to another place.
        let parent = || Some(resolver.find(own.parent()?).ok()?.path.join(own.file_name()?));
        if let Some(real) = resolver.find(&own).ok().map(|found| found.path).or_else(parent) {
            wide.check_own(&real)?;
        }
    }
    Ok(())
}

/// What the user granted, to be found by path: there may be thousands, and a hundred protected paths to be looked up.
struct Wide<'a> {
    grants: Vec<&'a FsCapability>,
    /// Places in `grants`, by resolved path.
    at: HashMap<&'a OsStr, Vec<usize>>,
}

impl<'a> Wide<'a> {
    fn of(grants: &'a [FsCapability]) -> Wide<'a> {
        let grants: Vec<_> = grants.iter().filter(|grant| *grant.source() != Source::System).collect();
        let mut at = HashMap::<&OsStr, Vec<usize>>::with_capacity(grants.len());
        for (place, grant) in grants.iter().enumerate() {
            at.entry(grant.resolved().as_os_str()).or_default().push(place);
        }
        Wide { grants, at }
    }

    /// The grants of directories strictly above `path`, which is written as a resolved path, the nearest first.
    fn above(&self, path: &Path) -> impl Iterator<Item = &'a FsCapability> {
        let places = directories_above(path).filter_map(|above| self.at.get(above)).flatten();
        let grants = places.filter_map(|place| self.grants.get(*place).copied());
        grants.filter(|grant| grant.kind() == PathKind::Directory)
    }

    /// Refuses a grant of a directory strictly above `protected`: where it exists, and where it could be made.
    fn check(&self, protected: &Path, real: Option<&Path>) -> Result<(), ProtectedError> {
        // Writing could make it; for reading it must be there.
        let covers = |grant: &&FsCapability| {
            grant.access().intersects(FsAccess::CHANGE) || fs::symlink_metadata(protected).is_ok()
        };
        match self.above(protected).find(covers).or_else(|| real.and_then(|real| self.above(real).next())) {
            Some(grant) => Err(ProtectedError::Covers {
                flag: flag(grant),
                granted: grant.original().to_owned(),
                protected: protected.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Refuses a grant that could change `own`: above it, of it, or below it.
    fn check_own(&self, own: &Path) -> Result<(), ProtectedError> {
        let changes = |grant: &&FsCapability| grant.access().intersects(FsAccess::CHANGE);
        let bytes = own.as_os_str().as_bytes();
        // Comparing bytes first: of thousands of grants hardly one is there.
        let there = |path: &Path| path.as_os_str().as_bytes().starts_with(bytes) && path.starts_with(own);
        let below = || self.grants.iter().copied().filter(|grant| there(grant.resolved()));
        match self.above(own).find(changes).or_else(|| below().find(changes)) {
            Some(grant) => Err(ProtectedError::OwnState {
                flag: flag(grant),
                granted: grant.original().to_owned(),
                own: own.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// `path` as it would be written resolved: a home directory may be given with doubled slashes.
fn as_resolved(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The directories strictly above `path`, the nearest first. For a path that is written as a resolved one, where every
/// slash is before a name: `Path::ancestors` would look for `.` and doubled slashes again at each step.
fn directories_above(path: &Path) -> impl Iterator<Item = &OsStr> {
    let bytes = path.as_os_str().as_bytes();
    let slashes = bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
    let above = slashes.filter_map(|(at, _)| bytes.get(..at.max(1))).filter(|above| above.len() < bytes.len());
    above.map(OsStr::from_bytes)
}

pub(crate) fn lines() -> impl Iterator<Item = &'static str> {
    DATA.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// nono's configuration and state: XDG base directories.
fn own_state(homes: &[PathBuf]) -> Vec<PathBuf> {
    let mut own = Vec::new();
    for (variable, default) in [("XDG_CONFIG_HOME", ".config"), ("XDG_STATE_HOME", ".local/state")] {
        let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        own.extend(
            named
                .into_iter()
                .chain(homes.iter().map(|home| home.join(default)))
                .map(|path| as_resolved(&path.join("nono"))),
        );
    }
    own
}

/// The names in a home directory and in its `.config`: two listings tell which of the many protected paths can exist at
/// all. None where a directory cannot be listed.
struct Listing {
    home: Option<HashSet<OsString>>,
    config: Option<HashSet<OsString>>,
}

impl Listing {
    fn read(home: &Path) -> Listing {
        Listing { home: names(home), config: names(&home.join(".config")) }
    }

    /// Whether the path of `line` may exist and be a link to another place; yes where it cannot be told. The system's own
    /// files are taken to be where they are said to be.
    fn may_be_elsewhere(&self, line: &str) -> bool {
        let Some(path) = line.strip_prefix("~/") else { return false };
        let (names, path) = match path.strip_prefix(".config/") {
            Some(rest) => (&self.config, rest),
            None => (&self.home, path),
        };
        let first = path.split('/').next().unwrap_or(path);
        names.as_ref().is_none_or(|names| names.contains(OsStr::new(first)))
    }
}

/// The names in `directory`; if there is no such directory, there are none in it.
fn names(directory: &Path) -> Option<HashSet<OsString>> {
    match fs::read_dir(directory) {
        Ok(entries) => Some(entries.flatten().map(|entry| entry.file_name()).collect()),
        Err(error) => (error.kind() == io::ErrorKind::NotFound).then(HashSet::new),
    }
}

fn flag(grant: &FsCapability) -> String {
    match grant.source() {
        Source::Flag(name) => name.to_string(),
        _ => "the grant of".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{AccessMode, StdResolver};
    use std::os::unix::fs::symlink;

    fn home() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap().join("home");
        fs::create_dir_all(home.join(".ssh")).unwrap();
        fs::create_dir_all(home.join("project")).unwrap();
        fs::create_dir_all(home.join(".config/nono")).unwrap();
        (dir, home)
    }

    fn checked(path: &Path, mode: AccessMode, home: &Path) -> Result<(), String> {
        let grant = FsCapability::resolve(path, mode, &StdResolver).unwrap();
        let grant = grant.with_source(Source::Flag("--allow".into()));
        check(&[grant], &[home.to_owned()]).map_err(|error| error.to_string())
    }

    #[test]
    fn a_grant_above_a_protected_path_is_refused_and_one_beside_it_is_not() {
        let (_dir, home) = home();
        let error = checked(&home, AccessMode::Read, &home).unwrap_err();
        assert!(error.contains(".ssh\", which is protected"), "{error}");
        assert_eq!(checked(&home.join("project"), AccessMode::ReadWrite, &home), Ok(()));
    }

    #[test]
    fn a_grant_of_exactly_it_is_meant() {
        let (_dir, home) = home();
        fs::write(home.join(".ssh/config"), "").unwrap();
        for exact in [".ssh", ".ssh/config"] {
            assert_eq!(checked(&home.join(exact), AccessMode::Read, &home), Ok(()), "{exact}");
        }
    }

    #[test]
    fn a_writable_grant_must_not_let_a_start_file_be_made() {
        let (_dir, home) = home();
        fs::remove_dir(home.join(".ssh")).unwrap();
        fs::remove_dir_all(home.join(".config")).unwrap();
        assert_eq!(checked(&home, AccessMode::Read, &home), Ok(()), "there is nothing to read");
        assert!(checked(&home, AccessMode::Write, &home).is_err());
    }

    #[test]
    fn a_link_does_not_hide_it() {
        let (dir, home) = home();
        let elsewhere = dir.path().canonicalize().unwrap().join("data");
        fs::create_dir_all(elsewhere.join("aws")).unwrap();
        symlink(elsewhere.join("aws"), home.join(".aws")).unwrap();
        assert!(checked(&elsewhere, AccessMode::Read, &home).is_err());
    }

    #[test]
    fn nor_does_one_of_its_parent() {
        let (dir, home) = home();
        let elsewhere = dir.path().canonicalize().unwrap().join("settings");
        fs::create_dir_all(elsewhere.join("gh")).unwrap();
        fs::remove_dir_all(home.join(".config")).unwrap();
        symlink(&elsewhere, home.join(".config")).unwrap();
        assert!(checked(&elsewhere, AccessMode::Read, &home).unwrap_err().contains(".config/gh"));
    }

    #[test]
    fn the_directories_above_a_path_are_its_ancestors() {
        for path in ["/home/u/.ssh", "/.ssh", "/"] {
            let expected: Vec<_> = Path::new(path).ancestors().skip(1).map(Path::as_os_str).collect();
            assert_eq!(directories_above(Path::new(path)).collect::<Vec<_>>(), expected, "{path}");
        }
    }

    #[test]
    fn own_configuration_is_never_writable() {
        let (_dir, home) = home();
        let own = home.join(".config/nono");
        assert!(checked(&own, AccessMode::Write, &home).unwrap_err().contains("never granted"));
        assert_eq!(checked(&own, AccessMode::Read, &home), Ok(()));
    }

    #[test]
    fn nor_is_it_behind_a_link() {
        let (dir, home) = home();
        let elsewhere = dir.path().canonicalize().unwrap().join("settings");
        fs::rename(home.join(".config"), &elsewhere).unwrap();
        symlink(&elsewhere, home.join(".config")).unwrap();
        assert!(checked(&elsewhere.join("nono"), AccessMode::Write, &home).is_err());
        fs::remove_dir(elsewhere.join("nono")).unwrap();
        assert!(checked(&elsewhere, AccessMode::Write, &home).is_err());
    }

    #[test]
    fn a_home_directory_may_be_written_in_another_way() {
        let (_dir, home) = home();
        let odd = PathBuf::from(format!("/{}//./", home.display()));
        assert!(checked(&home, AccessMode::Read, &odd).unwrap_err().contains(".ssh"));
        assert!(checked(&home.join(".config/nono"), AccessMode::Write, &odd).is_err());
    }
}
