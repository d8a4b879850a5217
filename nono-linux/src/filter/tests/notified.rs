//! What a supervisor is told of.

use super::*;
use nono_core::{FsAccess, FsCapability, PathKind, Reach, Resolved};

/// `O_PATH`.
const PATH: u64 = 0o10_000_000;

/// What a filter answers on `arch`.
fn action(filtering: &Filtering, arch: Arch, name: &str, arguments: [u64; 4]) -> Option<Action> {
    let [a, b, c, d] = arguments;
    let call = Call::new(arch, Syscall::named(arch, name)?, [a, b, c, d, 0, 0]);
    let program = filtering.program(arch).unwrap();
    let action = program.assemble().unwrap().interpret(&call).unwrap().action();
    assert_eq!(action, program.decide(&call), "{name} {arguments:?}");
    Some(action)
}

fn refused(errno: Errno) -> Action {
    errno.into()
}

#[test]
fn opens_are_notified_but_for_those_of_a_path_alone() {
    let mut all = filtering(CapabilitySet::builder(), 7, &[]);
    all.notified.opens = true;
    for arch in Arch::ALL {
        for (name, arguments, expected) in [
            ("open", [1, 0, 0, 0], Action::Notify),
            ("open", [1, PATH, 0, 0], Action::Allow),
            ("creat", [1, 0, 0, 0], Action::Notify),
            ("openat", [0, 1, 0, 0], Action::Notify),
            ("openat", [0, 1, PATH | 0o2_000_000, 0], Action::Allow),
            ("openat2", [0, 1, 2, 24], Action::Notify),
            ("connect", [0, 1, 16, 0], refused(Errno::EACCES)),
        ] {
            let answer = action(&all, arch, name, arguments);
            assert!(answer.is_none_or(|answer| answer == expected), "{arch:?} {name} {arguments:?}: {answer:?}");
        }
    }
}

#[test]
fn below_abi_3_what_empties_files_is_refused_before_anybody_is_told() {
    let mut old = filtering(CapabilitySet::builder(), 2, &[]);
    old.notified.opens = true;
    assert_eq!(action(&old, Arch::X86_64, "openat", [0, 1, 0o1000, 0]), Some(refused(Errno::EACCES)));
    assert_eq!(action(&old, Arch::X86_64, "openat", [0, 1, 0o1001, 0]), Some(Action::Notify));
    assert_eq!(action(&old, Arch::X86_64, "openat2", [0, 1, 2, 24]), Some(refused(Errno::ENOSYS)));
}

#[test]
fn who_descends_from_whom_stays_what_it_is_whatever_is_done_on_behalf() {
    let none = filtering(CapabilitySet::builder().allow_localhost_port(port(8080)), 7, &[]);
    assert_eq!(action(&none, Arch::X86_64, "clone", [0x8011, 0, 0, 0]), Some(Action::Allow));
    let opens = Notified { opens: true, ..Notified::default() };
    let connects = Notified { connects: true, ..Notified::default() };
    let listens = Notified { listens: true, ..Notified::default() };
    for notified in [opens, connects, listens] {
        let some = Filtering { notified, ..none };
        for arch in Arch::ALL {
            for (name, arguments, expected) in [
                ("landlock_restrict_self", [3, 0, 0, 0], Action::Notify),
                ("clone", [0x8011, 0, 0, 0], refused(Errno::EINVAL)),
                ("clone", [0x0011, 0, 0, 0], Action::Allow),
                ("clone3", [1, 88, 0, 0], refused(Errno::ENOSYS)),
                ("prctl", [36, 1, 0, 0], refused(Errno::EINVAL)),
                ("prctl", [38, 1, 0, 0], Action::Allow),
            ] {
                let answer = action(&some, arch, name, arguments);
                assert_eq!(answer, Some(expected), "{notified:?} {arch:?} {name} {arguments:?}");
            }
        }
    }
}

#[test]
fn sockets_are_notified_where_nothing_else_tells_them_apart() {
    let with = |builder: Builder, abi, accepted: &[Guarantee]| {
        let accepted = accepted.iter().copied().collect();
        Filtering::of(&builder.build().unwrap(), &Kernel::with_abi(abi), &accepted, true).notified
    };
    let told = |connects, listens| Notified { connects, listens, ..Notified::default() };
    let here = || CapabilitySet::builder().allow_localhost_port(port(8080));
    assert_eq!(with(CapabilitySet::builder(), 7, &[]), told(false, false));
    assert_eq!(with(CapabilitySet::builder().allow_tcp_connect(port(443)), 7, &[]), told(false, false));
    assert_eq!(with(CapabilitySet::builder().allow_tcp_bind(port(443)), 7, &[]), told(false, true));
    assert_eq!(with(here(), 7, &[]), told(true, true));
    assert_eq!(with(here(), 7, &[Guarantee::AnyHost]), told(false, true));
    assert_eq!(with(here(), 7, &[Guarantee::AnyHost, Guarantee::ListenAnyPort]), told(false, false));
    assert_eq!(with(CapabilitySet::builder().network(NetworkMode::AllowAll), 7, &[]), told(false, false));
}

#[test]
fn of_unix_sockets_connects_are_notified_below_abi_9_alone() {
    let found = Resolved { path: "/run/socket".into(), kind: PathKind::File, identity: None, is_device: false };
    let grant = FsCapability::from_resolved("/run/socket".into(), found, FsAccess::RESOLVE_UNIX).unwrap();
    let connects = |builder: Builder, abi| {
        Filtering::of(&builder.build().unwrap(), &Kernel::with_abi(abi), &Accepted::default(), true).notified.connects
    };
    for abi in 1..=11 {
        let granted = || CapabilitySet::builder().grant(grant.clone());
        assert_eq!(connects(granted(), abi), abi < 9, "ABI {abi}");
        assert!(!connects(granted().abstract_sockets(Reach::Anywhere), abi), "ABI {abi}: nothing is told apart");
    }
}

#[test]
fn connecting_and_listening_are_notified_apart_from_each_other() {
    for (connects, listens) in [(false, false), (false, true), (true, false), (true, true)] {
        let port = CapabilitySet::builder().allow_localhost_port(port(8080));
        let notified = Notified { connects, listens, ..Notified::default() };
        let some = Filtering { notified, ..filtering(port, 7, &[]) };
        let told = |notified| if notified { Action::Notify } else { Action::Allow };
        for arch in Arch::ALL {
            assert_eq!(action(&some, arch, "connect", [3, 1, 16, 0]), Some(told(connects)), "{notified:?} {arch:?}");
            assert_eq!(action(&some, arch, "listen", [3, 8, 0, 0]), Some(told(listens)), "{notified:?} {arch:?}");
        }
    }
}
