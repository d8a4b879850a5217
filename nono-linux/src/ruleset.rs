//! From a plan to a ruleset descriptor. Opens each path without following links, and takes it only if it is the object
//! that was resolved.

use crate::abi::Absence;
use crate::error::PrepareError;
use crate::plan::{PathRule, Plan, PortRight};
use crate::rights::to_landlock;
use crate::sys;
use landlock::{
    AccessNet, BitFlags, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetError, Scope,
};
use nono_core::{FsAccess, PathKind};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fcntl_getfl, fstat, openat, openat2};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path};

/// Makes the ruleset of `plan`, and says whether a granted object belongs to another user. Nothing is restricted yet.
pub(crate) fn build(plan: &Plan) -> Result<(OwnedFd, bool), PrepareError> {
    let ruleset = create(plan).map_err(|source| PrepareError::Ruleset { source: Box::new(source) })?;
    // The crate makes no descriptor where it believes that there is no Landlock; the plan believed otherwise.
    let absence = Absence::Blocked;
    let ruleset = Option::<OwnedFd>::from(ruleset).ok_or(PrepareError::NoLandlock { absence })?;
    let (user, mut foreign) = (rustix::process::geteuid().as_raw(), false);
    for rule in &plan.paths {
        let (object, owner) = open(rule)?;
        foreign |= owner != user;
        add(ruleset.as_fd(), object.as_fd(), rule.access)
            .map_err(|source| PrepareError::Rule { path: rule.path.to_path_buf(), source })?;
    }
    Ok((ruleset, foreign))
}

/// Every right of the plan is a hard requirement: what this kernel lacks was left out and reported before.
fn create(plan: &Plan) -> Result<RulesetCreated, RulesetError> {
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset = ruleset.handle_access(to_landlock(plan.fs.handled))?;
    let mut net = BitFlags::<AccessNet>::empty();
    if plan.net.tcp {
        net |= AccessNet::BindTcp | AccessNet::ConnectTcp;
    }
    if plan.net.udp {
        net |= AccessNet::BindUdp | AccessNet::ConnectSendUdp;
    }
    if !net.is_empty() {
        ruleset = ruleset.handle_access(net)?;
    }
    for (wanted, scope) in
        [(plan.scopes.signals, Scope::Signal), (plan.scopes.abstract_sockets, Scope::AbstractUnixSocket)]
    {
        if wanted {
            ruleset = ruleset.scope(scope)?;
        }
    }
    let mut ruleset = ruleset.create()?;
    for (port, right) in &plan.ports {
        let mut allow = |port, right| (&mut ruleset).add_rule(NetPort::new(port, right)).map(drop);
        match right {
            PortRight::Bind => allow(port.get(), AccessNet::BindTcp)?,
            PortRight::Connect => allow(port.get(), AccessNet::ConnectTcp)?,
            PortRight::NameLookups => {
                allow(port.get(), AccessNet::ConnectSendUdp)?;
                // Port 0 of a rule is any port that the kernel picks: without it no first datagram could be sent.
                allow(0, AccessNet::BindUdp)?;
            }
        }
    }
    Ok(ruleset)
}

fn add(ruleset: BorrowedFd<'_>, object: BorrowedFd<'_>, access: FsAccess) -> io::Result<()> {
    sys::landlock_add_path(ruleset, object, to_landlock(access).bits())
}

/// Opens the object of `rule`: no link is followed, so what is opened is what was resolved, or an error. Its owner is
/// returned beside it.
fn open(rule: &PathRule) -> Result<(OwnedFd, u32), PrepareError> {
    let failed = |source: Errno| PrepareError::Open { path: rule.path.to_path_buf(), source: source.into() };
    let object = open_without_links(&rule.path).map_err(failed)?;
    let found = fstat(&object).map_err(failed)?;
    let kind = match FileType::from_raw_mode(found.st_mode) {
        FileType::Directory => PathKind::Directory,
        _ => PathKind::File,
    };
    let same = rule.identity.is_none_or(|known| (known.device, known.inode) == (found.st_dev, found.st_ino));
    if same && kind == rule.kind {
        Ok((object, found.st_uid))
    } else {
        Err(PrepareError::Replaced { path: rule.path.to_path_buf() })
    }
}

fn open_without_links(path: &Path) -> Result<OwnedFd, Errno> {
    // Not O_NOFOLLOW beside it: together they open the link itself (openat2(2)).
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // A filter cannot look into its arguments: a sandbox around this one may have to refuse it (Landlock below ABI 3).
        Err(Errno::NOSYS) => walk_without_links(path),
        opened => opened,
    }
}

/// The same by a step for each name.
fn walk_without_links(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut place = openat(CWD, if path.is_absolute() { "/" } else { "." }, flags, Mode::empty())?;
    for name in path.components().filter(|name| !matches!(name, Component::RootDir | Component::CurDir)) {
        place = openat(&place, name.as_os_str(), flags, Mode::empty())?;
        if FileType::from_raw_mode(fstat(&place)?.st_mode) == FileType::Symlink {
            return Err(Errno::LOOP);
        }
    }
    Ok(place)
}

/// Adds a rule for each standard stream that is a regular file, for the mode it is open in: `/dev/stdin` and
/// `/dev/stderr` open the file anew, by its own permissions.
pub(crate) fn add_standard_streams(ruleset: BorrowedFd<'_>, handled: FsAccess) -> Result<(), PrepareError> {
    let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    for (descriptor, stream) in (0..).zip(streams) {
        let failed = |source: Errno| PrepareError::StandardStream { descriptor, source: source.into() };
        let access = match fstat(stream) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile => {
                mode(fcntl_getfl(stream).map_err(failed)?) & handled
            }
            Ok(_) | Err(Errno::BADF) => FsAccess::empty(),
            Err(errno) => return Err(failed(errno)),
        };
        if !access.is_empty() {
            add(ruleset, stream, access).map_err(|source| PrepareError::StandardStream { descriptor, source })?;
        }
    }
    Ok(())
}

/// What may be done to a file that is open with `flags`. Writing to it includes emptying it: `ftruncate` could anyway.
fn mode(flags: OFlags) -> FsAccess {
    let write = FsAccess::WRITE_FILE | FsAccess::TRUNCATE;
    if flags.contains(OFlags::PATH) {
        return FsAccess::empty();
    }
    match flags & OFlags::RWMODE {
        OFlags::RDONLY => FsAccess::READ_FILE,
        OFlags::WRONLY => write,
        _ => FsAccess::READ_FILE | write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::Identity;
    use std::os::unix::fs::{MetadataExt, symlink};

    fn rule(path: &Path, kind: PathKind, identity: Option<Identity>) -> PathRule {
        PathRule { path: path.into(), kind, identity, access: FsAccess::READ_FILE }
    }

    #[test]
    fn only_the_object_that_was_resolved_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (one, two, link) = (root.join("one"), root.join("two"), root.join("link"));
        std::fs::write(&one, "").unwrap();
        std::fs::write(&two, "").unwrap();
        symlink(&root, &link).unwrap();
        let identity = |path: &Path| {
            let found = std::fs::metadata(path).unwrap();
            Some(Identity { device: found.dev(), inode: found.ino() })
        };
        assert!(open(&rule(&one, PathKind::File, identity(&one))).is_ok());
        assert!(open(&rule(&one, PathKind::File, None)).is_ok());
        let replaced = [
            rule(&one, PathKind::File, identity(&two)),
            rule(&one, PathKind::Directory, identity(&one)),
            rule(&root, PathKind::File, None),
        ];
        for rule in replaced {
            assert!(matches!(open(&rule), Err(PrepareError::Replaced { .. })), "{rule:?}");
        }
        // Swapped for a link after it was resolved: on the way there, or at the end.
        for path in [link.join("one"), link.clone()] {
            let opened = open(&rule(&path, PathKind::File, None));
            assert!(opened.is_err(), "{path:?}: {opened:?}");
            assert!(matches!(walk_without_links(&path), Err(Errno::LOOP | Errno::NOTDIR)), "{path:?}");
        }
        for path in [&one, &root, Path::new("/")] {
            let found = fstat(walk_without_links(path).unwrap()).unwrap();
            assert_eq!((found.st_dev, found.st_ino), (path.metadata().unwrap().dev(), path.metadata().unwrap().ino()));
        }
        assert_eq!(walk_without_links(&root.join("missing/one")).unwrap_err(), Errno::NOENT);
    }

    #[test]
    fn a_stream_is_granted_for_the_mode_it_is_open_in() {
        let write = FsAccess::WRITE_FILE | FsAccess::TRUNCATE;
        for (flags, expected) in [
            (OFlags::RDONLY, FsAccess::READ_FILE),
            (OFlags::WRONLY | OFlags::APPEND, write),
            (OFlags::RDWR, FsAccess::READ_FILE | write),
            (OFlags::PATH, FsAccess::empty()),
        ] {
            assert_eq!(mode(flags), expected, "{flags:?}");
        }
    }
}
