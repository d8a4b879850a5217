//! Which way for which denied path: a pure function of the set, of what is there, and of what is permitted.

use super::namespaces::{Namespaces, NoNamespace};
use super::narrow::Hole;
use super::place::{Found, Place};
use nono_core::{
    Ability, CapabilitySet, Closed, FsAccess, FsCapability, Gap, Guarantee, Identity, Loss, Mechanism, PathKind, Shown,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// Making a name in a directory.
pub(super) const MAKE: FsAccess = FsAccess::MAKE_REG
    .union(FsAccess::MAKE_DIR)
    .union(FsAccess::MAKE_SYM)
    .union(FsAccess::MAKE_SOCK)
    .union(FsAccess::MAKE_FIFO)
    .union(FsAccess::MAKE_CHAR)
    .union(FsAccess::MAKE_BLOCK);
const REMOVE: FsAccess = FsAccess::REMOVE_FILE.union(FsAccess::REMOVE_DIR);

/// What is done about all denied paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Choice {
    /// What is mounted, by path: what is above comes first.
    pub(crate) mounts: BTreeMap<PathBuf, Mount>,
    /// Where grants are narrowed.
    pub(crate) holes: Vec<Hole>,
    /// What closes each path.
    pub(crate) denied: Vec<Closed>,
    /// What that takes from grants.
    pub(crate) lost: BTreeSet<Loss>,
    /// Why a path stays open.
    pub(crate) gap: Option<Gap>,
}

/// What is mounted at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mount {
    /// What is there: it stays where it is, and takes this from all grants, but for what is granted below otherwise.
    Itself(Limits, Vec<Back>),
    /// A cover, with what is granted below.
    Cover(Vec<Back>),
}

/// What a mount takes from all grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Limits {
    pub(crate) read_only: bool,
    pub(crate) no_exec: bool,
}

/// A granted path below, with limits of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Back {
    /// Relative to the mount.
    pub(crate) below: PathBuf,
    pub(crate) kind: PathKind,
    pub(crate) limits: Limits,
    /// Another one brings the directory it is in.
    pub(crate) within: bool,
}

/// Chooses for every path of `found`.
pub(crate) fn choose(set: &CapabilitySet, found: &[Found], namespaces: Namespaces) -> Choice {
    let mut choice = Choice::default();
    for one in found {
        choice.add(set, one, namespaces);
    }
    choice.pin_ways(set);
    choice.tell_mounts();
    choice
}

impl Choice {
    /// What keeps all of them closed: of several, the one that takes the most.
    pub(crate) fn mechanism(&self) -> Mechanism {
        let by = |mechanism| self.denied.iter().any(|one| one.mechanism == mechanism);
        let all = [Mechanism::MountNamespace, Mechanism::SiblingGrants];
        all.into_iter().find(|mechanism| by(*mechanism)).unwrap_or(Mechanism::Landlock)
    }

    /// What a program sees at each mount.
    pub(crate) fn shown(&self) -> BTreeMap<PathBuf, Shown> {
        let shown = |(at, mount): (&PathBuf, &Mount)| {
            let shown = match mount {
                Mount::Itself(..) => Shown::Itself,
                Mount::Cover(backs) => Shown::Cover(backs.iter().map(|back| at.join(&back.below)).collect()),
            };
            (at.clone(), shown)
        };
        self.mounts.iter().map(shown).collect()
    }

    fn add(&mut self, set: &CapabilitySet, one: &Found, namespaces: Namespaces) {
        // A cover hides what is mounted below. A rule is of an object, and opens it by all of its names.
        let narrows = matches!(one.place, Place::Directory | Place::File) && namespaces.permitted().is_err();
        let inner = one.inner.iter().filter(|[mount, _]| narrows && set.access_at(mount).is_empty());
        let others = one.aliases.iter().chain(inner.map(|[_, alias]| alias));
        // What no grant reaches by another name needs no cover there, and what is denied by it has its own.
        let reached = others.filter(|alias| !granted_above(set, alias).is_empty() && !is_denied(set, alias));
        let places: Vec<&PathBuf> = std::iter::once(&one.at).chain(reached).collect();
        let closed: Vec<PathBuf> = places.iter().map(|path| (*path).clone()).filter(|path| *path != one.at).collect();
        let mechanism = match (&one.place, namespaces.permitted()) {
            (Place::Missing { parent }, _) => {
                for path in &places {
                    let depth = one.path.strip_prefix(parent).map_or(1, |below| below.components().count());
                    let name = path.ancestors().nth(depth.saturating_sub(1)).unwrap_or(path);
                    self.keep_unmade(set, name, MAKE);
                }
                Mechanism::Landlock
            }
            (_, Ok(())) => {
                for path in &places {
                    self.cover(set, one, path);
                }
                Mechanism::MountNamespace
            }
            (Place::Covered, Err(_)) => Mechanism::MountNamespace,
            (Place::Link, Err(_)) => {
                for path in &places {
                    self.keep_unmade(set, path, MAKE | REMOVE);
                }
                Mechanism::Landlock
            }
            (Place::Directory | Place::File, Err(why)) => {
                for path in places {
                    if let Err(grant) = self.leave_out(set, path, one.identity) {
                        self.open(&one.path, &grant, why);
                        return;
                    }
                }
                Mechanism::SiblingGrants
            }
        };
        let closed = std::iter::once(one.path.clone()).chain(closed);
        self.denied.extend(closed.map(|path| Closed { path, mechanism }));
    }

    /// Covers what is at `at`, which is the denied path or another name of it.
    fn cover(&mut self, set: &CapabilitySet, found: &Found, at: &Path) {
        let deny = found.path.as_path();
        let mut mount = Mount::Cover(Vec::new());
        if found.place == Place::Link {
            mount = Mount::Itself(Limits::default(), Vec::new());
        }
        let above = granted_above(set, at).iter().fold(FsAccess::empty(), |all, one| all | one.access());
        let backs = if at == deny { granted_inside(set, deny) } else { Vec::new() };
        for one in backs {
            let limits = limits(above, one);
            let keeps =
                |limits: &Limits| !(limits.read_only && found.special.iter().any(|path| path == one.resolved()));
            let Some(limits) = limits.filter(keeps) else { return self.too_wide(deny, one) };
            let below = one.resolved().strip_prefix(at).unwrap_or(Path::new(""));
            // Parents come first.
            if below.as_os_str().is_empty() {
                mount = Mount::Itself(limits, Vec::new());
                continue;
            }
            let (around, backs) = match &mut mount {
                Mount::Itself(limits, backs) => (Some(*limits), backs),
                Mount::Cover(backs) => (None, backs),
            };
            // What is in the same tree with the same rights is there with it.
            let holds = |back: &&Back| below.starts_with(&back.below);
            let outer = backs.iter().rfind(holds).map(|back| back.limits).or(around);
            if outer != Some(limits) {
                backs.push(Back { below: below.to_owned(), kind: one.kind(), limits, within: outer.is_some() });
            }
        }
        self.mounts.insert(at.to_owned(), mount);
    }

    /// Nothing is made at `path`, which does not exist or is a link.
    fn keep_unmade(&mut self, set: &CapabilitySet, path: &Path, withheld: FsAccess) {
        let grants = granted_above(set, path);
        if !grants.iter().any(|one| one.access().intersects(withheld)) {
            return;
        }
        // Rules add up across the cover of a denied directory: what is granted above it is not narrowed by what lies below.
        let beyond = path.ancestors().skip(1).filter_map(|above| granted_at(set, above));
        let known = |one: &FsCapability| grants.iter().any(|other| other.resolved() == one.resolved());
        let wide = beyond.into_iter().find(|one| one.access().intersects(withheld) && !known(one));
        if let Some(wide) = wide {
            return self.makeable(path, wide.resolved());
        }
        let ability = if withheld.intersects(REMOVE) { Ability::Change } else { Ability::Make };
        self.lose(&grants, path, ability);
        self.holes.push(Hole { path: path.to_owned(), withheld: Some(withheld), identity: None });
    }

    /// Grants for reading no longer cover `path`.
    ///
    /// # Errors
    /// The grant that is not for reading.
    fn leave_out(&mut self, set: &CapabilitySet, path: &Path, identity: Option<Identity>) -> Result<(), PathBuf> {
        let grants = granted_above(set, path);
        if let Some(wide) = grants.iter().find(|one| one.access().intersects(FsAccess::CHANGE)) {
            return Err(wide.resolved().to_owned());
        }
        self.lose(&grants, path, Ability::List);
        self.holes.push(Hole { path: path.to_owned(), withheld: None, identity });
        Ok(())
    }

    fn lose(&mut self, grants: &[&FsCapability], path: &Path, ability: Ability) {
        for one in grants {
            let ways = path.ancestors().skip(1).take_while(|above| above.starts_with(one.resolved()));
            self.lost.extend(ways.map(|above| Loss { directory: above.to_owned(), ability }));
        }
    }

    /// Directories on the way to a cover stay where they are, if they could be moved: what is made there instead would have
    /// the denied name.
    fn pin_ways(&mut self, set: &CapabilitySet) {
        let movable =
            |way: &&Path| way.parent().is_some_and(|parent| set.access_at(parent).intersects(FsAccess::REMOVE_DIR));
        let ways: BTreeSet<PathBuf> =
            self.mounts.keys().flat_map(|path| path.ancestors().skip(1).filter(movable).map(Path::to_owned)).collect();
        for way in ways {
            self.mounts.entry(way).or_insert(Mount::Itself(Limits::default(), Vec::new()));
        }
        self.drop_hidden();
    }

    /// What lies below a cover is gone with it, unless it is in what is bound back.
    fn drop_hidden(&mut self) {
        let covers: Vec<(PathBuf, Vec<PathBuf>)> = self
            .mounts
            .iter()
            .filter_map(|(at, mount)| match mount {
                Mount::Cover(backs) => Some((at.clone(), backs.iter().map(|back| at.join(&back.below)).collect())),
                Mount::Itself(..) => None,
            })
            .collect();
        self.mounts.retain(|path, _| {
            let hides = |(at, backs): &(PathBuf, Vec<PathBuf>)| {
                path != at && path.starts_with(at) && !backs.iter().any(|back| path.starts_with(back))
            };
            !covers.iter().any(hides)
        });
    }

    /// What is on a mount of its own is parted from what lies beside it: rename(2) and link(2) between the two are `EXDEV`.
    fn tell_mounts(&mut self) {
        for (at, mount) in &self.mounts {
            let (own, backs) = match mount {
                Mount::Itself(_, backs) => (Some(at.clone()), backs),
                Mount::Cover(backs) => (None, backs),
            };
            let parted = own.into_iter().chain(backs.iter().map(|back| at.join(&back.below)));
            self.lost.extend(parted.map(|directory| Loss { directory, ability: Ability::Move }));
        }
    }

    fn open(&mut self, deny: &Path, grant: &Path, why: NoNamespace) {
        let risk = format!(
            "{deny:?} would stay open: {}, and {grant:?} is granted for writing, which cannot be narrowed",
            Plain(why)
        );
        let remedy = format!(
            "granting, in place of {grant:?}, the directories in it that are needed, or it for reading only, or by \
             permitting user namespaces"
        );
        let gap = Gap { risk: risk.into(), ..Gap::new(Guarantee::Deny, "", remedy) };
        self.gap.get_or_insert(gap);
    }

    fn makeable(&mut self, deny: &Path, grant: &Path) {
        let risk =
            format!("{deny:?} could be made: {grant:?} is granted for writing above a denied path on the way there");
        let remedy =
            format!("making {deny:?} before it is denied, or granting what is needed in {grant:?} instead of it");
        let gap = Gap { risk: risk.into(), ..Gap::new(Guarantee::Deny, "", remedy) };
        self.gap.get_or_insert(gap);
    }

    fn too_wide(&mut self, deny: &Path, one: &FsCapability) {
        let path = one.resolved();
        let risk = format!("{path:?}, granted below the denied {deny:?}, would have rights of the grant above too");
        let remedy = format!("granting {path:?} for reading, or for reading and writing");
        let gap = Gap { risk: risk.into(), ..Gap::new(Guarantee::Deny, "", remedy) };
        self.gap.get_or_insert(gap);
    }
}

/// A reason in the middle of a sentence.
struct Plain(NoNamespace);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no private mount namespace is possible ({})", self.0)
    }
}

/// The grants of directories strictly above `path` that reach it: down from the nearest deny on the way.
pub(super) fn granted_above<'a>(set: &'a CapabilitySet, path: &Path) -> Vec<&'a FsCapability> {
    let mut grants = Vec::new();
    for above in path.ancestors().skip(1) {
        grants.extend(granted_at(set, above).filter(|one| one.kind() == PathKind::Directory));
        if is_denied(set, above) {
            break;
        }
    }
    grants
}

fn granted_at<'a>(set: &'a CapabilitySet, path: &Path) -> Option<&'a FsCapability> {
    set.fs().get(set.fs().binary_search_by(|one| one.resolved().cmp(path)).ok()?)
}

fn is_denied(set: &CapabilitySet, path: &Path) -> bool {
    set.denies().binary_search_by(|deny| deny.as_path().cmp(path)).is_ok()
}

/// The grants at or below `deny` that no deeper deny closes, parents first.
fn granted_inside<'a>(set: &'a CapabilitySet, deny: &Path) -> Vec<&'a FsCapability> {
    let first = set.fs().partition_point(|one| one.resolved() < deny);
    let inside = set.fs().iter().skip(first).take_while(|one| one.resolved().starts_with(deny));
    let nearest = |path: &Path| path.ancestors().find(|above| is_denied(set, above)).is_some_and(|at| at == deny);
    inside.filter(|one| nearest(one.resolved())).collect()
}

/// What a mount has to take from `one`, which lies below grants of `above`: rules add up across mounts. None if no mount can.
fn limits(above: FsAccess, one: &FsCapability) -> Option<Limits> {
    let counts = if one.kind() == PathKind::File { FsAccess::FILE } else { FsAccess::all() };
    let mut excess = above.difference(one.access()) & counts;
    let mut limits = Limits::default();
    if excess.intersects(FsAccess::CHANGE) && !one.access().intersects(FsAccess::CHANGE) {
        limits.read_only = true;
        excess = excess.difference(FsAccess::CHANGE);
    }
    if excess.contains(FsAccess::EXECUTE) {
        limits.no_exec = true;
        excess = excess.difference(FsAccess::EXECUTE);
    }
    // Neither opens anything that was not granted for reading or writing.
    excess = excess.difference(FsAccess::IOCTL_DEV);
    excess.is_empty().then_some(limits)
}
