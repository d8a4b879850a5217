//! Calls that only x86-64 has: the old entry points, and the gates of other architectures.

use crate::act::{Act, Attempt, Scene, c_path, effect};
use crate::sys::{self, call};
use nono_tests::attempt::Guarantee::{Capabilities, Files, KernelSurface, Truncate};
use nono_tests::attempt::Proof::{Secret, Tree};
use rustix::io::Errno;

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("legacy-open", &[Files], open).proof(Secret),
    Attempt::new("legacy-open-truncate", &[Truncate], |scene| open_truncating(scene, libc::O_RDONLY)).proof(Tree),
    Attempt::new("legacy-open-truncate-mode-3", &[Truncate], |scene| open_truncating(scene, 3)).proof(Tree),
    Attempt::new("legacy-creat", &[Truncate, Files], |scene| creat(scene, "victim")).proof(Tree),
    Attempt::new("legacy-creat-new", &[Files], |scene| creat(scene, "planted")).proof(Tree),
    Attempt::new("legacy-rename", &[Files], rename).proof(Tree),
    Attempt::new("legacy-mknod", &[Files], mknod).proof(Tree),
    Attempt::new("gate-32-bit", &[KernelSurface], gate),
    Attempt::new("gate-x32", &[KernelSurface], x32),
    Attempt::new("iopl", &[KernelSurface, Capabilities], |_| {
        call!(libc::SYS_iopl, 0)?;
        Ok(())
    })
    .root(),
    // Port 0x80 is the one of power-on codes, for this process only.
    Attempt::new("ioperm", &[KernelSurface, Capabilities], |_| {
        call!(libc::SYS_ioperm, 0x80, 1, 1)?;
        Ok(())
    })
    .root(),
    Attempt::new("modify-ldt", &[KernelSurface], modify_ldt),
];

fn open(scene: &Scene) -> Act {
    let path = c_path(scene.outside("secret"))?;
    let file = sys::descriptor(call!(libc::SYS_open, &path, libc::O_RDONLY))?;
    let mut bytes = [0; 256];
    let length = rustix::io::read(&file, &mut bytes)?;
    scene.reveal(bytes.get(..length).unwrap_or_default())
}

fn open_truncating(scene: &Scene, access: i32) -> Act {
    let path = c_path(scene.outside("victim"))?;
    drop(sys::descriptor(call!(libc::SYS_open, &path, access | libc::O_TRUNC))?);
    Ok(())
}

fn creat(scene: &Scene, name: &str) -> Act {
    let path = c_path(scene.outside(name))?;
    drop(sys::descriptor(call!(libc::SYS_creat, &path, 0o600))?);
    Ok(())
}

fn rename(scene: &Scene) -> Act {
    let path = c_path(scene.outside("moveme"))?;
    call!(libc::SYS_rename, &path, c"moved")?;
    Ok(())
}

fn mknod(scene: &Scene) -> Act {
    let path = c_path(scene.outside("planted"))?;
    call!(libc::SYS_mknod, &path, libc::S_IFIFO | 0o600, 0)?;
    Ok(())
}

/// A way of `meta-times`.
pub(crate) fn utime(scene: &Scene) -> Act {
    let path = c_path(scene.outside("victim"))?;
    let mut times = [1, 1];
    call!(libc::SYS_utime, &path, &mut times)?;
    Ok(())
}

/// A way of `meta-permissions`.
pub(crate) fn chmod(scene: &Scene) -> Act {
    let path = c_path(scene.outside("victim"))?;
    call!(libc::SYS_chmod, &path, 0o700)?;
    Ok(())
}

/// `int 0x80`, where the numbers mean other calls: 20 is getpid. A kernel without it gives SIGSEGV.
fn gate(_: &Scene) -> Act {
    let answer = sys::getpid_by_int80();
    match i32::try_from(-answer) {
        Ok(errno @ 1..=4095) => Err(Errno::from_raw_os_error(errno).into()),
        _ => effect(answer == i64::from(std::process::id()), "another number came back"),
    }
}

fn x32(_: &Scene) -> Act {
    const X32: libc::c_long = 0x4000_0000;
    let answer = call!(X32 | libc::SYS_getpid)?;
    effect(answer == i64::from(std::process::id()), "another number came back")
}

/// Reads the table, which is empty.
fn modify_ldt(_: &Scene) -> Act {
    let mut table = [0_u8; 64];
    call!(libc::SYS_modify_ldt, 0, &mut table[..], 64)?;
    Ok(())
}
