use super::*;
use nono_core::{AccessMode, Builder, Closed, FsCapability, Gap, Mechanism, Resolved};
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
fn command_lines_of_other_processes_are_seen_by_who_reads_proc() {
    let directory = |path, access| work().grant(grant(path, PathKind::Directory, access));
    for (path, access, seen) in [
        ("/proc", FsAccess::READ_FILE, true),
        ("/", FsAccess::READ_FILE, true),
        ("/proc", FsAccess::READ_DIR, false), // names alone
        ("/proc/1", FsAccess::READ_FILE, true),
        ("/proc/1/task/1", FsAccess::READ_FILE, true),
        ("/proc/sys", FsAccess::READ_FILE, false),
        ("/usr", FsAccess::READ_FILE, false),
    ] {
        for abi in ABIS {
            let made = planned(directory(path, access), abi).enforcement;
            assert_eq!(made.gap(Guarantee::ProcessList).is_some(), seen, "{path} {access:?} on ABI {abi}");
            let kept = (!seen).then_some(Mechanism::Landlock);
            assert_eq!(made.mechanism(Guarantee::ProcessList), kept, "{path} {access:?} on ABI {abi}");
        }
    }
}

#[test]
fn command_lines_are_not_hidden_by_a_deny_that_is_not_kept() {
    let set = CapabilitySet::builder().grant(grant("/", PathKind::Directory, FsAccess::READ_FILE));
    let set = set.deny_resolved("/proc".into()).unwrap().build().unwrap();
    let gap = Gap::new(Guarantee::Deny, "/proc would stay open", "another grant");
    let open = Choice { gap: Some(gap), ..Choice::default() };
    let closed = Choice::default();
    for (choice, accepted, seen) in [
        (Some(&closed), Accepted::default(), false),
        (Some(&open), Accepted::default(), true),
        (Some(&closed), Accepted::from_iter([Guarantee::Deny]), true),
        (None, Accepted::default(), true),
    ] {
        let around = Surroundings { supervisor: false, denies: choice };
        let made = compile(&set, &Kernel::with_abi(7), &accepted, around).unwrap().enforcement;
        assert_eq!(made.gap(Guarantee::ProcessList).is_some(), seen, "{choice:?} {accepted:?}");
    }
}

#[test]
fn one_denied_path_that_stays_open_is_a_gap_whatever_closes_the_others() {
    let mechanism = Mechanism::MountNamespace;
    let closed = Choice { denied: vec![Closed { path: "/work/closed".into(), mechanism }], ..Choice::default() };
    let gap = Gap::new(Guarantee::Deny, "/work/open would stay open", "another grant");
    let open = Choice { gap: Some(gap.clone()), ..closed.clone() };
    let set = work().deny_resolved("/work/closed".into()).and_then(|set| set.deny_resolved("/work/open".into()));
    let set = set.unwrap().build().unwrap();
    for abi in ABIS {
        let made = |choice| {
            let around = Surroundings { supervisor: false, denies: Some(choice) };
            compile(&set, &Kernel::with_abi(abi), &Accepted::default(), around).unwrap().enforcement
        };
        let kept = made(&closed);
        assert_eq!((kept.mechanism(Guarantee::Deny), kept.gap(Guarantee::Deny)), (Some(mechanism), None));
        assert_eq!(kept.denied, closed.denied, "ABI {abi}");
        let left = made(&open);
        assert_eq!((left.mechanism(Guarantee::Deny), left.gap(Guarantee::Deny)), (None, Some(&gap)));
        assert_eq!(left.denied, [], "ABI {abi}: nothing is said to be closed");
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
fn scopes_are_on_by_default_from_abi_6_and_go_when_asked() {
    for abi in ABIS {
        assert_eq!(planned(work(), abi).scopes, Scopes { signals: abi >= 6, abstract_sockets: abi >= 6 });
        let loud = planned(work().signals(Reach::Anywhere).abstract_sockets(Reach::Anywhere), abi);
        assert_eq!(loud.scopes, Scopes::default());
        for open in [Guarantee::Signals, Guarantee::AbstractSockets] {
            assert_eq!(loud.enforcement.mechanism(open), None, "{open} on ABI {abi}: nothing is promised");
            assert_eq!(loud.enforcement.gap(open), None, "{open} on ABI {abi}: nothing is missing");
        }
    }
}

#[test]
fn rename_between_directories_is_withheld_on_abi_1_alone() {
    for abi in ABIS {
        let expected = if abi == 1 { FsAccess::REFER } else { FsAccess::empty() };
        assert_eq!(planned(work(), abi).fs.withheld, expected, "ABI {abi}");
    }
}

mod network;
