//! Families of sockets beside IP and unix: each is a way out of the machine, or a large part of the kernel.

use crate::act::{Act, Attempt, Scene};
use crate::sys::{self, call};
use nono_tests::attempt::Guarantee::{self, Capabilities, KernelSurface, OtherProtocols, TcpPorts};
use nono_tests::attempt::Promise;
use std::os::fd::OwnedFd;

const RARE: &[Guarantee] = &[KernelSurface, OtherProtocols];
const NOT_BUILT: &[&str] = &["EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"];

pub(crate) const ATTEMPTS: &[Attempt] = &[
    made("socket-sctp", &[OtherProtocols, TcpPorts], |_| open(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_SCTP)),
    made("socket-sctp-seqpacket", RARE, |_| open(libc::AF_INET, libc::SOCK_SEQPACKET, libc::IPPROTO_SCTP)),
    made("socket-smc", &[OtherProtocols, TcpPorts], |_| open(43, libc::SOCK_STREAM, 0)),
    made("socket-dccp", RARE, |_| open(libc::AF_INET, 6, 33)),
    made("socket-raw", &[OtherProtocols, KernelSurface, Capabilities], |_| open(libc::AF_INET, libc::SOCK_RAW, 1))
        .root(),
    made("socket-raw-6", &[OtherProtocols, KernelSurface, Capabilities], |_| open(libc::AF_INET6, libc::SOCK_RAW, 58))
        .root(),
    // Who may ping is a setting (net.ipv4.ping_group_range).
    made("socket-ping", &[OtherProtocols], |_| open(libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP))
        .absent(&["EACCES", "EPROTONOSUPPORT"]),
    made("socket-packet", &[OtherProtocols, KernelSurface, Capabilities], |_| open(libc::AF_PACKET, libc::SOCK_RAW, 0))
        .root(),
    made("socket-netlink-route", RARE, |_| open(libc::AF_NETLINK, libc::SOCK_RAW, 0)).promise(Promise::Unpromised),
    made("socket-netlink-sock-diag", RARE, |_| open(libc::AF_NETLINK, libc::SOCK_RAW, 4)),
    made("socket-netlink-xfrm", RARE, |_| open(libc::AF_NETLINK, libc::SOCK_RAW, 6)),
    made("socket-netlink-audit", RARE, |_| open(libc::AF_NETLINK, libc::SOCK_RAW, 9)),
    made("socket-netlink-netfilter", RARE, |_| open(libc::AF_NETLINK, libc::SOCK_RAW, 12)),
    made("socket-netlink-uevent", RARE, |_| open(libc::AF_NETLINK, libc::SOCK_RAW, 15)),
    made("socket-netlink-generic", RARE, |_| open(libc::AF_NETLINK, libc::SOCK_RAW, 16)),
    made("socket-netlink-high-bit", RARE, netlink_high_bit),
    made("socket-vsock", RARE, |_| open(libc::AF_VSOCK, libc::SOCK_STREAM, 0)),
    made("socket-vsock-datagram", RARE, |_| open(libc::AF_VSOCK, libc::SOCK_DGRAM, 0)).absent(&[
        "EAFNOSUPPORT",
        "ENODEV",
        "EOPNOTSUPP",
        "ESOCKTNOSUPPORT",
    ]),
    made("socket-xdp", RARE, |_| open(libc::AF_XDP, libc::SOCK_RAW, 0)).root(),
    made("socket-alg", RARE, |_| open(libc::AF_ALG, libc::SOCK_SEQPACKET, 0)),
    made("socket-bluetooth", RARE, |_| open(libc::AF_BLUETOOTH, libc::SOCK_RAW, 1)),
    made("socket-can", RARE, |_| open(libc::AF_CAN, libc::SOCK_RAW, 1)),
    made("socket-tipc", RARE, |_| open(libc::AF_TIPC, libc::SOCK_DGRAM, 0)),
    made("socket-key", RARE, |_| open(libc::AF_KEY, libc::SOCK_RAW, 2)).root(),
    made("socket-rds", RARE, |_| open(libc::AF_RDS, libc::SOCK_SEQPACKET, 0)),
    made("socket-rxrpc", RARE, |_| open(libc::AF_RXRPC, libc::SOCK_DGRAM, libc::AF_INET)),
    made("socket-phonet", RARE, |_| open(libc::AF_PHONET, libc::SOCK_DGRAM, 0)),
    made("socket-nfc", RARE, |_| open(libc::AF_NFC, libc::SOCK_SEQPACKET, 1)),
    made("socket-qipcrtr", RARE, |_| open(42, libc::SOCK_DGRAM, 0)),
    made("socket-ax25", RARE, |_| open(libc::AF_AX25, libc::SOCK_DGRAM, 0)),
    made("socket-pppox", RARE, |_| open(libc::AF_PPPOX, libc::SOCK_DGRAM, 0)),
    made("socket-l2tp", RARE, |_| open(libc::AF_INET, libc::SOCK_DGRAM, 115)),
];

/// A row about a socket that can be made, or that this kernel was not built with.
const fn made(name: &'static str, guarantees: &'static [Guarantee], act: fn(&Scene) -> Act) -> Attempt {
    Attempt::new(name, guarantees, act).absent(NOT_BUILT)
}

fn open(domain: i32, kind: i32, protocol: i32) -> Act {
    let opened: OwnedFd = sys::descriptor(call!(libc::SYS_socket, domain, kind | libc::SOCK_CLOEXEC, protocol))?;
    drop(opened);
    Ok(())
}

/// A protocol that is refused, with a bit set above the int that it is.
fn netlink_high_bit(_: &Scene) -> Act {
    let domain = i64::from(libc::AF_NETLINK) | 1 << 32;
    drop(sys::descriptor(call!(libc::SYS_socket, domain, libc::SOCK_RAW, 16_i64 | 1 << 32))?);
    Ok(())
}
