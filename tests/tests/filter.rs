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

/// Holds every call of `program` against the kernel.
fn check(user: &str, child: &Child, arch: Arch, program: &Program, already: &mut Vec<String>) {
    let calls: Vec<(Syscall, [u64; 6])> =
        program.syscalls().map(|call| (call, arguments(call.name(arch).unwrap()))).collect();
    let answers = child.clone().run(|| answers(program, &calls));
    let (mut shown, mut wrong) = (0, Vec::new());
    for ((call, arguments), answer) in calls.iter().zip(answers) {
        let name = call.name(arch).unwrap();
        let (outside, inside) = answer.split_once(' ').unwrap();
        let [outside, inside]: [i32; 2] = [outside, inside].map(|number| number.parse().unwrap());
        let expected = match program.decide(&Call::new(arch, *call, *arguments)) {
            Action::Errno(errno) => i32::from(errno),
            other => panic!("{name} is not refused with {arguments:x?}: {other:?}"),
        };
        if inside != expected {
            wrong.push(format!("{name}: {inside} inside, {expected} by the rule"));
        } else if outside != expected && outside != ENOSYS {
            shown += 1;
            already.push(name.to_owned());
        } else if !already.iter().any(|known| known == name) {
            let why = if outside == ENOSYS {
                "not of this kernel"
            } else if outside == EPERM {
                "privileged outside too"
            } else {
                "the same error outside"
            };
            if why == "the same error outside" {
                wrong.push(format!("{name}: {outside} outside and inside, which shows nothing"));
            }
            need::skip(&format!("filter: {name} as {user}"), why);
        }
    }
    println!("{user}: {shown} of {} calls open without the filter and refused with it", calls.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(shown * 2 > calls.len(), "{shown} of {}", calls.len());
}

#[test]
fn every_rule_closes_a_call_that_is_open_without_it() {
    nono_tests::need!(Need::Seccomp);
    let Some(arch) = Arch::NATIVE else { return need::skip("filter", "no system call numbers for this machine") };
    let mut already = Vec::new();
    for program in &programs(arch) {
        check("the user of the tests", &Child::default(), arch, program, &mut already);
    }
}

#[test]
fn every_rule_holds_for_nobody_too() {
    nono_tests::need!(Need::Seccomp, Need::Root);
    let Some(arch) = Arch::NATIVE else { return need::skip("filter", "no system call numbers for this machine") };
    let mut already = Vec::new();
    for program in &programs(arch) {
        check("nobody", &Child::default().as_nobody(), arch, program, &mut already);
    }
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
