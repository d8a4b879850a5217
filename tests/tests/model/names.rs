//! The other names of what is granted: a rule is tied to the inode (kernel.md section 2), so it opens, and a narrowed one
//! withholds, by every name. Nothing here asks a kernel.

use nono_core::{
    Ability, Builder, CapabilitySet, Enforcement, FsAccess, FsCapability, Identity, Loss, Mechanism, NodeKind,
    PathKind, Resolved,
};
use std::path::{Path, PathBuf};

/// A path, which object is there, and its kind.
pub(crate) type Name = (PathBuf, Identity, NodeKind);

/// Other names of what narrowed grants close, beside the ways to it: a rule on one would open them all (carveout, `narrow`).
pub(crate) fn closed_names(plan: &Enforcement, names: &[Name]) -> Vec<PathBuf> {
    let by = plan.denied.iter().filter(|one| one.mechanism == Mechanism::SiblingGrants);
    let closed: Vec<Identity> = by
        .filter_map(|one| names.iter().find(|(path, ..)| *path == one.path).map(|(_, identity, _)| *identity))
        .collect();
    let narrowed = |path: &Path| {
        plan.lost.iter().any(|one| one.ability == Ability::List && Some(one.directory.as_path()) == path.parent())
    };
    let others = names.iter().filter(|(path, identity, _)| closed.contains(identity) && narrowed(path));
    others.map(|(path, ..)| path.clone()).collect()
}

/// `set` with each grant at all `names` of its object.
pub(crate) fn with_names(set: &CapabilitySet, lost: &[Loss], names: &[Name]) -> Option<CapabilitySet> {
    let mut builder = Builder::from(set.clone());
    let beside = beside(set, lost, names)?;
    for grant in set.fs().iter().chain(&beside) {
        for (path, identity, kind) in names {
            let other = Some(*identity) == grant.identity() && path != grant.resolved();
            let is_directory = *kind == NodeKind::Directory;
            if other && is_directory == (grant.kind() == PathKind::Directory) && !set.denies().contains(path) {
                builder = builder.grant(named(grant, path)?);
            }
        }
    }
    builder.build().ok()
}

/// What is lost in a directory, at the other names of it that nothing grants but the rule on it.
pub(crate) fn lost_by_other_names(set: &CapabilitySet, lost: &[Loss], names: &[Name]) -> Vec<Loss> {
    let mut others = Vec::new();
    for one in lost.iter().filter(|one| one.ability != Ability::Move) {
        let identity = names.iter().find(|(path, ..)| *path == one.directory).map(|(_, identity, _)| *identity);
        let rights = if one.ability == Ability::List { FsAccess::READ_DIR } else { FsAccess::CHANGE };
        let same = names.iter().filter(|(path, found, _)| Some(*found) == identity && *path != one.directory);
        let same = same.filter(|(path, ..)| !set.access_at(path).intersects(rights));
        others.extend(same.map(|(path, ..)| Loss { directory: path.clone(), ability: one.ability }));
    }
    others
}

/// What takes the place of a grant that was narrowed: a rule for each entry of the directories on the way to what is denied.
fn beside(set: &CapabilitySet, lost: &[Loss], names: &[Name]) -> Option<Vec<FsCapability>> {
    let make = FsAccess::MAKE_REG | FsAccess::MAKE_DIR | FsAccess::MAKE_SYM | FsAccess::MAKE_SOCK;
    let make = make | FsAccess::MAKE_FIFO | FsAccess::MAKE_CHAR | FsAccess::MAKE_BLOCK;
    let withheld = |directory: &Path| {
        let here = lost.iter().filter(|one| one.directory == directory).map(|one| match one.ability {
            Ability::List => FsAccess::all(),
            Ability::Make => make,
            Ability::Change => make | FsAccess::REMOVE_FILE | FsAccess::REMOVE_DIR,
            _ => FsAccess::empty(),
        });
        here.fold(FsAccess::empty(), |all, one| all | one)
    };
    let mut rules = Vec::new();
    for (path, identity, kind) in names.iter().filter(|(.., kind)| *kind != NodeKind::Symlink) {
        let above = path.parent().map_or(FsAccess::empty(), withheld);
        if above.is_empty() {
            continue;
        }
        let is_directory = *kind == NodeKind::Directory;
        let (kind, counts) =
            if is_directory { (PathKind::Directory, FsAccess::all()) } else { (PathKind::File, FsAccess::FILE) };
        let all = set.access_at(path) & counts;
        let own = if is_directory { all.difference(withheld(path)) } else { all };
        // What it has by its directory needs no rule.
        if !all.difference(above).contains(own) {
            let found = Resolved { path: path.clone(), kind, identity: Some(*identity), is_device: false };
            rules.push(FsCapability::from_resolved(path.clone(), found, own).ok()?);
        }
    }
    Some(rules)
}

fn named(grant: &FsCapability, path: &Path) -> Option<FsCapability> {
    let found = Resolved { path: path.to_owned(), kind: grant.kind(), identity: grant.identity(), is_device: false };
    FsCapability::from_resolved(path.to_owned(), found, grant.access()).ok()
}
