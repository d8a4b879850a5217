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

pub(super) fn bound(sight: &Sight, thread: u32, socket: i32, address: &SocketAddress) -> Meaning {
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
