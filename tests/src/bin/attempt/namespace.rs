//! New namespaces, and those of others.

use crate::act::{Act, Attempt, Scene, Stop};
use crate::sys::{self, call};
use nono_tests::attempt::Guarantee::{self, Capabilities, UserNamespaces};
use nono_tests::attempt::Party::Victim;
use rustix::process::{Pid, PidfdFlags};
use std::fs::File;
use std::os::fd::OwnedFd;

const SURFACE: &[Guarantee] = &[UserNamespaces];
const ROOTS: &[Guarantee] = &[UserNamespaces, Capabilities];
/// Some systems do not let users make namespaces.
const BY_SETTING: &[&str] = &["EPERM", "EACCES", "ENOSPC", "EINVAL"];

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("unshare-user", SURFACE, |_| unshare(libc::CLONE_NEWUSER)).absent(BY_SETTING),
    Attempt::new("unshare-user-and-network", SURFACE, |_| unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET))
        .absent(BY_SETTING),
    Attempt::new("unshare-user-and-mounts", SURFACE, |_| unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS))
        .absent(BY_SETTING),
    Attempt::new("unshare-network", ROOTS, |_| unshare(libc::CLONE_NEWNET)).root().absent(&["EINVAL"]),
    Attempt::new("unshare-pid", ROOTS, |_| unshare(libc::CLONE_NEWPID)).root().absent(&["EINVAL"]),
    Attempt::new("unshare-mounts", ROOTS, |_| unshare(libc::CLONE_NEWNS)).root(),
    Attempt::new("unshare-hostname", ROOTS, |_| unshare(libc::CLONE_NEWUTS)).root().absent(&["EINVAL"]),
    Attempt::new("unshare-ipc", ROOTS, |_| unshare(libc::CLONE_NEWIPC)).root().absent(&["EINVAL"]),
    Attempt::new("unshare-cgroup", ROOTS, |_| unshare(libc::CLONE_NEWCGROUP)).root().absent(&["EINVAL"]),
    Attempt::new("clone-user", SURFACE, |_| Ok(sys::clone_and_wait(libc::CLONE_NEWUSER)?)).absent(BY_SETTING),
    Attempt::new("clone-pid", ROOTS, |_| Ok(sys::clone_and_wait(libc::CLONE_NEWPID)?)).root().absent(&["EINVAL"]),
    Attempt::new("clone3-user", SURFACE, |_| Ok(sys::clone3_and_wait(libc::CLONE_NEWUSER)?)).absent(BY_SETTING),
    Attempt::new("clone3-mounts", ROOTS, |_| Ok(sys::clone3_and_wait(libc::CLONE_NEWNS)?)).root(),
    Attempt::new("setns-own", ROOTS, setns_own).root().refusals(&["ENOENT"]),
    Attempt::new("setns-victim", ROOTS, setns_victim).root().with(Victim).refusals(&["ESRCH", "ENOENT"]),
    Attempt::new("clone-plain", SURFACE, |_| Ok(sys::clone_and_wait(0)?)).promise(nono_tests::attempt::Promise::Works),
];

fn unshare(flags: i32) -> Act {
    call!(libc::SYS_unshare, flags)?;
    Ok(())
}

fn setns_own(_: &Scene) -> Act {
    let namespace = OwnedFd::from(File::open("/proc/self/ns/uts")?);
    call!(libc::SYS_setns, &namespace, libc::CLONE_NEWUTS)?;
    Ok(())
}

fn setns_victim(scene: &Scene) -> Act {
    let pid = Pid::from_raw(scene.number("pid")?).ok_or_else(|| Stop::Unsupported("pid 0".into()))?;
    let target = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    call!(libc::SYS_setns, &target, libc::CLONE_NEWUTS)?;
    Ok(())
}
