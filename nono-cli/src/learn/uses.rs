//! From what was seen to what is used: each path with what is done to it, ports, sockets and the rest.

use crate::explain;
use crate::platform::{RefusedCall, What};
use nono_core::{Guarantee, Host, OpenFlags, Port, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is done to a path, or to the names in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent uses")]
pub(super) struct Use {
    pub(super) read: bool,
    pub(super) write: bool,
    /// It is a directory as a whole: names in it are listed, made or removed.
    pub(super) directory: bool,
}

impl Use {
    pub(super) fn join(&mut self, other: Use) {
        self.read |= other.read;
        self.write |= other.write;
        self.directory |= other.directory;
    }

    pub(super) fn covers(self, other: Use) -> bool {
        (self.read || !other.read) && (self.write || !other.write)
    }
}

/// All that a command used and the system group does not give.
#[derive(Debug, Default)]
pub(super) struct Uses {
    pub(super) paths: BTreeMap<PathBuf, Use>,
    pub(super) connect: BTreeSet<Port>,
    /// Those of them on other machines.
    pub(super) far: BTreeSet<Port>,
    pub(super) bind: BTreeSet<Port>,
    pub(super) unix: BTreeSet<PathBuf>,
    pub(super) lookups: bool,
    /// What only an open network has: UDP, and ports that the kernel picks.
    pub(super) network: bool,
    pub(super) gaps: BTreeSet<Guarantee>,
}

impl Uses {
    pub(super) fn of<'w>(seen: impl IntoIterator<Item = &'w What>) -> Uses {
        let mut uses = Uses::default();
        for what in seen {
            match what {
                What::Request(request) => uses.request(request),
                What::Call(call) => uses.gaps.extend(gap(call)),
                What::Listen => uses.network = true,
                // Whether there is a network at all is found out in this way too: who wants a port listens on it.
                _ => {}
            }
        }
        uses
    }

    fn request(&mut self, request: &Request) {
        match request {
            Request::Open { path, flags } => self.open(path, *flags),
            Request::Make { path, kind: nono_core::NodeKind::Socket } => {
                self.names_in(path);
                // On a kernel without rules for them, unix sockets are there only if one is granted.
                self.unix.extend(path.parent().map(Path::to_owned));
            }
            Request::Make { path, .. } | Request::Remove { path, .. } => self.names_in(path),
            Request::Rename { from, to, .. } | Request::Link { from, to, .. } => {
                self.names_in(from);
                self.names_in(to);
                // A file must not gain rights by a move.
                self.add(from, Use { read: true, write: true, directory: false });
            }
            Request::Truncate { path } => self.add(path, Use { write: true, ..Use::default() }),
            Request::Execute { path } => self.add(path, Use { read: true, ..Use::default() }),
            Request::Connect { port, .. } if *port == Port::DNS => self.lookups = true,
            Request::Connect { port, host } => {
                self.connect.insert(*port);
                self.far.extend((*host == Host::Other).then_some(*port));
            }
            Request::Bind { port } => drop(self.bind.insert(*port)),
            Request::UdpSend { port } if *port == Port::DNS => self.lookups = true,
            Request::UdpSend { .. } | Request::UdpBind { .. } => self.network = true,
            Request::UnixConnect { path } => drop(self.unix.insert(path.clone())),
            Request::AbstractConnect => self.gaps.extend(explain::abstract_gaps()),
            _ => {}
        }
    }

    fn open(&mut self, path: &Path, flags: OpenFlags) {
        let write = flags.intersects(OpenFlags::WRITE | OpenFlags::TRUNCATE);
        if flags.contains(OpenFlags::CREATE) {
            self.names_in(path);
        }
        let directory = flags.contains(OpenFlags::DIRECTORY);
        self.add(path, Use { read: flags.contains(OpenFlags::READ), write, directory });
    }

    /// A name is made or removed: a right on the directory that has it.
    fn names_in(&mut self, path: &Path) {
        if let Some(parent) = path.parent() {
            self.add(parent, Use { read: false, write: true, directory: true });
        }
    }

    fn add(&mut self, path: &Path, one: Use) {
        self.paths.entry(path.to_owned()).or_default().join(one);
    }
}

/// The guarantee that a refused call would take, if programs do not go on without it: these errors are not those of a kernel
/// that lacks the call. Of sockets, the addresses say more.
fn gap(call: &RefusedCall) -> Option<Guarantee> {
    call.guarantee.filter(|_| call.socket.is_none() && matches!(call.errno, libc::EPERM | libc::EACCES))
}
