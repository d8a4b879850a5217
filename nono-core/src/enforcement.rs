//! What came of the promises: enforced by this, or open, and what that means.

use crate::backend::Accepted;
use crate::guarantee::Guarantee;
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// What enforces a guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Mechanism {
    /// Linux: Landlock.
    Landlock,
    /// Linux: a seccomp filter.
    Seccomp,
    /// Linux: Landlock, and a seccomp filter for what Landlock leaves open.
    LandlockAndSeccomp,
    /// Linux: a private mount namespace.
    MountNamespace,
    /// Linux: a private process namespace.
    PidNamespace,
    /// Each sibling of a denied path granted by itself.
    SiblingGrants,
    /// A supervisor does what is allowed on the program's behalf.
    Supervisor,
    /// How the process is set up before its program starts: capabilities, limits, descriptors, environment. Holds for
    /// the program that a backend starts; a process that restricts itself keeps what it has in memory and open.
    Launch,
    /// macOS: Seatbelt.
    Seatbelt,
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mechanism::Landlock => "Landlock",
            Mechanism::Seccomp => "seccomp",
            Mechanism::LandlockAndSeccomp => "Landlock and seccomp",
            Mechanism::MountNamespace => "mount namespace",
            Mechanism::PidNamespace => "process namespace",
            Mechanism::SiblingGrants => "sibling grants",
            Mechanism::Supervisor => "supervisor",
            Mechanism::Launch => "launch",
            Mechanism::Seatbelt => "Seatbelt",
        })
    }
}

/// Whether a gap could be closed today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum GapKind {
    /// Another kernel or another option closes it.
    Gap,
    /// No released kernel can: always listed, never an error.
    Limit,
}

/// A guarantee that is not enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gap {
    /// The promise that is not kept.
    #[cfg_attr(feature = "serde", serde(rename = "name"))]
    pub guarantee: Guarantee,
    /// Whether it could be.
    pub kind: GapKind,
    /// One sentence: what a hostile program could do.
    pub risk: Cow<'static, str>,
    /// What would close it: a kernel version, a setting, an option.
    pub remedy: Cow<'static, str>,
}

impl Gap {
    /// A gap that the named remedy closes.
    pub fn new(guarantee: Guarantee, risk: &'static str, remedy: impl Into<Cow<'static, str>>) -> Gap {
        Gap { guarantee, kind: GapKind::Gap, risk: risk.into(), remedy: remedy.into() }
    }

    /// A gap that nothing released closes.
    pub fn limit(guarantee: Guarantee, risk: &'static str, remedy: &'static str) -> Gap {
        Gap { guarantee, kind: GapKind::Limit, risk: risk.into(), remedy: remedy.into() }
    }
}

/// How a denied path is kept closed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Closed {
    /// The denied path.
    #[cfg_attr(feature = "serde", serde(flatten, with = "crate::serial::path"))]
    pub path: PathBuf,
    /// What closes it.
    pub mechanism: Mechanism,
}

/// What a grant no longer allows, because of a denied path below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Loss {
    /// The directory in which it is missing; further below it is there.
    #[cfg_attr(feature = "serde", serde(flatten, with = "crate::serial::path"))]
    pub directory: PathBuf,
    /// What is missing.
    pub ability: Ability,
}

/// What can be missing directly in a granted directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Ability {
    /// Its names are not listed, and what is made in it later is closed.
    List,
    /// Nothing new is made or moved there.
    Make,
    /// Nothing is made, moved or removed there.
    Change,
    /// It is a mount of its own: nothing is moved or linked between what is in it and what is beside it, and it stays where
    /// it is.
    Move,
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Ability::List => "names are not listed, and what is made later is closed, in",
            Ability::Make => "nothing new can be made directly in",
            Ability::Change => "nothing can be made or removed directly in",
            Ability::Move => "nothing can be moved or linked (programs copy) into or out of",
        })
    }
}

/// What a policy asked for and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "a gap that nobody reads is a hole"]
pub struct Enforcement {
    /// The guarantees that were asked for by name or by a grant.
    pub requested: Vec<Guarantee>,
    /// Each guarantee that holds, and by what.
    pub enforced: Vec<(Guarantee, Mechanism)>,
    /// Each that does not, limits included.
    pub gaps: Vec<Gap>,
    /// Each denied path that is kept closed, and by what; so are other paths by which the same is reached.
    #[cfg_attr(feature = "serde", serde(default))]
    pub denied: Vec<Closed>,
    /// What that takes from grants.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lost: Vec<Loss>,
}

impl Enforcement {
    /// The mechanism that enforces `guarantee`, if one does.
    pub fn mechanism(&self, guarantee: Guarantee) -> Option<Mechanism> {
        self.enforced.iter().find(|(enforced, _)| *enforced == guarantee).map(|(_, mechanism)| *mechanism)
    }

    /// The gap of `guarantee`, if there is one.
    pub fn gap(&self, guarantee: Guarantee) -> Option<&Gap> {
        self.gaps.iter().find(|gap| gap.guarantee == guarantee)
    }

    /// The same, with `gap` in place of what was said of its guarantee: something that only the caller knows opens it.
    pub fn opened(mut self, gap: Gap) -> Enforcement {
        self.enforced.retain(|(guarantee, _)| *guarantee != gap.guarantee);
        self.gaps.retain(|other| other.guarantee != gap.guarantee);
        self.gaps.push(gap);
        self
    }

    /// The gaps that could be closed: all but the limits.
    pub fn closable(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().filter(|gap| gap.kind == GapKind::Gap)
    }

    /// The gaps that nobody accepted and that are an error: those of requested guarantees, or all of them.
    pub fn refused<'a>(&'a self, accepted: &'a Accepted) -> impl Iterator<Item = &'a Gap> {
        self.closable().filter(|gap| {
            let counts = accepted.is_strict() || self.requested.contains(&gap.guarantee);
            counts && !accepted.contains(gap.guarantee)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enforcement() -> Enforcement {
        Enforcement {
            requested: vec![Guarantee::Files, Guarantee::AnyHost],
            enforced: vec![(Guarantee::Files, Mechanism::Landlock)],
            gaps: vec![
                Gap::new(Guarantee::AnyHost, "..", ".."),
                Gap::new(Guarantee::Udp, "..", ".."),
                Gap::limit(Guarantee::Metadata, "..", ".."),
            ],
            ..Enforcement::default()
        }
    }

    fn refused(accepted: &Accepted) -> Vec<Guarantee> {
        enforcement().refused(accepted).map(|gap| gap.guarantee).collect()
    }

    #[test]
    fn only_a_requested_gap_that_nobody_accepted_is_refused() {
        assert_eq!(refused(&Accepted::default()), [Guarantee::AnyHost]);
        assert_eq!(refused(&Accepted::from_iter([Guarantee::AnyHost])), []);
    }

    #[test]
    fn strict_refuses_every_gap_but_no_limit() {
        assert_eq!(refused(&Accepted::default().strict()), [Guarantee::AnyHost, Guarantee::Udp]);
        assert_eq!(refused(&Accepted::from_iter([Guarantee::Udp]).strict()), [Guarantee::AnyHost]);
    }

    #[test]
    fn a_guarantee_is_found_by_mechanism_or_gap() {
        assert_eq!(enforcement().mechanism(Guarantee::Files), Some(Mechanism::Landlock));
        assert_eq!(enforcement().mechanism(Guarantee::Udp), None);
        assert!(enforcement().gap(Guarantee::Udp).is_some());
    }
}
