//! Looking at files by a handle of their directory. A profile names thousands of files in a few directories, and the kernel
//! walks the way to each directory once instead of once for every file in it.

use crate::platform::HANDLE;
use nono_core::{Identity, Look, PathKind, Resolved};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Result;
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// So many files of a directory are looked at by their paths: opening and closing a handle costs as much as it saves them.
const FEW: u32 = 6;

/// Remembers the directory that was looked into last.
#[derive(Debug, Default)]
pub(crate) struct ByHandle(RefCell<Last>);

#[derive(Debug, Default)]
struct Last {
    directory: PathBuf,
    /// Looks at files in it by their paths.
    looks: u32,
    handle: Option<OwnedFd>,
}

impl Look for ByHandle {
    fn look(&self, directory: &Path, name: &OsStr) -> io::Result<Option<Resolved>> {
        let path = below(directory, name);
        let found = self.0.borrow_mut().stat(directory, name, &path)?;
        let file_type = FileType::from_raw_mode(found.st_mode);
        let kind = match file_type {
            FileType::Symlink => return Ok(None),
            FileType::Directory => PathKind::Directory,
            _ => PathKind::File,
        };
        let is_device = matches!(file_type, FileType::CharacterDevice | FileType::BlockDevice);
        let identity = Some(Identity { device: found.st_dev, inode: found.st_ino });
        Ok(Some(Resolved { path, kind, identity, is_device }))
    }
}

/// The path of `name` in the resolved `directory`.
pub(crate) fn below(directory: &Path, name: &OsStr) -> PathBuf {
    let directory = directory.as_os_str();
    let mut path = OsString::with_capacity(directory.len().saturating_add(name.len()).saturating_add(1));
    path.push(directory);
    if directory != "/" {
        path.push("/");
    }
    path.push(name);
    path.into()
}

impl Last {
    fn stat(&mut self, directory: &Path, name: &OsStr, path: &Path) -> Result<Stat> {
        // By their bytes, which is quicker than by their components.
        if self.directory.as_os_str() != directory.as_os_str() {
            *self = Last { directory: directory.to_owned(), ..Last::default() };
        }
        let handle = match &self.handle {
            Some(handle) => handle,
            None if self.looks < FEW => {
                self.looks = self.looks.saturating_add(1);
                return statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
            }
            None => {
                let opened = openat(CWD, directory, HANDLE | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
                self.handle.insert(opened)
            }
        };
        statat(handle, name, AtFlags::SYMLINK_NOFOLLOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{CachedResolver, Resolver, StdResolver};
    use std::fs;

    #[test]
    fn it_finds_what_is_found_by_path() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("one/two")).unwrap();
        for name in ["one/file", "one/two/file", "file"] {
            fs::write(at(name), "").unwrap();
        }
        std::os::unix::fs::symlink("one/two", at("link")).unwrap();
        std::os::unix::fs::symlink("two/file", at("one/alias")).unwrap();
        let by_handle = CachedResolver::looking_by(ByHandle::default());
        let paths =
            ["one/file", "one/two", "one/alias", "one/none", "one/two/file", "one/two", "one/file/x", "one/file"];
        let paths = paths.into_iter().chain(["link/file", "link", "file", "none/x", "one/../file", "one/"]).map(at);
        let devices = ["/dev/null", "/dev/zero", "/dev/tty", "/", "/dev"].map(PathBuf::from);
        for path in paths.chain(devices) {
            // By its path, and by the handle.
            for _ in 0..FEW + 2 {
                let (found, expected) = (by_handle.resolve(&path), StdResolver.resolve(&path));
                assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{path:?}");
            }
        }
    }
}
