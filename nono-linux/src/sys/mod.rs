//! System calls that neither std nor rustix has, one function a call. They decide nothing.
//!
//! # Safety
//! Unsafe is needed for `syscall(2)` with Landlock's numbers (and one struct that the kernel reads), and for `pre_exec`,
//! whose closure runs between fork and exec. Made there: `prctl(2)`, `capset(2)` and `landlock_restrict_self(2)`, plain
//! system calls on descriptors, numbers and the stack, and nothing else (no allocation: an `io::Error` made of an errno
//! has none).
#![expect(unsafe_code, reason = "raw system calls and the hook between fork and exec")]

use crate::restrict::{Restriction, Threads};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

// linux/landlock.h
const LANDLOCK_CREATE_RULESET_VERSION: libc::c_uint = 1 << 0;
const LANDLOCK_CREATE_RULESET_ERRATA: libc::c_uint = 1 << 1;
const LANDLOCK_RULE_PATH_BENEATH: libc::c_int = 1;
const LANDLOCK_RESTRICT_SELF_TSYNC: libc::c_uint = 1 << 3;

/// Landlock's ABI version: `landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)`.
pub(crate) fn landlock_abi() -> io::Result<u32> {
    ask_landlock(LANDLOCK_CREATE_RULESET_VERSION)
}

/// The errata that are fixed, as a mask: `landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_ERRATA)`.
pub(crate) fn landlock_errata() -> io::Result<u32> {
    ask_landlock(LANDLOCK_CREATE_RULESET_ERRATA)
}

fn ask_landlock(flag: libc::c_uint) -> io::Result<u32> {
    let nothing: *const libc::c_void = std::ptr::null();
    // SAFETY: with either flag the kernel requires a null pointer and size 0, reads no memory and makes no descriptor
    // (security/landlock/syscalls.c).
    let answer = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, flag) };
    u32::try_from(answer).map_err(|_negative| io::Error::last_os_error())
}

/// `struct landlock_path_beneath_attr` (linux/landlock.h), which is packed.
#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent_fd: i32,
}

/// Grants `access` on `object` and what is below it: `landlock_add_rule(2)`.
///
/// The `landlock` crate asks for the kind of every object again, to leave out what a file cannot have; the plan did.
pub(crate) fn landlock_add_path(ruleset: BorrowedFd<'_>, object: BorrowedFd<'_>, access: u64) -> io::Result<()> {
    let rule = PathBeneath { allowed_access: access, parent_fd: object.as_raw_fd() };
    let pointer = &raw const rule;
    // SAFETY: the kernel reads one packed struct of the type that LANDLOCK_RULE_PATH_BENEATH names, from a live value
    // of that layout, and keeps no pointer. Both descriptors are open for as long as they are borrowed.
    let answer = unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), LANDLOCK_RULE_PATH_BENEATH, pointer, 0)
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Enters the domain of `ruleset` for ever: `landlock_restrict_self(2)`. Async-signal-safe.
pub(crate) fn landlock_restrict_self(ruleset: BorrowedFd<'_>, all_threads: bool) -> io::Result<()> {
    let flags = if all_threads { LANDLOCK_RESTRICT_SELF_TSYNC } else { 0 };
    // SAFETY: the call takes a descriptor, which is open for as long as it is borrowed, and an integer; no memory.
    let answer = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), flags) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes `command` restrict its child after the fork and before the exec.
pub(crate) fn restrict_before_exec(command: &mut Command, restriction: Restriction) -> &mut Command {
    let steps = move || restriction.apply(Threads::Only).map_err(|(_step, error)| error);
    // SAFETY: the closure runs in a forked child that has one thread. It makes the calls listed at the top of this
    // module, which are async-signal-safe; it allocates nothing, takes no lock, and owns the descriptor it uses.
    unsafe { command.pre_exec(steps) }
}
