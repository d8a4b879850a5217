//! What the attempts are made on: a directory tree of which half is granted, and servers to connect to.

use rustix::io::{FdFlags, fcntl_setfd};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

/// Names of files that every directory of a fixture has, one an attempt that changes it.
pub(super) const FILES: [&str; 7] = ["read", "write", "delete", "rename", "link", "truncate", "list"];

/// A directory in the granted half.
const DENIED: &str = "granted/denied";

/// Servers of this process, open while the children try to reach them.
#[derive(Debug)]
pub(super) struct Servers {
    tcp: TcpListener,
    granted_tcp: TcpListener,
    udp: UdpSocket,
    _abstract: UnixListener,
    abstract_name: String,
}

impl Servers {
    pub(super) fn start() -> io::Result<Servers> {
        let abstract_name = format!("nono-doctor-{}", std::process::id());
        Ok(Servers {
            tcp: TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
            granted_tcp: TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
            udp: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?,
            _abstract: UnixListener::bind_addr(&SocketAddr::from_abstract_name(&abstract_name)?)?,
            abstract_name,
        })
    }
}

/// A tree in a temporary directory, and where the servers are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fixture {
    root: PathBuf,
    pub(super) port: u16,
    pub(super) granted_port: u16,
    pub(super) udp_port: u16,
    pub(super) abstract_name: String,
    /// The process that made the fixture: outside the sandbox.
    pub(super) outsider: u32,
    /// A descriptor that children inherit unless it is closed for them.
    pub(super) descriptor: i32,
    /// Whether a unix socket can be granted by its path.
    pub(super) unix: bool,
    #[serde(skip)]
    _keep: Option<Keep>,
}

/// What must live as long as the fixture in the process that made it.
#[derive(Debug)]
struct Keep {
    _directory: tempfile::TempDir,
    _sockets: [UnixListener; 2],
    _inherited: File,
}

impl Fixture {
    pub(super) fn make(servers: &Servers, unix: bool) -> io::Result<Fixture> {
        let directory = tempfile::Builder::new().prefix("nono-doctor-").tempdir()?;
        let root = directory.path().canonicalize()?;
        for half in ["forbidden", "granted", "read-only", DENIED] {
            std::fs::create_dir(root.join(half))?;
            for name in FILES {
                std::fs::write(root.join(half).join(name), "content")?;
            }
        }
        let inherited = File::open(root.join("forbidden"))?;
        fcntl_setfd(&inherited, FdFlags::empty())?;
        let sockets = [UnixListener::bind(root.join("socket"))?, UnixListener::bind(root.join("granted-socket"))?];
        Ok(Fixture {
            root,
            port: servers.tcp.local_addr()?.port(),
            granted_port: servers.granted_tcp.local_addr()?.port(),
            udp_port: servers.udp.local_addr()?.port(),
            abstract_name: servers.abstract_name.clone(),
            outsider: std::process::id(),
            descriptor: inherited.as_raw_fd(),
            unix,
            _keep: Some(Keep { _directory: directory, _sockets: sockets, _inherited: inherited }),
        })
    }

    pub(super) fn forbidden(&self) -> PathBuf {
        self.root.join("forbidden")
    }

    pub(super) fn granted(&self) -> PathBuf {
        self.root.join("granted")
    }

    /// In what is granted, and denied where that is tried.
    pub(super) fn denied(&self) -> PathBuf {
        self.root.join(DENIED)
    }

    /// Granted for reading alone.
    pub(super) fn read_only(&self) -> PathBuf {
        self.root.join("read-only")
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.root.join("socket")
    }

    pub(super) fn granted_socket(&self) -> PathBuf {
        self.root.join("granted-socket")
    }
}

/// A process's directory in `/proc`.
pub(super) fn proc_of(process: u32, entry: &str) -> PathBuf {
    Path::new("/proc").join(process.to_string()).join(entry)
}
