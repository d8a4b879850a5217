//! What the model says of a path, put as a verdict: which rule, and what could change it.

use super::case::{Case, Extra};
use super::mounts::exact;
use super::verdict::{By, Change, Rule, Verdict};
use super::walk::Place;
use nono_core::{
    AccessMode, CapabilitySet, Decision, Denial, FsAccess, Guarantee, Mechanism, OpenFlags, PathKind, Remedy, Request,
    Rule as ModelRule, decide,
};
use std::path::Path;

/// What the model says, and where its no comes from.
pub(super) fn decided(case: &Case<'_>, request: &Request, needed: FsAccess, places: &[&Place]) -> Verdict {
    let Some(first) = places.first() else { return Verdict::yes("nothing is asked") };
    // By other names there are more rights, which only a move can fail of: no need to look for them.
    let moves = matches!(request, Request::Rename { .. } | Request::Link { .. });
    if !moves && matches!(decide(&case.foresight.set, request), Decision::Allowed { .. }) {
        return granted(case, &first.path, needed);
    }
    let set = case.known(places);
    match decide(&set, request) {
        Decision::Allowed { .. } => granted(case, &first.path, needed),
        Decision::Denied(denial) => match &denial.rule {
            ModelRule::Denied { deny } => denied(case, (request, needed), deny, (&set, first)),
            ModelRule::Widens { .. } => missing(case, &denial, places)
                .because("the file would gain rights by the move, which then fails as between file systems (EXDEV)"),
            _ => match decide(&case.set, request) {
                Decision::Allowed { .. } => narrowed(case, request, first),
                Decision::Denied(_) => missing(case, &denial, places),
            },
        },
    }
}

/// A yes, and the grant it comes from.
pub(super) fn granted(case: &Case<'_>, path: &Path, needed: FsAccess) -> Verdict {
    // By another name of the object, if no grant is of this one.
    Verdict::yes("it is granted").said(case.granting(path, needed).map(Rule::grant))
}

fn denied(
    case: &Case<'_>,
    (request, needed): (&Request, FsAccess),
    deny: &Path,
    (set, place): (&CapabilitySet, &Place),
) -> Verdict {
    let names: Vec<&Path> = match request {
        Request::Remove { path, .. } => vec![path],
        Request::Rename { from, to, .. } => vec![from, to],
        _ => Vec::new(),
    };
    let leads =
        || case.foresight.enforcement.denied.iter().filter(|one| names.iter().any(|name| one.path.starts_with(name)));
    // What is not there is kept from being made; directories on the way may go, and do not come back.
    if leads().next().is_some() && leads().all(|one| one.mechanism == Mechanism::Landlock) {
        let all = CapabilitySet::builder().grants(set.fs().iter().cloned());
        if let Some(bare) = all.build().ok().filter(|bare| decide(bare, request).is_allowed()) {
            drop(bare);
            return granted(case, &place.path, needed);
        }
    }
    let closed = case.foresight.enforcement.denied.iter().find(|one| one.path == deny);
    let by = closed.map(|one| By::from(one.mechanism)).or_else(|| case.mechanism(Guarantee::Files).map(By::from));
    let inside = place.path.starts_with(deny);
    let reason = if inside { "it is denied" } else { "a denied path lies in it, so that it stays where it is" };
    let mode = if needed.intersects(FsAccess::CHANGE) { AccessMode::Write } else { AccessMode::Read };
    let own = !matches!(request, Request::Remove { .. } | Request::Rename { .. });
    let exact = exact(place).filter(|_| inside && own).map(|exact| match exact {
        Extra::Grant { path, kind, .. } => Extra::Grant { path, mode, kind },
        other => other,
    });
    Verdict::no(reason, by).said(case.deny_rule(deny)).changed_by(Change::Lift { deny: deny.to_owned(), exact })
}

/// A grant has it, and is narrower than it was given, because of what is denied below it.
fn narrowed(case: &Case<'_>, request: &Request, place: &Place) -> Verdict {
    let directory = match request {
        Request::Open { flags, .. } if flags.contains(OpenFlags::DIRECTORY) => place.path.as_path(),
        _ => place.parent(),
    };
    let mut denies = case.foresight.set.denies().iter();
    let below = denies.clone().find(|deny| deny.starts_with(directory));
    let deny = below.or_else(|| denies.find(|deny| place.path.ancestors().any(|above| deny.starts_with(above))));
    let closed = deny.and_then(|deny| case.foresight.enforcement.denied.iter().find(|one| one.path == *deny));
    let by = closed.map_or(Mechanism::SiblingGrants, |one| one.mechanism);
    let ability = case.foresight.loss(directory).map(|loss| loss.ability.to_string());
    let reason = match (ability, place.found.is_some()) {
        (Some(ability), _) => format!("{ability} {directory:?}: the grant is narrowed around what is denied there"),
        (None, _) => "the grant is narrowed around what is denied below it".to_owned(),
    };
    let Some(deny) = deny else { return Verdict::no(reason, By::from(by)) };
    let change = Change::Lift { deny: deny.clone(), exact: None };
    Verdict::no(reason, By::from(by)).said(case.deny_rule(deny)).changed_by(change)
}

/// No grant has it.
fn missing(case: &Case<'_>, denial: &Denial, places: &[&Place]) -> Verdict {
    let place = places.first();
    let others = place.and_then(|place| {
        let other = case.granting(&place.path, FsAccess::empty())?;
        (!other.access().contains(denial.missing())).then_some(other)
    });
    let reason = match others {
        Some(_) => "what is granted there is less than this",
        None => "outside every grant",
    };
    let change = match &denial.remedy {
        Remedy::Grant { path, mode, kind } => Change::More(grant_of(path, *mode, *kind, places)),
        _ => Change::Nothing,
    };
    let rule = others.map_or_else(Rule::built_in, Rule::grant);
    Verdict::no(reason, case.mechanism(Guarantee::Files).map(By::from)).said(rule).changed_by(change)
}

/// The model's remedy, as something that can be granted: what does not exist cannot, and the directory that does is.
fn grant_of(path: &Path, mode: AccessMode, kind: PathKind, places: &[&Place]) -> Extra {
    let absent =
        places.iter().find(|place| place.found.is_none() && place.path.starts_with(path) && place.nearest != path);
    match absent {
        Some(place) if path.starts_with(&place.nearest) => {
            Extra::Grant { path: place.nearest.clone(), mode, kind: PathKind::Directory }
        }
        _ => {
            let is_directory = places.iter().any(|place| place.path == path && place.is_directory());
            let kind = if is_directory { PathKind::Directory } else { kind };
            Extra::Grant { path: path.to_owned(), mode, kind }
        }
    }
}
