//! Where a path begins: directories by number, and the working directory.

use crate::row::{End, Row, Scene, Stop};
use crate::sys::{self, address};
use crate::system::in_thread;
use rustix::fs::{Mode, OFlags, open, openat};
use rustix::process::chdir;
use std::os::fd::{AsRawFd, OwnedFd};

pub(crate) const ROWS: &[Row] = &[
    Row::new("dirfd", |scene| from(scene, "approved", OFlags::PATH, "f")),
    Row::new("dirfd-dots", |scene| from(scene, "approved/sub", OFlags::PATH, "../f")),
    Row::new("dirfd-dots-out", |scene| from(scene, "approved", OFlags::PATH, "../secret/f")).inside("EACCES"),
    Row::new("dirfd-of-secret", |scene| from(scene, "secret", OFlags::PATH, "f")).inside("EACCES"),
    Row::new("dirfd-of-secret-dots-in", |scene| from(scene, "secret", OFlags::PATH, "../approved/f")),
    Row::new("dirfd-of-grant", |scene| from(scene, "work", OFlags::PATH, "mine")).unapproved("="),
    Row::new("dirfd-of-grant-out", |scene| from(scene, "work", OFlags::PATH, "../secret/f")).inside("EACCES"),
    Row::new("dirfd-handed-over", |scene| from(scene, "approved", OFlags::DIRECTORY, "f")),
    Row::new("dirfd-handed-over-out", |scene| from(scene, "approved", OFlags::DIRECTORY, "../secret/f"))
        .inside("EACCES"),
    Row::new("dirfd-handed-over-denied", |scene| from(scene, "approved", OFlags::DIRECTORY, "denied/f"))
        .inside("EACCES"),
    Row::new("dirfd-of-file", |scene| from(scene, "approved/f", OFlags::PATH, "x")),
    Row::new("dirfd-of-link", |scene| from(scene, "approved/dirlink", OFlags::PATH.union(OFlags::NOFOLLOW), "g")),
    Row::new("dirfd-not-open", |scene| number(scene, 4000, "f")).always("="),
    Row::new("dirfd-negative", |scene| number(scene, -5, "f")).always("="),
    Row::new("dirfd-of-pipe", dirfd_of_pipe).always("="),
    Row::new("dirfd-unused", |scene| number(scene, 4000, &text(scene, "approved/f"))),
    Row::new("dirfd-high-half", |scene| high(scene, 0xdead_beef_0000_0000, 0)),
    Row::new("flags-high-half", |scene| high(scene, 0, 1 << 40)),
    Row::new("flags-high-half-write", |scene| high(scene, 0, 0x1_0000_0001)).inside("EACCES"),
    Row::new("dirfd-minus-100-as-32-bits", cwd_as_32_bits),
    Row::new("dirfd-removed", removed),
    Row::new("dirfd-moved", moved),
    Row::new("dirfd-of-another-table", own_table),
    Row::new("dirfd-in-proc", dirfd_in_proc).wide().always("="),
    Row::new("cwd", |scene| in_cwd(scene, "approved", "f")),
    Row::new("cwd-dot", |scene| in_cwd(scene, "approved", "./f")),
    Row::new("cwd-itself", |scene| in_cwd(scene, "approved", ".")),
    Row::new("cwd-dots", |scene| in_cwd(scene, "approved/sub", "../f")),
    Row::new("cwd-dots-out", |scene| in_cwd(scene, "approved", "../secret/f")).inside("EACCES"),
    Row::new("cwd-secret", |scene| in_cwd(scene, "secret", "f")).inside("EACCES"),
    Row::new("cwd-granted", |scene| in_cwd(scene, "work", "mine")).unapproved("="),
    Row::new("cwd-removed", cwd_removed),
    Row::new("cwd-of-thread", cwd_of_thread),
    Row::new("cwd-of-thread-secret", cwd_of_thread_secret).inside("EACCES"),
];

fn text(scene: &Scene, name: &str) -> String {
    scene.at(name).into_os_string().into_string().unwrap_or_default()
}

fn from(scene: &Scene, dir: &str, flags: OFlags, path: &str) -> End {
    let dir = open(scene.at(dir), flags | OFlags::CLOEXEC, Mode::empty())?;
    Ok(scene.describe(&openat(dir, path, OFlags::RDONLY, Mode::empty())?)?)
}

/// From a directory by its bare number.
fn number(scene: &Scene, dir: i32, path: &str) -> End {
    let path = std::ffi::CString::new(path).unwrap_or_default();
    let at = address(path.to_bytes_with_nul());
    let file = sys::open_raw(libc::SYS_openat, [i64::from(dir).cast_unsigned(), at, 0, 0])?;
    Ok(scene.describe(&file)?)
}

/// With bits above what an `int` has: the kernel does not look at them.
fn high(scene: &Scene, dir_bits: u64, flag_bits: u64) -> End {
    let dir: OwnedFd = open(scene.at("approved"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let number = u64::try_from(dir.as_raw_fd()).unwrap_or_default();
    let file = sys::open_raw(libc::SYS_openat, [number | dir_bits, address(c"f".to_bytes_with_nul()), flag_bits, 0])?;
    Ok(scene.describe(&file)?)
}

fn cwd_as_32_bits(scene: &Scene) -> End {
    chdir(scene.at("approved"))?;
    let dir = u64::from(libc::AT_FDCWD.cast_unsigned());
    Ok(scene.describe(&sys::open_raw(libc::SYS_openat, [dir, address(c"f".to_bytes_with_nul()), 0, 0])?)?)
}

fn dirfd_of_pipe(scene: &Scene) -> End {
    let (reader, _writer) = rustix::pipe::pipe()?;
    Ok(scene.describe(&openat(&reader, "f", OFlags::RDONLY, Mode::empty())?)?)
}

fn removed(scene: &Scene) -> End {
    let path = scene.at("work/gone");
    std::fs::create_dir(&path)?;
    let dir = open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    std::fs::remove_dir(&path)?;
    Ok(scene.describe(&openat(dir, "f", OFlags::RDONLY, Mode::empty())?)?)
}

/// A directory that has another name now; and its link leads where it leads now.
fn moved(scene: &Scene) -> End {
    std::fs::create_dir(scene.at("work/before"))?;
    let dir = open(scene.at("work/before"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    std::fs::create_dir(scene.at("work/after"))?;
    std::fs::rename(scene.at("work/before"), scene.at("work/after/now"))?;
    std::os::unix::fs::symlink("../../../approved/f", scene.at("work/after/now/link"))?;
    Ok(scene.describe(&openat(dir, "link", OFlags::RDONLY, Mode::empty())?)?)
}

/// A thread with descriptors of its own, where the number is another directory than elsewhere.
fn own_table(scene: &Scene) -> End {
    let mut dir = open(scene.at("secret"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    in_thread(|| {
        sys::unshare(libc::CLONE_FILES)?;
        let approved = open(scene.at("approved"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::dup2(&approved, &mut dir)?;
        Ok(scene.describe(&openat(&dir, "f", OFlags::RDONLY, Mode::empty())?)?)
    })
}

fn dirfd_in_proc(_: &Scene) -> End {
    let proc = open("/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let file = openat(proc, "self/stat", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = [0; 16];
    let length = rustix::io::read(&file, &mut bytes)?;
    let own = std::process::id().to_string();
    let is_own = bytes.get(..length).is_some_and(|bytes| bytes.starts_with(own.as_bytes()));
    if is_own { Ok("own".into()) } else { Err(Stop::Wrong("somebody else's".into())) }
}

fn in_cwd(scene: &Scene, dir: &str, path: &str) -> End {
    chdir(scene.at(dir))?;
    scene.try_open(path, OFlags::RDONLY)
}

fn cwd_removed(scene: &Scene) -> End {
    std::fs::create_dir(scene.at("work/gone"))?;
    chdir(scene.at("work/gone"))?;
    std::fs::remove_dir(scene.at("work/gone"))?;
    scene.try_open("f", OFlags::RDONLY)
}

fn cwd_of_thread(scene: &Scene) -> End {
    chdir(scene.at("secret"))?;
    in_thread(|| {
        sys::unshare(libc::CLONE_FS)?;
        in_cwd(scene, "approved", "f")
    })
}

fn cwd_of_thread_secret(scene: &Scene) -> End {
    chdir(scene.at("approved"))?;
    in_thread(|| {
        sys::unshare(libc::CLONE_FS)?;
        in_cwd(scene, "secret", "f")
    })
}
