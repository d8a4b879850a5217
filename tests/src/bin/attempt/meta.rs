//! Metadata of files outside the grants. Landlock does not see these acts: the limit `metadata`.

use crate::act::{Act, Attempt, Scene, c_path};
use crate::sys::call;
use nono_tests::attempt::Guarantee::{Capabilities, Files, Metadata};
use nono_tests::attempt::Promise;
use nono_tests::attempt::Proof::Tree;
use rustix::fs::{AtFlags, CWD, Gid, IFlags, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use std::fs::{self, File};
use std::os::fd::AsRawFd;

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("meta-chmod", &[Metadata], chmod).proof(Tree),
    Attempt::new("meta-chmod-magic-link", &[Metadata], chmod_magic_link).proof(Tree),
    Attempt::new("meta-fchmodat2", &[Metadata], fchmodat2).proof(Tree),
    Attempt::new("meta-chown", &[Metadata, Capabilities], chown).root().proof(Tree),
    Attempt::new("meta-chown-in-work", &[Capabilities], chown_in_work).root(),
    Attempt::new("meta-times", &[Metadata], times).proof(Tree),
    Attempt::new("meta-user-attribute", &[Metadata], user_attribute).proof(Tree).absent(&["EOPNOTSUPP"]),
    Attempt::new("meta-setxattrat", &[Metadata], setxattrat).proof(Tree).absent(&["EOPNOTSUPP"]),
    Attempt::new("meta-trusted-attribute", &[Capabilities], trusted_attribute)
        .root()
        .proof(Tree)
        .absent(&["EOPNOTSUPP"]),
    Attempt::new("meta-file-capability", &[Capabilities], file_capability).root().absent(&["EOPNOTSUPP"]),
    Attempt::new("meta-chattr", &[Files], chattr).proof(Tree).absent(&["ENOTTY", "EOPNOTSUPP"]),
    Attempt::new("meta-file-setattr", &[Metadata], file_setattr).proof(Tree).absent(&["EOPNOTSUPP"]),
    Attempt::new("meta-stat", &[Metadata], |scene| {
        fs::metadata(scene.outside("secret"))?;
        Ok(())
    })
    .promise(Promise::Unpromised),
];

const CHANGED: Mode = Mode::RWXU;

fn chmod(scene: &Scene) -> Act {
    Ok(rustix::fs::chmod(scene.outside("victim"), CHANGED)?)
}

/// By a descriptor opened with `O_PATH`, as chmod programs do when they must not follow a link.
fn chmod_magic_link(scene: &Scene) -> Act {
    let file = rustix::fs::open(scene.outside("victim"), OFlags::PATH, Mode::empty())?;
    Ok(rustix::fs::chmod(format!("/proc/self/fd/{}", file.as_raw_fd()), CHANGED)?)
}

fn fchmodat2(scene: &Scene) -> Act {
    const SYS_FCHMODAT2: libc::c_long = 452;
    let path = c_path(scene.outside("victim"))?;
    call!(SYS_FCHMODAT2, libc::AT_FDCWD, &path, CHANGED.as_raw_mode(), 0)?;
    Ok(())
}

fn chown(scene: &Scene) -> Act {
    Ok(rustix::fs::chown(scene.outside("victim"), Some(Uid::from_raw(4711)), Some(Gid::from_raw(4711)))?)
}

fn chown_in_work(_: &Scene) -> Act {
    Ok(rustix::fs::chown("mine", Some(Uid::from_raw(4711)), None)?)
}

fn times(scene: &Scene) -> Act {
    let past = Timespec { tv_sec: 1, tv_nsec: 0 };
    let times = Timestamps { last_access: past, last_modification: past };
    Ok(rustix::fs::utimensat(CWD, scene.outside("victim"), &times, AtFlags::empty())?)
}

fn user_attribute(scene: &Scene) -> Act {
    Ok(rustix::fs::setxattr(scene.outside("victim"), "user.planted", b"1", XattrFlags::empty())?)
}

/// setxattrat(2), Linux 6.13.
fn setxattrat(scene: &Scene) -> Act {
    const SYS_SETXATTRAT: libc::c_long = 463;
    let path = c_path(scene.outside("victim"))?;
    let value = b"1";
    // struct xattr_args: value, size (32 bits), flags (32 bits).
    let mut arguments = [crate::sys::word(value.as_ptr()), 1];
    call!(SYS_SETXATTRAT, libc::AT_FDCWD, &path, 0, c"user.planted", &mut arguments, 16)?;
    Ok(())
}

fn trusted_attribute(scene: &Scene) -> Act {
    Ok(rustix::fs::setxattr(scene.outside("victim"), "trusted.planted", b"1", XattrFlags::empty())?)
}

/// A file capability on a file of the sandbox: who executes it outside would have it.
fn file_capability(_: &Scene) -> Act {
    // struct vfs_cap_data, revision 2: CAP_NET_BIND_SERVICE permitted.
    let mut value = [0_u8; 20];
    value[3] = 2;
    value[5] = 4;
    Ok(rustix::fs::setxattr("mine", "security.capability", &value, XattrFlags::empty())?)
}

/// `FS_IOC_SETFLAGS`, for which a descriptor open for reading is enough.
fn chattr(scene: &Scene) -> Act {
    let file = File::open(scene.outside("victim"))?;
    let flags = rustix::fs::ioctl_getflags(&file)?;
    Ok(rustix::fs::ioctl_setflags(&file, flags | IFlags::NOATIME)?)
}

/// `file_setattr(2)`, Linux 6.17: the same by path, without opening.
fn file_setattr(scene: &Scene) -> Act {
    const SYS_FILE_SETATTR: libc::c_long = 469;
    const FS_XFLAG_NOATIME: u64 = 0x40;
    let path = c_path(scene.outside("victim"))?;
    let mut attributes = [FS_XFLAG_NOATIME, 0, 0];
    call!(SYS_FILE_SETATTR, libc::AT_FDCWD, &path, &mut attributes, 24, 0)?;
    Ok(())
}
