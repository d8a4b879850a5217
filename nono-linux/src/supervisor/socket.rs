//! Connecting and listening on a target's behalf, for what no rule of this kernel can tell apart: a port of this machine from
//! the same port of another, one unix socket from all others (below ABI 9), a port that was granted from one that the kernel
//! picks.
//!
//! Nothing here goes on by itself: the address is read once, the socket is taken out of the target (`pidfd_getfd(2)`), judged,
//! and used. What the target's threads do to their memory and to the number of the descriptor meanwhile changes neither.

use super::call::{CONNECT, LISTEN, int};
use super::confined::Confined;
use super::view::{Own, View};
use nono_core::{CapabilitySet, Host, Port, Request, decide};
use nono_seccomp::{Arch, Errno as Answer, ListenError, Notification, SocketAddress};
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, connect_unspec, getsockname, listen};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use std::ffi::CString;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// A call about a socket.
#[derive(Debug)]
pub(super) struct SocketCall {
    /// The target's number for it.
    descriptor: i32,
    act: Act,
}

#[derive(Debug)]
enum Act {
    Connect(SocketAddress),
    Listen { backlog: i32 },
}

impl SocketCall {
    /// Reads a call; none if it is another one. One that cannot be read fails as the kernel would have it.
    pub(super) fn read(notification: &Notification<'_>) -> Option<Result<SocketCall, Errno>> {
        let call = notification.call();
        let is = |named: nono_seccomp::NamedCall| Arch::NATIVE.and_then(|arch| named.on(arch)) == Some(call.syscall());
        let [descriptor, second, third, ..] = call.arguments;
        if is(LISTEN) {
            return Some(Ok(SocketCall { descriptor: int(descriptor), act: Act::Listen { backlog: int(second) } }));
        }
        is(CONNECT).then(|| match notification.target().socket_address(second, third) {
            Ok(address) => Ok(SocketCall { descriptor: int(descriptor), act: Act::Connect(address) }),
            Err(nono_seccomp::TargetError::Malformed(_)) => Err(Errno::INVAL),
            Err(_) => Err(Errno::FAULT),
        })
    }

    /// Whether this may take long: connecting by a socket that waits.
    pub(super) fn may_block(&self) -> bool {
        matches!(self.act, Act::Connect(_))
    }
}

/// Answers a call.
pub(super) fn serve(
    notification: Notification<'_>,
    call: Result<SocketCall, Errno>,
    own: &Own,
    grants: &CapabilitySet,
    confined: &Confined,
) -> Result<(), ListenError> {
    let done = call.and_then(|call| {
        let thread = notification.thread().ok_or(Errno::ACCESS)?;
        let view = View::of(thread, own).ok_or(Errno::ACCESS)?;
        let socket = take(&view, call.descriptor)?;
        // Only now is it known to be the target's.
        if !notification.is_pending().unwrap_or(false) {
            return Err(Errno::INTR);
        }
        match call.act {
            Act::Listen { backlog } => listen_for(&socket, backlog, grants),
            // A sandbox inside this one may have closed it, and what it left open is not known here.
            Act::Connect(_) if confined.holds(|| Some(view.status()?.0)) => Err(Errno::ACCESS),
            Act::Connect(address) => connect_for(&socket, &address, &view, grants),
        }
    });
    let answered = match done {
        Ok(()) => notification.succeed(0),
        Err(errno) => notification.fail(Answer::new(errno.raw_os_error()).unwrap_or(Answer::EACCES)),
    };
    answered.map(drop)
}

/// A duplicate of the target's socket.
pub(crate) fn take(view: &View, descriptor: i32) -> Result<OwnedFd, Errno> {
    let (process, _) = view.status().ok_or(Errno::ACCESS)?;
    let process = i32::try_from(process).ok().and_then(Pid::from_raw).ok_or(Errno::ACCESS)?;
    let process = pidfd_open(process, PidfdFlags::empty()).map_err(|_gone| Errno::ACCESS)?;
    match pidfd_getfd(&process, descriptor, PidfdGetfdFlags::empty()) {
        Ok(socket) => Ok(socket),
        Err(Errno::BADF) => Err(Errno::BADF),
        Err(_) => Err(Errno::ACCESS),
    }
}

fn listen_for(socket: &OwnedFd, backlog: i32, grants: &CapabilitySet) -> Result<(), Errno> {
    if is_ip(socket)? && !is_granted(socket, grants)? {
        return Err(Errno::ACCESS);
    }
    listen(socket, backlog)
}

/// Whether the port it is bound to was granted; one that is not bound has none, and would get any.
fn is_granted(socket: &OwnedFd, grants: &CapabilitySet) -> Result<bool, Errno> {
    let port = SocketAddr::try_from(getsockname(socket)?).map_or(0, |address| address.port());
    let bind = |port| decide(grants, &Request::Bind { port }).is_allowed();
    Ok(Port::try_from(port).is_ok_and(bind))
}

fn is_ip(socket: &OwnedFd) -> Result<bool, Errno> {
    Ok(matches!(socket_domain(socket)?, AddressFamily::INET | AddressFamily::INET6))
}

fn connect_for(socket: &OwnedFd, address: &SocketAddress, view: &View, grants: &CapabilitySet) -> Result<(), Errno> {
    let ip = is_ip(socket)?;
    let stream = matches!(socket_type(socket)?, SocketType::STREAM | SocketType::SEQPACKET);
    match address {
        SocketAddress::Unspecified => connect_unspec(socket),
        SocketAddress::Inet(to) if ip => connect_ip(socket, SocketAddr::V4(*to), stream, grants),
        SocketAddress::Inet6(to) if ip => connect_ip(socket, SocketAddr::V6(*to), stream, grants),
        SocketAddress::UnixPath(path) if !ip && socket_domain(socket)? == AddressFamily::UNIX => {
            connect_unix(socket, path, stream, view, grants)
        }
        // Abstract sockets of outside, netlink, and addresses of another family than the socket's.
        _ => Err(Errno::ACCESS),
    }
}

fn connect_ip(socket: &OwnedFd, to: SocketAddr, stream: bool, grants: &CapabilitySet) -> Result<(), Errno> {
    let port = Port::try_from(to.port()).map_err(|_zero| Errno::ACCESS)?;
    let host = if is_here(to.ip()) { Host::ThisMachine } else { Host::Other };
    let request = if stream { Request::Connect { port, host } } else { Request::UdpSend { port } };
    if !decide(grants, &request).is_allowed() {
        return Err(Errno::ACCESS);
    }
    connect(socket, &to)
}

/// 127.0.0.0/8, `::1`, and the former written as the latter's kind. What is called "any" (0.0.0.0, `::`) connects here too.
pub(crate) fn is_here(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

/// By the object, not by its name: the path is followed once, as the target sees it.
fn connect_unix(socket: &OwnedFd, path: &[u8], stream: bool, view: &View, grants: &CapabilitySet) -> Result<(), Errno> {
    // A datagram socket would have to be held to one address from now on.
    if !stream {
        return Err(Errno::ACCESS);
    }
    let path = CString::new(path).map_err(|_nul| Errno::INVAL)?;
    let pinned = view.pin_path(&path)?;
    if FileType::from_raw_mode(fstat(&pinned)?.st_mode) != FileType::Socket {
        return Err(Errno::CONNREFUSED);
    }
    let name = format!("/proc/self/fd/{}", pinned.as_raw_fd());
    let real = rustix::fs::readlink(&name, Vec::with_capacity(256))?;
    let real = PathBuf::from(std::ffi::OsStr::from_bytes(real.as_bytes()));
    if !decide(grants, &Request::UnixConnect { path: real }).is_allowed() {
        return Err(Errno::ACCESS);
    }
    connect(socket, &SocketAddrUnix::new(name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_many_names() {
        for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"] {
            assert!(is_here(here.parse().unwrap()), "{here}");
        }
        for other in ["10.0.0.1", "192.168.1.1", "::ffff:10.0.0.1", "fe80::1", "2001:db8::1", "128.0.0.1"] {
            assert!(!is_here(other.parse().unwrap()), "{other}");
        }
    }
}
