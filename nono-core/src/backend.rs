//! What a sandbox of one operating system offers to those who use it without knowing which.

use crate::enforcement::{Enforcement, Gap, Mechanism};
use crate::foresight::Foresight;
use crate::guarantee::Guarantee;
use crate::set::CapabilitySet;
use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;

/// What a machine can enforce: an answer for each guarantee, found without changing anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Support {
    /// Each guarantee with what would enforce it, or with its gap.
    pub answers: Vec<(Guarantee, Result<Mechanism, Gap>)>,
}

impl Support {
    /// The answer for `guarantee`; none if the backend does not know it.
    pub fn of(&self, guarantee: Guarantee) -> Option<&Result<Mechanism, Gap>> {
        self.answers.iter().find(|(known, _)| *known == guarantee).map(|(_, answer)| answer)
    }
}

/// The guarantees a caller goes on without, by name, and whether every other gap is an error.
///
/// Accepting is the way out for a program that cannot live with a guarantee, as well as for a system that cannot give it:
/// so what would enforce an accepted guarantee is left off, on every system alike. Some are not: without
/// [`Guarantee::Files`] there is no sandbox, [`Guarantee::Processes`] comes with it, privileges are kept by name and not by
/// accepting [`Guarantee::Capabilities`], and a listener needs a network. A report says what holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    gaps: BTreeSet<Guarantee>,
    strict: bool,
}

impl Accepted {
    /// Makes every gap an error that is not accepted by name, also those that nobody asked about.
    #[must_use = "the value is returned, not changed"]
    pub fn strict(self) -> Accepted {
        Accepted { strict: true, ..self }
    }

    /// Whether gaps nobody asked about are errors.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Whether the gap of `guarantee` is accepted.
    pub fn contains(&self, guarantee: Guarantee) -> bool {
        self.gaps.contains(&guarantee)
    }
}

impl FromIterator<Guarantee> for Accepted {
    fn from_iter<I: IntoIterator<Item = Guarantee>>(gaps: I) -> Accepted {
        Accepted { gaps: gaps.into_iter().collect(), strict: false }
    }
}

/// Compiles capabilities into a policy of one operating system.
pub trait Backend {
    /// A policy that is ready to be applied.
    type Prepared: Prepared;
    /// Why a policy cannot be prepared.
    type Error: Error + Send + Sync + 'static;

    /// Tells for each guarantee what would enforce it here.
    fn support(&self) -> Support;

    /// Does everything that can fail, allocate or be slow. Nothing is restricted yet.
    ///
    /// # Errors
    /// A path that is gone or replaced, a right or a guarantee that cannot be enforced and whose gap is not in
    /// `accepted`.
    fn prepare(&self, set: &CapabilitySet, accepted: &Accepted) -> Result<Self::Prepared, Self::Error>;

    /// Tells what [`Backend::prepare`] would make of `set`, and makes nothing. The set is shared, for it may be large.
    ///
    /// # Errors
    /// As of [`Backend::prepare`], as far as nothing has to be opened for it.
    fn foresee(&self, set: &Arc<CapabilitySet>, accepted: &Accepted) -> Result<Foresight, Self::Error>;
}

/// A compiled policy.
pub trait Prepared {
    /// Why the calling process could not be restricted.
    type Error: Error + Send + Sync + 'static;

    /// What will be enforced and what will not.
    fn enforcement(&self) -> &Enforcement;

    /// Restricts the calling process, for ever.
    ///
    /// # Errors
    /// The system refused. The process may then be restricted in part: it should end.
    fn apply(self) -> Result<(), Self::Error>;
}
