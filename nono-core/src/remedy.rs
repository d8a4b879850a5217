//! The smallest grant that would turn a no into a yes.

use crate::access::{AccessMode, FsAccess};
use crate::net::Port;
use crate::path::PathKind;
use std::path::{Path, PathBuf};

/// The smallest capability that would allow what was denied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Granting `mode` on `path`.
    Grant {
        /// The file, or the directory whose content would change.
        path: PathBuf,
        /// The everyday word that covers what is missing.
        mode: AccessMode,
        /// Whether `path` is granted as a file alone or with all below it.
        kind: PathKind,
    },
    /// Lifting the deny of a path.
    LiftDeny(PathBuf),
    /// Connecting to this port of any host.
    ConnectPort(Port),
    /// Listening on this port.
    BindPort(Port),
    /// Allowing name lookups.
    NameLookups,
    /// Opening the network.
    OpenNetwork,
    /// Connecting to this unix socket.
    UnixSocket(PathBuf),
    /// Signals to processes outside.
    Signals,
    /// Abstract unix sockets of processes outside.
    AbstractSockets,
    /// Exactly these rights, by name: no everyday word contains them.
    Rights {
        /// The object or directory.
        path: PathBuf,
        /// The rights.
        rights: FsAccess,
    },
}

impl Remedy {
    /// The grant on `path` that adds `missing`.
    pub(crate) fn for_path(path: &Path, missing: FsAccess, kind: PathKind) -> Remedy {
        let covers = |mode: &AccessMode| FsAccess::from(*mode).contains(missing.difference(FsAccess::IOCTL_DEV));
        let mode = [AccessMode::Read, AccessMode::Write, AccessMode::ReadWrite].into_iter().find(covers);
        match mode {
            Some(mode) => Remedy::Grant { path: path.to_owned(), mode, kind },
            None => Remedy::Rights { path: path.to_owned(), rights: missing },
        }
    }
}
