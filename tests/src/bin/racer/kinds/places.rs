//! What a relative path begins at changes: the directory behind a number, and the working directory.

use super::Kind;
use crate::ground::Ground;
use crate::race::Race;
use crate::sys::{How, Text, open_by_turns, openat, openat2};
use rustix::fs::OFlags;
use rustix::io::{Errno, dup2, fcntl_dupfd_cloexec};
use std::os::fd::{AsRawFd, OwnedFd};

pub(crate) const KINDS: &[Kind] = &[
    ("dirfd", dirfd),
    ("dirfd-reopened", reopened),
    ("dirfd-parent", dirfd_parent),
    ("cwd", cwd),
    ("cwd-parent", cwd_parent),
];

/// Numbers from here on are nobody else's in this program.
pub(crate) const FREE: i32 = 200;

/// By openat(2) and openat2(2) in turn.
pub(crate) fn relative(number: u64, dir: i32, text: &Text) -> Result<OwnedFd, Errno> {
    if number.is_multiple_of(2) {
        return openat(dir, text, OFlags::RDONLY);
    }
    openat2(dir, text, &How::default(), How::KNOWN)
}

/// One number, behind which one directory or the other is.
fn replaced<'a>(ground: &'a Ground, below: &str, path: &str) -> Result<Race<'a>, Errno> {
    let sides = [ground.handle(&format!("approved{below}"))?, ground.handle(&format!("secret{below}"))?];
    let mut slot = fcntl_dupfd_cloexec(&sides[0], FREE)?;
    let (dir, text) = (slot.as_raw_fd(), Text::new(0, path.as_bytes()));
    let race = Race::new(vec![ground.object("approved/f")?], move |number| relative(number, dir, &text));
    Ok(race.flip(move |number| {
        let [approved, secret] = &sides;
        // Over a number that is open it cannot fail.
        let _ = dup2(if number % 2 == 0 { secret } else { approved }, &mut slot);
    }))
}

fn dirfd(ground: &Ground) -> Result<Race<'_>, Errno> {
    replaced(ground, "", "f")
}

fn dirfd_parent(ground: &Ground) -> Result<Race<'_>, Errno> {
    replaced(ground, "/d", "../f")
}

/// The number is closed before it is used again.
fn reopened(ground: &Ground) -> Result<Race<'_>, Errno> {
    let sides = [ground.handle("approved")?, ground.handle("secret")?];
    let mut slot = Some(fcntl_dupfd_cloexec(&sides[0], FREE)?);
    let (dir, text) = (FREE, Text::new(0, b"f"));
    let race = Race::new(vec![ground.object("approved/f")?], move |number| relative(number, dir, &text));
    Ok(race.flip(move |number| {
        let [approved, secret] = &sides;
        drop(slot.take());
        slot = fcntl_dupfd_cloexec(if number % 2 == 0 { secret } else { approved }, FREE).ok();
    }))
}

/// Another thread changes the working directory, which all threads have in common.
fn changing<'a>(ground: &'a Ground, below: &str, path: &str) -> Result<Race<'a>, Errno> {
    let sides = ["approved", "secret"].map(|name| ground.at(format!("{name}{below}")));
    rustix::process::chdir(&sides[0])?;
    let text = Text::new(0, path.as_bytes());
    let race = Race::new(vec![ground.object("approved/f")?], move |number| open_by_turns(number, &text));
    Ok(race.flip(move |number| {
        let [approved, secret] = &sides;
        // Both are there, and anyone may enter them.
        let _ = rustix::process::chdir(if number % 2 == 0 { secret } else { approved });
    }))
}

fn cwd(ground: &Ground) -> Result<Race<'_>, Errno> {
    changing(ground, "", "f")
}

fn cwd_parent(ground: &Ground) -> Result<Race<'_>, Errno> {
    changing(ground, "/d", "../f")
}
