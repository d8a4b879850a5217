use super::*;
use nono_core::{Builder, NetworkMode, Port};
use nono_seccomp::{Call, Syscall};

/// Makes one set again and again.
type Make = fn() -> Builder;

fn port(number: u16) -> Port {
    Port::try_from(number).unwrap()
}

fn filtering(builder: Builder, abi: u32, accepted: &[Guarantee]) -> Filtering {
    Filtering::of(&builder.build().unwrap(), &Kernel::with_abi(abi), &accepted.iter().copied().collect(), false)
}

/// What the assembled filter answers, `None` for letting the call pass.
fn answer(filtering: &Filtering, arch: Arch, name: &str, arguments: &[u64]) -> Option<Errno> {
    let mut registers = [0; 6];
    registers[..arguments.len()].copy_from_slice(arguments);
    let call = Call::new(arch, Syscall::named(arch, name).unwrap_or_else(|| panic!("{name}")), registers);
    let program = filtering.program(arch).unwrap();
    let action = program.assemble().unwrap().interpret(&call).unwrap().action();
    assert_eq!(action, program.decide(&call), "{name} {arguments:?}");
    match action {
        Action::Allow => None,
        Action::Errno(number) => Errno::new(number.into()),
        other => panic!("{name} {arguments:?}: {other:?}"),
    }
}

const NO: Option<Errno> = Some(Errno::EPERM);
/// Above an `int`, where the kernel does not look.
const HIGH: u64 = 1 << 32;

const UNIX: u64 = 1;
const INET: u64 = 2;
const STREAM: u64 = 1;
const DGRAM: u64 = 2;

#[test]
fn the_default_closes_what_no_program_needs_and_nothing_it_does() {
    let default = filtering(CapabilitySet::builder(), 7, &[]);
    for arch in Arch::ALL {
        for (name, arguments, expected) in [
            ("read", &[0, 0, 0][..], None),
            ("openat", &[0, 0, 0o1000], None),
            ("execve", &[], None),
            ("clone", &[0x0100_0011], None),
            ("clone", &[0x003d_0f00], None), // a thread
            ("clone", &[0x80], None),        // part of the exit signal
            ("clone", &[0x1000_0000], NO),
            ("clone", &[0x0002_0011 | HIGH], NO),
            ("clone3", &[], Some(Errno::ENOSYS)),
            ("unshare", &[0x400], None), // CLONE_FILES
            ("unshare", &[0x80], NO),
            ("unshare", &[0x4000_0000 | HIGH], NO),
            ("setns", &[], NO),
            ("chroot", &[], NO),
            ("io_uring_setup", &[], Some(Errno::ENOSYS)),
            ("io_uring_enter", &[], Some(Errno::ENOSYS)),
            ("mount_setattr", &[], NO),
            ("bpf", &[], NO),
            ("keyctl", &[], NO),
            ("personality", &[0xffff_ffff], None),
            ("personality", &[0x004_0000], NO),
            ("ioctl", &[0, 0x5401], None), // TCGETS
            ("ioctl", &[0, 0x5413], None), // TIOCGWINSZ
            ("ioctl", &[0, 0x5412], NO),
            ("ioctl", &[0, 0x5412 | HIGH], NO),
            ("ioctl", &[0, 0x541c], NO),
            ("ioctl", &[0, 0x4008_6602], NO),
            ("ioctl", &[0, 0x4004_9409], None), // FICLONE
            ("setxattr", &[], Some(Errno::EOPNOTSUPP)),
            ("getxattr", &[], None),
            ("prlimit64", &[0, 7, 1], None),
            ("prlimit64", &[HIGH, 7, 1], None),
            ("prlimit64", &[4711, 7, 0], None), // asks only
            ("prlimit64", &[4711, 7, HIGH], NO),
            ("sched_setaffinity", &[0, 8, 1], None),
            ("sched_setaffinity", &[4711, 8, 1], NO),
            ("setpriority", &[0, 0, 5], None),
            ("setpriority", &[0, 4711, 5], NO),
            ("setpriority", &[2, 0, 5], NO), // all of the user's
            ("shmget", &[], NO),
            ("mq_open", &[], NO),
        ] {
            assert_eq!(answer(&default, arch, name, arguments), expected, "{name} {arguments:x?} on {arch}");
        }
    }
}

#[test]
fn below_abi_3_nothing_is_emptied_without_being_opened_for_writing() {
    for abi in 1..=11 {
        let default = filtering(CapabilitySet::builder(), abi, &[]);
        let refused = |expected| if abi < 3 { Some(expected) } else { None };
        for (name, arguments, expected) in [
            ("truncate", &[][..], refused(Errno::EACCES)),
            ("openat2", &[], refused(Errno::ENOSYS)),
            ("openat", &[0, 0, 0o1000], refused(Errno::EACCES)),
            ("openat", &[0, 0, 0o1003 | HIGH], refused(Errno::EACCES)),
            ("open", &[0, 0o1103], refused(Errno::EACCES)),
            ("openat", &[0, 0, 0o1001], None),
            ("openat", &[0, 0, 0o1102], None),
            ("openat", &[0, 0, 0o3], None),
            ("creat", &[], None),
            ("ftruncate", &[], None),
        ] {
            assert_eq!(answer(&default, Arch::X86_64, name, arguments), expected, "{name} {arguments:x?} on {abi}");
        }
    }
}

#[test]
fn each_part_goes_when_its_guarantee_is_accepted_away_and_no_other() {
    let calls: [(Guarantee, &str, &[u64]); 9] = [
        (Guarantee::KernelSurface, "bpf", &[]),
        (Guarantee::UserNamespaces, "unshare", &[0x1000_0000]),
        (Guarantee::Terminal, "ioctl", &[0, 0x5412]),
        (Guarantee::OtherProcesses, "setpriority", &[0, 4711]),
        (Guarantee::Ipc, "shmget", &[]),
        (Guarantee::Attributes, "setxattr", &[]),
        (Guarantee::OtherProtocols, "socket", &[INET, 3]),
        (Guarantee::UnixSockets, "socket", &[UNIX, STREAM]),
        (Guarantee::Udp, "socket", &[INET, DGRAM]),
    ];
    for (accepted, ..) in calls {
        let without = filtering(CapabilitySet::builder(), 7, &[accepted]);
        for (guarantee, name, arguments) in calls {
            let open = answer(&without, Arch::X86_64, name, arguments).is_none();
            assert_eq!(open, guarantee == accepted, "{name} without {accepted}");
        }
        // A ring would make every other rule void.
        assert_eq!(answer(&without, Arch::X86_64, "io_uring_setup", &[]), Some(Errno::ENOSYS), "{accepted}");
    }
    let nothing = filtering(CapabilitySet::builder(), 7, &Guarantee::ALL);
    assert_eq!(nothing.sockets, None);
    assert_eq!(nothing, Filtering::default(), "all accepted: no filter");
}

#[test]
fn every_combination_assembles_on_every_architecture() {
    let sets: [Make; 5] = [
        CapabilitySet::builder,
        || CapabilitySet::builder().network(NetworkMode::AllowAll),
        || CapabilitySet::builder().allow_tcp_connect(port(443)),
        || CapabilitySet::builder().allow_localhost_port(port(443)),
        || CapabilitySet::builder().allow_name_lookups(),
    ];
    for set in sets {
        for abi in 1..=11 {
            for left_off in Guarantee::ALL.map(Some).into_iter().chain([None]) {
                let filtering = filtering(set(), abi, left_off.as_slice());
                for arch in Arch::ALL {
                    let filter = filtering.program(arch).unwrap().assemble().unwrap();
                    let length = filter.instructions().len();
                    // The kernel takes 4096; what costs is a call that goes all the way through.
                    assert!(length < 400, "{length} instructions for {filtering:?}");
                }
            }
        }
    }
}

#[test]
fn without_seccomp_there_is_no_filter() {
    let kernel = Kernel { seccomp: false, ..Kernel::with_abi(7) };
    assert_eq!(Filtering::of(&CapabilitySet::default(), &kernel, &Accepted::default(), false), Filtering::default());
}

mod notified;
mod sockets;
