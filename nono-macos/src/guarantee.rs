//! What Seatbelt keeps of each promise, and why not the rest: the one table behind `support` and `prepare`.
//!
//! What depends on behaviour that no source settles counts as a gap until it has been seen on a Mac (see the README).

use nono_core::{Accepted, CapabilitySet, FsAccess, Gap, Guarantee, Mechanism, NetworkMode, PathKind, Reach};

/// What keeps `guarantee` for `set`; none if nothing in `set` asks for it. What a start leaves off because its gap is
/// `accepted` is a gap.
pub(crate) fn answer(guarantee: Guarantee, set: &CapabilitySet, accepted: &Accepted) -> Option<Result<Mechanism, Gap>> {
    let gap = || if accepted.contains(guarantee) { left_off(guarantee) } else { None }.or_else(|| open(guarantee));
    let gap = || gap().map(|gap| if guarantee == Guarantee::Deny { naming_a_deny(gap, set) } else { gap });
    asked_for(guarantee, set).then(|| gap().map_or(Ok(mechanism(guarantee)), Err))
}

/// What keeps `guarantee`, if anything does.
pub(crate) fn mechanism(guarantee: Guarantee) -> Mechanism {
    match guarantee {
        Guarantee::Environment | Guarantee::Descriptors => Mechanism::Launch,
        _ => Mechanism::Seatbelt,
    }
}

/// Says which path is meant: a protected one below a wide grant is denied without having been named.
fn naming_a_deny(gap: Gap, set: &CapabilitySet) -> Gap {
    let paths = match set.denies() {
        [] => return gap,
        [one] => format!("{one:?} is denied"),
        [one, more @ ..] => format!("{one:?} and {} more are denied", more.len()),
    };
    Gap { risk: format!("{paths}, and {}", gap.risk).into(), ..gap }
}

/// The gap of what a start can leave off.
fn left_off(guarantee: Guarantee) -> Option<Gap> {
    let gap = |risk, remedy: &'static str| Some(Gap::new(guarantee, risk, remedy));
    match guarantee {
        Guarantee::Environment => gap(
            "the program sees every variable of your environment, credentials included",
            "leaving out --accept-gap environment",
        ),
        Guarantee::Descriptors => gap(
            "the program uses every file that was left open above descriptor 2",
            "leaving out --accept-gap descriptors",
        ),
        _ => None,
    }
}

/// Whether the promise says anything about a program with the capabilities of `set`.
fn asked_for(guarantee: Guarantee, set: &CapabilitySet) -> bool {
    let closed = *set.network() != NetworkMode::AllowAll;
    match guarantee {
        Guarantee::Signals => set.signals() == Reach::Inside,
        Guarantee::AbstractSockets => set.abstract_sockets() == Reach::Inside,
        Guarantee::Deny => !set.denies().is_empty(),
        Guarantee::AnyHost => !set.tcp_connect_here().is_empty(),
        Guarantee::OtherProtocols | Guarantee::TcpPorts | Guarantee::ListenAnyPort | Guarantee::Udp => closed,
        _ => true,
    }
}

/// The gap of `guarantee`; none where the profile keeps it.
pub(crate) fn open(guarantee: Guarantee) -> Option<Gap> {
    let gap = |risk, remedy: &'static str| Some(Gap::new(guarantee, risk, remedy));
    let limit = |risk, remedy| Some(Gap::limit(guarantee, risk, remedy));
    match guarantee {
        Guarantee::Deny => gap(
            "a denied file stays reachable by another name: a hard link made before, perhaps other letter case",
            "granting the paths beside the denied one, one by one",
        ),
        Guarantee::ProcessList => gap(
            "the program can read the command lines of your other processes (sysctl kern.procargs2)",
            "a list of single sysctls, which this version does not have yet",
        ),
        Guarantee::Terminal => gap(
            "the program can type into its own terminal (TIOCSTI), to be run when it has ended",
            "starting it without a terminal (output through a pipe, input from /dev/null, a session of its own)",
        ),
        Guarantee::KernelSurface => limit(
            "the program can make every system call: macOS offers no filter of them to others than Apple",
            "no released macOS",
        ),
        Guarantee::OtherProcesses => limit(
            "the program may change priorities of your other processes: no rule is known for it",
            "another user account for the program",
        ),
        Guarantee::Capabilities => gap(
            "started by root, the program keeps root's privileges within what it was granted",
            "starting nono as an ordinary user",
        ),
        Guarantee::CoreDumps => gap(
            "a crash can leave a copy of memory in a report of the system or in a granted directory",
            "ulimit -c 0 before nono starts, against the copy in a directory",
        ),
        // Named one by one, so that a new guarantee is not taken for kept.
        Guarantee::Files
        | Guarantee::Truncate
        | Guarantee::DeviceIoctl
        | Guarantee::Processes
        | Guarantee::Signals
        | Guarantee::OtherProtocols
        | Guarantee::TcpPorts
        | Guarantee::AnyHost
        | Guarantee::ListenAnyPort
        | Guarantee::Udp
        | Guarantee::UnixSockets
        // macOS has no abstract names.
        | Guarantee::AbstractSockets
        // macOS has no namespaces.
        | Guarantee::UserNamespaces
        // Attributes, flags, permissions and times are operations of their own, which only full write access gives.
        | Guarantee::Attributes
        | Guarantee::Metadata
        // Kept by how the program is started.
        | Guarantee::Environment
        | Guarantee::Descriptors
        // Closed by the default; one object of shared memory is readable, and it is the system's.
        | Guarantee::Ipc => None,
        _ => gap("nothing is known about this on macOS", "a newer version of nono"),
    }
}

/// What holds beside the promises: always told, never an error.
pub(crate) fn limits(set: &CapabilitySet) -> Vec<Gap> {
    let mut limits = Vec::new();
    let mut directories = set.fs().iter().filter(|one| one.kind() == PathKind::Directory);
    let rights = directories.next().map(|one| (one.access() & FsAccess::FILE, one.access().contains(FsAccess::REFER)));
    let alike = directories.all(|one| {
        let here = (one.access() & FsAccess::FILE, one.access().contains(FsAccess::REFER));
        Some(here) == rights
    });
    if !alike || rights.is_some_and(|(_, refer)| !refer) {
        limits.push(Gap::limit(
            Guarantee::Files,
            "a file moved between granted directories takes on the rights of its new place",
            "no released macOS: a move is a removal and a creation there",
        ));
    }
    if *set.network() == NetworkMode::AllowAll {
        limits.push(Gap::limit(
            Guarantee::UnixSockets,
            "with the network open the system's resolver is reachable on its socket",
            "granting ports one by one",
        ));
    }
    if !set.tcp_connect().is_empty() {
        limits.push(Gap::limit(
            Guarantee::TcpPorts,
            "a port granted for other machines reaches every host: rules name any host or this machine, no other",
            "a proxy on this machine that knows which hosts are allowed (--proxy-port)",
        ));
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gap_says_what_could_happen_and_what_helps() {
        for guarantee in Guarantee::ALL {
            let Some(gap) = open(guarantee) else { continue };
            assert!(!gap.risk.contains("nothing is known"), "{guarantee} has no row");
            assert!(gap.risk.len() > 20 && !gap.remedy.is_empty(), "{gap:?}");
        }
    }
}
