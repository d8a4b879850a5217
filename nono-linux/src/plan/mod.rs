//! From capabilities to what Landlock is told: a pure function, tested for every ABI on any machine.

use crate::abi::{Abi, Absence, Kernel};
use crate::carveout::Choice;
use crate::filter::Filtering;
use crate::guarantee::Situation;
use crate::rights::{Handling, handling};
use nono_core::{
    Accepted, CapabilitySet, Enforcement, FsAccess, Guarantee, Identity, NetworkMode, PathKind, Port, Reach,
};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Rights on one object, as the ruleset will hold them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    /// The resolved path.
    pub path: Arc<Path>,
    /// What it must still be when it is opened.
    pub kind: PathKind,
    /// Which object it must still be; none if that was not recorded.
    pub identity: Option<Identity>,
    /// The rights that this kernel handles.
    pub access: FsAccess,
}

/// What a port is granted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as bind(2) and connect(2)")]
pub enum PortRight {
    Bind,
    Connect,
    /// Name lookups by UDP: sending to port 53, from a port that the kernel picks.
    NameLookups,
}

/// Which network rights the ruleset denies unless a rule grants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HandledNet {
    /// TCP bind and connect, from ABI 4.
    pub tcp: bool,
    /// UDP bind and send, from ABI 10.
    pub udp: bool,
}

/// Which scopes close the sandbox, from ABI 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes {
    /// Signals stay inside.
    pub signals: bool,
    /// Connections to abstract unix sockets stay inside.
    pub abstract_sockets: bool,
}

/// A set of capabilities, compiled for one kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a plan restricts nothing by itself"]
pub struct Plan {
    /// File rights that are denied unless a rule grants them, open ones, and those that no rule can grant.
    pub fs: Handling,
    /// Network rights likewise.
    pub net: HandledNet,
    /// Scopes.
    pub scopes: Scopes,
    /// The granted paths.
    pub paths: Vec<PathRule>,
    /// The granted ports.
    pub ports: Vec<(Port, PortRight)>,
    /// What the filter of system calls closes.
    pub filter: Filtering,
    /// What of the promises this enforces.
    pub enforcement: Enforcement,
}

/// Compiles `set` for `kernel`. What keeps a guarantee that is `accepted` to be open is left off: the command cannot live
/// with it.
///
/// # Errors
/// Why there is no Landlock: without it nothing can be kept, and no gap that could be accepted says so.
pub fn plan(set: &CapabilitySet, kernel: &Kernel, accepted: &Accepted) -> Result<Plan, Absence> {
    compile(set, kernel, accepted, Surroundings::default())
}

/// What a plan depends on beside the set and the kernel.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Surroundings<'a> {
    /// Whether a supervisor does on the program's behalf what no rule can allow alone.
    pub(crate) supervisor: bool,
    /// What is done about denied paths, if that was looked into.
    pub(crate) denies: Option<&'a Choice>,
}

/// As [`plan`].
pub(crate) fn compile(
    set: &CapabilitySet,
    kernel: &Kernel,
    accepted: &Accepted,
    around: Surroundings<'_>,
) -> Result<Plan, Absence> {
    let supervisor = around.supervisor;
    if kernel.abi == Abi(0) {
        return Err(kernel.absence.unwrap_or(Absence::NotBuilt));
    }
    let kept = |guarantee| !accepted.contains(guarantee);
    let left_off = left_off(accepted);
    let mut fs = handling(FsAccess::all().difference(left_off), kernel.abi);
    fs.open |= left_off;
    let closed = *set.network() != NetworkMode::AllowAll;
    let net = HandledNet {
        tcp: closed && kernel.abi >= Abi(4) && kept(Guarantee::TcpPorts),
        udp: closed && kernel.abi >= Abi(10) && kept(Guarantee::Udp),
    };
    let scoped = |guarantee, reach| kernel.abi >= Abi(6) && kept(guarantee) && reach == Reach::Inside;
    let filter = Filtering::of(set, kernel, accepted, supervisor);
    Ok(Plan {
        fs,
        net,
        scopes: Scopes {
            signals: scoped(Guarantee::Signals, set.signals()),
            abstract_sockets: scoped(Guarantee::AbstractSockets, set.abstract_sockets()),
        },
        paths: paths(set, fs.handled),
        ports: ports(set, net, filter.notified.connects),
        filter,
        enforcement: enforcement(Situation { set, kernel, accepted, filter: &filter, denies: around.denies }),
    })
}

/// The rights that are not denied because what denies them was accepted away.
fn left_off(accepted: &Accepted) -> FsAccess {
    let rights = [
        (Guarantee::Truncate, FsAccess::TRUNCATE),
        (Guarantee::DeviceIoctl, FsAccess::IOCTL_DEV),
        (Guarantee::UnixSockets, FsAccess::RESOLVE_UNIX),
    ];
    rights.into_iter().filter(|(guarantee, _)| accepted.contains(*guarantee)).map(|(_, right)| right).collect()
}

/// A rule for each granted path. What this kernel does not handle is in no rule (it would be `EINVAL`); a grant of
/// nothing else needs none.
pub(crate) fn paths(set: &CapabilitySet, handled: FsAccess) -> Vec<PathRule> {
    let rules = set.fs().iter().map(|one| PathRule {
        path: Arc::clone(one.resolved_shared()),
        kind: one.kind(),
        identity: one.identity(),
        access: one.access() & handled,
    });
    rules.filter(|rule| !rule.access.is_empty()).collect()
}

/// A port of this machine alone is in no rule where a supervisor connects: a rule would allow it on every host.
fn ports(set: &CapabilitySet, net: HandledNet, supervised: bool) -> Vec<(Port, PortRight)> {
    let lookups = |right| set.name_lookups().then_some((Port::DNS, right));
    let mut ports = Vec::new();
    if net.tcp {
        let here = if supervised { BTreeSet::new() } else { set.tcp_connect_here() };
        let connect = set.tcp_connect().iter().copied().chain(here);
        ports.extend(connect.map(|port| (port, PortRight::Connect)));
        ports.extend(lookups(PortRight::Connect));
        ports.extend(set.tcp_bind().into_iter().map(|port| (port, PortRight::Bind)));
    }
    if net.udp {
        ports.extend(lookups(PortRight::NameLookups));
    }
    ports
}

fn enforcement(situation: Situation<'_>) -> Enforcement {
    let requested = situation.set.required().into_iter().collect();
    let mut enforcement = Enforcement { requested, ..Enforcement::default() };
    for guarantee in Guarantee::ALL {
        match situation.answer(guarantee) {
            Some(Ok(mechanism)) => enforcement.enforced.push((guarantee, mechanism)),
            Some(Err(gap)) => enforcement.gaps.push(gap),
            None => {}
        }
    }
    if let Some(choice) = situation.denies.filter(|_| enforcement.mechanism(Guarantee::Deny).is_some()) {
        enforcement.denied.clone_from(&choice.denied);
        enforcement.lost.extend(choice.lost.iter().cloned());
    }
    enforcement
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod documented;
