//! Paths and structures in memory that is not as it should be.

use crate::row::{End, Row, Scene, Stop};
use crate::sys::{self, After, Edge, address};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::os::fd::AsFd;

pub(crate) const ROWS: &[Row] = &[
    Row::new("path-null", |scene| at(scene, 0)).always("="),
    Row::new("path-unmapped", |scene| at(scene, 0x1000)).always("="),
    Row::new("path-of-the-kernel", |scene| at(scene, 0xffff_8000_0000_0000)).always("="),
    Row::new("path-not-canonical", |scene| at(scene, 0x00de_ad00_dead_0000)).always("="),
    Row::new("path-wraps", |scene| at(scene, u64::MAX)).always("="),
    Row::new("path-empty", |scene| at(scene, address(c"".to_bytes_with_nul()))).always("="),
    Row::new("path-to-end-of-page", |scene| edge(scene, b"approved/f\0", After::Nothing)),
    Row::new("path-to-closed-page", |scene| edge(scene, b"approved/f\0", After::Closed)),
    Row::new("path-runs-into-nothing", |scene| edge(scene, b"approved/f", After::Nothing)).always("="),
    Row::new("path-runs-into-closed", |scene| edge(scene, b"approved/f", After::Closed)).always("="),
    Row::new("path-in-constant-memory", |scene| edge(scene, b"approved/f\0", After::Constant)),
    Row::new("path-in-file", |scene| in_file(scene, b"approved/f\0")),
    Row::new("path-runs-behind-file", |scene| in_file(scene, b"approved/f")).always("="),
    // Memory that the supervisor cannot read: it cannot know. There is none inside.
    Row::new("path-in-secret-memory", secret_memory).inside("=|EACCES|EPERM|ENOSYS").unapproved("EACCES|EPERM|ENOSYS"),
    Row::new("path-longest", |scene| long(scene, 4095, false)),
    Row::new("path-too-long", |scene| long(scene, 4096, false)).always("="),
    Row::new("path-much-too-long", |scene| long(scene, 40000, false)).always("="),
    Row::new("path-longest-at-edge", |scene| long(scene, 4095, true)),
    Row::new("path-too-long-at-edge", |scene| long(scene, 4096, true)).always("="),
    Row::new("path-longest-runs-into-nothing", longest_unended).always("="),
    Row::new("name-longest", |scene| name_of(scene, 255)),
    Row::new("name-too-long", |scene| name_of(scene, 256)).unapproved("="),
    Row::new("deeper-than-paths", deep).inside("=|EACCES|ENAMETOOLONG"),
];

fn cwd() -> u64 {
    i64::from(libc::AT_FDCWD).cast_unsigned()
}

/// Opens the path at an address by openat(2) and openat2(2).
fn at(scene: &Scene, path: u64) -> End {
    let how = [0_u64; 3];
    let second = sys::open_raw(libc::SYS_openat2, [cwd(), path, address(&how), 24]).map(drop);
    let first = sys::open_raw(libc::SYS_openat, [cwd(), path, 0, 0]);
    let said = first.as_ref().err().copied();
    // A sandbox may have to refuse openat2 altogether.
    if second.err() != said && second.err() != Some(Errno::NOSYS) {
        return Err(Stop::Wrong("openat and openat2 do not agree".into()));
    }
    Ok(scene.describe(&first?)?)
}

fn edge(scene: &Scene, path: &[u8], after: After) -> End {
    let path = bytes(scene, path);
    at(scene, Edge::new(&path, after)?.start())
}

/// A path below the place, with what ends it or without.
fn bytes(scene: &Scene, path: &[u8]) -> Vec<u8> {
    let (name, end) = path.strip_suffix(b"\0").map_or((path, false), |name| (name, true));
    let mut bytes = scene.c_at(name).into_bytes();
    bytes.extend(end.then_some(0));
    bytes
}

fn in_file(scene: &Scene, path: &[u8]) -> End {
    let file = rustix::fs::memfd_create("path", rustix::fs::MemfdFlags::CLOEXEC)?;
    let edge = Edge::of_file(file.as_fd(), &bytes(scene, path))?;
    at(scene, edge.start())
}

fn secret_memory(scene: &Scene) -> End {
    at(scene, Edge::secret(&bytes(scene, b"approved/f\0"))?.start())
}

/// A path of this length without what ends it, to the approved file.
fn of_length(scene: &Scene, length: usize) -> Vec<u8> {
    let mut path = scene.c_at(b"approved").into_bytes();
    let missing = length.saturating_sub(path.len() + 2);
    path.extend(b"/.".iter().cycle().take(missing & !1));
    path.extend(if missing % 2 == 1 { &b"//f"[..] } else { &b"/f"[..] });
    path
}

fn long(scene: &Scene, length: usize, edge: bool) -> End {
    let mut path = of_length(scene, length);
    if path.len() != length {
        return Err(Stop::Wrong(format!("{} is not {length}", path.len())));
    }
    path.push(0);
    if edge { at(scene, Edge::new(&path, After::Nothing)?.start()) } else { at(scene, address(path.as_slice())) }
}

fn longest_unended(scene: &Scene) -> End {
    at(scene, Edge::new(&of_length(scene, 4095), After::Nothing)?.start())
}

/// A file of that long a name, which is not there.
fn name_of(scene: &Scene, length: usize) -> End {
    let name = scene.c_at(&[b"approved/".as_slice(), &vec![b'n'; length]].concat());
    at(scene, address(name.to_bytes_with_nul()))
}

/// A file that no path reaches, for it lies too deep; opened from a directory near it.
fn deep(scene: &Scene) -> End {
    let name = "d".repeat(250);
    rustix::process::chdir(scene.at("approved/deep"))?;
    for _ in 0..20 {
        rustix::process::chdir(&name)?;
    }
    let file = rustix::fs::open("f", OFlags::RDONLY | OFlags::CLOEXEC, 0.into())?;
    drop(file);
    Ok("opened".into())
}
