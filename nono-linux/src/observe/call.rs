//! What an observed call asks for: registers and memory of the target, copied once.

use crate::supervisor::call::{Open, int};
use nono_core::NodeKind;
use nono_seccomp::{Arch, NamedCall, Notification, SocketAddress, Syscall};
use rustix::fs::FileType;
use std::collections::HashMap;
use std::ffi::CString;
use std::sync::LazyLock;

/// Where the arguments of a call are that name a file: the directory's register, if it has one, and the path's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(Option<usize>, usize);

/// What a call does, and where in its registers it is said.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    Make(Place, NodeKind),
    /// Of the kind that the mode says.
    Node(Place, usize),
    Remove(Place, NodeKind),
    /// What `AT_REMOVEDIR` says.
    RemoveAt(Place, usize),
    /// With flags, if it has them.
    Rename(Place, Place, Option<usize>),
    Link(Place, Place, Option<usize>),
    Truncate(Place),
    Execute(Place, Option<usize>),
    Connect,
    Bind,
    Listen,
    /// Nothing is refused; but what paths start from is another place from now on.
    ChangeDirectory,
}

macro_rules! forms {
    ($($name:literal => $form:expr),+ $(,)?) => { &[$((const { NamedCall::new($name) }, $form)),+] };
}

/// All but the opens, which are read as a supervisor reads them.
pub(crate) const CALLS: &[(NamedCall, Form)] = forms! {
    "mkdir" => Form::Make(Place(None, 0), NodeKind::Directory),
    "mkdirat" => Form::Make(Place(Some(0), 1), NodeKind::Directory),
    "symlink" => Form::Make(Place(None, 1), NodeKind::Symlink),
    "symlinkat" => Form::Make(Place(Some(1), 2), NodeKind::Symlink),
    "mknod" => Form::Node(Place(None, 0), 1),
    "mknodat" => Form::Node(Place(Some(0), 1), 2),
    "rmdir" => Form::Remove(Place(None, 0), NodeKind::Directory),
    "unlink" => Form::Remove(Place(None, 0), NodeKind::Regular),
    "unlinkat" => Form::RemoveAt(Place(Some(0), 1), 2),
    "rename" => Form::Rename(Place(None, 0), Place(None, 1), None),
    "renameat" => Form::Rename(Place(Some(0), 1), Place(Some(2), 3), None),
    "renameat2" => Form::Rename(Place(Some(0), 1), Place(Some(2), 3), Some(4)),
    "link" => Form::Link(Place(None, 0), Place(None, 1), None),
    "linkat" => Form::Link(Place(Some(0), 1), Place(Some(2), 3), Some(4)),
    "truncate" => Form::Truncate(Place(None, 0)),
    "execve" => Form::Execute(Place(None, 0), None),
    "execveat" => Form::Execute(Place(Some(0), 1), Some(4)),
    "connect" => Form::Connect,
    "bind" => Form::Bind,
    "listen" => Form::Listen,
    "chdir" => Form::ChangeDirectory,
    "fchdir" => Form::ChangeDirectory,
};

static FORMS: LazyLock<HashMap<Syscall, Form>> = LazyLock::new(|| {
    let known = |(call, form): &(NamedCall, Form)| Some((call.on(Arch::NATIVE?)?, *form));
    CALLS.iter().filter_map(known).collect()
});

/// A name as the target gave it.
#[derive(Debug)]
pub(super) struct Name {
    /// `AT_FDCWD` or a descriptor of the target's.
    pub(super) directory: i32,
    pub(super) path: CString,
}

/// A call, read.
#[derive(Debug)]
pub(super) enum Asked {
    Open(Open),
    Make(Name, NodeKind),
    Remove(Name, NodeKind),
    /// The flags of renameat2(2).
    Rename(Name, Name, u32),
    /// Whether a link is followed.
    Link(Name, Name, bool),
    Truncate(Name),
    Execute(Name, bool),
    Connect(i32, SocketAddress),
    Bind(i32, SocketAddress),
    Listen(i32),
    ChangeDirectory,
}

impl Asked {
    /// Reads a call; none if it is another, or cannot be read: then the kernel has an error for it.
    pub(super) fn read(notification: &Notification<'_>) -> Option<Asked> {
        let call = notification.call();
        let Some(form) = FORMS.get(&call.syscall()) else { return Open::read(notification).map(Asked::Open) };
        let register = |at: usize| call.arguments.get(at).copied().unwrap_or_default();
        let flags = |at: Option<usize>| at.map_or(0, |at| int(register(at)).cast_unsigned());
        let name = |Place(directory, path): Place| {
            let directory = directory.map_or(libc::AT_FDCWD, |at| int(register(at)));
            let path = notification.target().path(register(path)).ok()?;
            Some(Name { directory, path }).filter(|name| !name.path.is_empty())
        };
        let address = || notification.target().socket_address(register(1), register(2)).ok();
        let set = |flags: u32, flag: i32| flags & flag.cast_unsigned() != 0;
        Some(match *form {
            Form::Make(place, kind) => Asked::Make(name(place)?, kind),
            Form::Node(place, mode) => Asked::Make(name(place)?, node(flags(Some(mode)))?),
            Form::Remove(place, kind) => Asked::Remove(name(place)?, kind),
            Form::RemoveAt(place, at) if set(flags(Some(at)), libc::AT_REMOVEDIR) => {
                Asked::Remove(name(place)?, NodeKind::Directory)
            }
            Form::RemoveAt(place, _) => Asked::Remove(name(place)?, NodeKind::Regular),
            Form::Rename(from, to, at) => Asked::Rename(name(from)?, name(to)?, flags(at)),
            Form::Link(from, to, at) => Asked::Link(name(from)?, name(to)?, set(flags(at), libc::AT_SYMLINK_FOLLOW)),
            Form::Truncate(place) => Asked::Truncate(name(place)?),
            Form::Execute(place, at) => Asked::Execute(name(place)?, !set(flags(at), libc::AT_SYMLINK_NOFOLLOW)),
            Form::Connect => Asked::Connect(int(register(0)), address()?),
            Form::Bind => Asked::Bind(int(register(0)), address()?),
            Form::Listen => Asked::Listen(int(register(0))),
            Form::ChangeDirectory => Asked::ChangeDirectory,
        })
    }

    /// Whether what it names is the same a moment later: nothing is made or moved by it.
    pub(super) fn changes_nothing(&self) -> bool {
        matches!(self, Asked::Open(open) if !open.creates() && !open.is_unnamed())
    }
}

/// What mknod(2) makes.
fn node(mode: u32) -> Option<NodeKind> {
    match FileType::from_raw_mode(mode) {
        FileType::RegularFile => Some(NodeKind::Regular),
        FileType::Unknown if mode & libc::S_IFMT == 0 => Some(NodeKind::Regular),
        other => kind_of(other),
    }
}

/// The kind of an object.
pub(super) fn kind_of(found: FileType) -> Option<NodeKind> {
    Some(match found {
        FileType::RegularFile => NodeKind::Regular,
        FileType::Directory => NodeKind::Directory,
        FileType::Symlink => NodeKind::Symlink,
        FileType::Socket => NodeKind::Socket,
        FileType::Fifo => NodeKind::Fifo,
        FileType::CharacterDevice => NodeKind::CharDevice,
        FileType::BlockDevice => NodeKind::BlockDevice,
        FileType::Unknown => return None,
    })
}
