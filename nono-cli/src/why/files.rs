//! What is said of paths: by covers on the way, by the model, by mounts, and by permissions, in the kernel's order.

use super::case::{Case, Extra};
use super::error::WhyError;
use super::loader::loader;
use super::model::{decided, granted};
use super::mounts::{between_mounts, fixed, hidden};
use super::permissions::{self, Wants};
use super::verdict::{By, Change, Rule, Verdict};
use super::walk::{Place, walk};
use crate::args::Op;
use nono_core::{Decision, FsAccess, Guarantee, Mechanism, NodeKind, OpenFlags, Request, decide};
use rustix::fs::Access;
use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::Path;

/// How many interpreters the kernel follows from one to the next (fs/exec.c).
const MOST_INTERPRETERS: usize = 5;

/// May `op` be done with `path`?
pub(super) fn judge(case: &Case<'_>, path: &Path, op: Op) -> Result<Verdict, WhyError> {
    let place = match find(case, path, !matches!(op, Op::Create | Op::Delete)) {
        Ok(place) => place,
        Err(error) => return unsearchable(error),
    };
    check_kind(&place, op)?;
    let verdict = existing(judge_at(case, &place, op)?, &place);
    let asked = case.answers && !verdict.allowed && !matches!(op, Op::Exec | Op::Delete);
    Ok(if asked {
        verdict.noting("when it is asked for, the table [approve] of the profile may say yes")
    } else {
        verdict
    })
}

fn judge_at(case: &Case<'_>, place: &Place, op: Op) -> Result<Verdict, WhyError> {
    let own = matches!(op, Op::Read | Op::Write | Op::Exec | Op::List);
    let seen = if own { &place.path } else { place.parent() };
    if let Some(no) = hidden(case, place, seen) {
        return Ok(no);
    }
    let (request, needed) = request(place, op);
    let verdict = decided(case, &request, needed, &[place]);
    if !verdict.allowed {
        return Ok(verdict);
    }
    let further = match op {
        Op::Delete => fixed(place),
        Op::Exec => interpreters(case, place)?,
        _ => None,
    };
    let removed: &[&Place] = if op == Op::Delete { &[place] } else { &[] };
    Ok(further.or_else(|| permissions::check(case, &wants(place, op), removed)).unwrap_or(verdict))
}

/// May `from` be moved to `to`?
pub(super) fn judge_rename(case: &Case<'_>, from: &Path, to: &Path) -> Result<Verdict, WhyError> {
    let places = find(case, from, false).and_then(|old| Ok((old, find(case, to, false)?)));
    let (old, new) = match places {
        Ok(places) => places,
        Err(error) => return unsearchable(error),
    };
    check_move(&old, &new)?;
    for place in [&old, &new] {
        if let Some(no) = hidden(case, place, place.parent()) {
            return Ok(no);
        }
    }
    let (from, to) = (old.path.clone(), new.path.clone());
    let replaces = new.found.is_some().then(|| new.kind());
    let request = Request::Rename { from, to, kind: old.kind(), replaces };
    if let Some(no) = between_mounts(case, &old, &new) {
        return Ok(no);
    }
    let verdict = decided(case, &request, FsAccess::REMOVE_FILE, &[&old, &new]);
    if !verdict.allowed {
        return Ok(verdict);
    }
    if let Some(no) = fixed(&old).or_else(|| fixed(&new)) {
        return Ok(no);
    }
    let wants: Wants = [&old, &new]
        .into_iter()
        .flat_map(|place| [permissions::to_find(place), permissions::to_change(place)])
        .flatten()
        .collect();
    Ok(permissions::check(case, &wants, &[&old, &new]).unwrap_or_else(|| existing(verdict, &old)))
}

/// May the unix socket at `path` be connected to?
pub(super) fn judge_socket(case: &Case<'_>, path: &Path) -> Result<Verdict, WhyError> {
    let place = match find(case, path, true) {
        Ok(place) => place,
        Err(error) => return unsearchable(error),
    };
    if place.found.is_some() && place.kind() != NodeKind::Socket {
        return Err(WhyError::NotASocket { path: place.path });
    }
    if let Some(no) = hidden(case, &place, &place.path) {
        return Ok(no);
    }
    let verdict = match case.mechanism(Guarantee::UnixSockets) {
        None => super::sockets::open_by_gap(case, Guarantee::UnixSockets),
        Some(mechanism) => {
            let request = Request::UnixConnect { path: place.path.clone() };
            // A supervisor knows sockets by their paths, Landlock by their objects.
            let set = match mechanism {
                Mechanism::Landlock => case.known(&[&place]),
                _ => Cow::Borrowed(&*case.foresight.set),
            };
            match decide(&set, &request) {
                Decision::Allowed { .. } => granted(case, &place.path, FsAccess::RESOLVE_UNIX),
                Decision::Denied(_) => {
                    let at = place.found.as_ref().map_or(&place.nearest, |_| &place.path);
                    let change = Change::More(Extra::Socket(at.clone()));
                    Verdict::no("unix sockets are closed but where they are granted", By::from(mechanism))
                        .said(Rule::built_in())
                        .changed_by(change)
                }
            }
        }
    };
    if !verdict.allowed || place.found.is_none() {
        return Ok(existing(verdict, &place));
    }
    let mut wants = permissions::to_find(&place);
    wants.push((place.path.clone(), Access::WRITE_OK));
    let streams = case.mechanism(Guarantee::UnixSockets) == Some(Mechanism::Supervisor);
    let verdict =
        if streams { verdict.noting("streams alone: datagrams stay closed below Linux 7.1") } else { verdict };
    Ok(permissions::check(case, &wants, &[]).unwrap_or(verdict))
}

/// Follows a path as the command would, from where it starts.
fn find(case: &Case<'_>, path: &Path, follow: bool) -> Result<Place, WhyError> {
    walk(&case.given.workdir, path, follow, &|path| {
        case.foresight.is_fresh(path) && !case.foresight.mounts.contains_key(path)
    })
}

/// What nono itself may not look into, a command may not either.
fn unsearchable(error: WhyError) -> Result<Verdict, WhyError> {
    match error {
        WhyError::Look { path, source } if source.kind() == ErrorKind::PermissionDenied => {
            Ok(permissions::ordinary(&path, &source))
        }
        other => Err(other),
    }
}

fn check_kind(place: &Place, op: Op) -> Result<(), WhyError> {
    let (path, exists) = (|| place.path.clone(), place.found.is_some());
    let is_directory = place.is_directory();
    match op {
        Op::Create if exists => Err(WhyError::Exists { path: path() }),
        Op::Write if is_directory => Err(WhyError::IsADirectory { path: path() }),
        Op::Exec if exists && place.kind() != NodeKind::Regular => Err(WhyError::NoProgram { path: path() }),
        Op::List if exists && !is_directory => Err(WhyError::NotADirectory { path: path() }),
        _ => Ok(()),
    }
}

/// A move that fails for what is there, in every sandbox and in none: rename(2).
pub(super) fn check_move(old: &Place, new: &Place) -> Result<(), WhyError> {
    let no = |why| Err(WhyError::NoMove { from: old.path.clone(), to: new.path.clone(), why });
    match (old.is_directory(), new.found.is_some()) {
        _ if new.path != old.path && new.path.starts_with(&old.path) => no("it would be in itself"),
        _ if new.path != old.path && old.path.starts_with(&new.path) => no("what is there holds it"),
        (true, true) if !new.is_directory() => no("a directory does not replace a file"),
        (false, true) if new.is_directory() => no("a file does not replace a directory"),
        _ => Ok(()),
    }
}

/// The model's request, and the right that tells which grant it is about.
fn request(place: &Place, op: Op) -> (Request, FsAccess) {
    let path = place.path.clone();
    let listed = OpenFlags::READ | OpenFlags::DIRECTORY;
    match op {
        Op::Read if place.is_directory() => (Request::open(path, listed), FsAccess::READ_DIR),
        Op::Read => (Request::open(path, OpenFlags::READ), FsAccess::READ_FILE),
        Op::List => (Request::open(path, listed), FsAccess::READ_DIR),
        Op::Write => (Request::open(path, OpenFlags::WRITE), FsAccess::WRITE_FILE),
        Op::Exec => (Request::Execute { path }, FsAccess::EXECUTE),
        Op::Create => (Request::open(path, OpenFlags::WRITE | OpenFlags::CREATE), FsAccess::MAKE_REG),
        Op::Delete => (Request::Remove { path, kind: place.kind() }, FsAccess::REMOVE_FILE),
    }
}

/// What the permissions of files are asked for it.
fn wants(place: &Place, op: Op) -> Wants {
    let mut wants = permissions::to_find(place);
    let mut of_file = |access| wants.extend(place.found.as_ref().map(|_| (place.path.clone(), access)));
    match op {
        Op::Read | Op::List => of_file(Access::READ_OK),
        Op::Write => of_file(Access::WRITE_OK),
        Op::Exec => of_file(Access::EXEC_OK),
        Op::Create | Op::Delete => wants.extend(permissions::to_change(place)),
    }
    wants
}

/// The first interpreter or loader on the way to a running program that may not be executed.
fn interpreters(case: &Case<'_>, program: &Place) -> Result<Option<Verdict>, WhyError> {
    let mut file = program.path.clone();
    for _ in 0..MOST_INTERPRETERS {
        let Some(named) = loader(&file) else { return Ok(None) };
        let place = find(case, &named, true)?;
        if let Some(no) = hidden(case, &place, &place.path) {
            return Ok(Some(no));
        }
        let request = Request::Execute { path: place.path.clone() };
        let verdict = decided(case, &request, FsAccess::EXECUTE, &[&place]);
        if !verdict.allowed {
            let note = format!("the kernel executes it by {named:?}, and that is refused");
            return Ok(Some(verdict.noting(note)));
        }
        file = place.path;
    }
    Ok(None)
}

/// Says which directory the answer is by, where nothing is yet.
fn existing(verdict: Verdict, place: &Place) -> Verdict {
    if place.found.is_some() {
        return verdict;
    }
    verdict.noting(format!("it does not exist; the nearest directory that does is {:?}", place.nearest))
}
