//! Looking at files by listing their directory. A profile may name hundreds of files of one directory, and a list of a hundred
//! names costs about as much as a look at thirty of them (docs/benchmarks.md).

use crate::look::{ByHandle, below};
use crate::platform;
use nono_core::{Look, PathKind, Resolved};
use rustix::fs::FileType;
use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::ffi::OsStrExt;
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
    list: List,
}

impl Look for ByListing {
    fn look(&self, directory: &Path, name: &OsStr) -> io::Result<Option<Resolved>> {
        let mut last = self.last.borrow_mut();
        // By their bytes, which is quicker than by their components.
        if last.directory.as_os_str() != directory.as_os_str() {
            *last = Last { directory: directory.to_owned(), ..Last::default() };
        }
        if last.found == FEW {
            last.list = List::of(directory);
        }
        let found = match last.list.kind(name) {
            Some(kind) => Some(Resolved { path: below(directory, name), kind, identity: None, is_device: false }),
            None => self.single.look(directory, name)?,
        };
        last.found = last.found.saturating_add(1);
        Ok(found)
    }
}

/// What is in a directory, without what is neither a plain file nor a directory: of that there is more to tell than a list
/// does.
#[derive(Debug, Default)]
struct List {
    /// All names in one piece: there may be thousands.
    text: Vec<u8>,
    /// Where each is in it, sorted by how it begins.
    names: Vec<Listed>,
}

#[derive(Debug)]
struct Listed {
    beginning: u64,
    at: Range<usize>,
    kind: PathKind,
}

/// The first eight bytes: to compare numbers is quicker than to compare names, of which few begin alike.
fn beginning(name: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    u64::from_ne_bytes(first)
}

impl List {
    /// Nothing where `directory` cannot be listed.
    fn of(directory: &Path) -> List {
        let mut list = List { text: Vec::with_capacity(1024), names: Vec::with_capacity(128) };
        let (mut names, List { text, names: listed }) = (0, &mut list);
        // What was listed before a failure is there; of the rest nothing is said.
        let _failed = platform::list(directory, |name, file_type| {
            let kind = match file_type {
                FileType::Directory => Some(PathKind::Directory),
                FileType::RegularFile => Some(PathKind::File),
                _ => None,
            };
            if let Some(kind) = kind {
                let start = text.len();
                text.extend_from_slice(name);
                listed.push(Listed { beginning: beginning(name), at: start..text.len(), kind });
            }
            names += 1;
            if names < MOST { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        list.names.sort_unstable_by_key(|one| one.beginning);
        list
    }

    fn kind(&self, name: &OsStr) -> Option<PathKind> {
        let (name, wanted) = (name.as_bytes(), beginning(name.as_bytes()));
        let first = self.names.partition_point(|one| one.beginning < wanted);
        let alike = self.names.get(first..)?.iter().take_while(|one| one.beginning == wanted);
        alike.filter(|one| self.text.get(one.at.clone()) == Some(name)).map(|one| one.kind).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{CachedResolver, Resolver, StdResolver};
    use std::fs;

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
        use crate::platform::with_privileges_of_command;
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        for number in 0..20 {
            fs::write(dir.path().join(number.to_string()), "").unwrap();
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o444)).unwrap();
        let by_listing = CachedResolver::looking_by(ByListing::default());
        let all = (0..20).map(|number| dir.path().join(number.to_string()));
        let look = || all.filter(|path| by_listing.resolve(path).is_ok() || StdResolver.resolve(path).is_ok()).count();
        // Root's privileges would open it.
        assert_eq!(with_privileges_of_command(false, look).unwrap(), 0);
    }
}
