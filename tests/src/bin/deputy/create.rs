//! Making files: whose they are, with what mode, and where they are not made.

use crate::row::{End, Row, Scene, Stop};
use crate::sys::{self, address, legacy};
use rustix::fs::{Mode, OFlags, open};
use std::os::unix::fs::MetadataExt;

const MAKE: OFlags = OFlags::WRONLY.union(OFlags::CREATE);

pub(crate) const ROWS: &[Row] = &[
    Row::new("make", |scene| make(scene, "writable/new", MAKE, 0o666)),
    Row::new("make-umask", |scene| with_umask(scene, 0o027)),
    Row::new("make-umask-all", |scene| with_umask(scene, 0o777)),
    Row::new("make-umask-none", |scene| with_umask(scene, 0)),
    Row::new("make-umask-of-thread", umask_of_thread),
    Row::new("make-executable", |scene| make(scene, "writable/new", MAKE, 0o755)),
    Row::new("make-set-user", |scene| make(scene, "writable/new", MAKE, 0o6755)),
    Row::new("make-sticky", |scene| make(scene, "writable/new", MAKE, 0o1644)),
    Row::new("make-unreadable", |scene| make(scene, "writable/new", OFlags::RDWR.union(OFlags::CREATE), 0)),
    Row::new("make-for-reading", |scene| make(scene, "writable/new", OFlags::CREATE, 0o444)),
    Row::new("make-exclusive", |scene| make(scene, "writable/new", MAKE.union(OFlags::EXCL), 0o600)),
    Row::new("make-exclusive-exists", |scene| make(scene, "writable/f", MAKE.union(OFlags::EXCL), 0o600)),
    Row::new("make-exclusive-link", |scene| make(scene, "writable/link", MAKE.union(OFlags::EXCL), 0o600)),
    Row::new("make-exclusive-dangling", |scene| make(scene, "writable/dangling", MAKE.union(OFlags::EXCL), 0o600)),
    Row::new("make-exists", |scene| make(scene, "writable/f", MAKE, 0o600)),
    Row::new("make-nofollow-exists", |scene| make(scene, "writable/f", MAKE.union(OFlags::NOFOLLOW), 0o600)),
    Row::new("make-nofollow-link", |scene| make(scene, "writable/link", MAKE.union(OFlags::NOFOLLOW), 0o600)),
    Row::new("make-nofollow-new", |scene| make(scene, "writable/new", MAKE.union(OFlags::NOFOLLOW), 0o600)),
    Row::new("make-truncate-new", |scene| make(scene, "writable/new", MAKE.union(OFlags::TRUNC), 0o600)),
    Row::new("make-truncate-exists", |scene| make(scene, "writable/f", MAKE.union(OFlags::TRUNC), 0o600)),
    Row::new("make-append", |scene| make(scene, "writable/new", MAKE.union(OFlags::APPEND), 0o600)),
    Row::new("make-cloexec", |scene| make(scene, "writable/new", MAKE.union(OFlags::CLOEXEC), 0o600)),
    Row::new("make-nonblock", |scene| make(scene, "writable/new", MAKE.union(OFlags::NONBLOCK), 0o600)),
    Row::new("make-sync", |scene| make(scene, "writable/new", MAKE.union(OFlags::SYNC), 0o600)),
    Row::new("make-on-directory", |scene| make(scene, "writable/sub", MAKE, 0o600)),
    Row::new("make-on-directory-reading", |scene| make(scene, "writable/sub", OFlags::CREATE, 0o600)),
    Row::new("make-directory-flag", |scene| make(scene, "writable/new", MAKE.union(OFlags::DIRECTORY), 0o600)),
    Row::new("make-slash", |scene| make(scene, "writable/new/", MAKE, 0o600)),
    Row::new("make-dot", |scene| make(scene, "writable/.", MAKE, 0o600)),
    Row::new("make-dots", |scene| make(scene, "writable/sub/..", MAKE, 0o600)),
    Row::new("make-through-dots", |scene| make(scene, "writable/sub/../new", MAKE, 0o600)),
    Row::new("make-through-link", |scene| make(scene, "writable/dirlink/new", MAKE, 0o600)),
    Row::new("make-without-parent", |scene| make(scene, "writable/none/new", MAKE, 0o600)),
    Row::new("make-below-file", |scene| make(scene, "writable/f/new", MAKE, 0o600)),
    Row::new("make-by-dangling-link", |scene| make(scene, "writable/dangling", MAKE, 0o600)).inside("=|EACCES"),
    Row::new("make-in-set-group", |scene| make(scene, "writable/group/new", MAKE, 0o660)),
    Row::new("make-longest-name", |scene| make(scene, &format!("writable/{}", "n".repeat(255)), MAKE, 0o600)),
    Row::new("make-longer-name", |scene| make(scene, &format!("writable/{}", "n".repeat(256)), MAKE, 0o600)),
    Row::new("make-twice", make_twice),
    Row::new("make-and-reopen", make_and_reopen),
    Row::new("make-relative", make_relative),
    Row::new("creat", |scene| creat(scene, "writable/new")),
    Row::new("creat-exists", |scene| creat(scene, "writable/f")),
    Row::new("creat-where-reading", |scene| creat(scene, "approved/f")).inside("EACCES"),
    Row::new("make-where-reading", |scene| make(scene, "approved/new", MAKE, 0o600)).inside("EACCES"),
    Row::new("make-in-secret", |scene| make(scene, "secret/new", MAKE, 0o600)).inside("EACCES"),
    Row::new("make-out-by-link", |scene| make(scene, "writable/out", MAKE, 0o600)).inside("EACCES"),
    Row::new("make-out-by-dots", |scene| make(scene, "writable/../secret/new", MAKE, 0o600)).inside("EACCES"),
    Row::new("make-out-by-dangling", |scene| make(scene, "writable/out-dangling", MAKE, 0o600)).inside("EACCES"),
    Row::new("truncate", |scene| make(scene, "writable/f", OFlags::WRONLY.union(OFlags::TRUNC), 0)),
    Row::new("truncate-readwrite", |scene| make(scene, "writable/f", OFlags::RDWR.union(OFlags::TRUNC), 0)),
    Row::new("truncate-reading", |scene| make(scene, "writable/f", OFlags::TRUNC, 0)).inside("=|EACCES"),
    Row::new("truncate-out", |scene| make(scene, "writable/out", OFlags::WRONLY.union(OFlags::TRUNC), 0))
        .inside("EACCES"),
    Row::new("unnamed", |scene| unnamed(scene, OFlags::RDWR, "writable")),
    Row::new("unnamed-exclusive", |scene| unnamed(scene, OFlags::WRONLY.union(OFlags::EXCL), "writable")),
    Row::new("unnamed-where-reading", |scene| unnamed(scene, OFlags::RDWR, "approved")).inside("EACCES"),
    Row::new("unnamed-on-file", |scene| unnamed(scene, OFlags::RDWR, "writable/f")),
    Row::new("append-appends", append),
    Row::new("unnamed-to-name", unnamed_to_name).inside("=|EACCES|EXDEV|ENOENT"),
    Row::new("busy-program", busy_program).wide_all(),
];

/// Opens by the three calls' common way, and says whose the file is.
fn make(scene: &Scene, name: &str, flags: OFlags, mode: u32) -> End {
    // In the same way under every umask of whoever runs the tests.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    make_as_is(scene, name, flags, mode)
}

fn make_as_is(scene: &Scene, name: &str, flags: OFlags, mode: u32) -> End {
    let file = open(scene.at(name), flags, Mode::from_raw_mode(mode))?;
    let stat = rustix::fs::fstat(&file)?;
    let own = (stat.st_uid, stat.st_gid) == (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Ok(format!("{} size={} links={} own={own}", scene.describe(&file)?, stat.st_size, stat.st_nlink))
}

fn with_umask(scene: &Scene, umask: u32) -> End {
    rustix::process::umask(Mode::from_raw_mode(umask));
    make_as_is(scene, "writable/new", MAKE, 0o666)
}

/// A thread can have a umask of its own.
fn umask_of_thread(scene: &Scene) -> End {
    rustix::process::umask(Mode::from_raw_mode(0o022));
    crate::system::in_thread(|| {
        sys::unshare(libc::CLONE_FS)?;
        rustix::process::umask(Mode::from_raw_mode(0o077));
        make_as_is(scene, "writable/new", MAKE, 0o666)
    })
}

fn make_twice(scene: &Scene) -> End {
    let first = make(scene, "writable/new", MAKE, 0o600)?;
    let second = make(scene, "writable/new", MAKE.union(OFlags::EXCL), 0o600);
    Ok(format!("{first}, then {:?}", second.err()))
}

fn make_and_reopen(scene: &Scene) -> End {
    make(scene, "writable/new", MAKE, 0o600)?;
    make(scene, "writable/new", OFlags::RDONLY, 0)
}

fn make_relative(scene: &Scene) -> End {
    rustix::process::chdir(scene.at("writable/sub"))?;
    Ok(scene.describe(&open("../new", MAKE, Mode::from_raw_mode(0o640))?)?)
}

fn creat(scene: &Scene, name: &str) -> End {
    if legacy::CREAT < 0 {
        return Err(Stop::Unsupported("no creat(2) on this machine".into()));
    }
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let path = scene.c_at(name.as_bytes());
    let file = sys::open_raw(legacy::CREAT, [address(path.to_bytes_with_nul()), 0o666, 0, 0])?;
    Ok(format!("{} size={}", scene.describe(&file)?, rustix::fs::fstat(&file)?.st_size))
}

fn unnamed(scene: &Scene, flags: OFlags, dir: &str) -> End {
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let file = open(scene.at(dir), flags | OFlags::TMPFILE, Mode::from_raw_mode(0o666))?;
    rustix::io::write(&file, b"written")?;
    Ok(format!("{} links={}", scene.describe(&file)?, rustix::fs::fstat(&file)?.st_nlink))
}

fn unnamed_to_name(scene: &Scene) -> End {
    let file = open(scene.at("writable"), OFlags::RDWR | OFlags::TMPFILE, Mode::from_raw_mode(0o600))?;
    let at = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    let cwd = rustix::fs::CWD;
    rustix::fs::linkat(cwd, at, cwd, scene.at("writable/named"), rustix::fs::AtFlags::SYMLINK_FOLLOW)?;
    Ok(scene.describe(&file)?)
}

fn append(scene: &Scene) -> End {
    let path = scene.at("writable/f");
    let file = open(&path, OFlags::WRONLY | OFlags::APPEND, Mode::empty())?;
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
    rustix::io::write(&file, b"+more")?;
    let size = std::fs::metadata(path)?.size();
    Ok(format!("{} size={size}", scene.describe(&file)?))
}

/// A program that runs cannot be written.
fn busy_program(scene: &Scene) -> End {
    scene.try_open(std::env::current_exe()?, OFlags::WRONLY)
}
