//! Creating and deleting outside the grants; and device nodes, which turn a writable directory into the whole disk.

use crate::act::{Act, Attempt, Scene};
use nono_tests::attempt::Guarantee::{Capabilities, Files};
use nono_tests::attempt::Proof::Tree;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, makedev, mknodat};
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("create-file", &[Files], |scene| {
        fs::File::create_new(scene.outside("planted"))?;
        Ok(())
    })
    .proof(Tree),
    Attempt::new("create-file-by-directory", &[Files], create_by_directory).proof(Tree),
    Attempt::new("create-file-through-symlink", &[Files], create_through_symlink).proof(Tree),
    Attempt::new("create-directory", &[Files], |scene| Ok(fs::create_dir(scene.outside("planted"))?)).proof(Tree),
    Attempt::new("create-symlink", &[Files], |scene| Ok(symlink("secret", scene.outside("planted"))?)).proof(Tree),
    Attempt::new("create-fifo", &[Files], |scene| node(scene, FileType::Fifo)).proof(Tree),
    Attempt::new("create-socket-node", &[Files], |scene| node(scene, FileType::Socket)).proof(Tree),
    Attempt::new("create-socket-bind", &[Files], |scene| {
        UnixListener::bind(scene.outside("planted"))?;
        Ok(())
    })
    .proof(Tree),
    Attempt::new("create-character-device", &[Files], |scene| node(scene, FileType::CharacterDevice))
        .root()
        .proof(Tree),
    Attempt::new("create-block-device", &[Files], |scene| node(scene, FileType::BlockDevice)).root().proof(Tree),
    Attempt::new("create-device-in-work", &[Files, Capabilities], device_in_work).root(),
    Attempt::new("create-temporary", &[Files], temporary).proof(Tree).absent(&["EOPNOTSUPP"]),
    Attempt::new("remove-file", &[Files], |scene| Ok(fs::remove_file(scene.outside("victim"))?)).proof(Tree),
    Attempt::new("remove-file-by-directory", &[Files], remove_by_directory).proof(Tree),
    Attempt::new("remove-directory", &[Files], |scene| Ok(fs::remove_dir(scene.outside("empty"))?)).proof(Tree),
];

fn create_by_directory(scene: &Scene) -> Act {
    let dir = rustix::fs::open(scene.dir(), OFlags::PATH, Mode::empty())?;
    rustix::fs::openat(dir, "planted", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR)?;
    Ok(())
}

fn create_through_symlink(scene: &Scene) -> Act {
    symlink(scene.outside("planted"), "dangling")?;
    Ok(fs::write("dangling", "planted")?)
}

/// Numbers of no device that exists: the node is what counts, and it is never opened.
fn node(scene: &Scene, kind: FileType) -> Act {
    let numbers = if matches!(kind, FileType::Fifo | FileType::Socket) { 0 } else { makedev(240, 200) };
    Ok(mknodat(CWD, scene.outside("planted"), kind, Mode::RUSR, numbers)?)
}

fn device_in_work(_: &Scene) -> Act {
    mknodat(CWD, "planted", FileType::BlockDevice, Mode::RUSR, makedev(240, 200))?;
    Ok(fs::remove_file("planted")?)
}

/// A file without a name, then given one.
fn temporary(scene: &Scene) -> Act {
    let file = rustix::fs::open(scene.dir(), OFlags::TMPFILE | OFlags::WRONLY, Mode::RUSR)?;
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(CWD, link, CWD, scene.outside("planted"), AtFlags::SYMLINK_FOLLOW)?)
}

fn remove_by_directory(scene: &Scene) -> Act {
    let dir = rustix::fs::open(scene.dir(), OFlags::PATH, Mode::empty())?;
    Ok(rustix::fs::unlinkat(dir, "victim", AtFlags::empty())?)
}
