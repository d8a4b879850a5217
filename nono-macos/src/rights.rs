//! From access rights to operations and filters, and the rights that Seatbelt cannot give without giving more.
//!
//! Allow rules name single operations only, never a wildcard: what a newer system adds below a wildcard stays closed, and
//! no rule order can set a wildcard against one of its parts.

use crate::operation::Operation::{
    self, FileIoctl, FileLink, FileMapExecutable, FileMknod, FileRead, FileReadData, FileReadXattr, FileWrite,
    FileWriteCreate, FileWriteData, FileWriteFlags, FileWriteMode, FileWriteOwner, FileWriteSetugid, FileWriteTimes,
    FileWriteUnlink, FileWriteXattr, NetworkBind, NetworkOutbound, ProcessExec,
};
use crate::sbpl::{Filter, Profile};
use nono_core::{AccessMode, FsAccess, NodeKind, PathKind};

/// Every operation on files, wildcards included: what a deny names.
pub(crate) const EVERYTHING: &[Operation] = &[
    FileRead,
    FileReadData,
    FileReadXattr,
    FileWrite,
    FileWriteCreate,
    FileWriteData,
    FileWriteFlags,
    FileWriteMode,
    FileWriteOwner,
    FileWriteSetugid,
    FileWriteTimes,
    FileWriteUnlink,
    FileWriteXattr,
    FileIoctl,
    FileLink,
    FileMapExecutable,
    FileMknod,
    ProcessExec,
    NetworkBind,
    NetworkOutbound,
];

/// What changes a file beside its content; given with full write access only.
const ATTRIBUTES: &[Operation] = &[FileWriteFlags, FileWriteMode, FileWriteOwner, FileWriteTimes, FileWriteXattr];

/// Rights to make what has a kind that can be named.
const MAKE: [(FsAccess, NodeKind); 4] = [
    (FsAccess::MAKE_REG, NodeKind::Regular),
    (FsAccess::MAKE_DIR, NodeKind::Directory),
    (FsAccess::MAKE_SYM, NodeKind::Symlink),
    (FsAccess::MAKE_SOCK, NodeKind::Socket),
];

const DEVICES: FsAccess = FsAccess::MAKE_CHAR.union(FsAccess::MAKE_BLOCK);
const NAMED: FsAccess =
    FsAccess::MAKE_REG.union(FsAccess::MAKE_DIR).union(FsAccess::MAKE_SYM).union(FsAccess::MAKE_SOCK);

/// The part of `access` that a profile gives, no more and no less. The rest is withheld:
///
/// * writing without truncating, and truncating without writing: one operation is both;
/// * making pipes but not files, directories, links and sockets as well: the kind of a pipe has no proven name;
/// * making devices but not both kinds of them, and everything else: they are one operation.
///
/// ```
/// # use {nono_core::FsAccess, nono_macos::rights::given};
/// assert_eq!(given(FsAccess::READ_FILE | FsAccess::TRUNCATE), FsAccess::READ_FILE);
/// ```
pub fn given(access: FsAccess) -> FsAccess {
    let content = FsAccess::WRITE_FILE | FsAccess::TRUNCATE;
    let mut withheld = FsAccess::empty();
    if !access.contains(content) {
        withheld |= content;
    }
    if !access.contains(NAMED) {
        withheld |= FsAccess::MAKE_FIFO;
    }
    if !access.contains(NAMED | DEVICES | FsAccess::MAKE_FIFO) {
        withheld |= DEVICES;
    }
    access.difference(withheld)
}

/// Adds the rules that give `access` on `path`.
pub(crate) fn allow(profile: &mut Profile, path: &str, kind: PathKind, access: FsAccess) {
    let access = given(access);
    let here = || match kind {
        PathKind::File => Filter::Literal(path.to_owned()),
        PathKind::Directory => Filter::Subpath(path.to_owned()),
    };
    let directory = || Filter::Kind(NodeKind::Directory);
    let not = |filter| Filter::Not(Box::new(filter));
    let both = FsAccess::READ_FILE | FsAccess::READ_DIR;
    if access.contains(both) {
        profile.allow(&[FileReadData, FileReadXattr], vec![here()]);
    } else if access.contains(FsAccess::READ_FILE) {
        profile.allow(&[FileReadData, FileReadXattr], vec![Filter::All(vec![here(), not(directory())])]);
    } else if access.contains(FsAccess::READ_DIR) {
        profile.allow(&[FileReadData], vec![Filter::All(vec![here(), directory()])]);
    }
    let table: [(FsAccess, &[Operation]); 5] = [
        (FsAccess::EXECUTE, &[ProcessExec, FileMapExecutable]),
        (FsAccess::WRITE_FILE, &[FileWriteData]),
        (AccessMode::Write.into(), ATTRIBUTES),
        (FsAccess::IOCTL_DEV, &[FileIoctl]),
        (FsAccess::RESOLVE_UNIX, &[NetworkOutbound]),
    ];
    let granted = table.iter().filter(|(right, _)| access.contains(*right));
    let operations: Vec<Operation> = granted.flat_map(|(_, operations)| *operations).copied().collect();
    if !operations.is_empty() {
        profile.allow(&operations, vec![here()]);
    }
    if kind == PathKind::Directory {
        names(profile, path, access);
    }
}

/// Making and removing names: rights of the directory that holds them, so not on `path` itself.
fn names(profile: &mut Profile, path: &str, access: FsAccess) {
    let inside = |more: Option<Filter>| {
        let itself = Filter::Not(Box::new(Filter::Literal(path.to_owned())));
        Filter::All([Filter::Subpath(path.to_owned()), itself].into_iter().chain(more).collect())
    };
    let directory = Filter::Kind(NodeKind::Directory);
    let devices = access.contains(DEVICES);
    if access.contains(FsAccess::MAKE_FIFO) {
        let no_device = Filter::Not(Box::new(Filter::Kind(NodeKind::CharDevice)));
        profile.allow(&[FileWriteCreate], vec![inside((!devices).then_some(no_device))]);
    } else {
        let kinds = MAKE.iter().filter(|(right, _)| access.contains(*right));
        let filters: Vec<Filter> = kinds.map(|(_, kind)| inside(Some(Filter::Kind(*kind)))).collect();
        if !filters.is_empty() {
            profile.allow(&[FileWriteCreate], filters);
        }
    }
    if devices {
        profile.allow(&[FileMknod], vec![inside(None)]);
    }
    if access.contains(FsAccess::MAKE_SOCK) {
        profile.allow(&[NetworkBind], vec![inside(None)]);
    }
    if access.contains(FsAccess::REMOVE_FILE | FsAccess::REMOVE_DIR) {
        profile.allow(&[FileWriteUnlink], vec![inside(None)]);
    } else if access.contains(FsAccess::REMOVE_FILE) {
        profile.allow(&[FileWriteUnlink], vec![inside(Some(Filter::Not(Box::new(directory))))]);
    } else if access.contains(FsAccess::REMOVE_DIR) {
        profile.allow(&[FileWriteUnlink], vec![inside(Some(directory))]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyday_words_are_given_in_full() {
        for mode in [AccessMode::Read, AccessMode::Write, AccessMode::ReadWrite] {
            assert_eq!(given(mode.into()), mode.into(), "{mode:?}");
        }
        assert_eq!(given(FsAccess::all()), FsAccess::all());
    }

    #[test]
    fn what_cannot_be_told_apart_is_withheld() {
        for (asked, expected) in [
            (FsAccess::WRITE_FILE, FsAccess::empty()),
            (FsAccess::TRUNCATE, FsAccess::empty()),
            (FsAccess::MAKE_FIFO | FsAccess::MAKE_REG, FsAccess::MAKE_REG),
            (FsAccess::all().difference(FsAccess::MAKE_CHAR), FsAccess::all().difference(DEVICES)),
        ] {
            assert_eq!(given(asked), expected, "{asked:?}");
        }
    }

    #[test]
    fn more_rights_never_give_less() {
        for bit in FsAccess::all().iter() {
            for one in FsAccess::all().iter() {
                assert!(given(FsAccess::all().difference(bit)).contains(given(one.difference(bit))), "{bit:?} {one:?}");
            }
        }
    }

    #[test]
    fn a_deny_names_every_operation_that_a_grant_can_give() {
        let mut profile = Profile::default();
        allow(&mut profile, "/a", PathKind::Directory, FsAccess::all());
        for rule in profile.rules() {
            assert!(rule.operations.iter().all(|one| EVERYTHING.contains(one)), "{rule}");
        }
    }
}
