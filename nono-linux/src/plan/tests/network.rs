//! What is planned about ports and sockets.

use super::*;

#[test]
fn ports_need_landlock_for_the_ports_and_the_filter_for_what_is_no_port() {
    for abi in ABIS {
        let made = planned(work().allow_tcp_connect(port(443)), abi).enforcement;
        let both = (abi >= 4).then_some(Mechanism::LandlockAndSeccomp);
        assert_eq!(made.mechanism(Guarantee::TcpPorts), both, "ABI {abi}");
        assert_eq!(made.mechanism(Guarantee::ListenAnyPort), Some(Mechanism::Seccomp));
        assert_eq!(made.refused(&Accepted::default()).count(), usize::from(abi < 4), "ABI {abi}");
        let served = planned(work().allow_tcp_bind(port(80)), abi).enforcement;
        assert!(served.gap(Guarantee::ListenAnyPort).is_some(), "nobody knows which port is listened on");
        let here = planned(work().allow_localhost_port(port(3000)), abi).enforcement;
        assert!(here.refused(&Accepted::default()).any(|gap| gap.guarantee == Guarantee::AnyHost), "ABI {abi}");
    }
}

#[test]
fn ports_are_handled_from_abi_4_on_and_only_while_the_network_is_closed() {
    let set = || work().allow_tcp_connect(port(443)).allow_tcp_bind(port(80)).allow_localhost_port(port(3000));
    for abi in ABIS {
        let made = planned(set(), abi);
        assert_eq!(made.net, HandledNet { tcp: abi >= 4, udp: abi >= 10 }, "ABI {abi}");
        let mut ports: Vec<_> = made.ports.iter().map(|(port, right)| (port.get(), *right)).collect();
        ports.sort_by_key(|(port, right)| (*port, *right == PortRight::Connect));
        let all =
            [(80, PortRight::Bind), (443, PortRight::Connect), (3000, PortRight::Bind), (3000, PortRight::Connect)];
        assert_eq!(ports, if abi >= 4 { &all[..] } else { &[] }, "ABI {abi}");
        let open = planned(work().network(NetworkMode::AllowAll), abi);
        assert_eq!(open.net, HandledNet::default());
        assert!(open.enforcement.gap(Guarantee::Udp).is_none(), "an open network has no such promise");
    }
}

#[test]
fn name_lookups_are_granted_by_udp_where_that_has_ports() {
    for abi in ABIS {
        let made = planned(work().allow_name_lookups(), abi);
        let expected: &[_] = match abi {
            0..4 => &[],
            4..10 => &[(Port::DNS, PortRight::Connect)],
            _ => &[(Port::DNS, PortRight::Connect), (Port::DNS, PortRight::NameLookups)],
        };
        assert_eq!(made.ports, expected, "ABI {abi}");
        let mechanism = if abi >= 10 { Mechanism::Landlock } else { Mechanism::Seccomp };
        assert_eq!(made.enforcement.mechanism(Guarantee::Udp), Some(mechanism), "ABI {abi}");
    }
}

#[test]
fn an_open_network_leaves_unix_sockets_to_landlock() {
    for abi in ABIS {
        let made = planned(work().network(NetworkMode::AllowAll), abi).enforcement;
        assert_eq!(made.gap(Guarantee::UnixSockets).is_some(), abi < 9, "ABI {abi}");
        assert_eq!(made.gap(Guarantee::AbstractSockets).is_some(), abi < 6, "ABI {abi}");
        for closed in [Guarantee::OtherProtocols, Guarantee::TcpPorts, Guarantee::Udp, Guarantee::ListenAnyPort] {
            assert!(made.gap(closed).is_none() && made.mechanism(closed).is_none(), "{closed}: nothing is promised");
        }
    }
}

#[test]
fn one_unix_socket_can_be_granted_from_abi_9_on() {
    let socket = || CapabilitySet::builder().grant(grant("/run/socket", PathKind::File, FsAccess::RESOLVE_UNIX));
    for abi in ABIS {
        let made = planned(socket(), abi).enforcement;
        let refused: Vec<_> = made.refused(&Accepted::default()).map(|gap| gap.guarantee).collect();
        assert_eq!(refused, if abi >= 9 { vec![] } else { vec![Guarantee::UnixSockets] }, "ABI {abi}");
    }
}

#[test]
fn abstract_sockets_take_all_unix_sockets_where_no_rule_tells_them_apart() {
    let wish = || CapabilitySet::builder().abstract_sockets(Reach::Anywhere);
    for abi in ABIS {
        let made = planned(wish(), abi).enforcement;
        assert_eq!(
            made.refused(&Accepted::default()).any(|gap| gap.guarantee == Guarantee::UnixSockets),
            abi < 9,
            "{abi}"
        );
        let open = planned(wish().network(NetworkMode::AllowAll), abi).enforcement;
        assert!(open.refused(&Accepted::default()).all(|gap| gap.guarantee != Guarantee::UnixSockets), "{abi}");
    }
}
