//! Opens that Landlock allows by the text of their path: they go on without a look at the file system.
//!
//! A wrong yes is harmless: the kernel makes the call itself, under Landlock, with whatever is in memory then. So nothing is
//! resolved, and a path with `.`, `..` or doubled slashes is left to the slower way.

use super::tree::Tree;
use nono_core::{CapabilitySet, FsAccess, OpenFlags, PathKind};

/// What is granted, by path; what is denied below that is granted nothing.
#[derive(Debug)]
pub(super) struct Granted(Tree<(PathKind, FsAccess)>);

impl Granted {
    pub(super) fn of(set: &CapabilitySet) -> Granted {
        let mut tree = Tree::default();
        for deny in set.denies() {
            tree.insert(deny, (PathKind::Directory, FsAccess::empty()));
        }
        // Where both are, the grant holds.
        for grant in set.fs() {
            tree.insert(grant.resolved(), (grant.kind(), grant.access()));
        }
        Granted(tree)
    }

    /// Whether `path` is plainly at or below a grant of what `flags` ask for.
    pub(super) fn covers(&self, path: &[u8], flags: OpenFlags) -> bool {
        // A file has nothing below it, whatever a path says. The nearest grant carries the rights of all above it.
        let mut holding = self.0.above(path).filter(|(is_it, (kind, _))| *is_it || *kind == PathKind::Directory);
        is_plain(path) && holding.next().is_some_and(|(_, (_, access))| access.contains(needed(flags)))
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
            ("/srv/data/a", OpenFlags::READ | OpenFlags::CREATE, false),
            ("/srv/data/out/a", OpenFlags::READ | OpenFlags::CREATE, true),
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
