//! Opens that Landlock allows by the text of their path: they go on without a look at the file system.
//!
//! A wrong yes is harmless: the kernel makes the call itself, under Landlock, with whatever is in memory then. So nothing is
//! resolved, and a path with `.`, `..` or doubled slashes is left to the slower way.

use nono_core::{CapabilitySet, FsAccess, OpenFlags, PathKind};
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;

/// What is granted, by path.
#[derive(Debug)]
pub(super) struct Granted {
    at: HashMap<Box<[u8]>, (PathKind, FsAccess)>,
}

impl Granted {
    pub(super) fn of(set: &CapabilitySet) -> Granted {
        let bytes = |path: &std::path::Path| Box::<[u8]>::from(path.as_os_str().as_bytes());
        let grants = set.fs().iter().map(|grant| (bytes(grant.resolved()), (grant.kind(), grant.access())));
        let denies = set.denies().iter().map(|deny| (bytes(deny), (PathKind::Directory, FsAccess::empty())));
        Granted { at: grants.chain(denies).collect() }
    }

    /// Whether `path` is plainly at or below a grant of what `flags` ask for.
    pub(super) fn covers(&self, path: &[u8], flags: OpenFlags) -> bool {
        is_plain(path) && self.nearest(path).is_some_and(|access| access.contains(needed(flags)))
    }

    /// The rights of the nearest grant at or above `path`, which carries those of all above it.
    fn nearest(&self, path: &[u8]) -> Option<FsAccess> {
        if let Some((_, access)) = self.at.get(path) {
            return Some(*access);
        }
        let slashes = path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
        slashes.filter_map(|(at, _)| self.at.get(path.get(..at.max(1))?)).find_map(|(kind, access)| {
            // A file has nothing below it, whatever a path says.
            (*kind == PathKind::Directory).then_some(*access)
        })
    }
}

/// What Landlock will ask for; whether it is a file or a directory is not known, so either right for reading will do.
fn needed(flags: OpenFlags) -> FsAccess {
    let mut needed = FsAccess::empty();
    for (flag, access) in [
        (OpenFlags::READ, FsAccess::READ_FILE),
        (OpenFlags::WRITE, FsAccess::WRITE_FILE),
        (OpenFlags::TRUNCATE, FsAccess::TRUNCATE),
        (OpenFlags::CREATE, FsAccess::WRITE_FILE),
    ] {
        if flags.contains(flag) {
            needed |= access;
        }
    }
    needed
}

/// Absolute, and every name in it is a name.
fn is_plain(path: &[u8]) -> bool {
    match path {
        [b'/', names @ ..] => names.split(|byte| *byte == b'/').all(|name| !matches!(name, b"" | b"." | b"..")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{AccessMode, FsCapability, Resolved};

    fn granted() -> Granted {
        let grant = |path: &str, kind, mode| {
            let found = Resolved { path: path.into(), kind, identity: None, is_device: false };
            let access = FsAccess::from(mode);
            let access = if kind == PathKind::File { access & FsAccess::FILE } else { access };
            FsCapability::from_resolved(path.into(), found, access).unwrap()
        };
        let set = CapabilitySet::builder()
            .grant(grant("/srv/data", PathKind::Directory, AccessMode::Read))
            .grant(grant("/srv/data/out", PathKind::Directory, AccessMode::Write))
            .grant(grant("/etc/hosts", PathKind::File, AccessMode::Read));
        Granted::of(&set.build().unwrap())
    }

    #[test]
    fn what_is_plainly_below_a_grant_goes_on() {
        let granted = granted();
        for (path, flags, expected) in [
            ("/srv/data", OpenFlags::READ, true),
            ("/srv/data/a/b", OpenFlags::READ, true),
            ("/srv/data/a", OpenFlags::WRITE, false),
            ("/srv/data/out/a", OpenFlags::READ | OpenFlags::WRITE, true),
            ("/srv/data/out/a", OpenFlags::WRITE | OpenFlags::TRUNCATE, true),
            ("/srv/database", OpenFlags::READ, false),
            ("/srv", OpenFlags::READ, false),
            ("/", OpenFlags::READ, false),
            ("/etc/hosts", OpenFlags::READ, true),
            ("/etc/hosts/x", OpenFlags::READ, false),
            ("/srv/data/../x", OpenFlags::READ, false),
            ("/srv/data/./x", OpenFlags::READ, false),
            ("/srv/data//x", OpenFlags::READ, false),
            ("/srv/data/", OpenFlags::READ, false),
            ("srv/data/a", OpenFlags::READ, false),
            ("", OpenFlags::READ, false),
        ] {
            assert_eq!(granted.covers(path.as_bytes(), flags), expected, "{path} {flags:?}");
        }
    }
}
