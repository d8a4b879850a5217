//! The normal form: one capability a path, sorted, with the rights it really has there, and none that adds nothing.

use crate::access::FsAccess;
use crate::error::ConflictError;
use crate::net::NetworkMode;
use crate::order::{at_or_above, compare, first_at_or_below, is_at_or_below, plain};
use crate::path::{FsCapability, PathKind};
use crate::scope::Reach;
use crate::set::CapabilitySet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Brings `set` into normal form.
///
/// Paths are compared by components, so a parent sorts right before all that is below it, and one pass with a stack of
/// open parents sees for each path the rights it inherits.
///
/// A path in `cut` may be denied and granted: the grant holds there, and what is granted above does not.
pub(crate) fn normalise(mut set: CapabilitySet, cut: &[PathBuf]) -> Result<CapabilitySet, ConflictError> {
    set.denies.sort_by(|one, other| compare(one, other));
    set.denies.dedup();
    let merged = merge(std::mem::take(&mut set.fs))?;
    let closed = |path: &Path| {
        set.denies.binary_search_by(|deny| compare(deny, path)).is_ok() && !cut.iter().any(|one| one == path)
    };
    if let Some(both) = merged.iter().find(|one| closed(&one.resolved)) {
        return Err(ConflictError::GrantedAndDenied { path: both.resolved.to_path_buf() });
    }
    let denies = std::mem::take(&mut set.denies);
    let mut denies = denies.into_iter().peekable();
    let mut open: Open = Vec::new();
    // Collected into the memory they come from: there may be thousands.
    let held = merged.into_iter().filter_map(|mut one| {
        while let Some(deny) = denies.next_if(|deny| compare(deny, &one.resolved).is_le()) {
            note_deny(&mut set, &mut open, deny);
        }
        let inherited = inherited(&mut open, &one.resolved);
        let inherited = if one.kind == PathKind::File { inherited & FsAccess::FILE } else { inherited };
        if inherited.contains(one.access) {
            set.redundant.push(one);
            return None;
        }
        one.access |= inherited;
        if one.kind == PathKind::Directory {
            open.push((Arc::clone(&one.resolved), one.access));
        }
        Some(one)
    });
    set.fs = held.collect();
    for deny in denies {
        note_deny(&mut set, &mut open, deny);
    }
    Ok(set)
}

/// Directories on the way to a path, and what holds below each.
type Open = Vec<(Arc<Path>, FsAccess)>;

/// Keeps a deny that closes something, and forgets one that does not.
fn note_deny(set: &mut CapabilitySet, open: &mut Open, deny: PathBuf) {
    if !inherited(open, &deny).is_empty() {
        open.push((deny.as_path().into(), FsAccess::empty()));
        set.denies.push(deny);
    }
}

/// The rights of the nearest open parent of `path`; parents that `path` is not below are closed for good.
fn inherited(open: &mut Open, path: &Path) -> FsAccess {
    while open.pop_if(|(parent, _)| !is_at_or_below(path, parent)).is_some() {}
    open.last().map_or(FsAccess::empty(), |(_, access)| *access)
}

/// Joins the rights of capabilities for the same path, and sorts them.
fn merge(mut all: Vec<FsCapability>) -> Result<Vec<FsCapability>, ConflictError> {
    FsCapability::sort(&mut all);
    let mut conflict = None;
    all.dedup_by(|one, last| {
        let same = last.resolved.as_os_str() == one.resolved.as_os_str();
        if same {
            if replaced(last, one) {
                conflict.get_or_insert_with(|| one.resolved.to_path_buf());
            }
            last.access |= one.access;
        }
        same
    });
    match conflict {
        Some(path) => Err(ConflictError::Replaced { path }),
        None => Ok(all),
    }
}

fn replaced(one: &FsCapability, other: &FsCapability) -> bool {
    let differ = matches!((one.identity, other.identity), (Some(first), Some(second)) if first != second);
    differ || one.kind != other.kind
}

pub(crate) fn access_at(set: &CapabilitySet, path: &Path) -> FsAccess {
    grant_at(set, path).map_or(FsAccess::empty(), FsCapability::access)
}

/// The deepest grant at or above `path`, unless a deny lies deeper. It carries the rights of all above it.
pub(crate) fn grant_at<'a>(set: &'a CapabilitySet, path: &Path) -> Option<&'a FsCapability> {
    let path = plain(path);
    let denied = deny_at(set, &path);
    // What is granted at the deny itself was granted in spite of it.
    let open = |grant: &&FsCapability| denied.is_none_or(|deny| is_at_or_below(&grant.resolved, deny));
    at_or_above(&set.fs, |grant| &grant.resolved, &path)
        .take_while(open)
        .find(|grant| grant.kind == PathKind::Directory || *grant.resolved == *path)
}

/// The deepest deny at or above `path`.
pub(crate) fn deny_at<'a>(set: &'a CapabilitySet, path: &Path) -> Option<&'a Path> {
    at_or_above(&set.denies, PathBuf::as_path, &plain(path)).next().map(PathBuf::as_path)
}

/// The first deny at or below `path`.
pub(crate) fn deny_below<'a>(set: &'a CapabilitySet, path: &Path) -> Option<&'a Path> {
    first_at_or_below(&set.denies, &plain(path)).map(PathBuf::as_path)
}

pub(crate) fn is_subset(one: &CapabilitySet, other: &CapabilitySet) -> bool {
    let fs = one.fs.iter().all(|grant| access_at(other, &grant.resolved).contains(grant.access));
    // What `other` closes below a grant must not be open in `one`: neither the deny itself nor a way to it.
    let denies = other.denies.iter().all(|deny| access_at(other, deny).contains(access_at(one, deny)));
    let ports = other.network == NetworkMode::AllowAll
        || (one.network != NetworkMode::AllowAll
            && one.tcp_connect.is_subset(&other.tcp_connect)
            && (!one.name_lookups || other.name_lookups)
            && one
                .tcp_connect_here()
                .iter()
                .all(|port| other.tcp_connect.contains(port) || other.tcp_connect_here().contains(port))
            && one.tcp_bind().is_subset(&other.tcp_bind()));
    let within = |inner: Reach, outer: Reach| inner == Reach::Inside || outer == Reach::Anywhere;
    fs && denies && ports && within(one.signals, other.signals) && within(one.abstract_sockets, other.abstract_sockets)
}

#[cfg(test)]
mod tests;
