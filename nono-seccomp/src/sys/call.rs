//! seccomp(2), prctl(2), the listener's ioctls, ppoll(2) and `process_vm_readv(2)`.

use super::uapi;
use crate::instruction::Instruction;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

/// The error of the last call if it returned -1, else what it returned.
fn check(returned: libc::c_long) -> io::Result<libc::c_long> {
    if returned == -1 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// As [`check`], for calls that return an `int`.
fn check_int(returned: libc::c_int) -> io::Result<libc::c_int> {
    if returned == -1 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// Calls again as long as a signal interrupts.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// `seccomp(SECCOMP_SET_MODE_FILTER, flags, &program)`; what it returns depends on the flags.
///
/// `program` has at most `u16::MAX` instructions: more fails with `EINVAL`, without asking the kernel.
fn set_mode_filter(flags: u32, program: &[Instruction]) -> io::Result<libc::c_long> {
    let Ok(len) = libc::c_ushort::try_from(program.len()) else {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    };
    // `filter` is mutable in the C declaration only; the kernel copies from it.
    let program = uapi::sock_fprog { len, filter: program.as_ptr().cast_mut().cast::<uapi::sock_filter>() };
    // SAFETY: the kernel reads `program`, which lives until after the call, and from its pointer `len` records of 8
    // bytes: that is the borrowed slice, whose element is asserted in `uapi` to have the layout of `sock_filter`.
    // Nothing is written through either pointer, and memory of this process is not touched otherwise.
    check(unsafe { libc::syscall(libc::SYS_seccomp, uapi::SET_MODE_FILTER, flags, &raw const program) })
}

/// Installs a filter without a listener. With `TSYNC`: the thread that could not follow, or 0.
pub(crate) fn install(flags: u32, program: &[Instruction]) -> io::Result<libc::c_long> {
    set_mode_filter(flags & !uapi::FLAG_NEW_LISTENER, program)
}

/// Installs a filter with a listener and returns it.
pub(crate) fn install_with_listener(flags: u32, program: &[Instruction]) -> io::Result<OwnedFd> {
    let returned = set_mode_filter(flags | uapi::FLAG_NEW_LISTENER, program)?;
    let number = libc::c_int::try_from(returned).map_err(|_wide| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: with NEW_LISTENER the call, which did not fail, returned a descriptor that it opened for this caller;
    // with TSYNC as well a failure to synchronise is an error only because the caller adds TSYNC_ESRCH, without which
    // the kernel refuses the pair (EINVAL), so this number is never a thread's. Nothing else knows the number yet.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Asks for `flags` with a NULL program: `EFAULT` if the kernel knows them, else `EINVAL`. Installs nothing.
pub(crate) fn probe_flags(flags: u32) -> io::Error {
    let program = ptr::null::<uapi::sock_fprog>();
    // SAFETY: the kernel refuses unknown flags, then reads the program through its own checked copy, which fails at
    // address 0 with EFAULT. It dereferences nothing of this process otherwise.
    let returned = unsafe { libc::syscall(libc::SYS_seccomp, uapi::SET_MODE_FILTER, flags, program) };
    match check(returned) {
        Err(error) => error,
        // Not reachable: there is no filter to install at address 0. Said as "unknown".
        Ok(_) => io::Error::from_raw_os_error(libc::EINVAL),
    }
}

/// `seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action)`: whether the kernel knows this return value.
pub(crate) fn action_available(action: u32) -> io::Result<()> {
    // SAFETY: the kernel reads the four bytes of `action`, which outlives the call, and writes nothing.
    let returned = unsafe { libc::syscall(libc::SYS_seccomp, uapi::GET_ACTION_AVAIL, 0, &raw const action) };
    check(returned).map(drop)
}

/// `seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes)`.
pub(crate) fn notification_sizes() -> io::Result<uapi::seccomp_notif_sizes> {
    let mut sizes = uapi::seccomp_notif_sizes { seccomp_notif: 0, seccomp_notif_resp: 0, seccomp_data: 0 };
    // SAFETY: the kernel writes `struct seccomp_notif_sizes`, 6 bytes as asserted in `uapi`, into `sizes`, which is
    // borrowed for writing here and outlives the call.
    let returned = unsafe { libc::syscall(libc::SYS_seccomp, uapi::GET_NOTIF_SIZES, 0, &raw mut sizes) };
    check(returned).map(|_zero| sizes)
}

/// `prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)`.
pub(crate) fn set_no_new_privs() -> io::Result<()> {
    let (on, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
    // SAFETY: this operation takes numbers only, all of the width the kernel reads; no memory is involved.
    check_int(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, on, unused, unused, unused) }).map(drop)
}

/// `ioctl(SECCOMP_IOCTL_NOTIF_RECV)`: waits for a notification, also on a descriptor in non-blocking mode.
pub(crate) fn receive(listener: BorrowedFd<'_>, buffer: &mut uapi::NotificationBuffer) -> io::Result<()> {
    uninterrupted(|| {
        // The kernel refuses a buffer with anything in it.
        buffer.0.fill(0);
        // SAFETY: the kernel writes `struct seccomp_notif` (the request's number carries its size, 80) into `buffer`,
        // which has that size and alignment, is borrowed for writing, and may hold any bytes. The descriptor is open,
        // as it is borrowed; on one that is no listener the number means nothing and the call fails.
        check_int(unsafe { libc::ioctl(listener.as_raw_fd(), uapi::RECV, &raw mut *buffer) }).map(drop)
    })
}

/// `ioctl(SECCOMP_IOCTL_NOTIF_SEND)`.
pub(crate) fn send(listener: BorrowedFd<'_>, response: &uapi::seccomp_notif_resp) -> io::Result<()> {
    uninterrupted(|| {
        // SAFETY: the kernel reads the 24 bytes of `response`, which is borrowed; the descriptor is open, being borrowed.
        check_int(unsafe { libc::ioctl(listener.as_raw_fd(), uapi::SEND, &raw const *response) }).map(drop)
    })
}

/// `ioctl(SECCOMP_IOCTL_NOTIF_ID_VALID)`, by either of its numbers.
pub(crate) fn is_valid(listener: BorrowedFd<'_>, request: libc::Ioctl, id: u64) -> io::Result<()> {
    uninterrupted(|| {
        // SAFETY: the kernel reads the 8 bytes of `id`, which outlives the call, under both numbers that callers pass;
        // the descriptor is open, being borrowed.
        check_int(unsafe { libc::ioctl(listener.as_raw_fd(), request, &raw const id) }).map(drop)
    })
}

/// `ioctl(SECCOMP_IOCTL_NOTIF_ADDFD)`: the number the descriptor got in the target.
pub(crate) fn add_descriptor(listener: BorrowedFd<'_>, request: &uapi::seccomp_notif_addfd) -> io::Result<libc::c_int> {
    uninterrupted(|| {
        // SAFETY: the kernel reads the 24 bytes of `request`, which is borrowed. It duplicates the source descriptor
        // into the target; this process keeps its own, so no ownership changes here.
        check_int(unsafe { libc::ioctl(listener.as_raw_fd(), uapi::ADDFD, &raw const *request) })
    })
}

/// `ioctl(SECCOMP_IOCTL_NOTIF_SET_FLAGS)`: the argument is the flags themselves.
pub(crate) fn set_flags(listener: BorrowedFd<'_>, flags: u64) -> io::Result<()> {
    // SAFETY: this request takes its argument by value, so the kernel follows no pointer; the descriptor is open.
    check_int(unsafe { libc::ioctl(listener.as_raw_fd(), uapi::SET_FLAGS, flags) }).map(drop)
}

/// `ppoll(2)` of one descriptor for reading: what is ready, 0 when `timeout` has passed. A signal ends it (`EINTR`).
pub(crate) fn poll(descriptor: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<libc::c_short> {
    let mut entry = libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let timeout = timeout.map(|duration| libc::timespec {
        tv_sec: duration.as_secs().try_into().unwrap_or(i32::MAX.into()),
        tv_nsec: duration.subsec_nanos().cast_signed().into(),
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: one entry is announced and `entry` is one, written by the kernel and living past the call; `timeout` is
    // null or points to a value that lives past the call; a null signal mask is allowed and changes nothing.
    check_int(unsafe { libc::ppoll(&raw mut entry, 1, timeout, ptr::null()) })?;
    Ok(entry.revents)
}

/// `process_vm_readv(2)` from one place of a thread's memory: how many bytes were read.
pub(crate) fn read_memory(thread: libc::pid_t, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let Ok(address) = usize::try_from(address) else {
        return Err(io::Error::from_raw_os_error(libc::EFAULT));
    };
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let remote = libc::iovec { iov_base: ptr::without_provenance_mut(address), iov_len: buffer.len() };
    // SAFETY: one local and one remote record are announced, and both live past the call. The kernel writes at most
    // `iov_len` bytes at the local base: that is `buffer`, borrowed for writing. The remote address belongs to the
    // other process: the kernel checks it there and never follows it here.
    let read = unsafe { libc::process_vm_readv(thread, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(read).map_err(|_negative| io::Error::last_os_error())
}
