//! Which mechanism of this kernel keeps each promise, or why none does: the one table behind `plan`, `support` and
//! `doctor`.

use crate::abi::{Abi, Kernel};
use nono_core::{CapabilitySet, FsAccess, Gap, Guarantee, Mechanism, NetworkMode, Reach};
use std::path::Path;

/// What keeps `guarantee` for `set` on `kernel`; none if nothing in `set` asks for it.
pub(crate) fn answer(guarantee: Guarantee, set: &CapabilitySet, kernel: &Kernel) -> Option<Result<Mechanism, Gap>> {
    asked_for(guarantee, set).then(|| match guarantee {
        Guarantee::Network
        | Guarantee::TcpPorts
        | Guarantee::AnyHost
        | Guarantee::ListenAnyPort
        | Guarantee::Udp
        | Guarantee::UnixSockets
        | Guarantee::AbstractSockets => network(guarantee, kernel),
        _ => local(guarantee, set, kernel),
    })
}

/// Whether the promise says anything about a program with the capabilities of `set`.
fn asked_for(guarantee: Guarantee, set: &CapabilitySet) -> bool {
    let closed = *set.network() != NetworkMode::AllowAll;
    match guarantee {
        Guarantee::Signals => set.signals() == Reach::Inside,
        Guarantee::AbstractSockets => set.abstract_sockets() == Reach::Inside,
        Guarantee::Deny => !set.denies().is_empty(),
        Guarantee::AnyHost => !set.tcp_connect_here().is_empty(),
        Guarantee::Network | Guarantee::TcpPorts | Guarantee::ListenAnyPort | Guarantee::Udp => closed,
        _ => true,
    }
}

/// The promises about files, processes and the kernel itself.
fn local(guarantee: Guarantee, set: &CapabilitySet, kernel: &Kernel) -> Result<Mechanism, Gap> {
    let gap = |risk, remedy: &'static str| Err(Gap::new(guarantee, risk, remedy));
    let landlock = |since, risk| landlock(guarantee, kernel, since, risk);
    match guarantee {
        Guarantee::Files => landlock(1, "the program reads and writes whatever you can"),
        Guarantee::Truncate => landlock(3, "the program can empty every file you may write, without opening it"),
        Guarantee::DeviceIoctl => landlock(5, "the program can reconfigure any device it can open, such as a terminal"),
        Guarantee::Processes => landlock(1, "the program can trace your other processes"),
        Guarantee::Signals => landlock(6, "the program can end your other processes"),
        Guarantee::Deny => gap(
            "what is denied below a granted directory stays open",
            "granting the directories beside the denied path, one by one",
        ),
        Guarantee::ProcessList if closes_proc(set) => {
            landlock(1, "the program can read the command lines of your other processes")
        }
        Guarantee::ProcessList => gap(
            "the program can read the command lines of other processes in /proc",
            "not granting /proc (--no-system, and what the program needs by --read)",
        ),
        Guarantee::Terminal => gap(
            "the program can type into your terminal (TIOCSTI), to be run when it has ended",
            "the sysctl dev.tty.legacy_tiocsti=0 (Linux 6.2)",
        ),
        Guarantee::Metadata => Err(Gap::limit(
            guarantee,
            "the program can change permissions, times and extended attributes of files you own",
            "no released kernel: a Landlock right for it is proposed",
        )),
        Guarantee::Capabilities => Ok(Mechanism::Launch),
        Guarantee::OtherProcesses => {
            gap("the program can change limits, priorities and processors of your other processes", FILTER)
        }
        Guarantee::Environment => gap(
            "the program sees every variable of your environment, credentials included",
            "starting nono without them (env -u NAME nono run ..)",
        ),
        Guarantee::Descriptors => gap(
            "the program uses every file that was left open above descriptor 2",
            "closing them before nono starts (NUMBER>&- in a shell)",
        ),
        Guarantee::CoreDumps => gap(
            "a crash can start the system's handler of core dumps, or write one to a granted directory",
            "ulimit -c 1 before nono starts",
        ),
        Guarantee::Ipc => gap("the program can use System V and POSIX IPC of your other processes", FILTER),
        _ => gap("the program can use all of the kernel's interface (user namespaces, io_uring, bpf)", FILTER),
    }
}

/// What closes a gap that only a filter of system calls could.
const FILTER: &str = "a system call filter, which this version does not have yet";

/// The promises about a network that is not open, and about sockets on this machine.
fn network(guarantee: Guarantee, kernel: &Kernel) -> Result<Mechanism, Gap> {
    let gap = |risk, remedy: &'static str| Err(Gap::new(guarantee, risk, remedy));
    let landlock = |since, risk| landlock(guarantee, kernel, since, risk);
    match guarantee {
        Guarantee::TcpPorts if kernel.abi < Abi(4) => landlock(4, "the program can connect to any host by TCP"),
        Guarantee::TcpPorts => {
            gap("TCP itself is restricted, but Fast Open, MPTCP, SCTP and SMC connect to any port", FILTER)
        }
        Guarantee::ListenAnyPort => gap("the program can listen on a port that the kernel picks", FILTER),
        Guarantee::AnyHost => gap(
            "a port granted for this machine is reachable on every other host too: port rules know no address",
            "a supervisor that connects on the program's behalf, which this version does not have yet",
        ),
        Guarantee::Udp => landlock(10, "the program can send and receive by UDP, name lookups included"),
        Guarantee::UnixSockets => {
            landlock(9, "the program can talk to any server on a unix socket, such as Docker or D-Bus")
        }
        Guarantee::AbstractSockets => {
            landlock(6, "the program can talk to servers on abstract unix sockets, such as X11")
        }
        _ => gap("the program can send and receive by raw sockets and rare protocols", FILTER),
    }
}

/// Landlock, from the ABI that brought it on; below, a gap that names the release.
fn landlock(guarantee: Guarantee, kernel: &Kernel, since: u32, risk: &'static str) -> Result<Mechanism, Gap> {
    let since = Abi(since);
    if kernel.abi >= since {
        return Ok(Mechanism::Landlock);
    }
    let remedy = match kernel.absence {
        Some(absence) => absence.to_string(),
        None => format!("Linux {} (Landlock {since}); this kernel has {}", since.linux(), kernel.abi),
    };
    Err(Gap::new(guarantee, risk, remedy))
}

/// Whether the sandbox sees nothing in `/proc`, where other processes' command lines are plain files.
fn closes_proc(set: &CapabilitySet) -> bool {
    !set.access_at(Path::new("/proc")).intersects(FsAccess::READ_FILE)
}
