//! From a call on a socket to what the model is asked: by its port, as far as the kernel has rules for the kind of socket.

use super::request::Meaning;
use super::sight::Sight;
use crate::supervisor::socket::{is_here, take};
use nono_core::{FsAccess, Host, Port, Request};
use nono_seccomp::SocketAddress;
use rustix::net::sockopt::socket_type;
use rustix::net::{SocketType, getsockname};
use std::net::SocketAddr;

pub(super) fn connected(sight: &Sight, thread: u32, socket: i32, address: &SocketAddress) -> Meaning {
    if let SocketAddress::UnixAbstract(name) = address {
        return connected_abstract(sight, thread, name);
    }
    let Some(to) = ip(address) else { return Meaning::Nothing };
    let Ok(port) = Port::try_from(to.port()) else { return Meaning::Nothing };
    let host = if is_here(to.ip()) { Host::ThisMachine } else { Host::Other };
    let request = match kind_of_socket(sight, thread, socket) {
        Some(SocketType::STREAM) => Request::Connect { port, host },
        Some(SocketType::DGRAM) => Request::UdpSend { port },
        Some(_) => return Meaning::Nothing,
        None => return Meaning::Unknown,
    };
    Meaning::of(request, FsAccess::empty())
}

/// What programs inside made is theirs, of others' the model is asked.
fn connected_abstract(sight: &Sight, thread: u32, name: &[u8]) -> Meaning {
    if sight.made_abstract(name) {
        return Meaning::Nothing;
    }
    match is_there(thread, name) {
        Some(true) => Meaning::of(Request::AbstractConnect, FsAccess::empty()),
        Some(false) => Meaning::Missing,
        None => Meaning::Unknown,
    }
}

/// Whether there is an abstract unix socket of this name where the thread is, or was (proc(5), `/proc/net/unix`: seven columns,
/// and the name with each NUL as `@`).
fn is_there(thread: u32, name: &[u8]) -> Option<bool> {
    let list =
        std::fs::read(format!("/proc/{thread}/net/unix")).or_else(|_gone| std::fs::read("/proc/net/unix")).ok()?;
    let shown: Vec<u8> = [0].iter().chain(name).map(|byte| if *byte == 0 { b'@' } else { *byte }).collect();
    Some(list.split(|byte| *byte == b'\n').any(|line| named(line) == Some(&*shown)))
}

fn named(line: &[u8]) -> Option<&[u8]> {
    let mut rest = line;
    for _ in 0..7 {
        let start = rest.iter().position(|byte| *byte != b' ')?;
        rest = rest.get(start..)?;
        rest = rest.get(rest.iter().position(|byte| *byte == b' ')?..)?;
    }
    rest.get(1..)
}

pub(super) fn bound(sight: &mut Sight, thread: u32, socket: i32, address: &SocketAddress) -> Meaning {
    if let SocketAddress::UnixAbstract(name) = address {
        sight.makes_abstract(name);
    }
    let Some(at) = ip(address) else { return Meaning::Nothing };
    let request = match (kind_of_socket(sight, thread, socket), Port::try_from(at.port())) {
        (Some(SocketType::STREAM | SocketType::DGRAM), Err(_)) => return Meaning::AnyPort,
        (Some(SocketType::STREAM), Ok(port)) => Request::Bind { port },
        (Some(SocketType::DGRAM), Ok(port)) => Request::UdpBind { port },
        (Some(_), _) => return Meaning::Nothing,
        (None, _) => return Meaning::Unknown,
    };
    Meaning::of(request, FsAccess::empty())
}

pub(super) fn listened(sight: &Sight, thread: u32, socket: i32) -> Meaning {
    let address = sight.view(thread).and_then(|view| getsockname(take(view, socket).ok()?).ok());
    match address.map(SocketAddr::try_from) {
        Some(Ok(at)) => Meaning::Listens(Port::try_from(at.port()).ok()),
        // A unix socket.
        Some(Err(_)) => Meaning::Nothing,
        None => Meaning::Unknown,
    }
}

fn ip(address: &SocketAddress) -> Option<SocketAddr> {
    match address {
        SocketAddress::Inet(to) => Some(SocketAddr::V4(*to)),
        SocketAddress::Inet6(to) => Some(SocketAddr::V6(*to)),
        _ => None,
    }
}

fn kind_of_socket(sight: &Sight, thread: u32, socket: i32) -> Option<SocketType> {
    socket_type(take(sight.view(thread)?, socket).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};

    #[test]
    fn abstract_sockets_are_found_by_name() {
        let own = format!("nono test {}", std::process::id());
        for name in [own.as_bytes(), &[own.as_bytes(), b"\0 @\xff"].concat()] {
            let here = || is_there(std::process::id(), name);
            assert_eq!(here(), Some(false));
            let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
            assert_eq!(here(), Some(true));
        }
        assert_eq!(named(b"ffff: 00000002 00000000 00010000 0001 01 24 @a b"), Some(&b"@a b"[..]));
        assert_eq!(named(b"ffff: 00000002 00000000 00010000 0001 01 24"), None);
    }
}
