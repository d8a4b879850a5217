//! Protected paths: keys, tokens, browser profiles, histories, start files. A grant that covers one is refused; a grant
//! of exactly one, or of something below it, is taken as meant.

use crate::data;
use crate::platform::PROTECTED;
use nono_core::{CachedResolver, FsAccess, FsCapability, PathKind, Source};
use std::collections::{BTreeMap, HashMap};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::iter;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

static LINES: [&str; data::count(PROTECTED)] = data::lines(PROTECTED);

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
    let homes = as_resolved(homes, &resolver);
    for line in lines().filter(|line| line.starts_with('/')) {
        wide.check(Path::new(line), None)?;
    }
    for home in &homes {
        let (near, listing) = (wide.touches(home), Listing::read(home));
        for path in lines().filter_map(|line| line.strip_prefix("~/")) {
            let elsewhere = listing.may_be_elsewhere(path);
            if near || elsewhere {
                let path = home.join(path);
                let real = if elsewhere { resolver.find(&path).ok().map(|found| found.path) } else { None };
                wide.check(&path, real.as_deref())?;
            }
        }
    }
    for own in own_state(&homes) {
        wide.check_own(&own)?;
        // It, or the directory it will be made in, may be a link to another place.
        let parent = || Some(resolver.find(own.parent()?).ok()?.path.join(own.file_name()?));
        if let Some(real) = resolver.find(&own).ok().map(|found| found.path).or_else(parent) {
            wide.check_own(&real)?;
        }
    }
    Ok(())
}

/// All that is protected below `homes`, and nono's own state: as it is written, and where links lead.
pub(crate) fn all(homes: &[PathBuf]) -> Vec<PathBuf> {
    let resolver = CachedResolver::default();
    let homes = as_resolved(homes, &resolver);
    let in_homes = |line: &'static str| homes.iter().filter_map(move |home| Some(home.join(line.strip_prefix("~/")?)));
    let mut all: Vec<PathBuf> = lines().filter(|line| line.starts_with('/')).map(PathBuf::from).collect();
    all.extend(lines().flat_map(in_homes).chain(own_state(&homes)));
    let real: Vec<PathBuf> = all.iter().filter_map(|path| Some(resolver.find(path).ok()?.path)).collect();
    all.extend(real);
    all
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

    /// Whether any grant is of `directory`, of something in it, or of a directory above it.
    fn touches(&self, directory: &Path) -> bool {
        let below = |grant: &&FsCapability| is_at_or_below(grant.resolved(), directory);
        self.above(directory).next().is_some() || self.grants.iter().any(below)
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
        let below = || self.grants.iter().copied().filter(|grant| is_at_or_below(grant.resolved(), own));
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

/// Home directories without doubled slashes and the like, and where they really are if a link leads to them.
fn as_resolved(homes: &[PathBuf], resolver: &CachedResolver) -> Vec<PathBuf> {
    let mut all = Vec::with_capacity(homes.len());
    for home in homes {
        let home: PathBuf = home.components().collect();
        let real = resolver.find(&home).ok().map(|found| found.path);
        for one in iter::once(home).chain(real) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

/// Whether `path` is `directory` or in it. Comparing bytes first: of thousands of grants hardly one is there.
fn is_at_or_below(path: &Path, directory: &Path) -> bool {
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

pub(crate) fn lines() -> impl Iterator<Item = &'static str> {
    LINES.iter().copied()
}

/// nono's configuration and state: XDG base directories.
fn own_state(homes: &[PathBuf]) -> Vec<PathBuf> {
    let mut own = Vec::new();
    for (variable, default) in [("XDG_CONFIG_HOME", ".config"), ("XDG_STATE_HOME", ".local/state")] {
        let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let all = named.into_iter().chain(homes.iter().map(|home| home.join(default)));
        own.extend(all.map(|path| path.join("nono").components().collect::<PathBuf>()));
    }
    own
}

/// What can lead elsewhere in a home directory and in its `.config`: two listings tell which of the many protected paths
/// need a look. None where a directory cannot be listed.
struct Listing {
    home: Option<Ways>,
    config: Option<Ways>,
    config_is_directory: bool,
}

/// The names in a directory that are not files; true for a link.
type Ways = BTreeMap<OsString, bool>;

impl Listing {
    fn read(home: &Path) -> Listing {
        let names = ways(home);
        let config_is_directory =
            names.as_ref().and_then(|names| names.get(OsStr::new(".config"))).is_some_and(|is_link| !is_link);
        let config = if config_is_directory { ways(&home.join(".config")) } else { None };
        Listing { home: names, config, config_is_directory }
    }

    /// Whether `path`, relative to the home directory, may be another place by a link; yes where it cannot be told.
    fn may_be_elsewhere(&self, path: &str) -> bool {
        match path.strip_prefix(".config/") {
            Some(rest) if self.config_is_directory => may_lead_on(self.config.as_ref(), rest),
            _ => may_lead_on(self.home.as_ref(), path),
        }
    }
}

fn may_lead_on(ways: Option<&Ways>, path: &str) -> bool {
    let (first, is_last) = path.split_once('/').map_or((path, true), |(first, _)| (first, false));
    // In a directory the next name has to be looked at.
    ways.is_none_or(|ways| ways.get(OsStr::new(first)).is_some_and(|is_link| *is_link || !is_last))
}

/// What in `directory` can lead on; if there is no such directory, nothing.
fn ways(directory: &Path) -> Option<Ways> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return (error.kind() == io::ErrorKind::NotFound).then(Ways::new),
    };
    let mut ways = Ways::new();
    for entry in entries {
        let entry = entry.ok()?;
        // What cannot be looked at is taken for a link.
        let (is_link, leads_on) = entry.file_type().map_or((true, true), |is| (is.is_symlink(), is.is_dir()));
        if is_link || leads_on {
            ways.insert(entry.file_name(), is_link);
        }
    }
    Some(ways)
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
    fn nor_does_one_of_any_directory_on_the_way_or_of_the_home_directory_itself() {
        let (dir, home) = home();
        let elsewhere = dir.path().canonicalize().unwrap().join("data");
        fs::create_dir_all(elsewhere.join("fish")).unwrap();
        fs::create_dir(home.join(".local")).unwrap();
        symlink(&elsewhere, home.join(".local/share")).unwrap();
        assert!(checked(&elsewhere, AccessMode::Read, &home).unwrap_err().contains(".local/share/fish"));
        let link = dir.path().join("link");
        symlink(&home, &link).unwrap();
        assert!(checked(&home, AccessMode::Read, &link).unwrap_err().contains(".ssh"));
        assert!(checked(&elsewhere, AccessMode::Read, &link).unwrap_err().contains(".local/share/fish"));
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
