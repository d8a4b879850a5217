//! Unix sockets of programs outside: agents, desktop buses, container daemons.

use crate::act::{Act, Attempt, Scene, effect};
use nono_tests::attempt::Guarantee::{self, AbstractSockets, UnixSockets};
use nono_tests::attempt::Party::{AbstractDatagram, AbstractStream, UnixDatagram, UnixSeqpacket, UnixStream};
use nono_tests::attempt::Promise;
use nono_tests::attempt::Proof::Arrival;
use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram as Datagram, UnixStream as Stream};
use std::path::Path;

const PATH: &[Guarantee] = &[UnixSockets];
const ABSTRACT: &[Guarantee] = &[AbstractSockets];

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("unix-connect", PATH, |scene| connect(scene, scene.outside("socket"))).with(UnixStream).proof(Arrival),
    Attempt::new("unix-connect-symlink", PATH, connect_symlink).with(UnixStream).proof(Arrival),
    Attempt::new("unix-connect-magic-link", PATH, connect_magic_link).with(UnixStream).proof(Arrival),
    Attempt::new("unix-seqpacket", PATH, seqpacket).with(UnixSeqpacket).proof(Arrival),
    Attempt::new("unix-datagram-send", PATH, datagram_send).with(UnixDatagram).proof(Arrival),
    Attempt::new("unix-datagram-connect", PATH, datagram_connect).with(UnixDatagram).proof(Arrival),
    Attempt::new("unix-datagram-by-pair", PATH, datagram_by_pair).with(UnixDatagram).proof(Arrival),
    Attempt::new("unix-raw-by-pair", PATH, raw_by_pair).with(UnixDatagram).proof(Arrival),
    Attempt::new("unix-message-by-pair", PATH, message_by_pair).with(UnixDatagram).proof(Arrival),
    Attempt::new("abstract-connect", ABSTRACT, abstract_connect).with(AbstractStream).proof(Arrival),
    Attempt::new("abstract-datagram-send", ABSTRACT, abstract_send).with(AbstractDatagram).proof(Arrival),
    Attempt::new("abstract-datagram-by-pair", ABSTRACT, abstract_by_pair).with(AbstractDatagram).proof(Arrival),
    Attempt::new("unix-pair", PATH, pair).promise(Promise::Works),
];

fn connect(scene: &Scene, path: impl AsRef<Path>) -> Act {
    Ok(Stream::connect(path)?.write_all(scene.token()?)?)
}

fn connect_symlink(scene: &Scene) -> Act {
    std::os::unix::fs::symlink(scene.outside("socket"), "link")?;
    connect(scene, "link")
}

fn connect_magic_link(scene: &Scene) -> Act {
    let dir = rustix::fs::open(scene.dir(), OFlags::PATH, Mode::empty())?;
    connect(scene, format!("/proc/self/fd/{}/socket", dir.as_raw_fd()))
}

fn socket(kind: SocketType) -> Result<OwnedFd, rustix::io::Errno> {
    socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
}

fn seqpacket(scene: &Scene) -> Act {
    let socket = socket(SocketType::SEQPACKET)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(scene.outside("socket"))?)?;
    rustix::net::send(&socket, scene.token()?, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn datagram_send(scene: &Scene) -> Act {
    let socket = Datagram::from(socket(SocketType::DGRAM)?);
    socket.send_to(scene.token()?, scene.outside("socket"))?;
    Ok(())
}

fn datagram_connect(scene: &Scene) -> Act {
    let socket = Datagram::from(socket(SocketType::DGRAM)?);
    socket.connect(scene.outside("socket"))?;
    socket.send(scene.token()?)?;
    Ok(())
}

/// socketpair(2) stays allowed where socket(2) is not; half of a pair of datagram sockets can send anywhere.
fn datagram_by_pair(scene: &Scene) -> Act {
    let (half, _other) = Datagram::pair()?;
    half.send_to(scene.token()?, scene.outside("socket"))?;
    Ok(())
}

/// unix(7) takes a raw socket for one of datagrams.
fn raw_by_pair(scene: &Scene) -> Act {
    let flags = SocketFlags::CLOEXEC;
    let (half, _other) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::RAW, flags, None)?;
    rustix::net::sendto(&half, scene.token()?, SendFlags::empty(), &SocketAddrUnix::new(scene.outside("socket"))?)?;
    Ok(())
}

/// By connecting half of a pair anew.
fn message_by_pair(scene: &Scene) -> Act {
    let (half, _other) = Datagram::pair()?;
    half.connect(scene.outside("socket"))?;
    half.send(scene.token()?)?;
    Ok(())
}

fn abstract_address(scene: &Scene) -> Result<SocketAddr, std::io::Error> {
    SocketAddr::from_abstract_name(scene.dir().as_os_str().as_encoded_bytes())
}

fn abstract_connect(scene: &Scene) -> Act {
    Ok(Stream::connect_addr(&abstract_address(scene)?)?.write_all(scene.token()?)?)
}

fn abstract_send(scene: &Scene) -> Act {
    let socket = Datagram::from(socket(SocketType::DGRAM)?);
    socket.send_to_addr(scene.token()?, &abstract_address(scene)?)?;
    Ok(())
}

fn abstract_by_pair(scene: &Scene) -> Act {
    let (half, _other) = Datagram::pair()?;
    half.send_to_addr(scene.token()?, &abstract_address(scene)?)?;
    Ok(())
}

fn pair(_: &Scene) -> Act {
    let (mut one, mut other) = Stream::pair()?;
    one.write_all(b"x")?;
    let mut byte = [0];
    other.read_exact(&mut byte)?;
    effect(byte == *b"x", "another byte arrived")
}
