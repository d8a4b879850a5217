//! System calls that neither std nor rustix has, one function a call. They decide nothing.
//!
//! # Safety
//! Unsafe is needed for `syscall(2)` with Landlock's numbers (and one struct that the kernel reads), for descriptors that
//! are known by their numbers alone, and for `pre_exec`, whose closure runs between fork and exec. Made there:
//! `setrlimit(2)`, `getrlimit(2)`, `close_range(2)`, `fcntl(2)`, `prctl(2)`, `capset(2)`, `landlock_restrict_self(2)` and
//! `seccomp(2)`, plain system calls on descriptors, numbers, the stack and memory that was filled before the fork, and
//! nothing else (no allocation: an `io::Error` made of an errno has none); where there is a supervisor, `sendmsg(2)`,
//! `write(2)` and `close(2)` too, and on a terminal of its own what `leader` lists; where there is a mount namespace,
//! `unshare(2)`, `openat(2)`, `openat2(2)`, `fstat(2)`, `mkdirat(2)`, `fchmodat(2)`, `fsopen(2)`, `fsconfig(2)`, `fsmount(2)`,
//! `open_tree(2)`, `move_mount(2)`, `mount_setattr(2)`, `mount(2)`, `umount2(2)`, `landlock_add_rule(2)`, `getcwd(2)` and
//! `chdir(2)`, by numbers and with paths that were made before.
#![expect(unsafe_code, reason = "raw system calls and the hook between fork and exec")]

mod leader;
mod mounts;

pub(crate) use mounts::{
    LATER, LONGEST_PATH, MountAttributes, set_mount_attributes, unshare_mounts, word_of_child, working_directory,
};

use crate::restrict::{Restriction, Step, Threads};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
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

/// Marks every descriptor above 2 to be closed on exec: `close_range(2)` with `CLOSE_RANGE_CLOEXEC` (Linux 5.11, older than
/// Landlock). Async-signal-safe.
pub(crate) fn close_on_exec_above_2() -> io::Result<()> {
    let (first, last, flags) = (3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    // SAFETY: the call takes three integers and no memory. It closes nothing, so no owner of a descriptor is deceived;
    // what is marked is closed when this memory is gone.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Closes descriptors that mostly follow one another, by as few calls as that takes: `close_range(2)`.
pub(crate) fn close(descriptors: &mut Vec<OwnedFd>) {
    let mut numbers = descriptors.drain(..).map(IntoRawFd::into_raw_fd).peekable();
    while let Some(first) = numbers.next() {
        let mut last = first;
        while let Some(next) = numbers.next_if(|next| last.checked_add(1) == Some(*next)) {
            last = next;
        }
        // SAFETY: the call takes three integers and no memory. Every number from the first to the last is of a descriptor that
        // was owned here and is used no more.
        let answer = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        // Forbidden by a sandbox around this one: each drops its own.
        if answer != 0 {
            for number in first..=last {
                // SAFETY: as above; it was not closed.
                drop(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
    }
}

/// Takes that mark from one descriptor: `fcntl(2)` with `F_SETFD`. `EBADF` if it is not open. Async-signal-safe.
pub(crate) fn keep_on_exec(descriptor: u32) -> io::Result<()> {
    let number = libc::c_int::try_from(descriptor).map_err(|_large| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: F_SETFD takes an integer and no memory; a number that is no descriptor is EBADF. Only the mark changes.
    let answer = unsafe { libc::fcntl(number, libc::F_SETFD, 0) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether a descriptor of this number is open: `fcntl(2)` with `F_GETFD`.
pub(crate) fn is_open(descriptor: u32) -> bool {
    // SAFETY: F_GETFD takes no further argument and no memory; a number that is no descriptor is EBADF.
    libc::c_int::try_from(descriptor).is_ok_and(|number| unsafe { libc::fcntl(number, libc::F_GETFD) } != -1)
}

/// Whether this descriptor is of a directory; no if it is not open.
pub(crate) fn is_directory(descriptor: u32) -> io::Result<bool> {
    let mut found = std::mem::MaybeUninit::<libc::stat>::uninit();
    let number = libc::c_int::try_from(descriptor).map_err(|_large| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: the kernel writes one struct of the type the pointer is to, which is writable; a number that is no descriptor
    // is EBADF.
    if unsafe { libc::fstat(number, found.as_mut_ptr()) } != 0 {
        let error = io::Error::last_os_error();
        return if error.raw_os_error() == Some(libc::EBADF) { Ok(false) } else { Err(error) };
    }
    // SAFETY: the call succeeded, so the kernel has filled the struct.
    let found = unsafe { found.assume_init() };
    Ok(found.st_mode & libc::S_IFMT == libc::S_IFDIR)
}

/// Whether this descriptor is of a socket that could be one of TCP: of streams, in a family of IP. What cannot be found out of an
/// open socket is a yes.
pub(crate) fn may_be_tcp(descriptor: u32) -> bool {
    let is = |option, wanted: &[libc::c_int]| match socket_option(descriptor, option) {
        Ok(found) => wanted.contains(&found),
        Err(error) => !matches!(error.raw_os_error(), Some(libc::EBADF | libc::ENOTSOCK)),
    };
    is(libc::SO_DOMAIN, &[libc::AF_INET, libc::AF_INET6]) && is(libc::SO_TYPE, &[libc::SOCK_STREAM])
}

/// An option of a socket that is an int (socket(7)).
fn socket_option(descriptor: u32, option: libc::c_int) -> io::Result<libc::c_int> {
    let number = libc::c_int::try_from(descriptor).map_err(|_large| io::Error::from_raw_os_error(libc::EBADF))?;
    let (mut found, mut size): (libc::c_int, libc::socklen_t) = (0, 4);
    // SAFETY: the kernel writes no more than `size` bytes, which is what an int has, and the size; both are writable. A number
    // that is no descriptor is EBADF.
    let answer = unsafe { libc::getsockopt(number, libc::SOL_SOCKET, option, (&raw mut found).cast(), &raw mut size) };
    if answer == 0 { Ok(found) } else { Err(io::Error::last_os_error()) }
}

/// Makes a system call none of whose arguments is a pointer to anything: small numbers, or none (-1). What it returns is
/// dropped; a descriptor among it stays open.
pub(crate) fn call_without_memory(number: u32, arguments: [u64; 3]) -> io::Result<()> {
    let [a, b, c] = arguments;
    // SAFETY: `crate::trial` alone calls this, with numbers that are no addresses (below 4 GiB, where a program that is
    // loaded at a random place has nothing, or -1) for calls that take at most three arguments or ignore a null pointer.
    let answer = unsafe { libc::syscall(libc::c_long::from(number), a, b, c, 0, 0, 0) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes `command` restrict its child after the fork and before the exec, and send the listener of its filter over `socket`;
/// or, if a step fails, that step's number.
///
/// With a terminal, the program gets a session there: the process of this command becomes its leader, and the number of the
/// program's own is written over `socket` first, in four bytes.
pub(crate) fn restrict_and_hand_over_before_exec(
    command: &mut Command,
    restriction: Restriction,
    socket: UnixStream,
    terminal: Option<OwnedFd>,
) -> &mut Command {
    let part = move |socket: &UnixStream| {
        let Some(terminal) = &terminal else { return Ok(()) };
        let program = leader::part(terminal.as_fd())?;
        // A few bytes into an empty socket: all or nothing.
        rustix::io::write(socket, &program.as_raw_nonzero().get().to_ne_bytes())?;
        Ok(())
    };
    let steps = move || {
        let parted = part(&socket).map_err(|error| (Step::Terminal, error));
        let done = parted.and_then(|()| restriction.apply_with_listener()).and_then(|listener| {
            // The listener is closed here: who holds it could answer its own calls.
            listener.send(&socket).map_err(|_sent| (Step::Handover, io::Error::from_raw_os_error(libc::EPIPE)))
        });
        done.map_err(|(step, error)| {
            // Whoever waits for it learns the error in any case, and the step only if this succeeds.
            let _told = rustix::io::write(&socket, &[step.number()]);
            error
        })
    };
    // SAFETY: the closure runs in a forked child that has one thread. Beside the calls listed at the top of this module it
    // makes sendmsg(2), write(2) and close(2), on descriptors it owns and buffers on its stack: async-signal-safe all; it
    // allocates nothing and takes no lock.
    unsafe { command.pre_exec(steps) }
}

/// Asks whether `program` may be executed: `execveat(2)` with `AT_EXECVE_CHECK` (Linux 6.14), which executes nothing. `EINVAL`
/// where the kernel does not know it.
pub(crate) fn execute_check(program: &std::ffi::CStr) -> io::Result<()> {
    const AT_EXECVE_CHECK: libc::c_int = 0x1_0000;
    let nothing: [*const libc::c_char; 1] = [std::ptr::null()];
    let (path, list) = (program.as_ptr(), nothing.as_ptr());
    // SAFETY: the path ends with NUL, and both lists are one null pointer, which ends them; all live through the call, and the
    // kernel reads them alone. With this flag nothing is executed; a kernel that does not know it refuses it (EINVAL).
    let answer = unsafe { libc::syscall(libc::SYS_execveat, libc::AT_FDCWD, path, list, list, AT_EXECVE_CHECK) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Blocks every signal that can be blocked in the calling thread: `pthread_sigmask(3)`.
pub(crate) fn block_signals() -> io::Result<()> {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the call fills the set that the pointer is to, which is writable and large enough, being one.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set was filled by the line before; the call reads it, and writes nothing, the last pointer being null.
    let answer = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut()) };
    if answer == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(answer)) }
}

/// Gives this thread a umask and a working directory of its own: `unshare(2)` with `CLONE_FS`.
pub(crate) fn unshare_file_system_state() -> io::Result<()> {
    // SAFETY: what is unshared is the umask, the root and the working directory, not the table of descriptors: every
    // descriptor keeps meaning what it means to other threads.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::FS) }.map_err(io::Error::from)
}

/// Makes `command` restrict its child after the fork and before the exec.
pub(crate) fn restrict_before_exec(command: &mut Command, restriction: Restriction) -> &mut Command {
    let steps = move || restriction.apply(Threads::Only).map_err(|(_step, error)| error);
    // SAFETY: the closure runs in a forked child that has one thread. It makes the calls listed at the top of this
    // module, which are async-signal-safe; it allocates nothing, takes no lock, and owns the descriptor it uses.
    unsafe { command.pre_exec(steps) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mask of this thread, of `proc_pid_status(5)`.
    fn blocked() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    }

    #[test]
    fn descriptors_are_closed_and_none_between_them() {
        // Higher than any that other tests open meanwhile.
        let null = std::fs::File::open("/dev/null").unwrap();
        let open = || rustix::io::fcntl_dupfd_cloexec(&null, 700).unwrap();
        let mut all: Vec<OwnedFd> = (0..6).map(|_| open()).collect();
        let between = all.remove(3);
        let numbers: Vec<_> = all.iter().map(|one| u32::try_from(one.as_raw_fd()).unwrap()).collect();
        assert!(numbers.iter().all(|number| is_open(*number)));
        close(&mut all);
        assert!(all.is_empty() && !numbers.iter().any(|number| is_open(*number)), "{numbers:?}");
        assert!(is_open(u32::try_from(between.as_raw_fd()).unwrap()));
        close(&mut all);
    }

    #[test]
    fn signals_are_blocked_in_one_thread_alone() {
        let before = blocked();
        let inside = std::thread::spawn(|| block_signals().map(|()| blocked())).join().unwrap().unwrap();
        for signal in [libc::SIGTERM, libc::SIGCHLD, libc::SIGTSTP, libc::SIGWINCH] {
            assert_ne!(inside & 1 << (signal - 1), 0, "{signal}");
        }
        assert_eq!(blocked(), before);
    }
}
