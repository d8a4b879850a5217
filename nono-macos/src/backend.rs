//! macOS as a backend: capabilities in, a profile out that is ready to be applied.

use crate::error::{ApplyError, PrepareError};
use crate::generate::profile;
use crate::guarantee;
use crate::parse::parse;
use crate::place::{kernel_path, speakable};
use crate::rights::given;
use crate::system;
use nono_core::{
    Accepted, Backend, Builder, CapabilitySet, Enforcement, Foresight, FsAccess, Guarantee, Permissions, Prepared,
    Resolved, Support,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sandboxes by Seatbelt. Preparing works on every system, applying on macOS only.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seatbelt;

impl Backend for Seatbelt {
    type Prepared = Policy;
    type Error = PrepareError;

    fn support(&self) -> Support {
        let answer = |guarantee| {
            let gap = guarantee::open(guarantee);
            (guarantee, gap.map_or(Ok(guarantee::mechanism(guarantee)), Err))
        };
        Support { answers: Guarantee::ALL.into_iter().map(answer).collect() }
    }

    fn prepare(&self, set: &CapabilitySet, accepted: &Accepted) -> Result<Policy, PrepareError> {
        if set.name_lookups() {
            return Err(PrepareError::NameLookups);
        }
        let enforcement = enforcement(set, accepted);
        if let Some(gap) = enforcement.refused(accepted).next() {
            return Err(PrepareError::Unenforceable { gap: gap.clone() });
        }
        for path in
            set.fs().iter().map(nono_core::FsCapability::resolved).chain(set.denies().iter().map(PathBuf::as_path))
        {
            speakable(&kernel_path(path))
                .map_err(|reason| PrepareError::Unspeakable { path: path.to_owned(), reason })?;
        }
        let made = profile(set);
        let text = made.to_string();
        let read_back = parse(&text).map_err(|source| PrepareError::Unreadable { source })?;
        if !made.rules().eq(read_back.rules()) {
            return Err(PrepareError::Altered);
        }
        let withheld = withheld(set);
        tracing::debug!(len_bytes = text.len(), withheld = withheld.len(), "profile prepared");
        let withholds_variables = !accepted.contains(Guarantee::Environment);
        let descriptors = (!accepted.contains(Guarantee::Descriptors)).then(Vec::new);
        Ok(Policy { profile: text, enforcement, withheld, withholds_variables, descriptors })
    }

    fn foresee(&self, set: &Arc<CapabilitySet>, accepted: &Accepted) -> Result<Foresight, PrepareError> {
        let enforcement = self.prepare(set, accepted)?.enforcement;
        // Whatever privileges there are, none is given up.
        Ok(Foresight { permissions: Permissions::Overridden, ..Foresight::plain(as_given(set).into(), enforcement) })
    }
}

fn enforcement(set: &CapabilitySet, accepted: &Accepted) -> Enforcement {
    let mut enforcement = Enforcement { requested: set.required().into_iter().collect(), ..Enforcement::default() };
    for guarantee in Guarantee::ALL {
        match guarantee::answer(guarantee, set, accepted) {
            Some(Ok(mechanism)) => enforcement.enforced.push((guarantee, mechanism)),
            Some(Err(gap)) => enforcement.gaps.push(gap),
            None => {}
        }
    }
    enforcement.gaps.extend(guarantee::limits(set));
    enforcement
}

/// The set without the rights that are withheld.
fn as_given(set: &CapabilitySet) -> CapabilitySet {
    let is_whole = |one: &nono_core::FsCapability| one.access() == given(one.access());
    if set.fs().iter().all(is_whole) {
        return set.clone();
    }
    let part = |one: &nono_core::FsCapability| {
        let (path, kind) = (one.resolved().to_owned(), one.kind());
        let found = Resolved { path, kind, identity: one.identity(), is_device: false };
        let made = nono_core::FsCapability::from_resolved(one.original().to_owned(), found, given(one.access()));
        // What nothing is left of is no capability.
        made.ok().map(|made| made.with_source(one.source().clone()))
    };
    let builder = set.fs().iter().filter_map(part).fold(CapabilitySet::builder(), Builder::grant);
    let builder = set.denies().iter().try_fold(builder, |all, deny| all.deny_inherited(deny.clone()));
    builder.ok().and_then(|builder| builder.build().ok()).unwrap_or_else(|| set.clone())
}

fn withheld(set: &CapabilitySet) -> Vec<(PathBuf, FsAccess)> {
    let rights =
        |one: &nono_core::FsCapability| (one.resolved().to_owned(), one.access().difference(given(one.access())));
    set.fs().iter().map(rights).filter(|(_, rights)| !rights.is_empty()).collect()
}

/// A profile that is ready to be applied.
#[derive(Debug)]
#[must_use = "a policy restricts nothing until it is applied"]
pub struct Policy {
    profile: String,
    enforcement: Enforcement,
    withheld: Vec<(PathBuf, FsAccess)>,
    withholds_variables: bool,
    /// Those that a program inherits beside the standard streams; none: all of them.
    descriptors: Option<Vec<u32>>,
}

impl Policy {
    /// The text of the profile, as the system takes it.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// Lets the program inherit these descriptors beside the standard streams.
    pub fn pass_descriptors(mut self, numbers: impl IntoIterator<Item = u32>) -> Policy {
        if let Some(all) = &mut self.descriptors {
            all.extend(numbers);
        }
        self
    }

    pub(crate) fn descriptors(&self) -> Option<&[u32]> {
        self.descriptors.as_deref()
    }

    pub(crate) fn withholds_variables(&self) -> bool {
        self.withholds_variables
    }

    /// Rights that were granted and are not given, because they could not be given without others
    /// ([`given`]).
    pub fn withheld(&self) -> impl Iterator<Item = (&Path, FsAccess)> {
        self.withheld.iter().map(|(path, rights)| (path.as_path(), *rights))
    }
}

impl Prepared for Policy {
    type Error = ApplyError;

    fn enforcement(&self) -> &Enforcement {
        &self.enforcement
    }

    fn apply(self) -> Result<(), ApplyError> {
        system::apply(&self.profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Unspeakable;
    use nono_core::{AccessMode, FsCapability, PathKind};

    fn granted(path: &str, access: FsAccess) -> Builder {
        let found = Resolved { path: path.into(), kind: PathKind::Directory, identity: None, is_device: false };
        CapabilitySet::builder().grant(FsCapability::from_resolved(path.into(), found, access).unwrap())
    }

    #[test]
    fn every_guarantee_has_an_answer() {
        for guarantee in Guarantee::ALL {
            assert!(Seatbelt.support().of(guarantee).is_some(), "{guarantee}");
        }
    }

    #[test]
    fn a_path_that_cannot_be_named_is_refused_with_its_reason() {
        let set = granted("/a/${HOME}", AccessMode::Read.into()).build().unwrap();
        let error = Seatbelt.prepare(&set, &Accepted::default()).unwrap_err();
        assert_eq!(error, PrepareError::Unspeakable { path: "/a/${HOME}".into(), reason: Unspeakable::Variable });
    }

    #[test]
    fn a_deny_has_to_be_accepted_as_it_is() {
        let set = granted("/a", AccessMode::ReadWrite.into()).deny_resolved("/a/b".into()).unwrap().build().unwrap();
        let error = Seatbelt.prepare(&set, &Accepted::default()).unwrap_err();
        assert!(error.to_string().starts_with("deny cannot be guaranteed: \"/a/b\" is denied, and"), "{error}");
        assert!(Seatbelt.prepare(&set, &Accepted::from_iter([Guarantee::Deny])).is_ok());
    }

    #[test]
    fn what_is_withheld_is_listed() {
        let set = granted("/a", FsAccess::READ_FILE | FsAccess::WRITE_FILE).build().unwrap();
        let policy = Seatbelt.prepare(&set, &Accepted::default()).unwrap();
        assert_eq!(policy.withheld().collect::<Vec<_>>(), [(Path::new("/a"), FsAccess::WRITE_FILE)]);
    }

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn elsewhere_nothing_is_applied() {
        let policy = Seatbelt.prepare(&CapabilitySet::default(), &Accepted::default()).unwrap();
        assert!(matches!(policy.apply(), Err(ApplyError::NotMacos)));
    }
}
