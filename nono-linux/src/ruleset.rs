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
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// Makes the ruleset of `plan`, and says whether a granted object belongs to another user. Nothing is restricted yet.
pub(crate) fn build(plan: &Plan) -> Result<(OwnedFd, bool), PrepareError> {
    let ruleset = create(plan).map_err(|source| PrepareError::Ruleset { source: Box::new(source) })?;
    // The crate makes no descriptor where it believes that there is no Landlock; the plan believed otherwise.
    let absence = Absence::Blocked;
    let ruleset = Option::<OwnedFd>::from(ruleset).ok_or(PrepareError::NoLandlock { absence })?;
    let (user, mut foreign) = (rustix::process::geteuid().as_raw(), false);
    let (mut opener, mut done) = (Opener::default(), Vec::with_capacity(AT_ONCE));
    for rule in &plan.paths {
        let (object, owner) = opener.open(rule)?;
        foreign |= owner != user;
        add(ruleset.as_fd(), object.as_fd(), rule.access)
            .map_err(|source| PrepareError::Rule { path: rule.path.to_path_buf(), source })?;
        done.push(object);
        if done.len() == AT_ONCE {
            sys::close(&mut done);
        }
    }
    sys::close(&mut done);
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

/// So many descriptors are closed together.
const AT_ONCE: usize = 16;

/// So many objects of a directory are opened by their whole paths: a handle costs as much as it saves them.
const FEW: u32 = 6;

/// Opens objects, and remembers the directory of the last one: of thousands of rules the most are for objects in a few
/// directories, to each of which the kernel then walks once.
#[derive(Debug, Default)]
struct Opener<'p> {
    directory: &'p [u8],
    /// Objects in it that were opened by their paths.
    opened: u32,
    handle: Option<OwnedFd>,
}

impl<'p> Opener<'p> {
    /// Opens the object of `rule`: no link is followed, so what is opened is what was resolved, or an error. Its owner is
    /// returned beside it.
    fn open(&mut self, rule: &'p PathRule) -> Result<(OwnedFd, u32), PrepareError> {
        let failed = |source: Errno| PrepareError::Open { path: rule.path.to_path_buf(), source: source.into() };
        let object = self.open_without_links(&rule.path).map_err(failed)?;
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

    fn open_without_links(&mut self, path: &'p Path) -> Result<OwnedFd, Errno> {
        let Some((directory, name)) = split(path) else { return open_without_links(CWD, path) };
        if self.directory != directory {
            *self = Opener { directory, ..Opener::default() };
        }
        let handle = match &self.handle {
            Some(handle) => handle,
            None if self.opened < FEW => {
                self.opened = self.opened.saturating_add(1);
                return open_without_links(CWD, path);
            }
            None => self.handle.insert(open_without_links(CWD, Path::new(OsStr::from_bytes(directory)))?),
        };
        open_without_links(handle.as_fd(), Path::new(OsStr::from_bytes(name)))
    }
}

/// The directory of a resolved path, and the name in it. None for what is below the root: there is nothing to walk to.
fn split(path: &Path) -> Option<(&[u8], &[u8])> {
    let bytes = path.as_os_str().as_bytes();
    let (directory, name) = bytes.split_at_checked(bytes.iter().rposition(|byte| *byte == b'/')?)?;
    (!directory.is_empty()).then_some((directory, name.get(1..)?))
}

fn open_without_links(place: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    // Not O_NOFOLLOW beside it: together they open the link itself (openat2(2)).
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match openat2(place, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // A filter cannot look into its arguments: a sandbox around this one may have to refuse it (Landlock below ABI 3).
        Err(Errno::NOSYS) => walk_without_links(place, path),
        opened => opened,
    }
}

/// The same by a step for each name.
fn walk_without_links(place: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut place = openat(place, if path.is_absolute() { "/" } else { "." }, flags, Mode::empty())?;
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
        let open = |rule: &PathRule| Opener::default().open(rule).map(drop);
        let walk = |path: &Path| walk_without_links(CWD, path);
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
            assert!(matches!(walk(&path), Err(Errno::LOOP | Errno::NOTDIR)), "{path:?}");
        }
        for path in [&one, &root, Path::new("/")] {
            let found = fstat(walk(path).unwrap()).unwrap();
            assert_eq!((found.st_dev, found.st_ino), (path.metadata().unwrap().dev(), path.metadata().unwrap().ino()));
        }
        assert_eq!(walk(&root.join("missing/one")).unwrap_err(), Errno::NOENT);
    }

    #[test]
    fn of_many_in_a_directory_each_is_the_one_that_was_resolved() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let mut rules = Vec::new();
        for directory in ["one", "two", "one/below"] {
            std::fs::create_dir(root.join(directory)).unwrap();
            for number in 0..=2 * FEW {
                let path = root.join(directory).join(number.to_string());
                std::fs::write(&path, "").unwrap();
                let found = std::fs::metadata(&path).unwrap();
                rules.push(rule(&path, PathKind::File, Some(Identity { device: found.dev(), inode: found.ino() })));
            }
        }
        rules.push(rule(Path::new("/"), PathKind::Directory, None));
        rules.push(rule(Path::new("/usr"), PathKind::Directory, None));
        let mut opener = Opener::default();
        for rule in &rules {
            assert!(opener.open(rule).is_ok(), "{rule:?}");
        }
        // The last ones of a directory, by its handle: replaced, and by a link.
        let (count, last) = (rules.len() - 2, FEW as usize * 2);
        for path in [&rules[count - 1].path, &rules[last].path] {
            std::fs::remove_file(path).unwrap();
        }
        std::fs::write(&rules[last].path, "").unwrap();
        symlink("0", &rules[count - 1].path).unwrap();
        // A name is given again with the number of the file before it, sometimes.
        let keeps_its_number =
            std::fs::metadata(&rules[last].path).unwrap().ino() == rules[last].identity.unwrap().inode;
        for (at, rule) in rules.iter().enumerate() {
            let result = opener.open(rule);
            let is_other = at == count - 1 || at == last && !keeps_its_number;
            assert_eq!(result.is_err(), is_other, "{rule:?}: {result:?}");
        }
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
