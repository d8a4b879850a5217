//! `create = true`: makes a directory, with those above it that are missing, as the user and outside of any sandbox.
//!
//! Some directory on the way may be one that commands of yesterday wrote to, and still do. The deepest one that exists is opened
//! once; what is missing is made below its descriptor, one name at a time, and no link is followed there.

use crate::platform;
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

/// The deepest directory on the way that exists.
#[derive(Debug)]
pub(super) struct Above {
    directory: OwnedFd,
    /// Where it is.
    pub(super) path: PathBuf,
    missing: Vec<OsString>,
}

const DIRECTORY: OFlags = platform::HANDLE.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens the deepest directory above `path`, which is absolute, that exists.
pub(super) fn nearest(path: &Path) -> io::Result<Above> {
    let mut missing = Vec::new();
    for above in path.ancestors() {
        match fs::canonicalize(above) {
            Ok(path) => {
                let directory = openat(CWD, &path, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
                missing.reverse();
                return Ok(Above { directory, path, missing });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => match above.components().next_back() {
                Some(Component::Normal(name)) => missing.push(name.to_owned()),
                _ => return Err(io::Error::other("it has \"..\" behind what does not exist")),
            },
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

impl Above {
    /// Where what is missing would be.
    pub(super) fn whole(self) -> PathBuf {
        self.missing.iter().fold(self.path, |path, name| path.join(name))
    }

    /// Makes what is missing, for the user alone: caches and settings are nobody else's (XDG base directory specification).
    pub(super) fn make(self) -> io::Result<()> {
        let mut directory = self.directory;
        for name in &self.missing {
            match mkdirat(&directory, name, Mode::RWXU) {
                // Another nono was faster.
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            directory = openat(&directory, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_is_missing_is_made_for_the_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let path = root.join("a/b/c");
        nearest(&path).unwrap().make().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o700);
        nearest(&path).unwrap().make().unwrap();
    }

    #[test]
    fn no_link_is_followed_below_what_exists() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        symlink(root.join("elsewhere"), root.join("link")).unwrap();
        let above = nearest(&root.join("link/x")).unwrap();
        assert_eq!(above.path, root, "a link that leads nowhere is not there");
        assert!(above.make().is_err());
        assert!(fs::symlink_metadata(root.join("elsewhere")).is_err());
        // Made between the look and the making.
        let above = nearest(&root.join("late/x")).unwrap();
        fs::create_dir(root.join("other")).unwrap();
        symlink(root.join("other"), root.join("late")).unwrap();
        assert!(above.make().is_err());
        assert_eq!(fs::read_dir(root.join("other")).unwrap().count(), 0);
    }
}
