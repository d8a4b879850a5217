//! The one model of what a set of capabilities means: would this request be allowed, by what, and what would allow it.
//!
//! A pure function over resolved paths. The rules for files are Landlock's (`Documentation/userspace-api/landlock.rst`),
//! the finest of the systems served: rights add up from a path's parents; making, moving and removing a name are rights
//! on its directory; a move to another directory must not give the file rights it did not have.

use crate::access::FsAccess;
use crate::net::{NetworkMode, Port};
use crate::normal::{deny_at, deny_below, grant_at};
use crate::path::{FsCapability, PathKind, Source};
use crate::remedy::Remedy;
use crate::request::{Host, NodeKind, OpenFlags, Request};
use crate::scope::Reach;
use crate::set::CapabilitySet;
use std::path::{Path, PathBuf};

/// What a [`CapabilitySet`] says to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a decision that nobody reads decides nothing"]
pub enum Decision {
    /// Yes, on this ground.
    Allowed {
        /// What allows it.
        by: Basis,
    },
    /// No.
    Denied(Denial),
}

impl Decision {
    /// Whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Decision::Allowed { .. })
    }
}

/// What allows a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Basis {
    /// The grant of a path.
    Grant {
        /// The granted path.
        path: PathBuf,
        /// Where the grant came from.
        source: Source,
    },
    /// The grant of a port.
    Port(Port),
    /// The network is open.
    OpenNetwork,
    /// Name lookups are granted.
    NameLookups,
    /// Signals or abstract sockets reach anywhere.
    Reach,
    /// No right is needed for it.
    Unchecked,
}

/// A no: by which rule, with which error, and what would turn it into a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Why.
    pub rule: Rule,
    /// The error the program sees.
    pub refusal: Refusal,
    /// The smallest capability that would allow it.
    pub remedy: Remedy,
}

impl Denial {
    /// The access rights that were missing; empty if it was not about a path.
    pub fn missing(&self) -> FsAccess {
        match &self.rule {
            Rule::OutsideGrants { missing, .. } | Rule::Widens { missing, .. } => *missing,
            _ => FsAccess::empty(),
        }
    }
}

/// Why a request is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The rights on `path` do not suffice.
    OutsideGrants {
        /// Where rights are missing: the object, or the directory whose content would change.
        path: PathBuf,
        /// Which.
        missing: FsAccess,
    },
    /// A deny closes the path.
    Denied {
        /// The denied path.
        deny: PathBuf,
    },
    /// The file would have more rights at its new place than at its old one.
    Widens {
        /// The old path.
        path: PathBuf,
        /// What the file would gain.
        missing: FsAccess,
    },
    /// The port was not granted.
    PortNotGranted(Port),
    /// The port was granted for this machine only.
    OtherHost(Port),
    /// Nothing but TCP ports can be granted while the network is closed.
    NetworkClosed,
    /// Signals and abstract sockets stay inside.
    StaysInside,
}

/// The error a refused program sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// `EACCES`.
    NoAccess,
    /// `EXDEV`: a move is refused as if it were to another file system, so that programs copy instead.
    CrossDevice,
    /// `EPERM`.
    NotPermitted,
}

/// Judges `request` by `set`.
pub fn decide(set: &CapabilitySet, request: &Request) -> Decision {
    match request {
        Request::Open { path, flags } => open(set, path, *flags),
        Request::Make { path, kind } => change(set, path, make_right(*kind)),
        Request::Remove { path, kind } => change(set, path, remove_right(*kind)),
        Request::Rename { from, to, kind, replaces } => {
            let replaced = replaces.map_or(FsAccess::empty(), remove_right);
            moved(set, (from, remove_right(*kind)), (to, make_right(*kind) | replaced), *kind)
        }
        Request::Link { from, to, kind } => moved(set, (from, FsAccess::empty()), (to, make_right(*kind)), *kind),
        Request::Truncate { path } => object(set, path, FsAccess::TRUNCATE),
        Request::Execute { path } => object(set, path, FsAccess::EXECUTE | FsAccess::READ_FILE),
        Request::Ioctl { path } => object(set, path, FsAccess::IOCTL_DEV),
        Request::UnixConnect { path } => match object(set, path, FsAccess::RESOLVE_UNIX) {
            Decision::Denied(denial) => Decision::Denied(Denial { remedy: Remedy::UnixSocket(path.clone()), ..denial }),
            allowed @ Decision::Allowed { .. } => allowed,
        },
        Request::Connect { port, host } => connect(set, *port, *host),
        Request::Bind { port } if *set.network() == NetworkMode::AllowAll || set.tcp_bind().contains(port) => {
            port_basis(set, *port)
        }
        Request::Bind { port } => denied(Rule::PortNotGranted(*port), Refusal::NoAccess, Remedy::BindPort(*port)),
        Request::UdpSend { .. } | Request::UdpBind { .. } if *set.network() == NetworkMode::AllowAll => {
            Decision::Allowed { by: Basis::OpenNetwork }
        }
        Request::UdpSend { port: Port::DNS } if set.name_lookups() => Decision::Allowed { by: Basis::NameLookups },
        Request::UdpSend { port: Port::DNS } => denied(Rule::NetworkClosed, Refusal::NoAccess, Remedy::NameLookups),
        Request::UdpSend { .. } | Request::UdpBind { .. } => {
            denied(Rule::NetworkClosed, Refusal::NoAccess, Remedy::OpenNetwork)
        }
        Request::Signal => reach(set.signals(), Remedy::Signals),
        Request::AbstractConnect => reach(set.abstract_sockets(), Remedy::AbstractSockets),
    }
}

fn open(set: &CapabilitySet, path: &Path, flags: OpenFlags) -> Decision {
    let mut needed = FsAccess::empty();
    if flags.contains(OpenFlags::READ) {
        needed |= if flags.contains(OpenFlags::DIRECTORY) { FsAccess::READ_DIR } else { FsAccess::READ_FILE };
    }
    if flags.contains(OpenFlags::WRITE) {
        needed |= FsAccess::WRITE_FILE;
    }
    if flags.contains(OpenFlags::TRUNCATE) {
        needed |= FsAccess::TRUNCATE;
    }
    if flags.contains(OpenFlags::CREATE) {
        if let no @ Decision::Denied(_) = change(set, path, FsAccess::MAKE_REG) {
            return no;
        }
        // A new file is empty: there is nothing to truncate, and nothing is asked (fs/namei.c, do_open).
        needed = needed.difference(FsAccess::TRUNCATE);
    }
    object(set, path, needed)
}

/// A right on the object at `path` itself.
fn object(set: &CapabilitySet, path: &Path, needed: FsAccess) -> Decision {
    let directory_right = !(needed & FsAccess::DIRECTORY_ONLY).is_empty();
    let kind = if directory_right { PathKind::Directory } else { PathKind::File };
    judge(set, path, needed, kind)
}

/// A right on the directory that holds the name `path`.
fn change(set: &CapabilitySet, path: &Path, needed: FsAccess) -> Decision {
    // A denied path is a mount point, or a file of its own: neither it nor a directory on the way to it can go.
    if let Some(deny) = deny_below(set, path).map(Path::to_owned) {
        return denied(Rule::Denied { deny: deny.clone() }, Refusal::NoAccess, Remedy::LiftDeny(deny));
    }
    judge(set, path.parent().unwrap_or(path), needed, PathKind::Directory)
}

fn judge(set: &CapabilitySet, path: &Path, needed: FsAccess, kind: PathKind) -> Decision {
    let grant = grant_at(set, path);
    let missing = needed.difference(grant.map_or(FsAccess::empty(), FsCapability::access));
    match (grant, deny_at(set, path)) {
        _ if needed.is_empty() => Decision::Allowed { by: Basis::Unchecked },
        (Some(grant), _) if missing.is_empty() => {
            Decision::Allowed { by: Basis::Grant { path: grant.resolved().to_owned(), source: grant.source().clone() } }
        }
        (None, Some(deny)) => {
            let deny = deny.to_owned();
            denied(Rule::Denied { deny: deny.clone() }, Refusal::NoAccess, Remedy::LiftDeny(deny))
        }
        _ => {
            let rule = Rule::OutsideGrants { path: path.to_owned(), missing };
            denied(rule, Refusal::NoAccess, Remedy::for_path(path, missing, kind))
        }
    }
}

/// A file that keeps its content and changes its name: `from` and `to` each with the rights their directory needs.
fn moved(set: &CapabilitySet, from: (&Path, FsAccess), to: (&Path, FsAccess), kind: NodeKind) -> Decision {
    // A missing right to make or remove is told before a move between directories is judged as such.
    let there = change(set, to.0, to.1);
    for decision in [change(set, from.0, from.1), there.clone()] {
        if let no @ Decision::Denied(_) = decision {
            return no;
        }
    }
    let (old_parent, new_parent) = (from.0.parent(), to.0.parent());
    if old_parent == new_parent {
        return there;
    }
    for path in [from.0, to.0] {
        if let Decision::Denied(no) = change(set, path, FsAccess::REFER) {
            return Decision::Denied(Denial { refusal: Refusal::CrossDevice, ..no });
        }
    }
    let counts = if kind == NodeKind::Directory { FsAccess::all() } else { FsAccess::FILE };
    let gained = set.access_at(new_parent.unwrap_or(to.0)).difference(set.access_at(from.0)) & counts;
    if gained.is_empty() {
        return there;
    }
    let path = from.0.to_owned();
    let remedy = Remedy::for_path(old_parent.unwrap_or(from.0), gained, PathKind::Directory);
    denied(Rule::Widens { path, missing: gained }, Refusal::CrossDevice, remedy)
}

fn connect(set: &CapabilitySet, port: Port, host: Host) -> Decision {
    if *set.network() == NetworkMode::AllowAll || set.tcp_connect().contains(&port) {
        return port_basis(set, port);
    }
    if port == Port::DNS && set.name_lookups() {
        return Decision::Allowed { by: Basis::NameLookups };
    }
    match (set.tcp_connect_here().contains(&port), host) {
        (true, Host::ThisMachine) => Decision::Allowed { by: Basis::Port(port) },
        (true, Host::Other) => denied(Rule::OtherHost(port), Refusal::NoAccess, Remedy::ConnectPort(port)),
        (false, _) => denied(Rule::PortNotGranted(port), Refusal::NoAccess, Remedy::ConnectPort(port)),
    }
}

fn port_basis(set: &CapabilitySet, port: Port) -> Decision {
    let open = *set.network() == NetworkMode::AllowAll;
    Decision::Allowed { by: if open { Basis::OpenNetwork } else { Basis::Port(port) } }
}

fn reach(reach: Reach, remedy: Remedy) -> Decision {
    match reach {
        Reach::Anywhere => Decision::Allowed { by: Basis::Reach },
        Reach::Inside => denied(Rule::StaysInside, Refusal::NotPermitted, remedy),
    }
}

fn denied(rule: Rule, refusal: Refusal, remedy: Remedy) -> Decision {
    Decision::Denied(Denial { rule, refusal, remedy })
}

fn make_right(kind: NodeKind) -> FsAccess {
    match kind {
        NodeKind::Regular => FsAccess::MAKE_REG,
        NodeKind::Directory => FsAccess::MAKE_DIR,
        NodeKind::Symlink => FsAccess::MAKE_SYM,
        NodeKind::Socket => FsAccess::MAKE_SOCK,
        NodeKind::Fifo => FsAccess::MAKE_FIFO,
        NodeKind::CharDevice => FsAccess::MAKE_CHAR,
        NodeKind::BlockDevice => FsAccess::MAKE_BLOCK,
    }
}

fn remove_right(kind: NodeKind) -> FsAccess {
    if kind == NodeKind::Directory { FsAccess::REMOVE_DIR } else { FsAccess::REMOVE_FILE }
}

#[cfg(test)]
mod tests;
