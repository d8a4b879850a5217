//! Looking at files by listing their directory. A profile may name hundreds of files of one directory, and a list of a hundred
//! names costs about as much as looks at thirty of them.

use crate::look::{ByHandle, below};
use crate::platform;
use memchr::memmem;
use nono_core::{Identity, Look, PathKind, Resolved};
use rustix::fs::FileType;
use std::cell::{OnceCell, RefCell};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// So many files of a directory are looked at one by one. Where few more follow, the list is lost; where many do, the looks are.
const FEW: usize = 5;
/// Of a directory with more names than this, the first are listed.
const MOST: usize = 4096;

/// File systems whose lists have the numbers of the inodes, as stat(2) tells them: ext2, ext3 and ext4, XFS, tmpfs
/// (linux/magic.h). Not so where file systems are laid over others, and those that are in another program or computer.
const NUMBERED: [u32; 3] = [0xEF53, 0x5846_5342, 0x0102_1994];

/// Remembers the directory that was looked into last.
#[derive(Debug, Default)]
pub(crate) struct ByListing {
    /// Whether everything is to be found with its [`Identity`].
    identified: bool,
    single: ByHandle,
    last: RefCell<Last>,
    mounts: OnceCell<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Last {
    directory: PathBuf,
    /// Files that were found there: it may be searched.
    found: usize,
    list: List,
}

impl ByListing {
    /// One that lists no directory in which it would not learn which objects there are.
    pub(crate) fn identified() -> ByListing {
        ByListing { identified: true, ..ByListing::default() }
    }

    fn list(&self, directory: &Path) -> List {
        match self.device(directory) {
            None if self.identified => List::default(),
            device => List::of(directory, device),
        }
    }

    /// The file system that all in `directory` is of, if a list tells the number of each. Of a directory on which another one is
    /// mounted, the list has the number that it has below that.
    fn device(&self, directory: &Path) -> Option<u64> {
        let kind = u32::try_from(rustix::fs::statfs(directory).ok()?.f_type).ok()?;
        if !NUMBERED.contains(&kind) {
            return None;
        }
        let mounts = self.mounts.get_or_init(|| fs::read("/proc/self/mountinfo").unwrap_or_default());
        if may_have_mounts(mounts, directory) {
            return None;
        }
        Some(rustix::fs::stat(directory).ok()?.st_dev)
    }
}

/// Whether anything may be mounted below `directory`, by the table of mounts (`proc_pid_mountinfo(5)`). Yes where it cannot be
/// told: the table is empty if it could not be read, and writes some bytes of a path otherwise.
fn may_have_mounts(table: &[u8], directory: &Path) -> bool {
    let bytes = directory.as_os_str().as_bytes();
    let is_odd = bytes == b"/" || bytes.iter().any(|byte| b" \t\n\\".contains(byte));
    table.is_empty() || is_odd || memmem::find(table, &[b" ", bytes, b"/"].concat()).is_some()
}

impl Look for ByListing {
    fn look(&self, directory: &Path, name: &OsStr) -> io::Result<Option<Resolved>> {
        let mut last = self.last.borrow_mut();
        // By their bytes, which is quicker than by their components.
        if last.directory.as_os_str() != directory.as_os_str() {
            *last = Last { directory: directory.to_owned(), ..Last::default() };
        }
        if last.found == FEW {
            last.list = self.list(directory);
        }
        let found = match last.list.get(name) {
            Some((kind, identity)) => Some(Resolved { path: below(directory, name), kind, identity, is_device: false }),
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
    /// The file system of all, if it is known that they are of one.
    device: Option<u64>,
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
    inode: u64,
}

/// The first eight bytes: to compare numbers is quicker than to compare names, of which few begin alike.
fn beginning(name: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    u64::from_ne_bytes(first)
}

impl List {
    /// Nothing where `directory` cannot be listed.
    fn of(directory: &Path, device: Option<u64>) -> List {
        let mut list = List { device, text: Vec::with_capacity(1024), names: Vec::with_capacity(128) };
        let (mut names, List { text, names: listed, .. }) = (0, &mut list);
        // What was listed before a failure is there; of the rest nothing is said.
        let _failed = platform::list(directory, |name, file_type, inode| {
            let kind = match file_type {
                FileType::Directory => Some(PathKind::Directory),
                FileType::RegularFile => Some(PathKind::File),
                _ => None,
            };
            if let Some(kind) = kind {
                let start = text.len();
                text.extend_from_slice(name);
                listed.push(Listed { beginning: beginning(name), at: start..text.len(), kind, inode });
            }
            names += 1;
            if names < MOST { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        list.names.sort_unstable_by_key(|one| one.beginning);
        list
    }

    fn get(&self, name: &OsStr) -> Option<(PathKind, Option<Identity>)> {
        let (name, wanted) = (name.as_bytes(), beginning(name.as_bytes()));
        let first = self.names.partition_point(|one| one.beginning < wanted);
        let mut alike = self.names.get(first..)?.iter().take_while(|one| one.beginning == wanted);
        let found = alike.find(|one| self.text.get(one.at.clone()) == Some(name))?;
        Some((found.kind, self.device.map(|device| Identity { device, inode: found.inode })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{CachedResolver, Resolver, StdResolver};
    use std::ffi::OsString;

    /// Looks at `names` one by one and by a list; tells of how many the list knew.
    fn compare<'a>(listing: &ByListing, directory: &Path, names: impl Iterator<Item = &'a OsStr>) -> usize {
        let single = ByHandle::default();
        let mut listed = 0;
        for name in names {
            let (mut expected, found) = (single.look(directory, name), listing.look(directory, name));
            listed += usize::from(listing.last.borrow().list.get(name).is_some());
            if let (Ok(Some(found)), Ok(Some(expected))) = (&found, &mut expected)
                && !listing.identified
                && found.identity.is_none()
            {
                expected.identity = None;
            }
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{name:?} in {directory:?}");
        }
        listed
    }

    #[test]
    fn it_finds_what_is_found_one_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for number in 0..20 {
            fs::create_dir(at(&format!("d{number}"))).unwrap();
            fs::write(at(&format!("f{number}")), "").unwrap();
            std::os::unix::fs::symlink(format!("f{number}"), at(&format!("l{number}"))).unwrap();
        }
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let names: Vec<_> =
            (0..20).flat_map(|number| ["d", "f", "l", "none"].map(|kind| format!("{kind}{number}"))).collect();
        let names = || names.iter().map(OsStr::new).chain([OsStr::new("socket")]);
        let root = dir.path().canonicalize().unwrap();
        assert!(compare(&ByListing::default(), &root, names()) > 30);
        let identified = ByListing::identified();
        let listed = compare(&identified, &root, names());
        assert!(listed > 30 || identified.device(&root).is_none(), "{listed}");
    }

    #[test]
    fn what_is_mounted_in_a_directory_is_known_for_itself() {
        // Some have mounts in them, and some are of file systems whose lists are not believed.
        for directory in ["/", "/dev", "/run", "/sys", "/sys/fs", "/proc/self", "/tmp", "/var", "/usr", "/home", "/etc"]
        {
            let names: Vec<_> =
                fs::read_dir(directory).into_iter().flatten().flatten().map(|one| one.file_name()).collect();
            let directory = Path::new(directory);
            compare(&ByListing::identified(), directory, names.iter().map(OsString::as_os_str));
        }
        assert_eq!(ByListing::identified().device(Path::new("/proc/self")), None);
    }

    #[test]
    fn a_directory_below_which_something_is_mounted_is_not_listed() {
        let table = |at: &str| format!("36 35 98:0 / {at} rw - ext4 /dev/x rw\n37 36 98:1 / /srv rw - xfs /dev/y rw\n");
        for (at, expected) in
            [("/a/b/at", true), ("/a/b/in/it", true), ("/a/b", false), ("/a/bx/at", false), ("/a", false)]
        {
            assert_eq!(may_have_mounts(table(at).as_bytes(), Path::new("/a/b")), expected, "{at}");
        }
        for odd in ["/", "/a b", "/a\\b", "/a\tb", "/a\nb"] {
            assert!(may_have_mounts(table("/x").as_bytes(), Path::new(odd)), "{odd:?}");
        }
        assert!(may_have_mounts(b"", Path::new("/a/b")), "the table cannot be read");
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
