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
    plan(&builder.build().unwrap(), &Kernel::with_abi(abi)).unwrap()
}

const ABIS: std::ops::RangeInclusive<u32> = 1..=11;

#[test]
fn without_landlock_there_is_no_plan_but_a_reason() {
    for absence in [Absence::NotBuilt, Absence::Disabled, Absence::Blocked, Absence::NotBuiltOrBlocked] {
        let kernel = Kernel { absence: Some(absence), ..Kernel::with_abi(0) };
        assert_eq!(plan(&CapabilitySet::default(), &kernel), Err(absence));
    }
}

#[test]
fn each_guarantee_of_landlock_holds_from_its_abi_on() {
    for abi in ABIS {
        let made = planned(work(), abi).enforcement;
        for (guarantee, since) in [
            (Guarantee::Files, 1),
            (Guarantee::Processes, 1),
            (Guarantee::ProcessList, 1), // /proc is not granted here
            (Guarantee::Truncate, 3),
            (Guarantee::DeviceIoctl, 5),
            (Guarantee::Signals, 6),
            (Guarantee::AbstractSockets, 6),
            (Guarantee::UnixSockets, 9),
            (Guarantee::Udp, 10),
        ] {
            let expected = (abi >= since).then_some(Mechanism::Landlock);
            assert_eq!(made.mechanism(guarantee), expected, "{guarantee} on ABI {abi}");
            assert_eq!(made.gap(guarantee).is_none(), expected.is_some(), "{guarantee} on ABI {abi}");
        }
    }
}

#[test]
fn what_landlock_alone_cannot_keep_is_a_gap_on_every_abi() {
    let set = || work().allow_localhost_port(port(3000));
    for abi in ABIS {
        let made = planned(set(), abi).enforcement;
        for guarantee in [
            Guarantee::Network,
            Guarantee::TcpPorts,
            Guarantee::AnyHost,
            Guarantee::ListenAnyPort,
            Guarantee::Terminal,
            Guarantee::KernelSurface,
            Guarantee::Metadata,
            Guarantee::OtherProcesses,
            Guarantee::Environment,
            Guarantee::Descriptors,
            Guarantee::CoreDumps,
            Guarantee::Ipc,
        ] {
            assert!(made.gap(guarantee).is_some(), "{guarantee} on ABI {abi}");
        }
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
    assert_eq!(paths(9)[0].path, Path::new("/run/socket"));
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
