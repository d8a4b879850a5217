//! What the filter of system calls refuses by itself: the verdict, and which guarantee it is refused for.

use crate::abi::Kernel;
use crate::filter::{Filtering, Notified};
use nono_core::{Accepted, CapabilitySet, Guarantee};
use nono_seccomp::{Action, Arch, BuildError, Call, Errno, Program};
use std::sync::OnceLock;

/// A refused system call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RefusedCall {
    /// Its name.
    pub name: &'static str,
    /// Of `socket` and `socketpair`: the family and the type, without their flags.
    pub socket: Option<(u32, u32)>,
    /// The error that the program gets.
    pub errno: i32,
    /// The guarantee without which the filter would let it pass; none if no single one would.
    pub guarantee: Option<Guarantee>,
}

/// The type of a socket; above it are `SOCK_NONBLOCK` and `SOCK_CLOEXEC` (linux/net.h).
const SOCK_TYPE: u64 = 0xf;

/// The filter that a program has, as far as it decides by itself.
#[derive(Debug)]
pub(super) struct Verdicts {
    program: Program,
    /// With one guarantee less each, made when the first call is refused.
    without: OnceLock<Vec<(Guarantee, Program)>>,
    made_of: (CapabilitySet, Kernel, Accepted),
}

impl Verdicts {
    pub(super) fn new(
        set: &CapabilitySet,
        kernel: &Kernel,
        accepted: &Accepted,
        filtering: &Filtering,
    ) -> Result<Verdicts, BuildError> {
        let arch = Arch::NATIVE.unwrap_or(Arch::X86_64);
        let program = unobserved(filtering).program(arch)?;
        Ok(Verdicts { program, without: OnceLock::new(), made_of: (set.clone(), *kernel, accepted.clone()) })
    }

    /// What becomes of a call: of its registers alone, so it is what the filter itself would have answered.
    pub(super) fn of(&self, call: &Call) -> Action {
        self.program.decide(call)
    }

    /// What is to be told of a call that fails with `errno`.
    pub(super) fn told(&self, call: &Call, errno: Errno) -> RefusedCall {
        let name = Arch::NATIVE.and_then(|arch| call.syscall().name(arch)).unwrap_or("a system call");
        let low = |value: u64| u32::try_from(value & u64::from(u32::MAX)).unwrap_or_default();
        let [family, kind, ..] = call.arguments;
        let socket = matches!(name, "socket" | "socketpair").then(|| (low(family), low(kind & SOCK_TYPE)));
        RefusedCall { name, socket, errno: i32::from(errno.number()), guarantee: self.guarantee(call) }
    }

    fn guarantee(&self, call: &Call) -> Option<Guarantee> {
        let (set, kernel, accepted) = &self.made_of;
        let with = |one| Guarantee::ALL.into_iter().filter(move |other| *other == one || accepted.contains(*other));
        let program = |one| {
            let filtering = unobserved(&Filtering::of(set, kernel, &with(one).collect(), false));
            Some((one, filtering.program(self.program.arch()).ok()?))
        };
        let without = self.without.get_or_init(|| Guarantee::ALL.into_iter().filter_map(program).collect());
        let passes = |program: &Program| !matches!(program.decide(call), Action::Errno(_));
        without.iter().find(|(_, program)| passes(program)).map(|(one, _)| *one)
    }
}

fn unobserved(filtering: &Filtering) -> Filtering {
    Filtering { notified: Notified { observed: false, ..filtering.notified }, ..*filtering }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_seccomp::Syscall;

    /// What is told of a call under an empty set.
    fn told(name: &str, arguments: [u64; 3]) -> Option<RefusedCall> {
        let (set, kernel, accepted) = (CapabilitySet::default(), Kernel::with_abi(7), Accepted::default());
        let mut filtering = Filtering::of(&set, &kernel, &accepted, false);
        filtering.notified.observed = true;
        let arch = Arch::NATIVE?;
        let [a, b, c] = arguments;
        let call = Call::new(arch, Syscall::named(arch, name).unwrap(), [a, b, c, 0, 0, 0]);
        let verdicts = Verdicts::new(&set, &kernel, &accepted, &filtering).unwrap();
        assert_eq!(filtering.program(arch).unwrap().decide(&call), Action::Notify, "{name}: an observer is told");
        match verdicts.of(&call) {
            Action::Errno(number) => Some(verdicts.told(&call, Errno::new(i32::from(number)).unwrap())),
            _ => None,
        }
    }

    #[test]
    fn the_guarantee_is_the_one_without_which_it_would_pass() {
        for (name, arguments, errno, guarantee) in [
            ("unshare", [0x1000_0000, 0, 0], libc::EPERM, Some(Guarantee::UserNamespaces)),
            ("bpf", [0, 0, 0], libc::EPERM, Some(Guarantee::KernelSurface)),
            ("ioctl", [0, 0x5412, 0], libc::EPERM, Some(Guarantee::Terminal)),
            ("shmget", [0, 0, 0], libc::ENOSYS, Some(Guarantee::Ipc)),
            ("setxattr", [0, 0, 0], libc::EOPNOTSUPP, Some(Guarantee::Attributes)),
            ("socket", [1, 1, 0], libc::EAFNOSUPPORT, Some(Guarantee::UnixSockets)),
            ("socket", [2, 1, 0], libc::EACCES, Some(Guarantee::TcpPorts)),
            ("socket", [2, 2 | 0o2_000_000, 0], libc::EACCES, Some(Guarantee::Udp)),
            ("socket", [16, 3, 9], libc::EAFNOSUPPORT, Some(Guarantee::OtherProtocols)),
            ("io_uring_setup", [1, 0, 0], libc::ENOSYS, None),
        ] {
            let call = told(name, arguments).unwrap();
            assert_eq!((call.name, call.guarantee), (name, guarantee), "{arguments:?}");
            if name != "shmget" {
                assert_eq!(call.errno, errno, "{name}");
            }
        }
        assert_eq!(told("socket", [2, 2 | 0o2_000_000, 0]).unwrap().socket, Some((2, 2)));
    }

    #[test]
    fn what_the_filter_lets_pass_is_not_refused() {
        assert_eq!(told("openat", [0, 0, 0]), None);
        assert_eq!(told("execve", [0, 0, 0]), None);
    }
}
