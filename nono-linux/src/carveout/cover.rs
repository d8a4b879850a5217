//! The calls that enter a private mount namespace and cover paths in it. They are made in the process that becomes the
//! program, in a forked child or not: what they need was allocated before.
//!
//! One tmpfs holds all covers. It is attached over `/`, where no path leads to it but `/..`, for bind mounts are made only of
//! what is attached; each cover is a bind of its file or directory, and last it is detached, and lives on in them. Everything
//! is read-only by the mount, which no program changes without `CAP_SYS_ADMIN` in the namespace.

use super::choose::{Back, Choice, Limits, Mount};
use super::namespaces::{Namespaces, word};
use crate::restrict::Step;
use crate::sys::{self, MountAttributes};
use nono_core::{FsAccess, PathKind};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, chmodat, fstat, mkdirat, openat, openat2, statat,
};
use rustix::io::{Errno, write};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change, move_mount, open_tree, unmount,
};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where POSIX shared memory is: `shm_overview(7)`.
pub(crate) const SHARED_MEMORY: &str = "/dev/shm";

/// The cover of a file, and that of a directory, in the tmpfs of covers.
const FILE: &CStr = c"file";
const DIRECTORY: &CStr = c"directory";

/// A private mount namespace, with all that is mounted in it.
#[derive(Debug)]
pub(crate) struct Namespace {
    /// The lines of `uid_map` and `gid_map`, where it takes a user namespace (`user_namespaces(7)`).
    user: Option<[CString; 2]>,
    /// What covers hold, parents first: an empty directory, or an empty file.
    made: Vec<(CString, PathKind)>,
    mounts: Vec<Covered>,
    /// Where, and with which rights.
    shared_memory: Option<(CString, FsAccess)>,
}

/// One path, as it is covered.
#[derive(Debug)]
struct Covered {
    at: CString,
    act: Act,
}

#[derive(Debug)]
enum Act {
    /// By itself, with what is granted below bound back.
    Itself(MountAttributes, Vec<(CString, MountAttributes)>),
    /// By an empty thing.
    Cover,
    /// By this directory of the tmpfs, into which what is granted below is bound back.
    CoverAround(CString, Vec<(CString, MountAttributes)>),
}

impl Namespace {
    /// For what was chosen; none if nothing is mounted.
    pub(crate) fn of(choice: &Choice, kind: Namespaces, shared_memory: Option<FsAccess>) -> Option<Namespace> {
        if choice.mounts.is_empty() && shared_memory.is_none() {
            return None;
        }
        let shared_memory = shared_memory.map(|access| (c_string(Path::new(SHARED_MEMORY)), access));
        let mut namespace = Namespace { shared_memory, ..Namespace::trial(kind) };
        for (number, (at, mount)) in choice.mounts.iter().enumerate() {
            let below =
                |backs: &[Back]| backs.iter().map(|back| (c_string(&back.below), attributes(back.limits))).collect();
            let act = match mount {
                Mount::Itself(limits, backs) => Act::Itself(attributes(*limits), below(backs)),
                Mount::Cover(backs) if backs.is_empty() => Act::Cover,
                Mount::Cover(backs) => {
                    let skeleton = PathBuf::from(number.to_string());
                    namespace.make(&skeleton, PathKind::Directory);
                    for back in backs.iter().filter(|back| !back.within) {
                        let above = back.below.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
                        let above: Vec<_> = above.map(|above| skeleton.join(above)).collect();
                        for directory in above.iter().rev() {
                            namespace.make(directory, PathKind::Directory);
                        }
                        namespace.make(&skeleton.join(&back.below), back.kind);
                    }
                    Act::CoverAround(c_string(&skeleton), below(backs))
                }
            };
            namespace.mounts.push(Covered { at: c_string(at), act });
        }
        Some(namespace)
    }

    /// With nothing mounted in it: to see whether it can be made.
    pub(super) fn trial(kind: Namespaces) -> Namespace {
        let own = |id: u32| CString::new(format!("{id} {id} 1")).unwrap_or_default();
        let user = (kind == Namespaces::UserAndMount)
            .then(|| [own(rustix::process::geteuid().as_raw()), own(rustix::process::getegid().as_raw())]);
        Namespace { user, made: Vec::new(), mounts: Vec::new(), shared_memory: None }
    }

    fn make(&mut self, path: &Path, kind: PathKind) {
        let path = c_string(path);
        if !self.made.iter().any(|(made, _)| *made == path) {
            self.made.push((path, kind));
        }
    }

    /// Whether a user namespace comes with it, in which the process has every capability until it gives them up.
    pub(crate) fn has_user(&self) -> bool {
        self.user.is_some()
    }

    /// Enters it and mounts everything; `ruleset` gets a rule for what is new. Async-signal-safe.
    pub(crate) fn enter(&self, ruleset: BorrowedFd<'_>) -> Result<(), (Step, Errno)> {
        let before = statat(CWD, c"", AtFlags::EMPTY_PATH).map_err(|errno| (Step::WorkingDirectory, errno))?;
        self.isolate().map_err(|errno| (Step::Namespace, errno))?;
        self.cover_all().map_err(|errno| (Step::Covers, errno))?;
        if let Some((at, access)) = &self.shared_memory {
            share_memory(ruleset, *access, at).map_err(|errno| (Step::SharedMemory, errno))?;
        }
        // The working directory is what it was, below all covers: by its path it is what the namespace shows there.
        let come_back = || {
            let mut buffer = [0; sys::LONGEST_PATH];
            rustix::process::chdir(sys::working_directory(&mut buffer)?)?;
            let after = statat(CWD, c"", AtFlags::EMPTY_PATH)?;
            if (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino) { Ok(()) } else { Err(Errno::ACCESS) }
        };
        come_back().map_err(|errno| (Step::WorkingDirectory, errno))
    }

    /// Makes a namespace as it would be, with covers that cover nothing. Async-signal-safe; for a child that ends then.
    pub(super) fn try_out(&self) -> u8 {
        let isolated = self.isolate_first().map_err(|errno| (false, errno));
        word(isolated.and_then(|()| {
            let rest = self.isolate_further().and_then(|()| self.cover_all());
            rest.map_err(|errno| (true, errno))
        }))
    }

    fn isolate(&self) -> Result<(), Errno> {
        self.isolate_first()?;
        self.isolate_further()
    }

    fn isolate_first(&self) -> Result<(), Errno> {
        sys::unshare_mounts(self.has_user())
    }

    fn isolate_further(&self) -> Result<(), Errno> {
        if let Some([user, group]) = &self.user {
            // Without it a group could not be mapped: user_namespaces(7).
            put(c"/proc/self/setgroups", c"deny")?;
            put(c"/proc/self/uid_map", user)?;
            put(c"/proc/self/gid_map", group)?;
        }
        // Before anything else: what is mounted here must not be seen outside, nor what is mounted outside uncover it.
        mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
    }

    fn cover_all(&self) -> Result<(), Errno> {
        let covers = self.covers()?;
        for Covered { at, act } in &self.mounts {
            let target = open(CWD, at)?;
            match act {
                Act::Itself(attributes, backs) => {
                    let own = bound(&target, *attributes)?;
                    attach(&own, &target)?;
                    bind_back(&target, &own, backs)?;
                }
                Act::Cover => {
                    let kind = FileType::from_raw_mode(fstat(&target)?.st_mode);
                    let cover = if kind == FileType::Directory { DIRECTORY } else { FILE };
                    attach(&open_tree(&covers, cover, CLONE)?, &target)?;
                }
                Act::CoverAround(skeleton, backs) => {
                    let cover = open_tree(&covers, skeleton.as_c_str(), CLONE)?;
                    attach(&cover, &target)?;
                    bind_back(&target, &cover, backs)?;
                }
            }
        }
        // Where it is attached, `..` of the root leads and no other path.
        unmount(c"/..", UnmountFlags::DETACH)
    }

    /// The tmpfs of covers, attached.
    fn covers(&self) -> Result<OwnedFd, Errno> {
        let covers = tmpfs(c"0700", MountAttrFlags::MOUNT_ATTR_NOEXEC)?;
        let (closed, searched) = (Mode::empty(), Mode::from_raw_mode(0o111));
        mkdirat(&covers, DIRECTORY, closed)?;
        for (path, kind) in
            self.made.iter().map(|(path, kind)| (path.as_c_str(), *kind)).chain([(FILE, PathKind::File)])
        {
            if kind == PathKind::Directory {
                mkdirat(&covers, path, Mode::RWXU)?;
            } else {
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
                drop(openat(&covers, path, flags, closed)?);
            }
        }
        for (path, _) in self.made.iter().filter(|(_, kind)| *kind == PathKind::Directory) {
            chmodat(&covers, path.as_c_str(), searched, AtFlags::empty())?;
        }
        sys::set_mount_attributes(covers.as_fd(), MountAttributes::READ_ONLY)?;
        attach(&covers, &open(CWD, c"/")?)?;
        Ok(covers)
    }
}

const CLONE: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE.union(OpenTreeFlags::OPEN_TREE_CLOEXEC);

/// A fresh tmpfs that nobody sees yet.
fn tmpfs(mode: &CStr, attributes: MountAttrFlags) -> Result<OwnedFd, Errno> {
    let context = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, c"mode", mode)?;
    fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | attributes;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// Shared memory of the program's own, with a rule: rules on what it covers do not reach it.
fn share_memory(ruleset: BorrowedFd<'_>, access: FsAccess, at: &CStr) -> Result<(), Errno> {
    let memory = tmpfs(c"1777", MountAttrFlags::empty())?;
    // It may be a link, as in /run/shm of old.
    let target = openat(CWD, at, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    attach(&memory, &target)?;
    sys::landlock_add_path(ruleset, memory.as_fd(), crate::rights::to_landlock(access).bits())
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::INVAL))
}

/// Opens a path by no link, not even at its end.
fn open(base: impl AsFd, path: &CStr) -> Result<OwnedFd, Errno> {
    openat2(base, path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::NO_SYMLINKS)
}

/// A bind mount of an object with all that is mounted below, not attached yet.
fn bound(object: &OwnedFd, attributes: MountAttributes) -> Result<OwnedFd, Errno> {
    let flags = CLONE | OpenTreeFlags::AT_EMPTY_PATH | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(object, c"", flags)?;
    if attributes != MountAttributes::default() {
        sys::set_mount_attributes(tree.as_fd(), attributes)?;
    }
    Ok(tree)
}

/// Binds what is in `target`, whose descriptor is below the mount that was attached there, into that mount.
fn bind_back(target: &OwnedFd, mount: &OwnedFd, backs: &[(CString, MountAttributes)]) -> Result<(), Errno> {
    for (below, attributes) in backs {
        let tree = bound(&open(target, below)?, *attributes)?;
        attach(&tree, &open(mount, below)?)?;
    }
    Ok(())
}

fn attach(mount: &OwnedFd, target: &OwnedFd) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, c"", target, c"", flags)
}

fn put(path: &CStr, line: &CStr) -> Result<(), Errno> {
    let file = openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    write(&file, line.to_bytes()).map(drop)
}

fn attributes(limits: Limits) -> MountAttributes {
    MountAttributes { read_only: limits.read_only, no_exec: limits.no_exec }
}

/// A resolved path has no NUL in it.
fn c_string(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}
