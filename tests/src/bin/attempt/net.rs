//! TCP and UDP, and the ways around rules that are about TCP.

use crate::act::{Act, Attempt, Scene, Stop, effect};
use crate::sys::{self, call};
use nono_tests::attempt::Guarantee::{Descriptors, ListenAnyPort, TcpPorts, Udp};
use nono_tests::attempt::Party::{Tcp4, Tcp6, Udp4, Udp6};
use nono_tests::attempt::Proof::Arrival;
use rustix::net::{AddressFamily, Protocol, SendFlags, SocketFlags, SocketType, ipproto, socket_with, sockopt};
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;

const TCP: &[nono_tests::attempt::Guarantee] = &[TcpPorts];
const UDP: &[nono_tests::attempt::Guarantee] = &[Udp];

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("tcp-connect", TCP, tcp_connect).with(Tcp4).proof(Arrival),
    Attempt::new("tcp-connect-6", TCP, tcp_connect).with(Tcp6).proof(Arrival),
    Attempt::new("tcp-connect-mapped", TCP, tcp_connect_mapped).with(Tcp4).proof(Arrival).absent(&["EADDRNOTAVAIL"]),
    Attempt::new("tcp-bind", TCP, |scene| tcp_bind(scene, Ipv4Addr::LOCALHOST.into())),
    Attempt::new("tcp-bind-6", TCP, |scene| tcp_bind(scene, Ipv6Addr::LOCALHOST.into())).absent(&["EADDRNOTAVAIL"]),
    Attempt::new("tcp-listen-unbound", &[ListenAnyPort], tcp_listen_unbound),
    Attempt::new("tcp-fast-open-sendto", TCP, fast_open_sendto).with(Tcp4).proof(Arrival),
    Attempt::new("tcp-fast-open-sendmsg", TCP, |scene| fast_open_message(scene, libc::SYS_sendmsg))
        .with(Tcp4)
        .proof(Arrival),
    Attempt::new("tcp-fast-open-sendmmsg", TCP, |scene| fast_open_message(scene, libc::SYS_sendmmsg))
        .with(Tcp4)
        .proof(Arrival),
    Attempt::new("tcp-fast-open-connect", TCP, fast_open_connect).with(Tcp4).proof(Arrival),
    Attempt::new("mptcp-connect", TCP, mptcp_connect).with(Tcp4).proof(Arrival).absent(NO_MPTCP),
    Attempt::new("mptcp-listen", &[TcpPorts, ListenAnyPort], mptcp_listen).absent(NO_MPTCP),
    Attempt::new("tcp-domain-high-bit", TCP, tcp_domain_high_bit).with(Tcp4).proof(Arrival),
    Attempt::new("tcp-reconnect", TCP, tcp_reconnect).with(Tcp4).proof(Arrival),
    Attempt::new("tcp-accept-inherited", &[Descriptors], accept_inherited)
        .with(nono_tests::attempt::Party::ListenerDescriptor)
        .refusals(&["EBADF"]),
    Attempt::new("udp-send", UDP, udp_send).with(Udp4).proof(Arrival),
    Attempt::new("udp-send-6", UDP, udp_send).with(Udp6).proof(Arrival),
    Attempt::new("udp-connect", UDP, udp_connect).with(Udp4).proof(Arrival),
    Attempt::new("udp-domain-high-bit", UDP, udp_domain_high_bit).with(Udp4).proof(Arrival),
    Attempt::new("udp-bind", UDP, |_| udp_bind(Ipv4Addr::LOCALHOST.into())),
    Attempt::new("udp-bind-6", UDP, |_| udp_bind(Ipv6Addr::LOCALHOST.into())).absent(&["EADDRNOTAVAIL"]),
    Attempt::new("udp-lite", UDP, udp_lite).absent(&["EPROTONOSUPPORT"]),
];

const NO_MPTCP: &[&str] = &["EPROTONOSUPPORT", "ENOPROTOOPT"];
const MPTCP: u32 = 262;
const FAST_OPEN: SendFlags = SendFlags::from_bits_retain(0x2000_0000);

fn socket(family: AddressFamily, kind: SocketType, protocol: Option<Protocol>) -> Result<OwnedFd, Stop> {
    Ok(socket_with(family, kind, SocketFlags::CLOEXEC, protocol)?)
}

fn address(scene: &Scene) -> Result<SocketAddr, Stop> {
    scene.number("address")
}

fn tcp_connect(scene: &Scene) -> Act {
    Ok(TcpStream::connect(address(scene)?)?.write_all(scene.token()?)?)
}

/// An IPv4 address in its IPv6 form: another family, the same listener.
fn tcp_connect_mapped(scene: &Scene) -> Act {
    let port = address(scene)?.port();
    Ok(TcpStream::connect((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), port))?.write_all(scene.token()?)?)
}

/// On `port=NUMBER`, or on one that the kernel picks.
fn tcp_bind(scene: &Scene, address: std::net::IpAddr) -> Act {
    let port = scene.number::<u16>("port").unwrap_or(0);
    let listener = TcpListener::bind((address, port))?;
    effect(listener.local_addr()?.port() != 0, "no port was bound")
}

/// listen(2) without bind(2): the kernel picks a port.
fn tcp_listen_unbound(_: &Scene) -> Act {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::listen(&socket, 1)?;
    let listener = TcpListener::from(socket);
    let port = listener.local_addr()?.port();
    let connected = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    // Connecting may be refused for its own reasons; listening is what counts.
    drop(connected);
    effect(port != 0, "no port was bound")
}

fn fast_open_sendto(scene: &Scene) -> Act {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::sendto(&socket, scene.token()?, FAST_OPEN, &address(scene)?)?;
    Ok(())
}

/// The same by a message: `struct msghdr`, and for sendmmsg(2) a length behind it.
fn fast_open_message(scene: &Scene, number: libc::c_long) -> Act {
    let SocketAddr::V4(address) = address(scene)? else { return Err(Stop::Unsupported("no IPv4 address".into())) };
    let name = raw_address(address);
    let token = scene.token()?;
    let vector = [sys::word(token.as_ptr()), token.len() as u64];
    let mut message = [sys::word(name.as_ptr()), name.len() as u64, sys::word(vector.as_ptr()), 1, 0, 0, 0, 0];
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    let flags = FAST_OPEN.bits();
    if number == libc::SYS_sendmsg {
        call!(number, &socket, &mut message, flags)?;
    } else {
        call!(number, &socket, &mut message, 1, flags)?;
    }
    Ok(())
}

/// `struct sockaddr_in`.
fn raw_address(address: SocketAddrV4) -> [u8; 16] {
    let mut raw = [0; 16];
    let [low, high] = libc::AF_INET.to_ne_bytes().first_chunk::<2>().copied().unwrap_or_default();
    let [port_high, port_low] = address.port().to_be_bytes();
    let [a, b, c, d] = address.ip().octets();
    for (slot, byte) in raw.iter_mut().zip([low, high, port_high, port_low, a, b, c, d]) {
        *slot = byte;
    }
    raw
}

/// `TCP_FASTOPEN_CONNECT`: connect(2) returns at once, the first write connects.
fn fast_open_connect(scene: &Scene) -> Act {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    let on = 1_i32.to_ne_bytes();
    call!(libc::SYS_setsockopt, &socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT, &on[..], 4)?;
    rustix::net::connect(&socket, &address(scene)?)?;
    Ok(TcpStream::from(socket).write_all(scene.token()?)?)
}

fn mptcp() -> Result<OwnedFd, Stop> {
    let protocol = rustix::net::RawProtocol::new(MPTCP).map(Protocol::from_raw);
    socket(AddressFamily::INET, SocketType::STREAM, protocol)
}

fn mptcp_connect(scene: &Scene) -> Act {
    let socket = mptcp()?;
    rustix::net::connect(&socket, &address(scene)?)?;
    Ok(TcpStream::from(socket).write_all(scene.token()?)?)
}

fn mptcp_listen(_: &Scene) -> Act {
    let socket = mptcp()?;
    rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
    rustix::net::listen(&socket, 1)?;
    effect(sockopt::socket_acceptconn(&socket)?, "it does not listen")
}

/// The domain is an int: a filter that compares 64 bits overlooks it.
fn high_bit_socket(kind: i32) -> Result<OwnedFd, Stop> {
    let domain = i64::from(libc::AF_INET) | 1 << 32;
    Ok(sys::descriptor(call!(libc::SYS_socket, domain, i64::from(kind) | 1 << 32, 1_i64 << 32))?)
}

fn tcp_domain_high_bit(scene: &Scene) -> Act {
    let socket = high_bit_socket(libc::SOCK_STREAM)?;
    rustix::net::connect(&socket, &address(scene)?)?;
    Ok(TcpStream::from(socket).write_all(scene.token()?)?)
}

/// A socket that was connected to nobody, dissolved by `AF_UNSPEC`, then connected.
fn tcp_reconnect(scene: &Scene) -> Act {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::connect_unspec(&socket)?;
    rustix::net::connect(&socket, &address(scene)?)?;
    Ok(TcpStream::from(socket).write_all(scene.token()?)?)
}

fn accept_inherited(_: &Scene) -> Act {
    let listener = TcpListener::from(sys::inherited()?.try_clone_to_owned()?);
    listener.set_nonblocking(true)?;
    match listener.accept() {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        other => {
            other?;
            Ok(())
        }
    }
}

fn udp_send(scene: &Scene) -> Act {
    let to = address(scene)?;
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket(family, SocketType::DGRAM, None)?;
    rustix::net::sendto(&socket, scene.token()?, SendFlags::empty(), &to)?;
    Ok(())
}

fn udp_connect(scene: &Scene) -> Act {
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    rustix::net::connect(&socket, &address(scene)?)?;
    rustix::net::send(&socket, scene.token()?, SendFlags::empty())?;
    Ok(())
}

fn udp_domain_high_bit(scene: &Scene) -> Act {
    let socket = high_bit_socket(libc::SOCK_DGRAM)?;
    rustix::net::sendto(&socket, scene.token()?, SendFlags::empty(), &address(scene)?)?;
    Ok(())
}

fn udp_bind(address: std::net::IpAddr) -> Act {
    let socket = UdpSocket::bind((address, 0))?;
    effect(socket.local_addr()?.port() != 0, "no port was bound")
}

fn udp_lite(_: &Scene) -> Act {
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, Some(ipproto::UDPLITE))?;
    Ok(rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?)
}
