//! What is said by what is mounted: covers over denied paths, mounts between which nothing is moved, and those that stay.

use super::case::{Case, Extra};
use super::verdict::{By, Change, Verdict};
use super::walk::Place;
use crate::platform;
use nono_core::{AccessMode, Mechanism, PathKind};
use std::path::Path;

/// The no of a cover on the way, or over `seen`.
pub(super) fn hidden(case: &Case<'_>, place: &Place, seen: &Path) -> Option<Verdict> {
    let foresight = &case.foresight;
    let way = place.through.iter().find_map(|directory| foresight.closed_by(directory));
    let way = way.or_else(|| place.links.iter().find_map(|link| foresight.hidden_by(link)));
    let (at, reason) = match (foresight.hidden_by(seen), way) {
        (Some(at), _) if seen.starts_with(at) && way.is_none_or(|way| way == at) => (at, "it is denied"),
        (_, Some(at)) => (at, "the path leads through what is denied, where a cover hides all names"),
        (Some(at), None) => (at, "it is denied"),
        (None, None) => return None,
    };
    // What was denied may be another name of it.
    let deny = case.foresight.set.denies().iter().find(|deny| *deny == at).map_or(at, |deny| deny.as_path());
    let exact = exact(place);
    Some(
        Verdict::no(reason, By::from(Mechanism::MountNamespace))
            .said(case.deny_rule(deny))
            .changed_by(Change::Lift { deny: deny.to_owned(), exact }),
    )
}

/// What grants exactly what is at a place, for reading.
pub(super) fn exact(place: &Place) -> Option<Extra> {
    let kind = if place.is_directory() { PathKind::Directory } else { PathKind::File };
    place.found.as_ref().map(|_| Extra::Grant { path: place.path.clone(), mode: AccessMode::Read, kind })
}

/// Nothing is moved from one mount to another: rename(2), EXDEV.
pub(super) fn between_mounts(case: &Case<'_>, old: &Place, new: &Place) -> Option<Verdict> {
    let (from, to) = (old.parent(), new.parent());
    let own = [from, to].map(|path| case.foresight.mount_of(path));
    let reason = "the two lie on different mounts, between which nothing is moved (EXDEV), whatever is granted";
    if own[0] != own[1] {
        let mount = own.into_iter().flatten().max()?;
        let deny = case.foresight.set.denies().iter().find(|deny| deny.starts_with(mount) || mount.starts_with(deny));
        let no = Verdict::no(reason, By::from(Mechanism::MountNamespace)).noting("programs copy instead");
        let Some(deny) = deny else { return Some(no) };
        return Some(no.said(case.deny_rule(deny)).changed_by(Change::Lift { deny: deny.clone(), exact: None }));
    }
    let nearest =
        |place: &Place| if place.nearest == place.path { place.parent().to_owned() } else { place.nearest.clone() };
    let mounts = (platform::mount_number(&nearest(old)), platform::mount_number(&nearest(new)));
    match mounts {
        (Ok(one), Ok(other)) if one != other => {
            let no = Verdict::no(reason, By::Kernel).changed_by(Change::Nothing);
            Some(no.noting("programs copy instead"))
        }
        _ => None,
    }
}

/// A mount point stays where it is: EBUSY.
pub(super) fn fixed(place: &Place) -> Option<Verdict> {
    let is = place.found.is_some() && platform::is_mount_point(&place.path).unwrap_or(false);
    is.then(|| Verdict::no(format!("{:?} is a mount point, which stays where it is (EBUSY)", place.path), By::Kernel))
}
