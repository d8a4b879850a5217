//! Makes the calls: what came of each, and whether the tree may be another one now.

use crate::case::{Bare, Between, Call, On, OnPort};
use nono_tests::raw;
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, linkat, mkdir, mknodat, open, renameat, renameat_with,
    rmdir, symlink, unlink,
};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, sendto, socket_with,
};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Where the calls are made, and what they reach.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) root: PathBuf,
    pub(crate) pty: PathBuf,
    /// The address of this machine on which ports are this test's own.
    pub(crate) address: Ipv4Addr,
    pub(crate) abstract_name: Vec<u8>,
    /// A process that is outside.
    pub(crate) outsider: rustix::process::Pid,
}

type Done = Result<(), Errno>;

/// Makes a call.
pub(crate) fn act(call: &Call, scene: &Scene) -> Done {
    let path = |place: &crate::case::Place| place.under(&scene.root, &scene.pty);
    match call {
        Call::Open(flags, at) => opened(&path(at), *flags).map(drop),
        Call::On(verb, at) => on(*verb, &path(at)),
        Call::Between(verb, from, to) => between(*verb, &path(from), &path(to)),
        Call::OnPort(verb, port) => on_port(*verb, SocketAddrV4::new(scene.address, *port)),
        Call::Bare(Bare::ListenAny) => listen(&made(AddressFamily::INET, SocketType::STREAM)?, 1),
        Call::Bare(Bare::Abstract) => {
            let address = SocketAddrUnix::new_abstract_name(&scene.abstract_name)?;
            connect(&made(AddressFamily::UNIX, SocketType::STREAM)?, &address)
        }
        Call::Bare(Bare::Signal) => rustix::process::test_kill_process(scene.outsider),
    }
}

/// Whether the tree may be another one after a call, which came to this.
pub(crate) fn may_change(call: &Call, done: Done) -> bool {
    match call {
        // A new file is there although it could not be opened: it is made before (fs/namei.c, lookup_open).
        Call::Open(flags, _) => flags.contains(OFlags::CREATE) || flags.contains(OFlags::TRUNC) && done.is_ok(),
        Call::On(On::List | On::Execute | On::Ioctl | On::Connect | On::Send, _) | Call::OnPort(..) | Call::Bare(_) => {
            false
        }
        _ => done.is_ok(),
    }
}

fn opened(path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    // A pipe without a reader is not waited for, nor is a terminal taken.
    open(path, flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::from_raw_mode(0o755))
}

fn made(family: AddressFamily, kind: SocketType) -> Result<OwnedFd, Errno> {
    socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)
}

fn on(verb: On, path: &Path) -> Done {
    let node = |kind, device| mknodat(CWD, path, kind, Mode::from_raw_mode(0o755), device);
    match verb {
        On::List => {
            let directory = opened(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
            Dir::new(directory)?.try_for_each(|entry| entry.map(drop))
        }
        On::Mkdir => mkdir(path, Mode::from_raw_mode(0o755)),
        On::Symlink => symlink("anywhere", path),
        On::Regular => node(FileType::RegularFile, 0),
        On::Fifo => node(FileType::Fifo, 0),
        On::Socket => node(FileType::Socket, 0),
        // /dev/null and the first loop device: who has them can do no harm.
        On::Char => node(FileType::CharacterDevice, rustix::fs::makedev(1, 3)),
        On::Whiteout => node(FileType::CharacterDevice, 0),
        On::Block => node(FileType::BlockDevice, rustix::fs::makedev(7, 0)),
        On::BindUnix => bind(&made(AddressFamily::UNIX, SocketType::STREAM)?, &SocketAddrUnix::new(path)?),
        On::Unlink => unlink(path),
        On::Rmdir => rmdir(path),
        On::Truncate => raw::truncate(path).map_err(Errno::from_raw_os_error),
        On::Execute => execute(path),
        On::Ioctl => rustix::termios::tcgetattr(opened(path, OFlags::RDWR)?).map(drop),
        On::Connect => connect(&made(AddressFamily::UNIX, SocketType::STREAM)?, &SocketAddrUnix::new(path)?),
        On::Send => {
            let socket = made(AddressFamily::UNIX, SocketType::DGRAM)?;
            sendto(&socket, b"x", SendFlags::empty(), &SocketAddrUnix::new(path)?).map(drop)
        }
    }
}

fn between(verb: Between, from: &Path, to: &Path) -> Done {
    match verb {
        Between::Rename => renameat(CWD, from, CWD, to),
        Between::Exchange => renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE),
        Between::NoReplace => renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE),
        Between::Link => linkat(CWD, from, CWD, to, AtFlags::empty()),
        Between::LinkFollow => linkat(CWD, from, CWD, to, AtFlags::SYMLINK_FOLLOW),
    }
}

fn on_port(verb: OnPort, address: SocketAddrV4) -> Done {
    let socket = |kind| made(AddressFamily::INET, kind);
    match verb {
        OnPort::Connect => match connect(&socket(SocketType::STREAM)?, &address) {
            // Nobody answers, or not yet: it was allowed.
            Err(Errno::CONNREFUSED | Errno::INPROGRESS) => Ok(()),
            done => done,
        },
        OnPort::Bind => bind(&socket(SocketType::STREAM)?, &address),
        OnPort::Listen => {
            let socket = socket(SocketType::STREAM)?;
            bind(&socket, &address)?;
            listen(&socket, 1)
        }
        OnPort::UdpSend => sendto(&socket(SocketType::DGRAM)?, b"x", SendFlags::empty(), &address).map(drop),
        OnPort::UdpBind => bind(&socket(SocketType::DGRAM)?, &address),
    }
}

fn execute(path: &Path) -> Done {
    use std::process::Command;
    let ended = Command::new(path).status();
    match ended {
        Ok(status) => {
            if status.success() {
                Ok(())
            } else {
                Err(Errno::NOEXEC)
            }
        }
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::NOEXEC)),
    }
}
