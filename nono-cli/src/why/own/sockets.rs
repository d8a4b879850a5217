//! Ports and sockets of the sandbox this is run in, by trying: without a packet, and without a server noticing.

use super::super::error::WhyError;
use super::super::verdict::Verdict;
use super::{absent, told};
use crate::quote::quoted;
use nono_core::Port;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind as bind_to, connect as connect_to, listen, socket};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

/// All hosts of the network: the kernel asks the sandbox, and connects to no group (`net/ipv4/tcp_ipv4.c`, `tcp_v4_connect`).
const MANY: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
/// The broadcast address of this machine's own network.
const MANY_HERE: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// May TCP `port` be connected to?
pub(super) fn connect(port: Port) -> Result<Verdict, WhyError> {
    let what = format!("connect to port {port}");
    let flag = format!("--allow-connect {port}");
    match reach(MANY, port) {
        Err(refused) if is_refused(&refused) => {}
        any => return told(any, &what, None),
    }
    match reach(MANY_HERE, port) {
        Ok(()) => Ok(told(Ok(()), &what, None)?.noting("on this machine, and on no other")),
        refused => told(refused, &what, Some(&flag)),
    }
}

fn reach(host: Ipv4Addr, port: Port) -> io::Result<()> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    match connect_to(&socket, &SocketAddrV4::new(host, port.get())) {
        Err(errno @ (Errno::ACCESS | Errno::PERM)) => Err(errno.into()),
        // What fails is the network's, after the sandbox was asked.
        _ => Ok(()),
    }
}

fn is_refused(error: &io::Error) -> bool {
    let refusals = [Errno::ACCESS, Errno::PERM, Errno::AFNOSUPPORT];
    Errno::from_io_error(error).is_some_and(|errno| refusals.contains(&errno))
}

/// May TCP `port` be listened on? It is, on this machine, for a moment.
pub(super) fn bind(port: Port) -> Result<Verdict, WhyError> {
    let tried = || {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        match bind_to(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port.get())) {
            // Somebody has it, which is asked after the sandbox was.
            Err(Errno::ADDRINUSE) => Ok(()),
            Err(errno) => Err(errno),
            Ok(()) => listen(&socket, 0),
        }
    };
    let flag = format!("--allow-bind {port}");
    told(tried().map_err(io::Error::from), &format!("listen on port {port}"), Some(&flag))
}

/// May a unix socket be connected to? By a type of socket that few servers have.
pub(super) fn unix(path: &Path, name: Option<&[u8]>) -> Result<Verdict, WhyError> {
    let what = format!("connect to {}", quoted(path));
    let address = match name {
        Some(name) => abstract_address(name),
        None => SocketAddrUnix::new(path),
    };
    let address = address.map_err(|errno| WhyError::Unclear { what: what.clone(), source: errno.into() })?;
    let tried = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).and_then(|socket| {
        match connect_to(&socket, &address) {
            Err(Errno::PROTOTYPE) => Ok(()),
            other => other,
        }
    });
    let flag = name.is_none().then(|| format!("--allow-unix {}", quoted(path)));
    match tried {
        Err(Errno::NOENT) => Ok(absent(path)),
        Err(Errno::CONNREFUSED) => Err(WhyError::Untried { what, why: "nobody listens there" }),
        tried => told(tried.map_err(io::Error::from), &what, flag.as_deref()),
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> Result<SocketAddrUnix, Errno> {
    SocketAddrUnix::new_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_name: &[u8]) -> Result<SocketAddrUnix, Errno> {
    Err(Errno::AFNOSUPPORT)
}
