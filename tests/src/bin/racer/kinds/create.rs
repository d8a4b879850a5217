//! Where a new file is made changes. What is made beside the approved directory is a hole.

use super::Kind;
use super::memory::Word;
use crate::ground::{Ground, Object, exchange, io};
use crate::race::Race;
use crate::sys::{How, Text, open, openat, openat2};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, PoisonError};

pub(crate) const KINDS: &[Kind] =
    &[("create-text", text), ("create-link", link), ("create-directory", directory), ("create-dangling", dangling)];

/// For writing, made where it is not, and only there in every second call.
fn make(number: u64, path: &Text) -> Result<OwnedFd, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE;
    match number % 4 {
        0 => open(path, flags),
        1 => openat(libc::AT_FDCWD, path, flags | OFlags::EXCL),
        2 => openat(libc::AT_FDCWD, path, flags | OFlags::TRUNC),
        _ => openat2(libc::AT_FDCWD, path, &How::made(flags | OFlags::EXCL, 0o600), How::KNOWN),
    }
}

/// The name of the file that call `number` makes.
fn name(kind: &str, number: u64) -> String {
    format!("{kind}-{number}")
}

/// Whether the file is the one of that name in the approved directory.
fn in_dropbox(ground: &Ground, file: &OwnedFd, name: &str) -> bool {
    let found = ground.object(&format!("dropbox/{name}"));
    found.is_ok_and(|found| Object::of(file) == Ok(found))
}

/// A race of files made in `dir`, each with a name of its own.
fn making<'a>(ground: &'a Ground, kind: &'static str, dir: std::path::PathBuf) -> Race<'a> {
    Race::judged(
        move |file, number| in_dropbox(ground, file, &name(kind, number)),
        move |number| make(number, &Text::new(0, dir.join(name(kind, number)).as_os_str().as_bytes())),
    )
}

fn text(ground: &Ground) -> Result<Race<'_>, Errno> {
    // The name is in the same memory as the word, so one call at a time.
    let kind = "text";
    // Fails here when there is nothing to race for.
    ground.object("dropbox")?;
    let word = Mutex::new(());
    let path = std::sync::Arc::new(Word::new(ground, "", *b"dropbox/", "/", false));
    let opened = path.clone();
    let race = Race::judged(
        move |file, number| in_dropbox(ground, file, &name(kind, number)),
        move |number| {
            let _one = word.lock().unwrap_or_else(PoisonError::into_inner);
            opened.rest(name(kind, number).as_bytes());
            make(number, &opened.text)
        },
    );
    Ok(race.flip(move |number| path.set(&[*b"dropbox/", *b"secret//"], number)))
}

fn link(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("create-link")?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    ground.link(&one, "dropbox")?;
    ground.link(&other, "secret")?;
    Ok(making(ground, "link", ground.via("create-link/one")).flip(move |_| exchange(&one, &other)))
}

fn directory(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("create-directory")?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    for (place, target) in [(&one, "dropbox"), (&other, "secret")] {
        io(fs::create_dir_all(place))?;
        ground.link(place.join("in"), target)?;
    }
    Ok(making(ground, "directory", ground.via("create-directory/one/in")).flip(move |_| exchange(&one, &other)))
}

/// The last name is a link to a file that is not there: to follow it makes the file.
fn dangling(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("create-dangling")?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    ground.link(&one, "dropbox/dangling")?;
    ground.link(&other, "secret/dangling")?;
    let path = Text::new(0, ground.via("create-dangling/one").as_os_str().as_bytes());
    let race =
        Race::judged(move |file, _| in_dropbox(ground, file, "dangling"), move |number| make(number & !1, &path));
    // To follow it is the kernel's business, which refuses what it cannot know to be approved.
    Ok(race.one_sided().flip(move |_| exchange(&one, &other)))
}
