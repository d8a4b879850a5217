//! Handles of files and new namespaces, which have no safe wrapper.
#![expect(
    unsafe_code,
    reason = "attempts make calls that have no safe wrapper: that a sandbox refuses them is the test"
)]

use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// `struct file_handle` with the most bytes it can have (`open_by_handle_at(2)`).
const SIZE: usize = 8 + 128;

/// The handle of a file, as the kernel has it.
pub(crate) fn handle(path: &str) -> io::Result<Vec<u8>> {
    let path = CString::new(path)?;
    let mut bytes = 128_u32.to_ne_bytes().to_vec();
    bytes.resize(SIZE, 0);
    let mut mount = 0_i32;
    // SAFETY: the path ends in NUL; the kernel writes at most as many bytes as the first field says there are behind the
    // two fields, and one number.
    let answer = unsafe {
        libc::syscall(libc::SYS_name_to_handle_at, libc::AT_FDCWD, path.as_ptr(), bytes.as_mut_ptr(), &raw mut mount, 0)
    };
    if answer == 0 { Ok(bytes) } else { Err(io::Error::last_os_error()) }
}

/// Opens what a handle is of, in the file system of the working directory.
pub(crate) fn open_by_handle(handle: &[u8]) -> io::Result<File> {
    let mut bytes = vec![0_u8; SIZE];
    bytes.get_mut(..handle.len()).ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(handle);
    let here = File::open(".")?;
    // SAFETY: the kernel reads a struct as long as its first field says, which the buffer has room for.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            here.as_raw_fd(),
            bytes.as_mut_ptr(),
            libc::O_RDONLY | libc::O_CLOEXEC,
        )
    };
    let descriptor = i32::try_from(answer).ok().filter(|descriptor| *descriptor >= 0);
    let descriptor = descriptor.ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel made the descriptor by the call above, and nothing else owns it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// Mounts of this process's own; where that takes a user namespace, in one.
pub(crate) fn new_mounts() -> io::Result<()> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let flags = UnshareFlags::NEWNS;
    if user == 0 {
        // SAFETY: the table of descriptors is not touched.
        return Ok(unsafe { unshare_unsafe(flags) }?);
    }
    // SAFETY: as above.
    unsafe { unshare_unsafe(flags | UnshareFlags::NEWUSER) }?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}
