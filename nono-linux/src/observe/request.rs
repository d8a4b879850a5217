//! From a call to what the model is asked: as far as the kernel asks Landlock at all.
//!
//! What fails by itself (a file that is not there, a name that is taken) was not refused, and no grant would change it.

use super::call::{Asked, Name, kind_of};
use super::sight::{Found, Sight};
use super::socket::{bound, connected, listened};
use nono_core::{CapabilitySet, FsAccess, NodeKind, OpenFlags, Port, Request};
use nono_seccomp::SocketAddress;
use rustix::fs::{FileType, Mode, OFlags, openat};
use rustix::io::Errno;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a call comes to.
#[derive(Debug)]
pub(super) enum Meaning {
    /// These are asked, and the rights on all that is around the first.
    Asks(Vec<Request>, FsAccess),
    /// A TCP or UDP port that the kernel picks, which no grant names.
    AnyPort,
    /// Listening on this TCP port, or on one that the kernel picks.
    Listens(Option<Port>),
    /// A file is looked for that is not there.
    Missing,
    /// Nothing is asked.
    Nothing,
    /// It could not be found out.
    Unknown,
}

impl Meaning {
    pub(super) fn of(request: Request, around: FsAccess) -> Meaning {
        Meaning::Asks(vec![request], around)
    }
}

/// Names, written from the root. To be made while the call waits; the rest may be found out later.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) thread: u32,
    asked: Asked,
    names: Vec<Vec<u8>>,
}

impl Pinned {
    pub(super) fn new(sight: &mut Sight, thread: u32, asked: Asked) -> Result<Pinned, Errno> {
        let mut names = Vec::with_capacity(2);
        let mut add = |name: &Name| sight.written_from_root(thread, name).map(|name| names.push(name));
        match &asked {
            Asked::Open(open) => {
                add(&Name { directory: open.directory, path: open.path.clone() })?;
            }
            Asked::Make(name, _) | Asked::Remove(name, _) | Asked::Truncate(name) | Asked::Execute(name, _) => {
                add(name)?;
            }
            Asked::Rename(from, to, _) | Asked::Link(from, to, _) => {
                add(from)?;
                add(to)?;
            }
            Asked::Connect(_, address) | Asked::Bind(_, address) => {
                if let SocketAddress::UnixPath(path) = address {
                    let path = CString::new(path.clone()).map_err(|_nul| Errno::INVAL)?;
                    add(&Name { directory: libc::AT_FDCWD, path })?;
                }
            }
            Asked::Listen(_) | Asked::ChangeDirectory => {}
        }
        Ok(Pinned { thread, asked, names })
    }

    pub(super) fn executes(&self) -> bool {
        matches!(self.asked, Asked::Execute(..))
    }

    /// The name it is about first, if it is about one.
    pub(super) fn first_name(&self) -> Option<&[u8]> {
        self.names.first().map(Vec::as_slice)
    }

    /// What it comes to.
    pub(super) fn meaning(self, sight: &mut Sight, set: &CapabilitySet) -> Meaning {
        self.look(sight, set).unwrap_or_else(|errno| match errno {
            Errno::NOENT | Errno::NOTDIR => Meaning::Missing,
            _ => Meaning::Unknown,
        })
    }

    fn look(self, sight: &mut Sight, set: &CapabilitySet) -> Result<Meaning, Errno> {
        let Pinned { thread, asked, names } = self;
        let mut names = names.into_iter();
        let mut find = |follow| sight.find(set, thread, names.next().unwrap_or_default(), follow);
        match asked {
            Asked::Open(open) => {
                let Some(mut flags) = open.asked() else { return Ok(Meaning::Nothing) };
                let exclusive = open.creates() && open.flags.contains(OFlags::EXCL);
                let found = find(!open.flags.contains(OFlags::NOFOLLOW) && !exclusive)?;
                if open.is_unnamed() {
                    flags |= OpenFlags::UNNAMED | OpenFlags::DIRECTORY;
                }
                Ok(opened(found, flags, (open.creates(), exclusive)))
            }
            Asked::Make(_, kind) => Ok(made(find(false)?, kind)),
            Asked::Remove(_, kind) => Ok(removed(find(false)?, kind)),
            Asked::Rename(_, _, flags) => {
                let (from, to) = (find(false)?, find(false)?);
                Ok(renamed(from, to, flags))
            }
            Asked::Link(_, _, follow) => {
                let (from, to) = (find(follow)?, find(false)?);
                Ok(linked(from, to))
            }
            Asked::Truncate(_) => {
                let found = find(true)?;
                Ok(at_file(found, |path| Request::Truncate { path }))
            }
            Asked::Execute(_, follow) => {
                let found = find(follow)?;
                let interpreter = interpreter(sight, thread, &found.path);
                Ok(executed(sight, set, thread, (found, interpreter)))
            }
            Asked::Connect(_, SocketAddress::UnixPath(_)) => {
                let found = find(true)?;
                let is_socket = found.kind == Some(NodeKind::Socket);
                let meaning = |path| Meaning::of(Request::UnixConnect { path }, found.around);
                Ok(if is_socket { meaning(found.path) } else { missing_or_nothing(found.kind) })
            }
            Asked::Bind(_, SocketAddress::UnixPath(_)) => Ok(made(find(false)?, NodeKind::Socket)),
            Asked::Connect(socket, address) => Ok(connected(sight, thread, socket, &address)),
            Asked::Bind(socket, address) => Ok(bound(sight, thread, socket, &address)),
            Asked::Listen(socket) => Ok(listened(sight, thread, socket)),
            Asked::ChangeDirectory => Ok(Meaning::Nothing),
        }
    }
}

fn missing_or_nothing(kind: Option<NodeKind>) -> Meaning {
    if kind.is_none() { Meaning::Missing } else { Meaning::Nothing }
}

fn opened(found: Found, flags: OpenFlags, (creates, exclusive): (bool, bool)) -> Meaning {
    let changes = flags.intersects(OpenFlags::WRITE | OpenFlags::TRUNCATE);
    match found.kind {
        None if creates => {
            let flags = flags.difference(OpenFlags::TRUNCATE) | OpenFlags::CREATE;
            Meaning::of(Request::Open { path: found.path, flags }, found.around)
        }
        None => Meaning::Missing,
        // EEXIST; ELOOP, for it was not followed; ENXIO; EISDIR.
        Some(_) if exclusive => Meaning::Nothing,
        Some(NodeKind::Symlink | NodeKind::Socket) => Meaning::Nothing,
        Some(NodeKind::Directory) if changes && !flags.contains(OpenFlags::UNNAMED) => Meaning::Nothing,
        Some(NodeKind::Directory) => {
            // The directory's own rights, not those around it, say what may be listed.
            Meaning::of(Request::Open { path: found.path, flags: flags | OpenFlags::DIRECTORY }, FsAccess::empty())
        }
        Some(_) => Meaning::of(Request::Open { path: found.path, flags }, found.around),
    }
}

fn made(found: Found, kind: NodeKind) -> Meaning {
    match found.kind {
        None => Meaning::of(Request::Make { path: found.path, kind }, FsAccess::empty()),
        Some(_) => Meaning::Nothing,
    }
}

fn removed(found: Found, wanted: NodeKind) -> Meaning {
    match found.kind {
        None => Meaning::Missing,
        // EISDIR, ENOTDIR.
        Some(kind) if (kind == NodeKind::Directory) != (wanted == NodeKind::Directory) => Meaning::Nothing,
        Some(kind) => Meaning::of(Request::Remove { path: found.path, kind }, FsAccess::empty()),
    }
}

fn renamed(from: Found, to: Found, flags: u32) -> Meaning {
    let Some(kind) = from.kind else { return Meaning::Missing };
    let there = Request::Rename { from: from.path.clone(), to: to.path.clone(), kind, replaces: to.kind };
    if flags & libc::RENAME_EXCHANGE != 0 {
        let Some(other) = to.kind else { return Meaning::Missing };
        let back = Request::Rename { from: to.path, to: from.path, kind: other, replaces: Some(kind) };
        return Meaning::Asks(vec![there, back], FsAccess::empty());
    }
    let taken = flags & libc::RENAME_NOREPLACE != 0 && to.kind.is_some();
    if taken || from.path == to.path { Meaning::Nothing } else { Meaning::of(there, FsAccess::empty()) }
}

fn linked(from: Found, to: Found) -> Meaning {
    match (from.kind, to.kind) {
        (None, _) => Meaning::Missing,
        (Some(NodeKind::Directory), _) | (_, Some(_)) => Meaning::Nothing,
        (Some(kind), None) => Meaning::of(Request::Link { from: from.path, to: to.path, kind }, FsAccess::empty()),
    }
}

fn at_file(found: Found, request: impl FnOnce(PathBuf) -> Request) -> Meaning {
    match found.kind {
        None => Meaning::Missing,
        Some(NodeKind::Regular) => Meaning::of(request(found.path), FsAccess::empty()),
        Some(_) => Meaning::Nothing,
    }
}

/// A program, and what the kernel opens to execute it.
fn executed(
    sight: &mut Sight,
    set: &CapabilitySet,
    thread: u32,
    (found, interpreter): (Found, Option<Vec<u8>>),
) -> Meaning {
    let mut meaning = at_file(found, |path| Request::Execute { path });
    if let (Meaning::Asks(requests, _), Some(name)) = (&mut meaning, interpreter)
        && let Ok(Found { path, kind: Some(NodeKind::Regular), .. }) = sight.find(set, thread, name, true)
    {
        requests.push(Request::Execute { path });
    }
    meaning
}

/// How much of a program the kernel reads to find its interpreter (`BINPRM_BUF_SIZE`).
const HEAD: usize = 256;

/// What the `#!` line of a script names. (The loader of a binary is nearly always the system's.)
fn interpreter(sight: &Sight, thread: u32, program: &Path) -> Option<Vec<u8>> {
    let view = sight.view(thread)?;
    let pinned = view.pin_from_root(program.as_os_str().as_bytes(), OFlags::empty()).ok()?;
    // A pipe or a device would wait, or do something.
    if kind_of(FileType::from_raw_mode(rustix::fs::fstat(&pinned).ok()?.st_mode)) != Some(NodeKind::Regular) {
        return None;
    }
    let relative = program.strip_prefix("/").unwrap_or(program);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(view.root(), relative, flags, Mode::empty()).ok()?;
    let mut head = Vec::with_capacity(HEAD);
    rustix::io::read(&file, rustix::buffer::spare_capacity(&mut head)).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let name = line.trim_ascii_start().split(|byte| matches!(byte, b' ' | b'\t')).next()?;
    name.starts_with(b"/").then(|| name.to_vec())
}

/// Whether the target could do it without a sandbox, as far as permissions of files say: what they forbid, no grant allows.
/// Asked as this process, which is the same user; root gets with a grant what it needs for it.
pub(super) fn is_permitted(sight: &Sight, thread: u32, request: &Request) -> bool {
    use rustix::fs::{Access, AtFlags, accessat};
    let (path, access) = match request {
        Request::Open { path, flags } if flags.contains(OpenFlags::CREATE) => (path.parent(), Access::WRITE_OK),
        Request::Open { path, flags } => {
            let write = flags.intersects(OpenFlags::WRITE | OpenFlags::TRUNCATE);
            let read = if flags.contains(OpenFlags::READ) { Access::READ_OK } else { Access::EXISTS };
            (Some(path.as_path()), if write { read | Access::WRITE_OK } else { read })
        }
        Request::Make { path, .. } | Request::Remove { path, .. } => (path.parent(), Access::WRITE_OK),
        Request::Rename { to, .. } | Request::Link { to, .. } => (to.parent(), Access::WRITE_OK),
        Request::Truncate { path } => (Some(path.as_path()), Access::WRITE_OK),
        Request::Execute { path } => (Some(path.as_path()), Access::EXEC_OK),
        _ => return true,
    };
    let (Some(path), Some(view)) = (path, sight.view(thread)) else { return true };
    if rustix::process::geteuid().is_root() {
        return true;
    }
    let relative = path.strip_prefix("/").unwrap_or(path);
    let relative = if relative.as_os_str().is_empty() { Path::new(OsStr::new(".")) } else { relative };
    accessat(view.root(), relative, access, AtFlags::EACCESS) != Err(Errno::ACCESS)
}
