//! What an open is about: a look at the file system as the target sees it, which changes nothing.

use super::call::Open;
use super::object::{Descriptors, Found, Object};
use super::view::View;
use nono_core::OpenFlags;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::ffi::OsString;
use std::path::PathBuf;

/// What is done to the object.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// It is opened.
    Open,
    /// A file of this name is made in it.
    Make(OsString),
    /// A file without a name is made in it.
    MakeUnnamed,
}

/// What is known of a call after a look at the file system.
pub(super) enum Look {
    /// The kernel answers.
    Leave,
    /// It fails.
    Fail(Errno),
    /// This is asked for.
    At(Object, Act, OpenFlags),
}

/// The path by which it is judged.
pub(super) fn path(object: &Object, act: &Act, descriptors: &Descriptors) -> Option<PathBuf> {
    let path = object.path(descriptors)?;
    Some(match act {
        Act::Make(name) => path.join(name),
        Act::Open | Act::MakeUnnamed => path,
    })
}

/// Finds what is asked for.
pub(super) fn look(view: &View, open: &Open) -> Look {
    let Some(asked) = open.asked() else { return Look::Leave };
    let pinned = match view.pin(open) {
        Ok(pinned) => Object::of(pinned),
        Err(Errno::NOENT) if open.creates() => return look_at_parent(view, open, asked),
        Err(_) => return Look::Leave,
    };
    let object = match pinned {
        Ok(Found::Object(object)) => object,
        Ok(Found::Link) => return Look::Fail(Errno::LOOP),
        Ok(Found::Other) | Err(_) => return Look::Leave,
    };
    if open.is_unnamed() {
        return Look::At(object, Act::MakeUnnamed, asked | OpenFlags::UNNAMED | OpenFlags::DIRECTORY);
    }
    let changes = asked.intersects(OpenFlags::WRITE | OpenFlags::TRUNCATE);
    // EEXIST and EISDIR; and what is emptied without being written (EACCES, by Landlock).
    let exists = open.creates() && (open.flags.contains(OFlags::EXCL) || object.is_directory);
    let empties = asked.contains(OpenFlags::TRUNCATE) && !asked.contains(OpenFlags::WRITE);
    if exists || empties || object.is_directory && changes {
        return Look::Leave;
    }
    let kind = if object.is_directory { OpenFlags::DIRECTORY } else { OpenFlags::empty() };
    Look::At(object, Act::Open, asked | kind)
}

fn look_at_parent(view: &View, open: &Open, asked: OpenFlags) -> Look {
    let Ok(Some((pinned, name))) = view.pin_parent(open) else { return Look::Leave };
    match Object::of(pinned) {
        Ok(Found::Object(parent)) if parent.is_directory => {
            let asked = asked.difference(OpenFlags::TRUNCATE) | OpenFlags::CREATE;
            Look::At(parent, Act::Make(name.to_owned()), asked)
        }
        _ => Look::Leave,
    }
}
