//! What a private mount namespace takes and rustix has not.
//!
//! # Safety
//! Made between fork and exec, as listed in the parent of this module.
#![expect(unsafe_code, reason = "unshare, mount_setattr, getcwd and a forked child")]

use rustix::io::Errno;
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `PATH_MAX` (linux/limits.h), with the closing NUL.
pub(crate) const LONGEST_PATH: usize = 4096;

/// Set in the word of a child for what failed after the first step.
pub(crate) const LATER: u8 = 0x80;

/// What a mount forbids, whatever the rights on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MountAttributes {
    pub(crate) read_only: bool,
    pub(crate) no_exec: bool,
}

impl MountAttributes {
    pub(crate) const READ_ONLY: MountAttributes = MountAttributes { read_only: true, no_exec: false };
}

/// Gives this process mounts of its own; with a user namespace, in which it then has every capability. Fails with threads.
pub(crate) fn unshare_mounts(with_user: bool) -> Result<(), Errno> {
    let user = if with_user { UnshareFlags::NEWUSER } else { UnshareFlags::empty() };
    // SAFETY: neither flag is about the table of descriptors, which stays what it is for every owner of one.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS | user) }
}

/// Forbids more on a mount and all below it: `mount_setattr(2)` (Linux 5.12, older than Landlock).
pub(crate) fn set_mount_attributes(mount: BorrowedFd<'_>, wanted: MountAttributes) -> Result<(), Errno> {
    let mut set = 0;
    if wanted.read_only {
        set |= libc::MOUNT_ATTR_RDONLY;
    }
    if wanted.no_exec {
        set |= libc::MOUNT_ATTR_NOEXEC;
    }
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | libc::AT_RECURSIVE;
    let pointer = &raw const attributes;
    // SAFETY: the kernel reads an empty path, which ends in NUL, and one struct of the size given, from a live value. The
    // descriptor is open for as long as it is borrowed.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            pointer,
            size_of::<libc::mount_attr>(),
        )
    };
    if answer == 0 { Ok(()) } else { Err(last_errno()) }
}

/// The path of the working directory: `getcwd(2)`. `ENOENT` if it was removed or is not below the root.
pub(crate) fn working_directory(buffer: &mut [u8; LONGEST_PATH]) -> Result<&CStr, Errno> {
    // SAFETY: the kernel writes at most as many bytes as it is told the buffer has, which is writable and not shared.
    let answer = unsafe { libc::syscall(libc::SYS_getcwd, buffer.as_mut_ptr(), LONGEST_PATH) };
    if answer < 0 {
        return Err(last_errno());
    }
    // "(unreachable)" is written before what is not below the root.
    let path = CStr::from_bytes_until_nul(buffer).map_err(|_no_nul| Errno::NAMETOOLONG)?;
    if path.to_bytes().starts_with(b"/") { Ok(path) } else { Err(Errno::NOENT) }
}

/// Runs `act` in a child, which ends then, and returns the word it leaves; none if there is no child, or no word.
///
/// `act` must be async-signal-safe: this process may have other threads.
pub(crate) fn word_of_child(act: impl FnOnce() -> u8) -> Option<u8> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).ok()?;
    // SAFETY: the child has one thread. It makes the calls that the list in the parent of this module has, writes a byte and
    // ends by _exit(2): it allocates nothing, takes no lock and runs nothing that belongs to the parent.
    #[expect(clippy::disallowed_methods, reason = "a child that tries what its parent must not do")]
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        let _told = rustix::io::write(&writer, &[act()]);
        // SAFETY: the call takes an integer and does not return.
        unsafe { libc::_exit(0) }
    }
    let child = rustix::process::Pid::from_raw(forked).filter(|_| forked > 0)?;
    drop(writer);
    let mut word = [0];
    let read = loop {
        match rustix::io::read(&reader, &mut word) {
            Err(Errno::INTR) => {}
            read => break read,
        }
    };
    while matches!(rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty()), Err(Errno::INTR)) {}
    (read == Ok(1)).then_some(word[0])
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)
}
