//! What the kernel under the tests offers, asked without changing anything.
#![expect(unsafe_code, reason = "Landlock, seccomp and namespaces have no wrapper in rustix that only asks")]

use std::ptr;

/// The Landlock ABI; 0 when there is none, or when it is not enabled.
pub(crate) fn landlock_abi() -> u32 {
    const LANDLOCK_CREATE_RULESET_VERSION: u32 = 1;
    // SAFETY: with this flag the kernel asks for a null pointer and length 0 and touches no memory; the result is a
    // number, not a descriptor.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<u8>(), 0_usize, LANDLOCK_CREATE_RULESET_VERSION)
    };
    u32::try_from(version).unwrap_or(0)
}

/// Whether seccomp filters can be installed here.
pub(crate) fn seccomp_filters() -> bool {
    const SECCOMP_GET_ACTION_AVAIL: u32 = 2;
    let errno_action: u32 = libc::SECCOMP_RET_ERRNO;
    // SAFETY: the kernel reads four bytes behind the third argument, which is a live u32, and writes nothing.
    let answer =
        unsafe { libc::syscall(libc::SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0_u32, ptr::from_ref(&errno_action)) };
    answer == 0
}

/// Whether an unprivileged process gets a user namespace with capabilities in it (Ubuntu hands out ones without).
pub(crate) fn user_namespaces() -> bool {
    let flags = libc::c_long::from(libc::CLONE_NEWUSER | libc::SIGCHLD);
    // SAFETY: no stack, no thread-id pointers and no CLONE_VM: the child runs on a copy of this memory, as after fork.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0_usize, 0_usize, 0_usize, 0_usize) };
    if pid == 0 {
        // SAFETY: one argument, no memory. This process may have had other threads: from here on only bare system calls.
        let mounts = unsafe { libc::syscall(libc::SYS_unshare, libc::c_long::from(libc::CLONE_NEWNS)) };
        // SAFETY: ends the child without running anything that belongs to the parent.
        unsafe { libc::_exit(i32::from(mounts != 0)) };
    }
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty())
        .is_ok_and(|ended| ended.is_some_and(|(_, status)| status.exit_status() == Some(0)))
}
