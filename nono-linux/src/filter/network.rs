//! Which sockets can be made at all, and what can be done with them that Landlock does not see.

use super::{Notified, Rules};
use crate::abi::Abi;
use crate::supervisor::{CONNECT, LISTEN};
use nono_core::{Accepted, CapabilitySet, Guarantee, NetworkMode, Reach};
use nono_seccomp::Operator::{AnyBit, Equal, MaskedEqual, NoneOf, OneOf};
use nono_seccomp::{Action, BuildError, Condition, Errno};

// linux/socket.h, linux/net.h, linux/in.h
const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const AF_NETLINK: u64 = 16;
const AF_SMC: u64 = 43;
const SOCK_STREAM: u64 = 1;
const SOCK_DGRAM: u64 = 2;
const SOCK_RAW: u64 = 3;
/// The type; above it are `SOCK_NONBLOCK` and `SOCK_CLOEXEC`.
const SOCK_TYPE: u64 = 0xf;
const IPPROTO_TCP: u64 = 6;
const IPPROTO_MPTCP: u64 = 262;
const IPPROTO_UDP: u64 = 17;
/// UDP-Lite, and the echo requests of `ping`.
const UDP_RELATIVES: [u64; 3] = [136, 1, 58];
const NETLINK_ROUTE: u64 = 0;
/// linux/tcp.h
const TCP_ULP: u64 = 31;
const MSG_FASTOPEN: u64 = 0x2000_0000;

/// What of TCP there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tcp {
    /// Nothing.
    None,
    /// Connecting and binding by the ports that Landlock allows: nothing that passes by its rules.
    Ports,
    /// All of it.
    All,
}

/// Which unix sockets there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unix {
    /// Pairs alone.
    Pairs,
    /// Those that stay connected: a supervisor connects them.
    Streams,
    /// All of them; which ones are reached is Landlock's.
    All,
}

/// Sockets that can be made. Pairs of connected unix sockets always can: they reach nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent kinds of sockets")]
pub struct Sockets {
    /// TCP.
    pub tcp: Tcp,
    /// UDP; to which ports is Landlock's, or to all where the network is open.
    pub udp: bool,
    /// Listening, also on a port that the kernel picks.
    pub listen: bool,
    /// Unix sockets.
    pub unix: Unix,
    /// Raw sockets, netlink but for routes, and families beside IP and unix.
    pub rare: bool,
}

impl Sockets {
    /// The sockets that `set` needs; none if that is all of them. `connects`: a supervisor connects to unix sockets.
    pub(super) fn of(set: &CapabilitySet, abi: Abi, accepted: &Accepted, connects: bool) -> Option<Sockets> {
        let open = *set.network() == NetworkMode::AllowAll;
        let left_open = |guarantee| open || accepted.contains(guarantee);
        let binds = !set.tcp_bind().is_empty();
        let ports = binds || set.name_lookups() || !set.tcp_connect().is_empty() || !set.tcp_connect_here().is_empty();
        let sockets = Sockets {
            tcp: match (left_open(Guarantee::TcpPorts), ports) {
                (true, _) => Tcp::All,
                (false, true) => Tcp::Ports,
                (false, false) => Tcp::None,
            },
            udp: left_open(Guarantee::Udp) || set.name_lookups() && abi >= Abi(10),
            listen: left_open(Guarantee::ListenAnyPort) || binds,
            unix: if left_open(Guarantee::UnixSockets) || abi >= Abi(9) {
                Unix::All
            } else if connects && set.unix_sockets() && set.abstract_sockets() == Reach::Inside {
                Unix::Streams
            } else {
                Unix::Pairs
            },
            // Part of no grant, but of the kernel's interface.
            rare: accepted.contains(if open { Guarantee::KernelSurface } else { Guarantee::OtherProtocols }),
        };
        (sockets != Sockets::ALL).then_some(sockets)
    }

    /// Whether listening is left open, though no port is granted for it: which family it is for, a filter cannot see, and where
    /// unix sockets can be made and TCP sockets cannot, they may listen. So may a TCP socket that was inherited.
    pub(crate) fn leaves_listening(self) -> bool {
        !self.listen && self.tcp == Tcp::None && self.unix != Unix::Pairs
    }

    const ALL: Sockets = Sockets { tcp: Tcp::All, udp: true, listen: true, unix: Unix::All, rare: true };

    /// Refuses all other sockets, and what goes around the rules of those.
    pub(super) fn close_others(self, rules: &mut Rules) -> Result<(), BuildError> {
        if !self.rare {
            self.close_rare(rules)?;
        }
        close_unix(rules, self.unix)?;
        if self.tcp == Tcp::None && (self.udp || self.rare) {
            rules.refuse_where(call!("socket"), [ip()?, kind(SOCK_STREAM)?], Errno::EACCES)?;
        }
        if !self.udp && (self.tcp != Tcp::None || self.rare) {
            rules.refuse_where(call!("socket"), [ip()?, kind(SOCK_DGRAM)?], Errno::EACCES)?;
        }
        if self.tcp == Tcp::Ports {
            // MPTCP, and other streams such as SCTP's, which pass by Landlock's rules.
            let others = Condition::int(2, NoneOf(vec![0, IPPROTO_TCP]))?;
            rules.refuse_where(call!("socket"), [ip()?, kind(SOCK_STREAM)?, others], Errno::EPROTONOSUPPORT)?;
        }
        if self.tcp != Tcp::All {
            close_tcp_by_other_names(rules)?;
        }
        if self.tcp != Tcp::All && self.rare {
            rules.refuse_where(call!("socket"), [Condition::int(0, Equal(AF_SMC))?], Errno::EAFNOSUPPORT)?;
        }
        if !self.listen && !self.leaves_listening() {
            // Without a bind the kernel picks a port, and Landlock has no say.
            rules.refuse(calls!["listen"], Errno::EACCES)?;
        }
        Ok(())
    }

    /// Families, types and protocols but the few that programs use.
    fn close_rare(self, rules: &mut Rules) -> Result<(), BuildError> {
        let any_ip = self.tcp != Tcp::None || self.udp;
        // Before the rest: the error that says what a program may not have, not what the kernel does not know.
        if !any_ip {
            rules.refuse_where(call!("socket"), [ip()?], Errno::EACCES)?;
        }
        let families =
            [(self.unix != Unix::Pairs, AF_UNIX), (any_ip, AF_INET), (any_ip, AF_INET6), (any_ip, AF_NETLINK)];
        let families: Vec<u64> = families.iter().filter(|(open, _)| *open).map(|(_, family)| *family).collect();
        if families.is_empty() {
            rules.refuse(calls!["socket"], Errno::EAFNOSUPPORT)?;
            // There is nothing to connect but a socket that is a standard stream, which could be connected anew.
            rules.refuse(calls!["connect"], Errno::EACCES)?;
            return close_rare_pairs(rules);
        }
        rules.refuse_where(call!("socket"), [Condition::int(0, NoneOf(families))?], Errno::EAFNOSUPPORT)?;
        close_rare_pairs(rules)?;
        if !any_ip {
            return Ok(());
        }
        // The kernel's tables of routes and addresses, for getifaddrs(3); its other protocols change more than that.
        let others = Condition::int(2, NoneOf(vec![NETLINK_ROUTE]))?;
        rules.refuse_where(call!("socket"), [Condition::int(0, Equal(AF_NETLINK))?, others], Errno::EPROTONOSUPPORT)?;
        // Every type above SOCK_RAW has one of these bits.
        rules.refuse_where(call!("socket"), [ip()?, kind(SOCK_RAW)?], Errno::EACCES)?;
        rules.refuse_where(
            call!("socket"),
            [ip()?, Condition::int(1, AnyBit(SOCK_TYPE & !SOCK_RAW))?],
            Errno::EACCES,
        )?;
        let mut streams = vec![0, IPPROTO_TCP];
        let mut datagrams = vec![0, IPPROTO_UDP];
        if self.tcp == Tcp::All {
            streams.push(IPPROTO_MPTCP);
        }
        if self.udp && self.tcp == Tcp::All {
            datagrams.extend(UDP_RELATIVES);
        }
        for (socket, protocols) in [(SOCK_STREAM, streams), (SOCK_DGRAM, datagrams)] {
            let others = Condition::int(2, NoneOf(protocols))?;
            rules.refuse_where(call!("socket"), [ip()?, kind(socket)?, others], Errno::EPROTONOSUPPORT)?;
        }
        Ok(())
    }
}

fn ip() -> Result<Condition, BuildError> {
    Condition::int(0, OneOf(vec![AF_INET, AF_INET6]))
}

fn kind(socket: u64) -> Result<Condition, BuildError> {
    Condition::int(1, MaskedEqual { mask: SOCK_TYPE, value: socket })
}

fn close_rare_pairs(rules: &mut Rules) -> Result<(), BuildError> {
    rules.refuse_where(call!("socketpair"), [Condition::int(0, NoneOf(vec![AF_UNIX]))?], Errno::EAFNOSUPPORT)
}

/// Unix sockets, but for pairs that stay connected to each other: streams and sequenced packets. Half of a pair of
/// datagram sockets (`SOCK_DGRAM`, and `SOCK_RAW`, which unix(7) takes for the same) can send to any address.
fn close_unix(rules: &mut Rules, unix: Unix) -> Result<(), BuildError> {
    let datagrams = |socket| Ok::<_, BuildError>([Condition::int(0, Equal(AF_UNIX))?, kind(socket)?]);
    match unix {
        Unix::All => return Ok(()),
        Unix::Pairs => {
            rules.refuse_where(call!("socket"), [Condition::int(0, Equal(AF_UNIX))?], Errno::EAFNOSUPPORT)?;
        }
        Unix::Streams => {
            rules.refuse_where(call!("socket"), datagrams(SOCK_DGRAM)?, Errno::EACCES)?;
            rules.refuse_where(call!("socket"), datagrams(SOCK_RAW)?, Errno::EACCES)?;
        }
    }
    rules.refuse_where(call!("socketpair"), datagrams(SOCK_DGRAM)?, Errno::EACCES)?;
    rules.refuse_where(call!("socketpair"), datagrams(SOCK_RAW)?, Errno::EACCES)
}

impl Notified {
    /// What of the sockets that `set` grants only a supervisor can tell from what it does not, unless that was accepted to be
    /// open.
    pub(crate) fn sockets(set: &CapabilitySet, abi: Abi, accepted: &Accepted) -> Notified {
        let closed = *set.network() != NetworkMode::AllowAll;
        let kept = |guarantee| closed && !accepted.contains(guarantee);
        let here = kept(Guarantee::AnyHost) && !set.tcp_connect_here().is_empty();
        let unix = kept(Guarantee::UnixSockets)
            && abi < Abi(9)
            && set.unix_sockets()
            && set.abstract_sockets() == Reach::Inside;
        let listens = kept(Guarantee::ListenAnyPort) && !set.tcp_bind().is_empty();
        Notified { connects: here || unix, listens, ..Notified::default() }
    }

    pub(super) fn notify_sockets(self, rules: &mut Rules) -> Result<(), BuildError> {
        for (call, notified) in [(CONNECT, self.connects), (LISTEN, self.listens)] {
            if let Some(syscall) = call.on(rules.arch).filter(|_| notified) {
                rules.program.on(syscall, Action::Notify)?;
            }
        }
        Ok(())
    }
}

/// What is TCP and passes by Landlock's rules: connecting by sending, and putting another protocol on top of a socket
/// (`TCP_ULP`), which with `smc` makes it one that Landlock does not take for TCP. Where no socket for TCP can be made, a
/// standard stream may be one.
fn close_tcp_by_other_names(rules: &mut Rules) -> Result<(), BuildError> {
    let layer = [Condition::int(1, Equal(IPPROTO_TCP))?, Condition::int(2, Equal(TCP_ULP))?];
    rules.refuse_where(call!("setsockopt"), layer, Errno::EOPNOTSUPP)?;
    // Past Landlock's rules before Linux 7.2 (fixed by commit 33cb713db016).
    for (call, flags) in [(call!("sendto"), 3), (call!("sendmsg"), 2), (call!("sendmmsg"), 3)] {
        rules.refuse_where(call, [Condition::int(flags, AnyBit(MSG_FASTOPEN))?], Errno::EPERM)?;
    }
    Ok(())
}
