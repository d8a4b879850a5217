//! The structure of openat2(2) changes in memory: for what the file is opened, and how the path is resolved.

use super::Kind;
use super::memory::Word;
use crate::ground::{Ground, exchange};
use crate::race::Race;
use crate::sys::{How, Text, openat2};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

pub(crate) const KINDS: &[Kind] = &[
    ("how-write", write),
    ("how-modes", modes),
    ("how-tail", tail),
    ("how-handle", handle),
    ("how-nofollow", nofollow),
    ("how-resolve", resolve),
];

const NO_MAGICLINKS: u64 = 0x02;
const NO_SYMLINKS: u64 = 0x04;
const BENEATH: u64 = 0x08;
const IN_ROOT: u64 = 0x10;
const CACHED: u64 = 0x20;

/// Opens the approved file with flags that take turns. It may be opened for reading only.
fn turning<const N: usize>(ground: &Ground, flags: [OFlags; N], size: usize) -> Result<(Race<'_>, Arc<How>), Errno> {
    let text = Text::new(0, ground.at("approved/f").as_os_str().as_bytes());
    let how = Arc::new(How::default());
    let (opened, flipped) = (how.clone(), how.clone());
    let race = Race::new(vec![ground.object("approved/f")?], move |_| openat2(libc::AT_FDCWD, &text, &opened, size));
    Ok((race.flip(move |number| set(&flipped, &flags, number)), how))
}

fn set(how: &How, flags: &[OFlags], number: u64) {
    let turn = usize::try_from(number).unwrap_or(0) % flags.len();
    flags.get(turn).into_iter().for_each(|flags| how.flags(*flags));
}

fn write(ground: &Ground) -> Result<Race<'_>, Errno> {
    turning(ground, [OFlags::RDONLY, OFlags::WRONLY], How::KNOWN).map(|(race, _)| race)
}

fn modes(ground: &Ground) -> Result<Race<'_>, Errno> {
    let (race, how) = turning(ground, [OFlags::RDONLY, OFlags::RDWR], How::KNOWN)?;
    let flags = [
        OFlags::RDONLY.union(OFlags::TRUNC),
        OFlags::WRONLY.union(OFlags::APPEND),
        OFlags::RDONLY,
        OFlags::WRONLY.union(OFlags::CREATE),
        OFlags::PATH,
        OFlags::RDWR.union(OFlags::CREATE),
        OFlags::RDONLY.union(OFlags::CREATE),
    ];
    Ok(race.flip(move |number| {
        // Later than the others: a file once truncated is a hole for good.
        if number > 1000 {
            set(&how, &flags, number);
        }
    }))
}

fn tail(ground: &Ground) -> Result<Race<'_>, Errno> {
    let flags = [OFlags::RDONLY, OFlags::RDWR];
    let (race, how) = turning(ground, flags, How::KNOWN + 8)?;
    Ok(race.flip(move |number| how.tail(number % 2)))
}

fn handle(ground: &Ground) -> Result<Race<'_>, Errno> {
    // A handle of the secret may be made; what can be read of it may not.
    let word = Arc::new(Word::new(ground, "", *b"approved", "/f", false));
    let how = Arc::new(How::default());
    let (text, opened) = (word.clone(), how.clone());
    let approved = vec![ground.object("approved/f")?];
    let race = Race::new(approved, move |_| openat2(libc::AT_FDCWD, &text.text, &opened, How::KNOWN));
    let race = race.flip(move |number| word.set(&[*b"approved", *b"secret//"], number));
    Ok(race.flip(move |number| set(&how, &[OFlags::RDONLY, OFlags::PATH], number)))
}

fn nofollow(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("nofollow")?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    ground.link(&one, "approved/f")?;
    ground.link(&other, "secret/f")?;
    let text = Text::new(0, ground.via("nofollow/one").as_os_str().as_bytes());
    let how = Arc::new(How::default());
    let opened = how.clone();
    let approved = vec![ground.object("approved/f")?];
    let race = Race::new(approved, move |_| openat2(libc::AT_FDCWD, &text, &opened, How::KNOWN));
    let race = race.flip(move |number| {
        set(&how, &[OFlags::RDONLY, OFlags::NOFOLLOW], number);
        how.resolve(if number % 16 == 3 { NO_SYMLINKS } else { 0 });
    });
    Ok(race.flip(move |_| exchange(&one, &other)))
}

fn resolve(ground: &Ground) -> Result<Race<'_>, Errno> {
    // Within the approved directory as a root, the path leads to a file that is approved; else to the secret.
    let dir = ground.handle("approved")?;
    let text = Text::new(0, b"../secret/f");
    let how = Arc::new(How::default());
    let opened = how.clone();
    let approved = vec![ground.object("approved/secret/f")?];
    let race = Race::new(approved, move |_| openat2(dir.as_raw_fd(), &text, &opened, How::KNOWN));
    Ok(race.flip(move |number| {
        let turns = [IN_ROOT, 0, IN_ROOT | NO_MAGICLINKS, BENEATH, IN_ROOT, NO_SYMLINKS, CACHED, IN_ROOT | CACHED];
        let turn = usize::try_from(number).unwrap_or(0) % turns.len();
        turns.get(turn).into_iter().for_each(|resolve| how.resolve(*resolve));
    }))
}
