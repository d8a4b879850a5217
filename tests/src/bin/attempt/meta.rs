//! Metadata of files outside the grants. Landlock does not see these acts: the limit `metadata`.

use crate::act::{Act, Attempt, Scene, c_path, reached};
use crate::sys::call;
use nono_tests::attempt::Guarantee::{Attributes, Capabilities, Files, Metadata};
use nono_tests::attempt::Promise;
use nono_tests::attempt::Proof::Tree;
use rustix::fs::{AtFlags, CWD, Gid, IFlags, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd};

pub(crate) const ATTEMPTS: &[Attempt] = &[
    // A row a kind of metadata: each way of changing it must work outside, and the effect of any counts inside.
    Attempt::new("meta-permissions", &[Metadata], |scene| every_way(scene, PERMISSIONS)).proof(Tree),
    Attempt::new("meta-times", &[Metadata], |scene| every_way(scene, TIMES)).proof(Tree),
    Attempt::new("meta-chown", &[Metadata, Capabilities], chown).root().proof(Tree),
    Attempt::new("meta-chown-in-work", &[Capabilities], chown_in_work).root(),
    Attempt::new("meta-user-attribute", &[Attributes], user_attribute)
        .proof(Tree)
        .absent(&["EOPNOTSUPP"])
        .refusals(NO_ATTRIBUTES),
    Attempt::new("meta-setxattrat", &[Attributes], setxattrat)
        .proof(Tree)
        .absent(&["EOPNOTSUPP"])
        .refusals(NO_ATTRIBUTES),
    Attempt::new("meta-access-list", &[Attributes], access_list)
        .proof(Tree)
        .absent(&["EOPNOTSUPP"])
        .refusals(NO_ATTRIBUTES),
    Attempt::new("meta-trusted-attribute", &[Capabilities, Attributes], trusted_attribute)
        .root()
        .proof(Tree)
        .absent(&["EOPNOTSUPP"])
        .refusals(NO_ATTRIBUTES),
    Attempt::new("meta-file-capability", &[Capabilities, Attributes], file_capability)
        .root()
        .absent(&["EOPNOTSUPP"])
        .refusals(NO_ATTRIBUTES),
    Attempt::new("meta-chattr", &[Files, Attributes], chattr).proof(Tree).absent(&["ENOTTY", "EOPNOTSUPP"]),
    // On the program itself, which is granted for reading.
    Attempt::new("meta-chattr-read-only", &[Attributes], chattr_read_only).absent(&["ENOTTY", "EOPNOTSUPP", "EPERM"]),
    Attempt::new("meta-chattr-high-bit", &[Attributes], chattr_high_bit).absent(&["ENOTTY", "EOPNOTSUPP", "EPERM"]),
    // What the file system does not know says so, and thereby that it was asked.
    Attempt::new("meta-verity", &[Attributes], |_| asked(0x4080_6685)),
    Attempt::new("meta-subvolume", &[Attributes], |_| asked(0x5000_940e)),
    Attempt::new("meta-file-setattr", &[Attributes], file_setattr)
        .proof(Tree)
        .absent(&["EOPNOTSUPP"])
        .refusals(NO_ATTRIBUTES),
    Attempt::new("meta-stat", &[Metadata], |scene| {
        fs::metadata(scene.outside("secret"))?;
        Ok(())
    })
    .promise(Promise::Unpromised),
];

const CHANGED: Mode = Mode::RWXU;

/// As from a file system without attributes, so that programs go on.
const NO_ATTRIBUTES: &[&str] = &["EOPNOTSUPP"];

/// One way to change something: the file, and a number that no other way uses.
type Way = fn(&Scene) -> Act;

const PERMISSIONS: &[Way] = &[
    chmod,
    chmod_magic_link,
    fchmodat2,
    #[cfg(target_arch = "x86_64")]
    crate::legacy::chmod,
];

const TIMES: &[Way] = &[
    times,
    #[cfg(target_arch = "x86_64")]
    crate::legacy::utime,
];

/// Goes all ways, and fails where one failed; that another had an effect shows in the tree.
fn every_way(scene: &Scene, ways: &[Way]) -> Act {
    let outcomes: Vec<Act> = ways.iter().map(|way| way(scene)).collect();
    outcomes.into_iter().find(Result::is_err).unwrap_or(Ok(()))
}

fn chmod(scene: &Scene) -> Act {
    Ok(rustix::fs::chmod(scene.outside("victim"), CHANGED)?)
}

/// By a descriptor opened with `O_PATH`, as chmod programs do when they must not follow a link.
fn chmod_magic_link(scene: &Scene) -> Act {
    let file = rustix::fs::open(scene.outside("victim"), OFlags::PATH, Mode::empty())?;
    Ok(rustix::fs::chmod(format!("/proc/self/fd/{}", file.as_raw_fd()), CHANGED)?)
}

/// Linux 6.6; before, the way is not there.
fn fchmodat2(scene: &Scene) -> Act {
    const SYS_FCHMODAT2: libc::c_long = 452;
    let path = c_path(scene.outside("victim"))?;
    match call!(SYS_FCHMODAT2, libc::AT_FDCWD, &path, CHANGED.as_raw_mode(), 0) {
        Ok(_) | Err(Errno::NOSYS) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
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

/// Sets the list of who may read it, in the kernel's form (`linux/posix_acl_xattr.h`): owner, one more user, group, mask,
/// others.
fn access_list(scene: &Scene) -> Act {
    let entry =
        |tag: u16, rights: u16, id: u32| [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat();
    let everybody = u32::MAX;
    let entries = [
        entry(1, 6, everybody),
        entry(2, 4, 4711),
        entry(4, 4, everybody),
        entry(16, 4, everybody),
        entry(32, 4, everybody),
    ];
    let list = [2_u32.to_le_bytes().to_vec(), entries.concat()].concat();
    Ok(rustix::fs::setxattr(scene.outside("victim"), "system.posix_acl_access", &list, XattrFlags::empty())?)
}

/// Puts the flags that the program has.
fn chattr_read_only(_: &Scene) -> Act {
    let file = File::open("/proc/self/exe")?;
    let flags = rustix::fs::ioctl_getflags(&file)?;
    Ok(rustix::fs::ioctl_setflags(&file, flags)?)
}

/// The same by a request with a bit above the `int` that it is.
fn chattr_high_bit(_: &Scene) -> Act {
    let file = File::open("/proc/self/exe")?;
    let mut flags = [u64::from(rustix::fs::ioctl_getflags(&file)?.bits())];
    call!(libc::SYS_ioctl, file.as_fd(), 0x4008_6602_i64 | 1 << 32, &mut flags)?;
    Ok(())
}

/// Whether a request about a file comes through: with nothing behind its pointer it does nothing.
fn asked(request: i64) -> Act {
    let file = File::open("/proc/self/exe")?;
    reached(
        &call!(libc::SYS_ioctl, file.as_fd(), request, 0),
        &[Errno::NOTTY, Errno::FAULT, Errno::OPNOTSUPP, Errno::INVAL],
    )
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
