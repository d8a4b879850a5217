//! Protected paths: keys, tokens, browser profiles, histories, start files. A grant that covers one gets a deny for it; a
//! grant of exactly one, or of something below it, is taken as meant.

use crate::data;
use crate::platform::{self, PROTECTED};
use nono_core::{CachedResolver, FsAccess, FsCapability, PathKind, Source};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::iter;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

static LINES: [&str; data::count(PROTECTED)] = data::lines(PROTECTED);

/// How many links are followed on the way to one path.
const MOST_LINKS: u32 = 40;

/// Why a grant is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ProtectedError {
    /// It would let the command change what governs the next sandbox.
    #[error("{flag} {granted:?} would make nono's own {own:?} writable, which is never granted")]
    OwnState { flag: String, granted: PathBuf, own: PathBuf },
}

/// The protected paths below one of `homes`, and the system's, that one of `grants` covers: to be denied. Some are links, and
/// some do not exist and could be made.
///
/// # Errors
/// A grant that is exactly of nono's own state, or of something in it, for writing.
pub(crate) fn denies(grants: &[FsCapability], homes: &[PathBuf]) -> Result<BTreeSet<PathBuf>, ProtectedError> {
    let resolver = platform::resolver();
    let wide = Wide::of(grants);
    let homes = as_resolved(homes, &resolver);
    let mut denies = BTreeSet::new();
    for line in lines().filter(|line| line.starts_with('/')) {
        denies.extend(wide.covered(Path::new(line)).then(|| PathBuf::from(line)));
    }
    for home in &homes {
        let (near, listing) = (wide.touches(home), Listing::read(home));
        for path in lines().filter_map(|line| line.strip_prefix("~/")) {
            if listing.may_be_elsewhere(path) {
                wide.cover_ways(&home.join(path), &resolver, &mut denies);
            } else if near {
                let path = home.join(path);
                denies.extend(wide.covered(&path).then_some(path));
            }
        }
    }
    for own in own_state(&homes) {
        // It, or the directory it will be made in, may be a link to another place.
        let parent = || Some(resolver.find(own.parent()?).ok()?.path.join(own.file_name()?));
        let real = resolver.find(&own).ok().map(|found| found.path).or_else(parent);
        for place in iter::once(&own).chain(&real) {
            wide.check_own(place)?;
        }
        if wide.above(&own).chain(real.iter().flat_map(|real| wide.above(real))).any(changes) {
            wide.cover_ways(&own, &resolver, &mut denies);
        }
    }
    Ok(denies)
}

/// All that is protected below `homes`, and nono's own state: as it is written, and where links lead.
pub(crate) fn all(homes: &[PathBuf]) -> Vec<PathBuf> {
    let resolver = platform::resolver();
    let homes = as_resolved(homes, &resolver);
    let in_homes = |line: &'static str| homes.iter().filter_map(move |home| Some(home.join(line.strip_prefix("~/")?)));
    let mut all: Vec<PathBuf> = lines().filter(|line| line.starts_with('/')).map(PathBuf::from).collect();
    all.extend(lines().flat_map(in_homes).chain(own_state(&homes)));
    let listings: Vec<Listing> = homes.iter().map(|home| Listing::read(home)).collect();
    let is_elsewhere = |path: &Path| {
        let in_home = |(home, listing): (&PathBuf, &Listing)| {
            Some(listing.may_be_elsewhere(path.strip_prefix(home).ok()?.to_str()?))
        };
        homes.iter().zip(&listings).find_map(in_home).unwrap_or(true)
    };
    let elsewhere = all.iter().filter(|path| is_elsewhere(path));
    let real: Vec<PathBuf> = elsewhere.filter_map(|path| Some(resolver.find(path).ok()?.path)).collect();
    all.extend(real);
    all
}

/// What the user granted, to be found by path: there may be thousands, and a hundred protected paths to be looked up.
struct Wide<'a> {
    grants: Vec<&'a FsCapability>,
    /// The last place in `grants` of each resolved path.
    last: HashMap<&'a OsStr, usize>,
    /// For each place in `grants` the one before it that has the same path.
    before: Vec<Option<usize>>,
}

impl<'a> Wide<'a> {
    fn of(grants: &'a [FsCapability]) -> Wide<'a> {
        let grants: Vec<_> = grants.iter().filter(|grant| *grant.source() != Source::System).collect();
        let mut last = HashMap::with_capacity(grants.len());
        let places = grants.iter().enumerate();
        let before = places.map(|(place, grant)| last.insert(grant.resolved().as_os_str(), place)).collect();
        Wide { grants, last, before }
    }

    /// Whether any grant is of `directory`, of something in it, or of a directory above it.
    fn touches(&self, directory: &Path) -> bool {
        let below = |grant: &&FsCapability| is_at_or_below(grant.resolved(), directory);
        self.above(directory).next().is_some() || self.grants.iter().any(below)
    }

    /// The grants of directories strictly above `path`, which is written as a resolved path, the nearest first.
    fn above(&self, path: &Path) -> impl Iterator<Item = &'a FsCapability> {
        let before = |place: &usize| self.before.get(*place).copied().flatten();
        let of_path = move |above: &OsStr| iter::successors(self.last.get(above).copied(), before);
        let grants = directories_above(path).flat_map(of_path).filter_map(|place| self.grants.get(place).copied());
        grants.filter(|grant| grant.kind() == PathKind::Directory)
    }

    /// Whether a grant of a directory strictly above `protected` reaches it: where it exists, and where it could be made.
    fn covered(&self, protected: &Path) -> bool {
        // Writing could make it; for reading it must be there.
        let mut grants = self.above(protected);
        grants.any(|grant| changes(grant) || fs::symlink_metadata(protected).is_ok())
    }

    /// Denies the place to which `path` leads, and each link on the way that could be replaced.
    fn cover_ways(&self, path: &Path, resolver: &CachedResolver, denies: &mut BTreeSet<PathBuf>) {
        // As far as it leads; where nothing is yet, to where it would be made.
        let (mut place, mut names) = (PathBuf::from("/"), path.components());
        let mut links = 0;
        for name in names.by_ref().skip(1) {
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
    fn check_own(&self, own: &Path) -> Result<(), ProtectedError> {
        let mut below = self.grants.iter().copied().filter(|grant| is_at_or_below(grant.resolved(), own));
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

fn changes(grant: &FsCapability) -> bool {
    grant.access().intersects(FsAccess::CHANGE)
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
        Source::Profile { file, line } => format!("{file:?} line {line}: the grant of"),
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

    fn denied(path: &Path, mode: AccessMode, home: &Path) -> Result<Vec<PathBuf>, String> {
        let grant = FsCapability::resolve(path, mode, &StdResolver).unwrap();
        let grant = grant.with_source(Source::Flag("--allow".into()));
        let denied = denies(&[grant], &[home.to_owned()]).map_err(|error| error.to_string())?;
        Ok(denied.into_iter().collect())
    }

    #[test]
    fn a_grant_above_a_protected_path_gets_a_deny_and_one_beside_it_does_not() {
        let (_dir, home) = home();
        assert_eq!(denied(&home, AccessMode::Read, &home), Ok(vec![home.join(".ssh")]));
        assert_eq!(denied(&home.join("project"), AccessMode::ReadWrite, &home), Ok(vec![]));
    }

    #[test]
    fn a_grant_of_exactly_it_is_meant() {
        let (_dir, home) = home();
        fs::write(home.join(".ssh/config"), "").unwrap();
        for exact in [".ssh", ".ssh/config"] {
            assert_eq!(denied(&home.join(exact), AccessMode::Read, &home), Ok(vec![]), "{exact}");
        }
    }

    #[test]
    fn a_writable_grant_must_not_let_a_start_file_be_made() {
        let (_dir, home) = home();
        fs::remove_dir(home.join(".ssh")).unwrap();
        fs::remove_dir_all(home.join(".config")).unwrap();
        assert_eq!(denied(&home, AccessMode::Read, &home), Ok(vec![]), "there is nothing to read");
        let denied = denied(&home, AccessMode::Write, &home).unwrap();
        for path in [".ssh", ".bashrc", ".config/gh", ".config/nono"] {
            assert!(denied.contains(&home.join(path)), "{path}: {denied:?}");
        }
    }

    #[test]
    fn a_link_does_not_hide_it_and_is_not_replaced() {
        let (dir, home) = home();
        let elsewhere = dir.path().canonicalize().unwrap().join("data");
        fs::create_dir_all(elsewhere.join("aws")).unwrap();
        symlink(elsewhere.join("aws"), home.join(".aws")).unwrap();
        assert_eq!(denied(&elsewhere, AccessMode::Read, &home), Ok(vec![elsewhere.join("aws")]));
        let both = denied(dir.path(), AccessMode::ReadWrite, &home).unwrap();
        assert!(both.contains(&elsewhere.join("aws")) && both.contains(&home.join(".aws")), "{both:?}");
        fs::remove_dir(elsewhere.join("aws")).unwrap();
        assert!(denied(&home, AccessMode::Write, &home).unwrap().contains(&home.join(".aws")), "it leads nowhere");
    }

    #[test]
    fn nor_does_one_of_its_parent() {
        let (dir, home) = home();
        let elsewhere = dir.path().canonicalize().unwrap().join("settings");
        fs::create_dir_all(elsewhere.join("gh")).unwrap();
        fs::remove_dir_all(home.join(".config")).unwrap();
        symlink(&elsewhere, home.join(".config")).unwrap();
        assert_eq!(denied(&elsewhere, AccessMode::Read, &home), Ok(vec![elsewhere.join("gh")]));
        let made = denied(&elsewhere, AccessMode::Write, &home).unwrap();
        assert!(made.contains(&elsewhere.join("hub")), "what does not exist yet: {made:?}");
    }

    #[test]
    fn nor_does_one_of_any_directory_on_the_way_or_of_the_home_directory_itself() {
        let (dir, home) = home();
        let elsewhere = dir.path().canonicalize().unwrap().join("data");
        fs::create_dir_all(elsewhere.join("fish")).unwrap();
        fs::create_dir(home.join(".local")).unwrap();
        symlink(&elsewhere, home.join(".local/share")).unwrap();
        let closed = Ok(vec![elsewhere.join("fish")]);
        assert_eq!(denied(&elsewhere, AccessMode::Read, &home), closed);
        let link = dir.path().join("link");
        symlink(&home, &link).unwrap();
        assert_eq!(denied(&home, AccessMode::Read, &link), Ok(vec![home.join(".ssh")]));
        assert_eq!(denied(&elsewhere, AccessMode::Read, &link), closed);
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
        assert!(denied(&own, AccessMode::Write, &home).unwrap_err().contains("never granted"));
        assert_eq!(denied(&own, AccessMode::Read, &home), Ok(vec![]));
        assert!(denied(&home.join(".config"), AccessMode::Write, &home).unwrap().contains(&own));
    }

    #[test]
    fn nor_is_it_behind_a_link() {
        let (dir, home) = home();
        let elsewhere = dir.path().canonicalize().unwrap().join("settings");
        fs::rename(home.join(".config"), &elsewhere).unwrap();
        symlink(&elsewhere, home.join(".config")).unwrap();
        assert!(denied(&elsewhere.join("nono"), AccessMode::Write, &home).is_err());
        fs::remove_dir(elsewhere.join("nono")).unwrap();
        assert!(denied(&elsewhere, AccessMode::Write, &home).unwrap().contains(&elsewhere.join("nono")));
    }

    #[test]
    fn a_home_directory_may_be_written_in_another_way() {
        let (_dir, home) = home();
        let odd = PathBuf::from(format!("/{}//./", home.display()));
        assert_eq!(denied(&home, AccessMode::Read, &odd), Ok(vec![home.join(".ssh")]));
        assert!(denied(&home.join(".config/nono"), AccessMode::Write, &odd).is_err());
    }
}
