//! What the permissions of files say to a command: it is who nono is, without the privileges of root.

use super::case::{Case, Extra};
use super::verdict::{By, Change, Rule, Verdict};
use super::walk::Place;
use crate::platform;
use nono_core::Mechanism;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What is asked of the permissions of a file.
pub(super) type Wants = Vec<(PathBuf, Access)>;

/// To find what is at a place.
pub(super) fn to_find(place: &Place) -> Wants {
    place.through.iter().map(|directory| (directory.clone(), Access::EXEC_OK)).collect()
}

/// To change which names are in the directory of a place, if that exists.
pub(super) fn to_change(place: &Place) -> Wants {
    let parent = place.parent();
    let exists = place.found.is_some() || place.nearest == parent;
    if exists { vec![(parent.to_owned(), Access::WRITE_OK | Access::EXEC_OK)] } else { Vec::new() }
}

/// The no of permissions, if they say one. What is `removed` also has to be the user's own in a directory like `/tmp`.
pub(super) fn check(case: &Case<'_>, wants: &Wants, removed: &[&Place]) -> Option<Verdict> {
    let seen =
        |(path, _): &&(PathBuf, Access)| case.foresight.hidden_by(path).is_none() && !case.foresight.is_fresh(path);
    let refused = || wants.iter().filter(seen).find_map(|(path, access)| Some((path, refusal(path, *access)?)));
    let inside = |overrides| platform::with_privileges_of_command(overrides, refused);
    let found = match inside(false) {
        // Only now it matters whether there is a privilege.
        Ok(Some(_)) if case.foresight.overrides_permissions() => inside(true),
        found => found,
    };
    let (path, error) = match found {
        Ok(Some(refused)) => refused,
        Ok(None) => return removed.iter().find_map(|place| sticky(place)),
        // Not to be told: what follows is the sandbox's answer.
        Err(_) => return None,
    };
    // Where the mount says no, privileges do not help.
    let without = error.kind() == io::ErrorKind::PermissionDenied && refused().is_none();
    Some(if without {
        let reason = format!("the permissions of {path:?} let only root, who gives up privileges, do this");
        let by = By::Sandbox(Mechanism::Launch);
        let change = Change::More(Extra::Capability("DAC_OVERRIDE"));
        Verdict::no(reason, by).said(Rule::built_in()).changed_by(change)
    } else {
        ordinary(path, &error)
    })
}

fn refusal(path: &Path, access: Access) -> Option<io::Error> {
    match accessat(CWD, path, access, AtFlags::EACCESS) {
        Ok(()) => None,
        Err(errno) => Some(errno.into()),
    }
}

/// Without nono it is the same.
pub(super) fn ordinary(path: &Path, error: &io::Error) -> Verdict {
    let why = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => "its file system is read-only",
        io::ErrorKind::PermissionDenied => "its permissions do not let you",
        _ => "the system refuses it",
    };
    Verdict::no(format!("{path:?}: {why}, without nono either"), By::Kernel)
}

/// In a directory with the sticky bit only owners remove: unlink(2), rename(2).
fn sticky(place: &Place) -> Option<Verdict> {
    let user = rustix::process::geteuid().as_raw();
    let directory = std::fs::symlink_metadata(place.parent()).ok()?;
    let others = place.found.as_ref()?.uid() != user && directory.uid() != user;
    (directory.mode() & 0o1000 != 0 && others).then(|| ordinary(&place.path, &io::ErrorKind::PermissionDenied.into()))
}
