//! openat2(2): what may be in its structure, and what it keeps a path from.

use crate::row::{End, Row, Scene};
use crate::sys::{self, After, Edge, address};
use rustix::fs::{Mode, OFlags, open};
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};

const NO_XDEV: u64 = 0x01;
const NO_MAGICLINKS: u64 = 0x02;
const NO_SYMLINKS: u64 = 0x04;
const BENEATH: u64 = 0x08;
const IN_ROOT: u64 = 0x10;
const CACHED: u64 = 0x20;
const CREATE: u64 = libc::O_CREAT as u64;
const WRITE: u64 = libc::O_WRONLY as u64;
const TMPFILE: u64 = libc::O_TMPFILE as u64;

pub(crate) const ROWS: &[Row] = &[
    Row::new("how-plain", |scene| how(scene, [0; 4], 24)),
    Row::new("how-size-0", |scene| how(scene, [0; 4], 0)).always("="),
    Row::new("how-size-8", |scene| how(scene, [0; 4], 8)).always("="),
    Row::new("how-size-23", |scene| how(scene, [0; 4], 23)).always("="),
    Row::new("how-size-25", |scene| how(scene, [0; 4], 25)),
    Row::new("how-size-32", |scene| how(scene, [0; 4], 32)),
    Row::new("how-tail", |scene| how(scene, [0, 0, 0, 1 << 56], 32)).always("="),
    Row::new("how-tail-not-counted", |scene| how(scene, [0, 0, 0, 1], 24)),
    Row::new("how-size-page", |scene| sized(scene, 4096)),
    Row::new("how-size-more-than-page", |scene| sized(scene, 4097)).always("="),
    Row::new("how-size-huge", |scene| raw(scene, b"approved/f", address(&[0_u64; 3]), u64::MAX)).always("="),
    Row::new("how-null", |scene| raw(scene, b"approved/f", 0, 24)).always("="),
    Row::new("how-at-edge", |scene| at_edge(scene, 24)),
    Row::new("how-over-edge", |scene| at_edge(scene, 25)).always("="),
    Row::new("how-unknown-flag", |scene| how(scene, [1 << 40, 0, 0, 0], 24)).always("="),
    Row::new("how-unknown-low-flag", |scene| how(scene, [1 << 30, 0, 0, 0], 24)).always("="),
    Row::new("how-unknown-resolve", |scene| how(scene, [0, 0, 1 << 20, 0], 24)).always("="),
    Row::new("how-mode-without-create", |scene| how(scene, [0, 0o644, 0, 0], 24)).always("="),
    Row::new("how-mode-too-much", |scene| how(scene, [CREATE, 0o10_0644, 0, 0], 24)).always("="),
    Row::new("how-mode-high", |scene| how(scene, [CREATE, 1 << 40, 0, 0], 24)).always("="),
    Row::new("how-beneath-and-in-root", |scene| how(scene, [0, 0, BENEATH | IN_ROOT, 0], 24)).always("="),
    Row::new("how-path-for-writing", |scene| how(scene, [libc::O_PATH as u64 | WRITE, 0, 0, 0], 24)).always("="),
    Row::new("how-unnamed-for-reading", |scene| how(scene, [TMPFILE, 0o600, 0, 0], 24)).always("="),
    Row::new("how-make-directory", |scene| how(scene, [CREATE | libc::O_DIRECTORY as u64, 0o600, 0, 0], 24))
        .always("="),
    Row::new("how-mode-three", |scene| how(scene, [3, 0, 0, 0], 24)).always("=|EACCES"),
    Row::new("no-symlinks", |scene| from_cwd(scene, "approved/f", NO_SYMLINKS)),
    Row::new("no-symlinks-last", |scene| from_cwd(scene, "approved/link", NO_SYMLINKS)),
    Row::new("no-symlinks-middle", |scene| from_cwd(scene, "approved/dirlink/g", NO_SYMLINKS)),
    Row::new("no-magiclinks", |scene| from_cwd(scene, "/proc/self/exe", NO_MAGICLINKS)).wide().unapproved("="),
    Row::new("no-xdev", |scene| from_cwd(scene, "approved/f", NO_XDEV)).inside("=|EACCES"),
    Row::new("no-xdev-proc", |scene| from_cwd(scene, "/proc/version", NO_XDEV)).wide().always("="),
    Row::new("cached", |scene| from_cwd(scene, "approved/f", CACHED)).inside("=|EACCES|EAGAIN"),
    Row::new("cached-for-making", |scene| how(scene, [CREATE, 0o600, CACHED, 0], 24)).always("=|EACCES"),
    Row::new("beneath", |scene| from(scene, "approved", "sub/g", BENEATH)),
    Row::new("beneath-dots-within", |scene| from(scene, "approved", "sub/../f", BENEATH)),
    Row::new("beneath-dots", |scene| from(scene, "approved/sub", "../f", BENEATH)),
    Row::new("beneath-absolute", |scene| from_cwd(scene, "approved/f", BENEATH)),
    Row::new("beneath-link-out", |scene| from(scene, "approved/sub", "back", BENEATH)),
    Row::new("beneath-absolute-link", |scene| from(scene, "approved", "link", BENEATH)),
    Row::new("in-root", |scene| from(scene, "approved", "f", IN_ROOT)),
    Row::new("in-root-absolute", |scene| from(scene, "approved", "/f", IN_ROOT)),
    Row::new("in-root-dots", |scene| from(scene, "approved", "../../../f", IN_ROOT)),
    Row::new("in-root-link", |scene| from(scene, "approved/sub", "back", IN_ROOT)),
    Row::new("in-root-absolute-link", |scene| from(scene, "approved", "rootlink", IN_ROOT)),
    Row::new("in-root-of-secret", |scene| from(scene, "secret", "/f", IN_ROOT)).inside("EACCES"),
    Row::new("in-root-granted-by-text", in_root_granted).always("="),
    Row::new("in-root-out-of-approved", |scene| from(scene, "approved", "../secret/f", IN_ROOT)),
];

/// openat2(2) from the working directory, of the approved file, with this in memory.
fn how(scene: &Scene, words: [u64; 4], size: u64) -> End {
    raw(scene, b"approved/f", address(&words), size)
}

fn raw(scene: &Scene, path: &[u8], how: u64, size: u64) -> End {
    open_at(scene, libc::AT_FDCWD, &scene.c_at(path), how, size)
}

fn open_at(scene: &Scene, dir: i32, path: &CString, how: u64, size: u64) -> End {
    let path = address(path.to_bytes_with_nul());
    let file = sys::open_raw(libc::SYS_openat2, [i64::from(dir).cast_unsigned(), path, how, size])?;
    Ok(scene.describe(&file)?)
}

fn sized(scene: &Scene, size: u64) -> End {
    let words = vec![0_u64; 1024];
    raw(scene, b"approved/f", address(words.as_slice()), size)
}

fn at_edge(scene: &Scene, size: u64) -> End {
    let edge = Edge::new(&[0; 24], After::Nothing)?;
    raw(scene, b"approved/f", edge.start(), size)
}

fn from_cwd(scene: &Scene, path: &str, resolve: u64) -> End {
    raw(scene, path.as_bytes(), address(&[0, 0, resolve]), 24)
}

/// From a directory, by a path as it is.
fn from(scene: &Scene, dir: &str, path: &str, resolve: u64) -> End {
    let dir: OwnedFd = open(scene.at(dir), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    open_at(scene, dir.as_raw_fd(), &CString::new(path).unwrap_or_default(), address(&[0, 0, resolve]), 24)
}

/// Below this root the path is another than its text says, and means nothing that is granted.
fn in_root_granted(scene: &Scene) -> End {
    from(scene, "secret", "/usr/bin/env", IN_ROOT)
}
