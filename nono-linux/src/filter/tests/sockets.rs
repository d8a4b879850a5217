//! Which sockets can be made, and what can be done with them.

use super::*;

const CLOSED: Option<Errno> = Some(Errno::EACCES);
const NO_FAMILY: Option<Errno> = Some(Errno::EAFNOSUPPORT);
const NO_PROTOCOL: Option<Errno> = Some(Errno::EPROTONOSUPPORT);
/// `SOCK_CLOEXEC | SOCK_NONBLOCK`.
const FLAGS: u64 = 0o2_004_000;
const INET6: u64 = 10;
const SMC: u64 = 43;

#[test]
fn a_closed_network_has_no_sockets_but_connected_pairs() {
    for abi in 1..=11 {
        let closed = filtering(CapabilitySet::builder(), abi, &[]);
        let socket = |arguments: &[u64]| answer(&closed, Arch::X86_64, "socket", arguments);
        for kind in [STREAM, DGRAM, 3, 5, STREAM | FLAGS] {
            assert_eq!(socket(&[INET, kind]), CLOSED);
            assert_eq!(socket(&[INET6 | HIGH, kind]), CLOSED);
        }
        for family in [16, 17, 38, 40, 43, 44, 45] {
            assert_eq!(socket(&[family, 3]), NO_FAMILY, "family {family}");
        }
        let unix = if abi >= 9 { None } else { NO_FAMILY };
        assert_eq!(socket(&[UNIX, STREAM]), unix, "ABI {abi}");
        let pair = |arguments: &[u64]| answer(&closed, Arch::X86_64, "socketpair", arguments);
        assert_eq!(pair(&[UNIX, STREAM | FLAGS]), None);
        assert_eq!(pair(&[UNIX, 5]), None);
        // Half of such a pair sends to any address.
        let datagrams = if abi >= 9 { None } else { CLOSED };
        assert_eq!(pair(&[UNIX, DGRAM | FLAGS]), datagrams, "ABI {abi}");
        assert_eq!(pair(&[UNIX, 3]), datagrams, "ABI {abi}");
        assert_eq!(pair(&[30, STREAM]), NO_FAMILY);
        // A standard stream may be a socket: it is not connected anew, by any of the ways that pass by Landlock's rules.
        let unless_unix = if abi >= 9 { None } else { CLOSED };
        assert_eq!(answer(&closed, Arch::X86_64, "connect", &[0]), unless_unix);
        assert_eq!(answer(&closed, Arch::X86_64, "listen", &[0]), unless_unix);
        assert_eq!(answer(&closed, Arch::X86_64, "sendto", &[0, 0, 0, 0x2000_0000]), NO);
        assert_eq!(answer(&closed, Arch::X86_64, "sendto", &[0, 0, 0, 0x4000]), None);
        assert_eq!(answer(&closed, Arch::X86_64, "setsockopt", &[0, 6, 31]), Some(Errno::EOPNOTSUPP));
    }
}

#[test]
fn granted_ports_open_tcp_and_nothing_beside_it() {
    let sets: [(&str, Make, bool); 4] = [
        ("connect", || CapabilitySet::builder().allow_tcp_connect(port(443)), false),
        ("bind", || CapabilitySet::builder().allow_tcp_bind(port(80)), true),
        ("localhost", || CapabilitySet::builder().allow_localhost_port(port(3000)), true),
        (
            "proxy",
            || CapabilitySet::builder().network(NetworkMode::ProxyOnly { port: port(3128), bind_ports: vec![] }),
            false,
        ),
    ];
    for (mode, set, listens) in sets {
        let some = filtering(set(), 7, &[]);
        for (name, arguments, expected) in [
            ("socket", &[INET, STREAM | FLAGS, 0][..], None),
            ("socket", &[INET6, STREAM, 6], None),
            ("socket", &[INET, STREAM, 262], NO_PROTOCOL),
            ("socket", &[INET, STREAM | HIGH, 0x84 | HIGH], NO_PROTOCOL),
            ("socket", &[INET, DGRAM, 0], CLOSED),
            ("socket", &[INET, 3, 1], CLOSED),
            ("socket", &[INET, 5, 132], CLOSED),
            ("socket", &[INET, 10, 0], CLOSED),
            ("socket", &[43, STREAM, 0], NO_FAMILY),
            ("socket", &[16, 3, 0], None),
            ("socket", &[16, 3, 16], NO_PROTOCOL),
            ("socket", &[UNIX, STREAM, 0], NO_FAMILY),
            ("sendto", &[3, 0, 0, 0x2000_4000], NO),
            ("sendto", &[3, 0, 0, 0x4000], None),
            ("sendmsg", &[3, 0, 0x2000_0000], NO),
            ("sendmmsg", &[3, 0, 1, 0x2000_0000], NO),
            ("setsockopt", &[3, 6, 31], Some(Errno::EOPNOTSUPP)),
            ("setsockopt", &[3, 6 | HIGH, 31 | HIGH], Some(Errno::EOPNOTSUPP)),
            ("setsockopt", &[3, 6, 1], None),
            ("setsockopt", &[3, 1, 31], None),
            ("connect", &[3], None),
            ("listen", &[3], if listens { None } else { CLOSED }),
        ] {
            assert_eq!(answer(&some, Arch::X86_64, name, arguments), expected, "{mode}: {name} {arguments:x?}");
        }
    }
}

#[test]
fn name_lookups_are_datagrams_from_abi_10_on_and_streams_before() {
    for abi in 4..=11 {
        let lookups = filtering(CapabilitySet::builder().allow_name_lookups(), abi, &[]);
        let socket = |arguments: &[u64]| answer(&lookups, Arch::X86_64, "socket", arguments);
        assert_eq!(socket(&[INET, STREAM]), None);
        assert_eq!(socket(&[INET, DGRAM]), if abi >= 10 { None } else { CLOSED }, "ABI {abi}");
        // Ping, L2TP and UDP-Lite are datagrams too, and not UDP.
        for protocol in [1, 115, 136] {
            assert!(socket(&[INET, DGRAM, protocol]).is_some(), "ABI {abi}, protocol {protocol}");
        }
    }
}

#[test]
fn an_open_network_is_open_but_for_rare_families() {
    let open = filtering(CapabilitySet::builder().network(NetworkMode::AllowAll), 7, &[]);
    for (arguments, expected) in [
        (&[INET, STREAM, 0][..], None),
        (&[INET, STREAM, 262], None),
        (&[INET6, DGRAM, 0], None),
        (&[INET, DGRAM, 1], None),
        (&[UNIX, STREAM, 0], None),
        (&[UNIX, DGRAM, 0], None),
        (&[16, 3, 0], None),
        (&[16, 3, 12], NO_PROTOCOL),
        (&[INET, 3, 255], CLOSED),
        (&[17, 3, 0], NO_FAMILY),
        (&[40, STREAM, 0], NO_FAMILY),
    ] {
        assert_eq!(answer(&open, Arch::X86_64, "socket", arguments), expected, "{arguments:?}");
    }
    assert_eq!(answer(&open, Arch::X86_64, "sendto", &[3, 0, 0, 0x2000_0000]), None);
    assert_eq!(answer(&open, Arch::X86_64, "listen", &[3]), None);
}

#[test]
fn accepted_rare_protocols_do_not_open_tcp_or_udp() {
    let rare = filtering(CapabilitySet::builder().allow_tcp_connect(port(443)), 7, &[Guarantee::OtherProtocols]);
    for (arguments, expected) in [
        (&[17, 3, 0][..], None),
        (&[INET, 3, 1], None),
        (&[INET, STREAM, 0], None),
        (&[INET, STREAM, 262], NO_PROTOCOL),
        (&[43, STREAM, 0], NO_FAMILY),
        (&[INET, DGRAM, 0], CLOSED),
        (&[UNIX, DGRAM, 0], NO_FAMILY),
    ] {
        assert_eq!(answer(&rare, Arch::X86_64, "socket", arguments), expected, "{arguments:?}");
    }
}

#[test]
fn a_kind_of_socket_that_is_accepted_to_be_open_opens_no_other() {
    use Guarantee::{OtherProtocols, TcpPorts, Udp};
    let all: [(&[Guarantee], _); 5] = [
        // What stream, datagram and SMC sockets come to.
        (&[], [CLOSED, CLOSED, NO_FAMILY]),
        (&[TcpPorts], [None, CLOSED, NO_FAMILY]),
        (&[Udp], [CLOSED, None, NO_FAMILY]),
        (&[OtherProtocols], [CLOSED, CLOSED, NO_FAMILY]),
        // SMC is TCP by another name: it takes both.
        (&[OtherProtocols, TcpPorts], [None, CLOSED, None]),
    ];
    for (accepted, expected) in all {
        let some = filtering(CapabilitySet::builder(), 7, accepted);
        for arch in Arch::ALL {
            let sockets = [[INET, STREAM], [INET, DGRAM], [SMC, STREAM]];
            let answers = sockets.map(|arguments| answer(&some, arch, "socket", &arguments));
            assert_eq!(answers, expected, "without {accepted:?} on {arch}");
        }
    }
}
