//! Does the filter refuse each call it has a rule for, on the running kernel, and is each of these calls open without it?
//!
//! The calls are made with arguments that get nowhere (bad descriptors, addresses where nothing is), so that the error tells
//! who refused: the kernel at the arguments, or the filter before it looked.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use nono_core::{Accepted, Builder, CapabilitySet, Port};
use nono_linux::{Filtering, Kernel, plan};
use nono_seccomp::{Action, Arch, Call, InstallFlags, Program, Syscall, set_no_new_privs};
use nono_tests::child::Child;
use nono_tests::need::{self, Need};
use nono_tests::raw::{self, NOWHERE};
use std::collections::{BTreeMap, BTreeSet};

/// The lowest ABI, where the filter has the most to do.
const ABI: u32 = 1;
/// A process that is not there: above every limit (`pid_max`).
const NOBODY: u64 = 0x7fff_fff0;
const ENOSYS: i32 = 38;
const EPERM: i32 = 1;

/// What the filter closes for a program without a network, and for one with ports.
fn programs(arch: Arch) -> [Program; 2] {
    let ports = |builder: Builder| builder.allow_tcp_connect(Port::try_from(443).unwrap());
    let program = |builder: Builder| {
        let set = builder.build().unwrap();
        let filtering: Filtering = plan(&set, &Kernel::with_abi(ABI), &Accepted::default()).unwrap().filter;
        filtering.program(arch).unwrap()
    };
    [program(CapabilitySet::builder()), program(ports(CapabilitySet::builder()))]
}

/// Arguments that get nowhere, and that the rule of the call is about.
fn arguments(name: &str) -> [u64; 6] {
    let some: &[u64] = match name {
        "clone" => &[0x1000_0200],       // with CLONE_FS: EINVAL
        "unshare" => &[0x1000_0001],     // with a bit that is no flag: EINVAL
        "personality" => &[0x0004_0000], // done, and harmless
        "ioctl" => &[u64::MAX, 0x5412],
        "open" => &[NOWHERE, 0o1000],
        "openat" => &[u64::MAX, NOWHERE, 0o1000],
        "prlimit64" => &[NOBODY, 7, NOWHERE],
        "setpriority" => &[0, NOBODY, 0],
        "ioprio_set" => &[1, NOBODY, 0],
        "sched_setaffinity" | "sched_setscheduler" | "sched_setparam" | "sched_setattr" => &[NOBODY, 8, NOWHERE],
        "socket" => &[2, 2, 0],
        "socketpair" => &[2, 1, 0, NOWHERE],
        "sendto" | "sendmmsg" => &[u64::MAX, NOWHERE, 1, 0x2000_0000],
        "setsockopt" => &[u64::MAX, 6, 31],
        "sendmsg" => &[u64::MAX, NOWHERE, 0x2000_0000],
        "modify_ldt" | "move_pages" | "vhangup" => &[],
        "io_uring_setup" => &[1, NOWHERE],
        "mq_open" | "mq_unlink" | "mount" => &[NOWHERE, NOWHERE, NOWHERE, 0, 0, 0],
        _ => &[u64::MAX; 6],
    };
    std::array::from_fn(|at| some.get(at).copied().unwrap_or_default())
}

/// What the kernel says to a call: 0, or the error number.
fn said(call: Syscall, arguments: [u64; 6]) -> i32 {
    match raw::call(call.number(), arguments) {
        Err(errno) => errno,
        // What was made is closed when the child ends.
        Ok(_) => 0,
    }
}

/// The answers outside and behind the filter, `outside inside` a call.
fn answers(program: &Program, calls: &[(Syscall, [u64; 6])]) -> Vec<String> {
    let hangs_up = Syscall::named(program.arch(), "vhangup");
    // It would hang up the terminal of whoever runs the tests. Without privileges the kernel refuses it.
    let outside = |call| if Some(call) == hangs_up { |_, _| EPERM } else { said };
    let outside: Vec<i32> = calls.iter().map(|(call, arguments)| outside(*call)(*call, *arguments)).collect();
    set_no_new_privs().unwrap();
    program.assemble().unwrap().install(InstallFlags::empty()).unwrap();
    let inside = calls.iter().map(|(call, arguments)| said(*call, *arguments));
    outside.iter().zip(inside).map(|(outside, inside)| format!("{outside} {inside}")).collect()
}

/// Holds every call of both programs against the kernel. What is skipped is said at the end: children, who come by here
/// on their way, say nothing.
fn check(user: &str, child: &Child, arch: Arch) {
    let programs = programs(arch);
    let calls = programs
        .each_ref()
        .map(|program| program.syscalls().map(|call| (call, arguments(call.name(arch).unwrap()))).collect::<Vec<_>>());
    let said: Vec<Vec<String>> =
        programs.iter().zip(&calls).map(|(program, calls)| child.clone().run(|| answers(program, calls))).collect();
    let (mut shown, mut skipped, mut wrong) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
    for ((program, calls), said) in programs.iter().zip(&calls).zip(said) {
        for ((call, arguments), answer) in calls.iter().zip(said) {
            let name = call.name(arch).unwrap();
            let (outside, inside) = answer.split_once(' ').unwrap();
            let [outside, inside]: [i32; 2] = [outside, inside].map(|number| number.parse().unwrap());
            let expected = match program.decide(&Call::new(arch, *call, *arguments)) {
                Action::Errno(errno) => i32::from(errno),
                other => panic!("{name} is not refused with {arguments:x?}: {other:?}"),
            };
            if inside != expected {
                wrong.push(format!("{name}: {inside} inside, {expected} by the rule"));
            } else if outside == ENOSYS {
                skipped.insert(name, "not of this kernel");
            } else if outside != expected {
                shown.insert(name);
            } else if outside == EPERM {
                skipped.insert(name, "privileged outside too");
            } else {
                wrong.push(format!("{name}: {outside} outside and inside, which shows nothing"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{user}: {} calls open without the filter and refused with it", shown.len());
    for (name, why) in skipped.iter().filter(|(name, _)| !shown.contains(**name)) {
        need::skip(&format!("filter: {name} as {user}"), why);
    }
    assert!(shown.len() > 60, "{shown:?}");
}

#[test]
fn every_rule_closes_a_call_that_is_open_without_it() {
    nono_tests::need!(Need::Seccomp);
    let Some(arch) = Arch::NATIVE else { return need::skip("filter", "no system call numbers for this machine") };
    check("the user of the tests", &Child::default(), arch);
}

#[test]
fn every_rule_holds_for_nobody_too() {
    nono_tests::need!(Need::Seccomp, Need::Root);
    let Some(arch) = Arch::NATIVE else { return need::skip("filter", "no system call numbers for this machine") };
    check("nobody", &Child::default().as_nobody(), arch);
}

#[test]
fn a_call_by_the_table_of_another_architecture_ends_the_process() {
    nono_tests::need!(Need::Seccomp);
    let Some(arch) = Arch::NATIVE else { return need::skip("filter", "no system call numbers for this machine") };
    let [program, _] = programs(arch);
    let foreign = Arch::ALL.into_iter().find(|other| *other != arch).unwrap();
    let call = Call::new(foreign, Syscall::from_number(1), [0; 6]);
    assert_eq!(program.decide(&call), Action::KillProcess);
    assert_eq!(program.assemble().unwrap().interpret(&call).unwrap().action(), Action::KillProcess);
}
