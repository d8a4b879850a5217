//! Looking at files by listing their directory. A profile may name hundreds of files of one directory, and a list of a hundred
//! names costs about as much as a look at thirty of them (docs/benchmarks.md).

use crate::look::{ByHandle, below};
use nono_core::{Look, PathKind, Resolved};
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// So many files of a directory are looked at one by one. Where few more follow, the list is lost; where many do, the looks are.
const FEW: usize = 5;
/// Of a directory with more names than this, the first are listed.
const MOST: usize = 4096;

/// Remembers the directory that was looked into last. What is found in a list is found without its [`Identity`]: a list has
/// the numbers of the directories that mounts lie on, not of what is mounted there.
///
/// [`Identity`]: nono_core::Identity
#[derive(Debug, Default)]
pub(crate) struct ByListing {
    single: ByHandle,
    last: RefCell<Last>,
}

#[derive(Debug, Default)]
struct Last {
    directory: PathBuf,
    /// Files that were found there: it may be searched.
    found: usize,
    /// Sorted, without what is neither a plain file nor a directory: of that there is more to tell than a list does.
    names: Vec<(OsString, PathKind)>,
}

impl Look for ByListing {
    fn look(&self, directory: &Path, name: &OsStr) -> io::Result<Option<Resolved>> {
        let mut last = self.last.borrow_mut();
        // By their bytes, which is quicker than by their components.
        if last.directory.as_os_str() != directory.as_os_str() {
            *last = Last { directory: directory.to_owned(), ..Last::default() };
        }
        if last.found == FEW {
            last.names = list(directory);
        }
        let listed = last.names.binary_search_by(|(known, _)| known.as_os_str().cmp(name)).ok();
        let found = match listed.and_then(|at| last.names.get(at)) {
            Some((_, kind)) => {
                Some(Resolved { path: below(directory, name), kind: *kind, identity: None, is_device: false })
            }
            None => self.single.look(directory, name)?,
        };
        last.found = last.found.saturating_add(1);
        Ok(found)
    }
}

/// What is in `directory`, sorted; nothing where it cannot be listed.
fn list(directory: &Path) -> Vec<(OsString, PathKind)> {
    let mut names = Vec::with_capacity(64);
    for entry in fs::read_dir(directory).into_iter().flatten().take(MOST).map_while(Result::ok) {
        match entry.file_type() {
            Ok(found) if found.is_dir() => names.push((entry.file_name(), PathKind::Directory)),
            Ok(found) if found.is_file() => names.push((entry.file_name(), PathKind::File)),
            _ => {}
        }
    }
    names.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{CachedResolver, Resolver, StdResolver};

    #[test]
    fn it_finds_what_is_found_one_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for number in 0..20 {
            fs::create_dir_all(at(&format!("many/d{number}"))).unwrap();
            fs::write(at(&format!("many/f{number}")), "").unwrap();
            std::os::unix::fs::symlink(format!("f{number}"), at(&format!("many/l{number}"))).unwrap();
        }
        let _socket = std::os::unix::net::UnixListener::bind(at("many/socket")).unwrap();
        let by_listing = CachedResolver::looking_by(ByListing::default());
        let mut listed = 0;
        let all = (0..20).flat_map(|number| ["d", "f", "l", "none"].map(|kind| format!("many/{kind}{number}")));
        for name in all.chain(["many/socket".to_owned(), "many/d1/..".to_owned(), "many/f1/x".to_owned()]) {
            let (found, mut expected) = (by_listing.resolve(&at(&name)), StdResolver.resolve(&at(&name)));
            if let (Ok(found), Ok(expected)) = (&found, &mut expected)
                && found.identity.is_none()
            {
                expected.identity = None;
                listed += 1;
            }
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{name}");
        }
        assert!(listed > 30, "{listed} were found in a list");
    }

    #[test]
    fn what_may_not_be_searched_is_not_found_by_its_name() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        for number in 0..20 {
            fs::write(dir.path().join(number.to_string()), "").unwrap();
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o444)).unwrap();
        let by_listing = CachedResolver::looking_by(ByListing::default());
        for number in 0..20 {
            let path = dir.path().join(number.to_string());
            assert_eq!(by_listing.resolve(&path).is_ok(), StdResolver.resolve(&path).is_ok(), "{path:?}");
        }
    }
}
