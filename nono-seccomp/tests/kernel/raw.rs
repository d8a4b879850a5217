//! Calls that the standard library does not make: odd numbers, odd pointers, another table.
#![expect(unsafe_code, reason = "tests make system calls that no safe function makes")]

use nono_seccomp::{Arch, Filter, InstallFlags, Syscall, set_no_new_privs};
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Makes the call of this name.
pub(crate) fn call(name: &str, arguments: [u64; 6]) -> io::Result<i64> {
    let arch = Arch::NATIVE.expect("tests run where filters do");
    let number = Syscall::named(arch, name).expect("this architecture has the call").number();
    number_call(number, arguments)
}

/// Makes the call of this number.
pub(crate) fn number_call(number: u32, arguments: [u64; 6]) -> io::Result<i64> {
    let number = i64::from(number);
    let [first, second, third, fourth, fifth, sixth] = arguments;
    // SAFETY: the callers pass numbers, memory that they own for reading, or addresses that the kernel refuses; none of
    // the calls they make changes memory that Rust knows of.
    match unsafe { libc::syscall(number, first, second, third, fourth, fifth, sixth) } {
        -1 => Err(io::Error::last_os_error()),
        value => Ok(value),
    }
}

/// Makes `getpid` by the i386 table.
#[cfg(target_arch = "x86_64")]
pub(crate) fn by_int_0x80() -> u64 {
    let result: u64;
    // SAFETY: i386 call 20 takes no argument and touches no memory; rax is declared as in and out. The kernel clears
    // r8 to r11 on the way, which are declared as lost.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("rax") 20_u64 => result, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    result
}

/// Has `command` install `filter` between fork and exec and send its listener over `socket`.
pub(crate) fn install_before_exec(command: &mut Command, filter: Filter, flags: InstallFlags, socket: UnixStream) {
    let before = move || {
        set_no_new_privs().map_err(|_error| io::Error::from_raw_os_error(libc::EPERM))?;
        let listener =
            filter.install_with_listener(flags).map_err(|_error| io::Error::from_raw_os_error(libc::ENOTSUP))?;
        listener.send(socket.as_fd()).map_err(|_error| io::Error::from_raw_os_error(libc::EPIPE))
    };
    // SAFETY: the closure runs between fork and exec; all it calls is documented as async-signal-safe, the errors hold
    // numbers, and what it drops is a descriptor: close(2).
    unsafe { command.pre_exec(before) };
}

/// Lowers the limit of open descriptors.
pub(crate) fn limit_descriptors(count: u64) {
    let limit = libc::rlimit { rlim_cur: count, rlim_max: count };
    // SAFETY: the kernel reads `limit`, which outlives the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
}

/// Ends this process after so many seconds, whatever it waits for.
pub(crate) fn limit_seconds(count: u32) {
    // SAFETY: takes a number and touches no memory; nothing here handles SIGALRM, which therefore ends the process.
    unsafe { libc::alarm(count) };
}

/// Opens `path` by the call alone. musl's `open` sets `O_CLOEXEC` once more by `fcntl` (src/fcntl/open.c), and its `O_ACCMODE`
/// contains `O_PATH`, so that `OpenOptions` would drop it.
pub(crate) fn open(path: &str, flags: i32) -> OwnedFd {
    let path = std::ffi::CString::new(path).expect("paths have no NUL");
    // SAFETY: the path ends in NUL and outlives the call; no mode is needed as nothing is created.
    let number = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags | libc::O_CLOEXEC) };
    let number = i32::try_from(number).expect("descriptors are ints");
    assert!(number >= 0, "{}", io::Error::last_os_error());
    // SAFETY: the call has just opened this descriptor, and nothing else knows its number.
    unsafe { OwnedFd::from_raw_fd(number) }
}
