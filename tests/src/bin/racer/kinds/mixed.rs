//! All of it at once.

use super::Kind;
use super::places::FREE;
use crate::ground::{Ground, exchange, io};
use crate::race::Race;
use crate::sys::{How, Text, openat2};
use rustix::fs::OFlags;
use rustix::io::{Errno, dup2, fcntl_dupfd_cloexec};
use std::fs;
use std::os::fd::AsRawFd;
use std::sync::Arc;

pub(crate) const KINDS: &[Kind] = &[("everything", everything)];

/// A relative path that changes, from a directory that changes, through links and directories that change, opened for
/// what changes.
fn everything(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("everything")?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    for (place, target) in [(&one, "approved"), (&other, "secret")] {
        io(fs::create_dir_all(place))?;
        ground.link(place.join("in"), target)?;
        ground.link(place.join("f"), &format!("{target}/f"))?;
    }
    let names = ["work/flips/everything/one", "approved/d", "work/flips/everything/other", "secret/d"];
    let sides =
        [ground.handle(names[0])?, ground.handle(names[1])?, ground.handle(names[2])?, ground.handle(names[3])?];
    let mut slot = fcntl_dupfd_cloexec(&sides[0], FREE)?;
    let (number, text, how) = (slot.as_raw_fd(), Arc::new(Text::new(0, b"f")), Arc::new(How::default()));
    let (path, opened) = (text.clone(), how.clone());
    let approved = vec![ground.object("approved/f")?, ground.object("approved")?];
    let race = Race::new(approved, move |_| openat2(number, &path, &opened, How::KNOWN));
    let race = race.flip(move |_| exchange(&one, &other)).flip(move |turn| {
        let turn = usize::try_from(turn).unwrap_or(0);
        let words: [[u8; 8]; 5] =
            [*b"f\0\0\0\0\0\0\0", *b"../f\0\0\0\0", *b"in/f\0\0\0\0", *b"in/d/../", *b"./////f\0"];
        words.get(turn % 5).into_iter().for_each(|word| text.store(0, *word));
        let flags = [OFlags::RDONLY, OFlags::RDONLY, OFlags::RDONLY, OFlags::RDWR, OFlags::NOFOLLOW, OFlags::PATH];
        flags.get(turn / 5 % 6).into_iter().for_each(|flags| how.flags(*flags));
    });
    Ok(race.flip(move |turn| {
        let turn = usize::try_from(turn).unwrap_or(0) % 4;
        if let Some(side) = sides.get(turn) {
            // Over a number that is open it cannot fail.
            let _ = dup2(side, &mut slot);
        }
    }))
}
