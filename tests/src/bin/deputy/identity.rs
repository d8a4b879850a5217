//! Processes that are another user, see other files, or have closed themselves in: not to be helped past that.

use crate::process::open_once;
use crate::row::{End, Row, Scene, Stop};
use crate::sys;
use nono_tests::errno;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

pub(crate) const ROWS: &[Row] = &[
    Row::new("not-dumpable", |scene| not_dumpable(scene, "approved/f")).inside("=|EACCES"),
    Row::new("not-dumpable-secret", |scene| not_dumpable(scene, "secret/f")).inside("EACCES"),
    Row::new("not-dumpable-granted", |scene| not_dumpable(scene, "work/mine")).unapproved("="),
    Row::new("user-changed", user_changed).needs("root setuid"),
    // Another view of files than the supervisor's is not to be had.
    Row::new("user-namespace", |scene| in_namespace(scene, libc::CLONE_NEWUSER)).always("EPERM"),
    Row::new("mount-namespace", |scene| in_namespace(scene, libc::CLONE_NEWNS)).always("EPERM"),
    Row::new("changed-root", |scene| changed_root(scene, "approved")).always("EPERM").needs("root chroot"),
    Row::new("changed-root-secret", |scene| changed_root(scene, "secret")).always("EPERM").needs("root chroot"),
    Row::new("user-of-files-changed", user_of_files_changed).needs("root setuid"),
    // A sandbox within the sandbox keeps what it promises: who stands outside opens nothing for it.
    Row::new("own-landlock", own_landlock).always("EACCES|EPERM|ENOSYS"),
    Row::new("own-landlock-child", own_landlock_child).always("EACCES|EPERM|ENOSYS"),
];

/// A process that others may not look into.
fn not_dumpable(scene: &Scene, name: &str) -> End {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let file = open(scene.at(name), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let size = rustix::fs::fstat(&file)?.st_size;
    Ok(format!("opened {size}"))
}

/// Another user than the supervisor: what is only root's is closed to it.
fn user_changed(scene: &Scene) -> End {
    sys::become_user(65534)?;
    let own = open_once(scene).map(drop).map_err(errno::name);
    let roots = open(scene.at("approved/closed"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    match roots {
        Ok(_) => Err(Stop::Wrong(format!("opened what is closed to this user; {own:?}"))),
        Err(errno) => Err(Stop::Refused(errno)),
    }
}

fn in_namespace(scene: &Scene, flags: i32) -> End {
    sys::unshare(flags)?;
    open_once(scene)?;
    Ok("opened".into())
}

/// In another root a path is another file than for the supervisor.
fn changed_root(scene: &Scene, root: &str) -> End {
    rustix::process::chroot(scene.at(root))?;
    let file = open("/f", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(format!("opened {}", rustix::fs::fstat(&file)?.st_size))
}

/// The kernel asks this user, not the effective one, for permission: setfsuid(2).
fn user_of_files_changed(scene: &Scene) -> End {
    sys::become_user_for_files(65534)?;
    open(scene.at("approved/closed"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    Err(Stop::Wrong("opened what is closed to this user".into()))
}

/// Lets itself read nothing any more.
fn own_landlock(scene: &Scene) -> End {
    sys::close_in()?;
    open_once(scene)?;
    Err(Stop::Wrong("opened what it had closed to itself".into()))
}

fn own_landlock_child(scene: &Scene) -> End {
    let program = std::env::current_exe()?;
    let mut child = std::process::Command::new(program);
    let status = child.args(["close-in-and-open".as_ref(), scene.at("approved/f").as_os_str()]).status()?;
    match status.code() {
        Some(0) => Err(Stop::Wrong("opened what it had closed to itself".into())),
        code => Err(Stop::Refused(Errno::from_raw_os_error(code.unwrap_or(libc::EIO)))),
    }
}
