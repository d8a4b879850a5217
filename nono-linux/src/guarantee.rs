//! Which mechanism of this kernel keeps each promise, or why none does: the one table behind `plan`, `support` and
//! `doctor`.

use crate::abi::{Abi, Kernel};
use crate::carveout::Choice;
use crate::filter::{Filtering, Sockets, Tcp, Unix};
use nono_core::{Accepted, CapabilitySet, FsAccess, FsCapability, Gap, Guarantee, Mechanism, NetworkMode, Reach};
use std::path::Path;

/// What an answer depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation<'a> {
    pub(crate) set: &'a CapabilitySet,
    pub(crate) kernel: &'a Kernel,
    pub(crate) accepted: &'a Accepted,
    pub(crate) filter: &'a Filtering,
    /// What is done about denied paths; none if that was not looked into.
    pub(crate) denies: Option<&'a Choice>,
}

type Answer = Result<Mechanism, Gap>;

/// What closes a gap that the user asked for.
const LEFT_OFF: &str = "leaving out --accept-gap";

/// What closes a gap that a supervisor would close.
const WITHOUT_SUPERVISOR: &str = "leaving out --accept-gap: a supervisor then does it on the program's behalf, where the \
                                  kernel can notify one (Linux 5.14)";

impl Situation<'_> {
    /// What keeps `guarantee`; none if nothing in the set asks for it.
    pub(crate) fn answer(&self, guarantee: Guarantee) -> Option<Answer> {
        self.asked_for(guarantee).then(|| match guarantee {
            Guarantee::OtherProtocols
            | Guarantee::TcpPorts
            | Guarantee::AnyHost
            | Guarantee::ListenAnyPort
            | Guarantee::Udp
            | Guarantee::UnixSockets
            | Guarantee::AbstractSockets => self.network(guarantee),
            Guarantee::Terminal
            | Guarantee::KernelSurface
            | Guarantee::UserNamespaces
            | Guarantee::Attributes
            | Guarantee::OtherProcesses
            | Guarantee::Ipc => self.by_filter(guarantee),
            Guarantee::Capabilities | Guarantee::Environment | Guarantee::Descriptors | Guarantee::CoreDumps => {
                self.by_launch(guarantee)
            }
            _ => self.by_landlock(guarantee),
        })
    }

    /// Whether the promise says anything about a program with the capabilities of the set.
    fn asked_for(&self, guarantee: Guarantee) -> bool {
        let closed = *self.set.network() != NetworkMode::AllowAll;
        match guarantee {
            Guarantee::Signals => self.set.signals() == Reach::Inside,
            Guarantee::AbstractSockets => self.set.abstract_sockets() == Reach::Inside,
            Guarantee::Deny => !self.set.denies().is_empty(),
            Guarantee::AnyHost => !self.set.tcp_connect_here().is_empty(),
            Guarantee::OtherProtocols | Guarantee::TcpPorts | Guarantee::ListenAnyPort | Guarantee::Udp => closed,
            _ => true,
        }
    }

    /// The promises about files and processes.
    fn by_landlock(&self, guarantee: Guarantee) -> Answer {
        let gap = |risk, remedy: &'static str| Err(Gap::new(guarantee, risk, remedy));
        let landlock = |since, risk| self.landlock(guarantee, since, risk);
        match guarantee {
            Guarantee::Files => landlock(1, "the program reads and writes whatever you can"),
            Guarantee::Truncate if self.filter.truncate => Ok(Mechanism::Seccomp),
            Guarantee::Truncate => landlock(3, "the program can empty every file you may write, without opening it"),
            Guarantee::DeviceIoctl => {
                landlock(5, "the program can reconfigure any device it can open, such as a terminal")
            }
            Guarantee::Processes => landlock(1, "the program can trace your other processes"),
            Guarantee::Signals => landlock(6, "the program can end your other processes"),
            Guarantee::Deny => self.deny(),
            Guarantee::ProcessList if self.closes_proc() => {
                landlock(1, "the program can read the command lines of your other processes")
            }
            Guarantee::ProcessList => gap(
                "the program can read the command lines of other processes in /proc",
                "not granting /proc (--no-system, and what the program needs by --read)",
            ),
            _ => Err(Gap::limit(
                guarantee,
                "the program can change permissions and times of files you own (as root with a granted path of another \
                 user's, CAP_DAC_OVERRIDE: set times to now on any), and can see whether a path exists, its size and \
                 times, and that it is used (inotify)",
                "no released kernel: a Landlock right for it is proposed",
            )),
        }
    }

    fn deny(&self) -> Answer {
        let guarantee = Guarantee::Deny;
        let risk = "what is denied below a granted directory stays open";
        match self.denies {
            _ if self.accepted.contains(guarantee) => Err(Gap::new(guarantee, risk, LEFT_OFF)),
            Some(Choice { gap: Some(gap), .. }) => Err(gap.clone()),
            Some(choice) => Ok(choice.mechanism()),
            None => Err(Gap::new(guarantee, risk, "granting the directories beside the denied path, one by one")),
        }
    }

    /// What the filter keeps on every kernel that has filters, unless it was left off.
    fn by_filter(&self, guarantee: Guarantee) -> Answer {
        let filter = self.filter;
        let (on, risk) = match guarantee {
            Guarantee::Terminal => {
                (filter.terminal, "the program can type into your terminal (TIOCSTI), to be run when it has ended")
            }
            Guarantee::OtherProcesses => (
                filter.other_processes,
                "the program can change limits, priorities and processors of your other processes",
            ),
            Guarantee::Ipc => (filter.ipc, "the program can use System V and POSIX IPC of your other processes"),
            Guarantee::Attributes => (
                filter.attributes,
                "the program can change extended attributes and flags of files you own, and of others it may write",
            ),
            Guarantee::UserNamespaces => {
                (filter.namespaces, "the program can have every capability in namespaces of its own")
            }
            _ => (filter.surface, "the program can use rarely used parts of the kernel (keyrings, bpf, perf events)"),
        };
        if on { Ok(Mechanism::Seccomp) } else { Err(self.unfiltered(guarantee, risk)) }
    }

    /// What is set up before the program starts, on every kernel.
    fn by_launch(&self, guarantee: Guarantee) -> Answer {
        let left_off = self.accepted.contains(guarantee);
        match guarantee {
            Guarantee::Environment if left_off => Err(Gap::new(
                guarantee,
                "the program sees every variable of your environment, credentials included",
                LEFT_OFF,
            )),
            Guarantee::Descriptors if left_off => {
                Err(Gap::new(guarantee, "the program uses every file that was left open above descriptor 2", LEFT_OFF))
            }
            Guarantee::CoreDumps if left_off || !self.kernel.core_limit => Err(Gap::new(
                guarantee,
                "a crash can start the system's handler of core dumps, or write one to a granted directory",
                if left_off { LEFT_OFF } else { "a hard limit of core files that is not 0 (ulimit -Hc)" },
            )),
            _ => Ok(Mechanism::Launch),
        }
    }

    /// The promises about a network that is not open, and about sockets on this machine.
    fn network(&self, guarantee: Guarantee) -> Answer {
        let closed = |part: fn(&Sockets) -> bool| self.kernel.seccomp && self.filter.sockets.as_ref().is_some_and(part);
        let gap = |risk| Err(self.unfiltered(guarantee, risk));
        let landlock = |since, risk| self.landlock(guarantee, since, risk);
        match guarantee {
            Guarantee::OtherProtocols if closed(|sockets| !sockets.rare) => Ok(Mechanism::Seccomp),
            Guarantee::OtherProtocols => gap("the program can send and receive by raw sockets and rare protocols"),
            // No TCP socket at all, on any kernel.
            Guarantee::TcpPorts if closed(|sockets| sockets.tcp == Tcp::None) => Ok(Mechanism::Seccomp),
            Guarantee::TcpPorts if self.kernel.abi < Abi(4) => {
                landlock(4, "the program can connect to any host by TCP")
            }
            Guarantee::TcpPorts if closed(|sockets| sockets.tcp == Tcp::Ports) => Ok(Mechanism::LandlockAndSeccomp),
            Guarantee::TcpPorts => gap("the program can connect to any host, if not by TCP then by MPTCP or Fast Open"),
            Guarantee::ListenAnyPort if closed(|sockets| !sockets.listen || sockets.tcp == Tcp::None) => {
                Ok(Mechanism::Seccomp)
            }
            Guarantee::ListenAnyPort if self.filter.notified.listens => Ok(Mechanism::Supervisor),
            Guarantee::ListenAnyPort if !self.set.tcp_bind().is_empty() => Err(Gap::new(
                guarantee,
                "the program can listen on a port that the kernel picks, beside those that were granted",
                WITHOUT_SUPERVISOR,
            )),
            Guarantee::ListenAnyPort => gap("the program can listen on a port that the kernel picks"),
            Guarantee::AnyHost if self.filter.notified.connects => Ok(Mechanism::Supervisor),
            Guarantee::AnyHost => Err(Gap::new(
                guarantee,
                "a port granted for this machine is reachable on every other host too: port rules know no address",
                WITHOUT_SUPERVISOR,
            )),
            Guarantee::Udp if closed(|sockets| !sockets.udp) => Ok(Mechanism::Seccomp),
            Guarantee::Udp => landlock(10, "the program can send and receive by UDP, name lookups included"),
            Guarantee::UnixSockets if closed(|sockets| sockets.unix == Unix::Streams) => Ok(Mechanism::Supervisor),
            Guarantee::UnixSockets if self.set.abstract_sockets() == Reach::Anywhere => {
                landlock(9, "abstract unix sockets cannot be granted without all others, such as Docker's or D-Bus")
            }
            Guarantee::UnixSockets if self.set.unix_sockets() => {
                landlock(9, "one unix socket cannot be granted without all others, such as Docker's or D-Bus")
            }
            Guarantee::UnixSockets if closed(|sockets| sockets.unix == Unix::Pairs) => Ok(Mechanism::Seccomp),
            Guarantee::UnixSockets => {
                landlock(9, "the program can talk to any server on a unix socket, such as Docker or D-Bus")
            }
            _ if closed(|sockets| sockets.unix == Unix::Pairs) => Ok(Mechanism::Seccomp),
            // It connects to none of them.
            _ if closed(|sockets| sockets.unix == Unix::Streams) => Ok(Mechanism::Supervisor),
            _ => landlock(6, "the program can talk to servers on abstract unix sockets, such as X11"),
        }
    }

    /// Landlock, from the ABI that brought it on; below, a gap that names the release.
    fn landlock(&self, guarantee: Guarantee, since: u32, risk: &'static str) -> Answer {
        let since = Abi(since);
        if self.kernel.abi < since {
            let remedy = match self.kernel.absence {
                Some(absence) => absence.to_string(),
                None => format!("Linux {} (Landlock {since}); this kernel has {}", since.linux(), self.kernel.abi),
            };
            return Err(Gap::new(guarantee, risk, remedy));
        }
        if can_be_left_off(guarantee) && self.accepted.contains(guarantee) {
            return Err(Gap::new(guarantee, risk, LEFT_OFF));
        }
        Ok(Mechanism::Landlock)
    }

    /// A gap that the filter would close.
    fn unfiltered(&self, guarantee: Guarantee, risk: &'static str) -> Gap {
        let remedy = if self.kernel.seccomp {
            LEFT_OFF
        } else {
            "a kernel with seccomp filters (CONFIG_SECCOMP_FILTER), and a container that allows them"
        };
        Gap::new(guarantee, risk, remedy)
    }

    /// Whether the sandbox sees nothing in `/proc`, where other processes' command lines are plain files.
    fn closes_proc(&self) -> bool {
        let (proc, grants) = (Path::new("/proc"), self.set.fs());
        let reads = |one: &FsCapability| one.access().intersects(FsAccess::READ_FILE);
        // The directory of one process, or something in it: grants are sorted by their paths.
        let below = grants.iter().skip(grants.partition_point(|one| one.resolved() <= proc));
        let mut below = below.take_while(|one| one.resolved().starts_with(proc));
        let process = |path: &Path| {
            let first = path.strip_prefix(proc).ok().and_then(|below| below.components().next());
            first.is_some_and(|name| name.as_os_str().as_encoded_bytes().iter().all(u8::is_ascii_digit))
        };
        let deny_is_open = self.asked_for(Guarantee::Deny) && self.deny().is_err();
        let above = deny_is_open && grants.iter().any(|one| reads(one) && proc.starts_with(one.resolved()));
        let all = above || self.set.access_at(proc).intersects(FsAccess::READ_FILE);
        !all && !below.any(|one| reads(one) && process(one.resolved()))
    }
}

/// Whether Landlock is there without it. Every domain closes processes, and without files there is none.
fn can_be_left_off(guarantee: Guarantee) -> bool {
    !matches!(guarantee, Guarantee::Files | Guarantee::Processes | Guarantee::ProcessList)
}
