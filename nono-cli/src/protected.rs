//! Protected paths: keys, tokens, browser profiles, histories, start files. A grant that covers one is refused; a grant
//! of exactly one, or of something below it, is taken as meant.

use crate::system::expand;
use nono_core::{CachedResolver, FsAccess, FsCapability, PathKind, Source};
use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::fs;
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
    let wide: Vec<&FsCapability> = grants.iter().filter(|grant| *grant.source() != Source::System).collect();
    for home in homes {
        let listing = Listing::read(home);
        for line in lines() {
            let Some(path) = expand(line, Some(home)) else { continue };
            let real =
                if listing.may_be_elsewhere(line) { resolver.find(&path).ok().map(|found| found.path) } else { None };
            check_one(&path, real.as_deref(), &wide)?;
        }
    }
    for own in own_state(homes) {
        let governs = |grant: &&FsCapability| {
            let path = grant.resolved();
            grant.access().intersects(FsAccess::CHANGE) && (own.starts_with(path) || path.starts_with(&own))
        };
        if let Some(grant) = wide.iter().copied().find(governs) {
            return Err(ProtectedError::OwnState { flag: flag(grant), granted: grant.original().to_owned(), own });
        }
    }
    Ok(())
}

/// Refuses a grant of a directory strictly above `protected`: where it exists, and where it could be made.
fn check_one(protected: &Path, real: Option<&Path>, wide: &[&FsCapability]) -> Result<(), ProtectedError> {
    for grant in wide.iter().filter(|grant| grant.kind() == PathKind::Directory) {
        let above = |path: &Path| path != grant.resolved() && path.starts_with(grant.resolved());
        // Writing could make it; for reading it must be there.
        let here = above(protected)
            && (grant.access().intersects(FsAccess::CHANGE) || fs::symlink_metadata(protected).is_ok());
        if here || real.is_some_and(above) {
            let (flag, granted) = (flag(grant), grant.original().to_owned());
            return Err(ProtectedError::Covers { flag, granted, protected: protected.to_owned() });
        }
    }
    Ok(())
}

pub(crate) fn lines() -> impl Iterator<Item = &'static str> {
    DATA.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// nono's configuration and state: XDG base directories.
fn own_state(homes: &[PathBuf]) -> Vec<PathBuf> {
    let mut own = Vec::new();
    for (variable, default) in [("XDG_CONFIG_HOME", ".config"), ("XDG_STATE_HOME", ".local/state")] {
        let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        own.extend(named.into_iter().chain(homes.iter().map(|home| home.join(default))).map(|path| path.join("nono")));
    }
    own
}

/// The names in a home directory: one listing tells which of the many protected paths can exist at all.
struct Listing(Option<HashSet<OsString>>);

impl Listing {
    fn read(home: &Path) -> Listing {
        let names = fs::read_dir(home).ok().map(|entries| entries.flatten().map(|entry| entry.file_name()).collect());
        Listing(names)
    }

    /// Whether the path of `line` may exist and be a link to another place; yes where the home directory cannot be
    /// listed. The system's own files are taken to be where they are said to be.
    fn may_be_elsewhere(&self, line: &str) -> bool {
        let first = line.strip_prefix("~/").and_then(|rest| rest.split('/').next());
        match (&self.0, first) {
            (Some(names), Some(first)) => names.contains(std::ffi::OsStr::new(first)),
            (None, Some(_)) => true,
            (_, None) => false,
        }
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
    fn own_configuration_is_never_writable() {
        let (_dir, home) = home();
        let own = home.join(".config/nono");
        assert!(checked(&own, AccessMode::Write, &home).unwrap_err().contains("never granted"));
        assert_eq!(checked(&own, AccessMode::Read, &home), Ok(()));
    }
}
