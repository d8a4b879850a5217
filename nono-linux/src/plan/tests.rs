use super::*;
use nono_core::{AccessMode, Builder, FsCapability, Mechanism, Resolved};
use std::path::Path;

fn grant(path: &str, kind: PathKind, access: FsAccess) -> FsCapability {
    let found = Resolved { path: path.into(), kind, identity: None, is_device: false };
    FsCapability::from_resolved(path.into(), found, access).unwrap()
}

fn work() -> Builder {
    let access = FsAccess::from(AccessMode::ReadWrite);
    CapabilitySet::builder().grant(grant("/work", PathKind::Directory, access))
}

fn port(number: u16) -> Port {
    Port::try_from(number).unwrap()
}

fn planned(builder: Builder, abi: u32) -> Plan {
    plan(&builder.build().unwrap(), &Kernel::with_abi(abi), &Accepted::default()).unwrap()
}

const ABIS: std::ops::RangeInclusive<u32> = 1..=11;

#[test]
fn without_landlock_there_is_no_plan_but_a_reason() {
    for absence in [Absence::NotBuilt, Absence::Disabled, Absence::Blocked, Absence::NotBuiltOrBlocked] {
        let kernel = Kernel { absence: Some(absence), ..Kernel::with_abi(0) };
        assert_eq!(plan(&CapabilitySet::default(), &kernel, &Accepted::default()), Err(absence));
    }
}

#[test]
fn each_guarantee_holds_by_the_mechanism_that_the_abi_has() {
    use Mechanism::{Landlock, Launch, Seccomp};
    for abi in ABIS {
        let made = planned(work(), abi).enforcement;
        let since = |first, before: Option<Mechanism>| if abi >= first { Some(Landlock) } else { before };
        for (guarantee, expected) in [
            (Guarantee::Files, Some(Landlock)),
            (Guarantee::Processes, Some(Landlock)),
            (Guarantee::ProcessList, Some(Landlock)), // /proc is not granted here
            (Guarantee::Truncate, since(3, Some(Seccomp))),
            (Guarantee::DeviceIoctl, since(5, None)),
            (Guarantee::Signals, since(6, None)),
            (Guarantee::UnixSockets, since(9, Some(Seccomp))),
            (Guarantee::AbstractSockets, since(9, Some(Seccomp))),
            (Guarantee::Udp, Some(Seccomp)),
            (Guarantee::OtherProtocols, Some(Seccomp)),
            (Guarantee::TcpPorts, Some(Seccomp)),
            (Guarantee::ListenAnyPort, Some(Seccomp)),
            (Guarantee::Terminal, Some(Seccomp)),
            (Guarantee::KernelSurface, Some(Seccomp)),
            (Guarantee::UserNamespaces, Some(Seccomp)),
            (Guarantee::Attributes, Some(Seccomp)),
            (Guarantee::OtherProcesses, Some(Seccomp)),
            (Guarantee::Ipc, Some(Seccomp)),
            (Guarantee::Capabilities, Some(Launch)),
            (Guarantee::Environment, Some(Launch)),
            (Guarantee::Descriptors, Some(Launch)),
            (Guarantee::CoreDumps, Some(Launch)),
            (Guarantee::Metadata, None),
        ] {
            assert_eq!(made.mechanism(guarantee), expected, "{guarantee} on ABI {abi}");
            assert_eq!(made.gap(guarantee).is_none(), expected.is_some(), "{guarantee} on ABI {abi}");
        }
    }
}

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
fn what_is_accepted_away_is_left_off_and_said() {
    for abi in ABIS {
        for guarantee in Guarantee::ALL {
            let accepted = Accepted::from_iter([guarantee]);
            let made = plan(&work().build().unwrap(), &Kernel::with_abi(abi), &accepted).unwrap();
            // Of Landlock's essence, other ways out, and what lies behind a door that is closed still.
            let stays = match guarantee {
                Guarantee::Files
                | Guarantee::Processes
                | Guarantee::ProcessList
                | Guarantee::Capabilities
                | Guarantee::Deny
                | Guarantee::AnyHost
                | Guarantee::ListenAnyPort => true,
                Guarantee::AbstractSockets => abi < 9,
                _ => false,
            };
            assert_eq!(made.enforcement.gap(guarantee).is_none(), stays, "{guarantee} on ABI {abi}");
            if abi == 11 {
                let right = match guarantee {
                    Guarantee::Truncate => FsAccess::TRUNCATE,
                    Guarantee::DeviceIoctl => FsAccess::IOCTL_DEV,
                    Guarantee::UnixSockets => FsAccess::RESOLVE_UNIX,
                    _ => FsAccess::empty(),
                };
                assert_eq!(made.fs.open, right, "{guarantee}");
                assert_eq!(
                    made.net,
                    HandledNet { tcp: guarantee != Guarantee::TcpPorts, udp: guarantee != Guarantee::Udp }
                );
                assert_eq!(made.scopes.signals, guarantee != Guarantee::Signals);
                assert_eq!(made.scopes.abstract_sockets, guarantee != Guarantee::AbstractSockets);
            }
        }
    }
}

#[test]
fn without_seccomp_what_it_keeps_is_a_gap() {
    let kernel = Kernel { seccomp: false, core_limit: false, ..Kernel::with_abi(11) };
    let made = plan(&work().build().unwrap(), &kernel, &Accepted::default()).unwrap().enforcement;
    for guarantee in Guarantee::ALL {
        let kept = matches!(made.mechanism(guarantee), None | Some(Mechanism::Landlock | Mechanism::Launch));
        assert!(kept, "{guarantee}");
    }
    for gap in [
        Guarantee::OtherProtocols,
        Guarantee::TcpPorts,
        Guarantee::KernelSurface,
        Guarantee::Terminal,
        Guarantee::CoreDumps,
    ] {
        assert!(made.gap(gap).is_some(), "{gap}");
    }
}

#[test]
fn privileges_are_given_up_on_every_kernel() {
    for abi in ABIS {
        assert_eq!(planned(work(), abi).enforcement.mechanism(Guarantee::Capabilities), Some(Mechanism::Launch));
    }
}

#[test]
fn every_guarantee_is_answered_once() {
    for abi in ABIS {
        let made = planned(work().allow_localhost_port(port(1)), abi).enforcement;
        for guarantee in Guarantee::ALL.into_iter().filter(|one| *one != Guarantee::Deny) {
            let answers = usize::from(made.mechanism(guarantee).is_some())
                + made.gaps.iter().filter(|gap| gap.guarantee == guarantee).count();
            assert_eq!(answers, 1, "{guarantee} on ABI {abi}");
        }
    }
}

#[test]
fn a_gap_names_the_release_that_closes_it() {
    let gaps = planned(work(), 4).enforcement;
    let remedy = &gaps.gap(Guarantee::Signals).unwrap().remedy;
    assert_eq!(remedy, "Linux 6.12 (Landlock ABI 6); this kernel has ABI 4");
}

#[test]
fn rules_hold_what_the_kernel_handles_and_files_what_files_can_have() {
    for abi in ABIS {
        let handled = handling(FsAccess::all(), Abi(abi)).handled;
        let file = grant("/file", PathKind::File, FsAccess::READ_FILE | FsAccess::TRUNCATE | FsAccess::IOCTL_DEV);
        let made = planned(work().grant(file), abi);
        for rule in &made.paths {
            assert!(handled.contains(rule.access), "{rule:?} on ABI {abi}");
            assert!(rule.kind == PathKind::Directory || FsAccess::FILE.contains(rule.access), "{rule:?}");
        }
        assert_eq!(made.fs.handled, handled, "all that can be denied is denied, ABI {abi}");
    }
}

#[test]
fn a_grant_that_this_kernel_cannot_deny_needs_no_rule() {
    let socket = grant("/run/socket", PathKind::File, FsAccess::RESOLVE_UNIX);
    let paths = |abi| planned(CapabilitySet::builder().grant(socket.clone()), abi).paths;
    assert_eq!(paths(8), []);
    assert_eq!(*paths(9)[0].path, *Path::new("/run/socket"));
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
fn scopes_are_on_by_default_from_abi_6_and_go_when_asked() {
    for abi in ABIS {
        assert_eq!(planned(work(), abi).scopes, Scopes { signals: abi >= 6, abstract_sockets: abi >= 6 });
        let loud = planned(work().signals(Reach::Anywhere).abstract_sockets(Reach::Anywhere), abi);
        assert_eq!(loud.scopes, Scopes::default());
        assert!(loud.enforcement.gap(Guarantee::Signals).is_none());
    }
}

#[test]
fn rename_between_directories_is_withheld_on_abi_1_alone() {
    for abi in ABIS {
        let expected = if abi == 1 { FsAccess::REFER } else { FsAccess::empty() };
        assert_eq!(planned(work(), abi).fs.withheld, expected, "ABI {abi}");
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
