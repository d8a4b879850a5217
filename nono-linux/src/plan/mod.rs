//! From capabilities to what Landlock is told: a pure function, tested for every ABI on any machine.

use crate::abi::{Abi, Absence, Kernel};
use crate::guarantee;
use crate::rights::{Handling, handling};
use nono_core::{CapabilitySet, Enforcement, FsAccess, Guarantee, Identity, NetworkMode, PathKind, Port, Reach};
use std::path::PathBuf;

/// Rights on one object, as the ruleset will hold them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    /// The resolved path.
    pub path: PathBuf,
    /// What it must still be when it is opened.
    pub kind: PathKind,
    /// Which object it must still be; none if that was not recorded.
    pub identity: Option<Identity>,
    /// The rights that this kernel handles.
    pub access: FsAccess,
}

/// What a TCP port is granted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as bind(2) and connect(2)")]
pub enum PortRight {
    Bind,
    Connect,
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
    /// What of the promises this enforces.
    pub enforcement: Enforcement,
}

/// Compiles `set` for `kernel`.
///
/// # Errors
/// Why there is no Landlock: without it nothing can be kept, and no gap that could be accepted says so.
pub fn plan(set: &CapabilitySet, kernel: &Kernel) -> Result<Plan, Absence> {
    if kernel.abi == Abi(0) {
        return Err(kernel.absence.unwrap_or(Absence::NotBuilt));
    }
    let fs = handling(FsAccess::all(), kernel.abi);
    let closed = *set.network() != NetworkMode::AllowAll;
    let net = HandledNet { tcp: closed && kernel.abi >= Abi(4), udp: closed && kernel.abi >= Abi(10) };
    let scoped = kernel.abi >= Abi(6);
    Ok(Plan {
        fs,
        net,
        scopes: Scopes {
            signals: scoped && set.signals() == Reach::Inside,
            abstract_sockets: scoped && set.abstract_sockets() == Reach::Inside,
        },
        paths: paths(set, fs.handled),
        ports: if net.tcp { ports(set) } else { Vec::new() },
        enforcement: enforcement(set, kernel),
    })
}

/// A rule for each granted path. What this kernel does not handle is in no rule (it would be `EINVAL`); a grant of
/// nothing else needs none.
fn paths(set: &CapabilitySet, handled: FsAccess) -> Vec<PathRule> {
    let rules = set.fs().iter().map(|one| PathRule {
        path: one.resolved().to_owned(),
        kind: one.kind(),
        identity: one.identity(),
        access: one.access() & handled,
    });
    rules.filter(|rule| !rule.access.is_empty()).collect()
}

fn ports(set: &CapabilitySet) -> Vec<(Port, PortRight)> {
    let connect = set.tcp_connect().iter().copied().chain(set.tcp_connect_here());
    let bind = set.tcp_bind().into_iter().map(|port| (port, PortRight::Bind));
    connect.map(|port| (port, PortRight::Connect)).chain(bind).collect()
}

fn enforcement(set: &CapabilitySet, kernel: &Kernel) -> Enforcement {
    let mut enforcement = Enforcement { requested: set.required().into_iter().collect(), ..Enforcement::default() };
    for guarantee in Guarantee::ALL {
        match guarantee::answer(guarantee, set, kernel) {
            Some(Ok(mechanism)) => enforcement.enforced.push((guarantee, mechanism)),
            Some(Err(gap)) => enforcement.gaps.push(gap),
            None => {}
        }
    }
    enforcement
}

#[cfg(test)]
mod tests;
