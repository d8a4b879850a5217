//! Changing what is mounted where. All of it below the working directory, and undone at once.

use crate::act::{Act, Attempt, Scene, c_path, effect, reached};
use crate::sys::{self, call};
use nono_tests::attempt::Guarantee::{self, Capabilities, Files, KernelSurface, UserNamespaces};
use nono_tests::attempt::Proof::Secret;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs;
use std::os::fd::OwnedFd;

const ROOTS: &[Guarantee] = &[KernelSurface, Capabilities];
const ROOTS_AND_FILES: &[Guarantee] = &[KernelSurface, Capabilities, Files];

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("mount-tmpfs", ROOTS, |_| mount_tmpfs()).root(),
    Attempt::new("mount-in-user-namespace", &[UserNamespaces, KernelSurface, Files], mount_in_namespace)
        .absent(&["EPERM", "EACCES", "ENOSPC"]),
    Attempt::new("mount-bind", ROOTS_AND_FILES, bind).root().proof(Secret),
    Attempt::new("mount-set-attributes", ROOTS, set_attributes).root(),
    Attempt::new("mount-fsopen", ROOTS, |_| {
        file_system()?;
        Ok(())
    })
    .root(),
    Attempt::new("mount-fspick", ROOTS, fspick).root(),
    Attempt::new("mount-fsmount", ROOTS, |_| {
        detached()?;
        Ok(())
    })
    .root(),
    Attempt::new("mount-move", ROOTS, move_mount).root(),
    Attempt::new("mount-open-tree", ROOTS_AND_FILES, open_tree).root().proof(Secret),
    Attempt::new("mount-umount", ROOTS, |_| reached(&call!(libc::SYS_umount2, c"sub", 0), &[Errno::INVAL])).root(),
    Attempt::new("mount-pivot-root", &[UserNamespaces, Capabilities], pivot_root).root(),
    Attempt::new("mount-chroot", &[UserNamespaces, Capabilities, Files], chroot).root().proof(Secret),
];

fn mount_tmpfs() -> Act {
    call!(libc::SYS_mount, c"none", c"sub", c"tmpfs", 0, 0)?;
    let seen = fs::write("sub/on-tmpfs", "x");
    umount()?;
    seen?;
    effect(fs::symlink_metadata("sub/on-tmpfs").is_err(), "nothing was mounted")
}

fn umount() -> Act {
    call!(libc::SYS_umount2, c"sub", libc::MNT_DETACH)?;
    Ok(())
}

fn mount_in_namespace(_: &Scene) -> Act {
    call!(libc::SYS_unshare, libc::CLONE_NEWUSER | libc::CLONE_NEWNS)?;
    mount_tmpfs_unmapped()
}

/// Without a mapped user nothing can be created in it, so only that it is there is looked at.
fn mount_tmpfs_unmapped() -> Act {
    fs::write("sub/below", "x").or_else(|error| match error.kind() {
        // The directory's owner has no name in the new namespace.
        std::io::ErrorKind::PermissionDenied => Ok(()),
        _ => Err(error),
    })?;
    call!(libc::SYS_mount, c"none", c"sub", c"tmpfs", 0, 0)?;
    effect(fs::symlink_metadata("sub/below").is_err(), "nothing was mounted")
}

fn bind(scene: &Scene) -> Act {
    let source = c_path(scene.dir())?;
    call!(libc::SYS_mount, &source, c"sub", 0, libc::MS_BIND.cast_signed(), 0)?;
    let read = fs::read("sub/secret");
    umount()?;
    scene.reveal(&read?)
}

/// `mount_setattr(2)` that changes nothing.
fn set_attributes(_: &Scene) -> Act {
    let mut attributes = [0_u64; 4];
    call!(libc::SYS_mount_setattr, libc::AT_FDCWD, c"/", 0, &mut attributes, 32)?;
    Ok(())
}

fn file_system() -> Result<OwnedFd, Errno> {
    sys::descriptor(call!(libc::SYS_fsopen, c"tmpfs", 1))
}

fn detached() -> Result<OwnedFd, Errno> {
    const CREATE: i32 = 6;
    let context = file_system()?;
    call!(libc::SYS_fsconfig, &context, CREATE, 0, 0, 0)?;
    sys::descriptor(call!(libc::SYS_fsmount, &context, 1, 0))
}

fn fspick(_: &Scene) -> Act {
    drop(sys::descriptor(call!(libc::SYS_fspick, libc::AT_FDCWD, c"/", 1))?);
    Ok(())
}

fn move_mount(_: &Scene) -> Act {
    const FROM_EMPTY_PATH: i32 = 4;
    let mount = detached()?;
    call!(libc::SYS_move_mount, &mount, c"", libc::AT_FDCWD, c"sub", FROM_EMPTY_PATH)?;
    umount()
}

/// A private copy of the tree outside: the mount is new, the files are the same.
fn open_tree(scene: &Scene) -> Act {
    const CLONE: i32 = 1;
    let path = c_path(scene.dir())?;
    let tree = sys::descriptor(call!(libc::SYS_open_tree, libc::AT_FDCWD, &path, CLONE | libc::O_CLOEXEC))?;
    let secret = rustix::fs::openat(&tree, "secret", OFlags::RDONLY, Mode::empty())?;
    let mut bytes = [0; 256];
    let length = rustix::io::read(&secret, &mut bytes)?;
    scene.reveal(bytes.get(..length).unwrap_or_default())
}

/// The working directory is no mount point, so nothing is moved.
fn pivot_root(_: &Scene) -> Act {
    reached(&call!(libc::SYS_pivot_root, c".", c"."), &[Errno::INVAL, Errno::BUSY])
}

fn chroot(scene: &Scene) -> Act {
    let dir = c_path(scene.dir())?;
    call!(libc::SYS_chroot, &dir)?;
    scene.reveal(&fs::read("/secret")?)
}
