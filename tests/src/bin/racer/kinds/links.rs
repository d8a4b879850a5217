//! Symbolic links and directories on the way change, by exchange at once.

use super::Kind;
use crate::ground::{Ground, exchange, io};
use crate::race::Race;
use crate::sys::{Text, open_by_turns};
use rustix::fs::CWD;
use rustix::io::Errno;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(crate) const KINDS: &[Kind] = &[
    ("link-last", last),
    ("link-middle", middle),
    ("link-chain", chain),
    ("link-replaced", replaced),
    ("link-or-file", or_file),
    ("link-below-grant", below_grant),
    ("directory", directory),
    ("directory-parent", parent),
    ("directory-or-link", directory_or_link),
];

/// Opens `path` all the time; the approved file and nothing else may be opened.
fn opening<'a>(ground: &'a Ground, path: &Path) -> Result<Race<'a>, Errno> {
    let text = Text::new(0, path.as_os_str().as_bytes());
    Ok(Race::new(vec![ground.object("approved/f")?], move |number| open_by_turns(number, &text)))
}

fn last(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("last")?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    ground.link(&one, "approved/f")?;
    ground.link(&other, "secret/f")?;
    Ok(opening(ground, &ground.via("last/one"))?.flip(move |_| exchange(&one, &other)))
}

fn middle(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("middle")?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    ground.link(&one, "approved/d")?;
    ground.link(&other, "secret/d")?;
    Ok(opening(ground, &ground.via("middle/one/../f"))?.flip(move |_| exchange(&one, &other)))
}

fn chain(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("chain")?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    ground.link(&one, "approved/d")?;
    ground.link(&other, "secret/d")?;
    // first -> second -> one/../f
    io(std::os::unix::fs::symlink("second", dir.join("first")))?;
    io(std::os::unix::fs::symlink("one/../f", dir.join("second")))?;
    Ok(opening(ground, &ground.via("chain/first"))?.flip(move |_| exchange(&one, &other)))
}

fn replaced(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("replaced")?;
    let [link, new] = ["link", "new"].map(|name| dir.join(name));
    let targets = ["approved/f", "secret/f"].map(|name| ground.at(name));
    ground.link(&link, "approved/f")?;
    Ok(opening(ground, &ground.via("replaced/link"))?.flip(move |number| {
        let [approved, secret] = &targets;
        let target = if number % 2 == 0 { secret } else { approved };
        // Fails only while the other name is there, which the next turn renames.
        let _ = rustix::fs::symlinkat(target, CWD, &new);
        let _ = rustix::fs::renameat(CWD, &new, CWD, &link);
    }))
}

/// A file of the command's own, in the place of which there is a link to the secret at times.
fn own_file<'a>(ground: &'a Ground, kind: &str, path: &Path) -> Result<Race<'a>, Errno> {
    let dir = ground.flips(kind)?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    io(fs::write(&one, "granted"))?;
    ground.link(&other, "secret/f")?;
    let own = ground.object(&format!("work/flips/{kind}/one"))?;
    let text = Text::new(0, path.as_os_str().as_bytes());
    Ok(Race::new(vec![own], move |number| open_by_turns(number, &text)).flip(move |_| exchange(&one, &other)))
}

fn or_file(ground: &Ground) -> Result<Race<'_>, Errno> {
    own_file(ground, "or-file", &ground.via("or-file/one"))
}

fn below_grant(ground: &Ground) -> Result<Race<'_>, Errno> {
    own_file(ground, "below-grant", &ground.at("work/flips/below-grant/one"))
}

fn directory(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("directory")?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    for (place, target) in [(&one, "approved/f"), (&other, "secret/f")] {
        io(fs::create_dir_all(place.join("in")))?;
        ground.link(place.join("in/f"), target)?;
    }
    Ok(opening(ground, &ground.via("directory/one/in/f"))?.flip(move |_| exchange(&one, &other)))
}

/// What `..` leads to changes: the directory below is moved.
fn parent(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("parent")?;
    for (place, target) in [("one", "approved/f"), ("other", "secret/f")] {
        io(fs::create_dir_all(dir.join(place).join("child")))?;
        ground.link(dir.join(place).join("f"), target)?;
    }
    io(std::os::unix::fs::symlink("one/child", dir.join("way")))?;
    let [one, other] = ["one/child", "other/child"].map(|name| dir.join(name));
    let [left, right] = ["one", "other"].map(|name| dir.join(name));
    let race = opening(ground, &ground.via("parent/way/../f"))?.flip(move |_| exchange(&one, &other));
    Ok(race.flip(move |_| exchange(&left, &right)))
}

fn directory_or_link(ground: &Ground) -> Result<Race<'_>, Errno> {
    let dir = ground.flips("directory-or-link")?;
    let [one, other] = ["one", "other"].map(|name| dir.join(name));
    io(fs::create_dir_all(&one))?;
    ground.link(one.join("f"), "approved/f")?;
    ground.link(&other, "secret")?;
    Ok(opening(ground, &ground.via("directory-or-link/one/f"))?.flip(move |_| exchange(&one, &other)))
}
