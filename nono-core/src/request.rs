//! What a program may ask of the system, as data the model can judge.

use crate::net::Port;
use bitflags::bitflags;
use std::path::PathBuf;

bitflags! {
    /// What an `open(2)` asks for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct OpenFlags: u32 {
        /// Reading. On a directory: listing it.
        const READ = 1 << 0;
        /// Writing.
        const WRITE = 1 << 1;
        /// Emptying the file (`O_TRUNC`).
        const TRUNCATE = 1 << 2;
        /// Making the file, which does not exist (`O_CREAT`).
        const CREATE = 1 << 3;
        /// A file without a name in the directory `path` (`O_TMPFILE`).
        const UNNAMED = 1 << 4;
        /// The path names a directory.
        const DIRECTORY = 1 << 5;
    }
}

/// Kinds of objects that can be made, moved and removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the file types of stat(2)")]
pub enum NodeKind {
    Regular,
    Directory,
    Symlink,
    Socket,
    Fifo,
    CharDevice,
    BlockDevice,
}

/// Which host a connection goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Host {
    /// A loopback address.
    ThisMachine,
    /// Any other.
    Other,
}

/// One thing a program asks for. Paths are resolved: absolute, without symbolic links, `.` and `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Request {
    /// Opening a file or directory.
    Open {
        /// What is opened; for [`OpenFlags::UNNAMED`] the directory.
        path: PathBuf,
        /// How.
        flags: OpenFlags,
    },
    /// Making a file, directory, link, pipe, socket or device that does not exist.
    Make {
        /// The new path.
        path: PathBuf,
        /// What.
        kind: NodeKind,
    },
    /// Removing a name.
    Remove {
        /// The name.
        path: PathBuf,
        /// What it names.
        kind: NodeKind,
    },
    /// Moving `from` to `to`.
    Rename {
        /// The old path.
        from: PathBuf,
        /// The new path.
        to: PathBuf,
        /// What is moved.
        kind: NodeKind,
        /// What was at `to` and goes away.
        replaces: Option<NodeKind>,
    },
    /// Another name `to` for the file `from`.
    Link {
        /// The existing name.
        from: PathBuf,
        /// The new name.
        to: PathBuf,
        /// What is linked; directories cannot be.
        kind: NodeKind,
    },
    /// Shortening a file by its path.
    Truncate {
        /// The file.
        path: PathBuf,
    },
    /// Executing a file.
    Execute {
        /// The file.
        path: PathBuf,
    },
    /// A device-specific `ioctl` on a device opened inside.
    Ioctl {
        /// The device.
        path: PathBuf,
    },
    /// A TCP connection.
    Connect {
        /// To this port.
        port: Port,
        /// Of this host.
        host: Host,
    },
    /// Taking a TCP port to listen on.
    Bind {
        /// The port.
        port: Port,
    },
    /// Sending UDP, from a port that the kernel picks.
    UdpSend {
        /// To this port.
        port: Port,
    },
    /// Taking a UDP port to receive on.
    UdpBind {
        /// The port.
        port: Port,
    },
    /// Connecting to a unix socket of a process outside by its path.
    UnixConnect {
        /// The socket.
        path: PathBuf,
    },
    /// Connecting to an abstract unix socket of a process outside.
    AbstractConnect,
    /// Sending a signal to a process outside.
    Signal,
}

impl Request {
    /// Opens `path` as `flags` say.
    pub fn open(path: impl Into<PathBuf>, flags: OpenFlags) -> Request {
        Request::Open { path: path.into(), flags }
    }
}
