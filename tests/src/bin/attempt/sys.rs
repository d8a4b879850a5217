//! System calls as they are, for acts that no library offers (that is why a sandbox must think of them).
#![expect(
    unsafe_code,
    reason = "attempts make calls that have no safe wrapper: that a sandbox refuses them is the test"
)]

use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

/// One argument. Memory is passed as slices, so that what the kernel may touch is alive and long enough.
#[derive(Debug)]
pub(crate) enum Arg<'a> {
    /// A number, a flag set, a descriptor.
    Number(i64),
    /// A string the kernel reads.
    Text(&'a CStr),
    /// Memory the kernel reads.
    Read(&'a [u8]),
    /// Memory the kernel may write.
    Write(&'a mut [u8]),
    /// A structure of 64-bit words the kernel may read and write.
    Words(&'a mut [u64]),
}

/// Numbers are arguments by their value.
macro_rules! numbers {
    ($($int:ty),+) => {$(
        impl From<$int> for Arg<'_> {
            fn from(number: $int) -> Self {
                Self::Number(i64::from(number))
            }
        }
    )+};
}
numbers!(i32, u32, u16, i64);

impl<'a> From<&'a CStr> for Arg<'a> {
    fn from(text: &'a CStr) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a std::ffi::CString> for Arg<'a> {
    fn from(text: &'a std::ffi::CString) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Read(bytes)
    }
}

impl<'a> From<&'a mut [u8]> for Arg<'a> {
    fn from(bytes: &'a mut [u8]) -> Self {
        Self::Write(bytes)
    }
}

impl<'a, const N: usize> From<&'a mut [u64; N]> for Arg<'a> {
    fn from(words: &'a mut [u64; N]) -> Self {
        Self::Words(words)
    }
}

impl From<BorrowedFd<'_>> for Arg<'_> {
    fn from(fd: BorrowedFd<'_>) -> Self {
        Self::Number(fd.as_raw_fd().into())
    }
}

impl From<&OwnedFd> for Arg<'_> {
    fn from(fd: &OwnedFd) -> Self {
        Self::Number(fd.as_raw_fd().into())
    }
}

/// Calls that change this process's own memory or control flow by numbers alone; they have functions of their own.
const NOT_HERE: [libc::c_long; 6] =
    [libc::SYS_munmap, libc::SYS_mmap, libc::SYS_mremap, libc::SYS_mprotect, libc::SYS_brk, libc::SYS_clone];

/// Makes the call: `call!(libc::SYS_kill, pid, signal)`.
macro_rules! call {
    ($number:expr $(, $arg:expr)* $(,)?) => {
        $crate::sys::make($number, &mut [$($crate::sys::Arg::from($arg)),*])
    };
}
pub(crate) use call;

/// The call behind [`call!`]: up to six arguments, the rest zero.
pub(crate) fn make(number: libc::c_long, args: &mut [Arg<'_>]) -> Result<i64, Errno> {
    if NOT_HERE.contains(&number) {
        return Err(Errno::INVAL);
    }
    let mut raw = [0_i64; 6];
    for (slot, arg) in raw.iter_mut().zip(args) {
        *slot = match arg {
            Arg::Number(number) => *number,
            Arg::Text(text) => address(text.as_ptr()),
            Arg::Read(bytes) => address(bytes.as_ptr()),
            Arg::Write(bytes) => address(bytes.as_mut_ptr()),
            Arg::Words(words) => address(words.as_mut_ptr()),
        };
    }
    let [first, second, third, fourth, fifth, sixth] = raw;
    // SAFETY: each pointer among the arguments comes from a slice or string that `args` borrows until the call has
    // returned, for writing where the kernel writes; the lengths beside them are those of the caller, who makes them from
    // the same slices. Calls that change memory by numbers alone are refused above.
    let answer = unsafe { libc::syscall(number, first, second, third, fourth, fifth, sixth) };
    if answer == -1 { Err(last_error()) } else { Ok(answer) }
}

/// As [`make`], for a call that returns a descriptor.
pub(crate) fn descriptor(answer: Result<i64, Errno>) -> Result<OwnedFd, Errno> {
    let number = i32::try_from(answer?).map_err(|_large| Errno::OVERFLOW)?;
    // SAFETY: the caller passes the answer of a call that makes a descriptor, so nobody else owns this one.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Descriptor 7, if it is open: what the harness lets an attempt inherit.
pub(crate) fn inherited() -> Result<BorrowedFd<'static>, Errno> {
    call!(libc::SYS_fcntl, 7, libc::F_GETFD)?;
    // SAFETY: it is open, as the call above says, and nothing in this program closes or opens a 7 while it is borrowed.
    Ok(unsafe { BorrowedFd::borrow_raw(7) })
}

/// An address as the kernel wants it in a structure.
pub(crate) fn address<T>(pointer: *const T) -> i64 {
    i64::from_ne_bytes((pointer.expose_provenance() as u64).to_ne_bytes())
}

/// The same for 64-bit fields.
pub(crate) fn word<T>(pointer: *const T) -> u64 {
    pointer.expose_provenance() as u64
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Starts a child with these flags of clone(2), which ends at once, and waits for it.
pub(crate) fn clone_and_wait(flags: i32) -> Result<(), Errno> {
    // SAFETY: without a stack and without CLONE_VM the child runs on a copy of this memory, as after fork; this program
    // has one thread.
    let pid = unsafe { libc::syscall(libc::SYS_clone, i64::from(flags | libc::SIGCHLD), 0_i64, 0_i64, 0_i64, 0_i64) };
    wait_for_copy(pid)
}

/// The same by clone3(2).
pub(crate) fn clone3_and_wait(flags: i32) -> Result<(), Errno> {
    // struct clone_args: flags first, the signal at its end fifth.
    let mut arguments = [u64::from(flags.cast_unsigned()), 0, 0, 0, u64::from(libc::SIGCHLD.cast_unsigned()), 0, 0, 0];
    // SAFETY: the structure of 64 bytes is alive; no stack, no CLONE_VM: as after fork, in a program of one thread.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, arguments.as_mut_ptr(), size_of_val(&arguments)) };
    wait_for_copy(pid)
}

fn wait_for_copy(pid: i64) -> Result<(), Errno> {
    match pid {
        -1 => Err(last_error()),
        // SAFETY: ends the copy without running what belongs to the original.
        0 => unsafe { libc::_exit(0) },
        pid => {
            let mut status = [0_u8; 4];
            call!(libc::SYS_wait4, pid, &mut status[..], libc::__WALL, 0).map(|_| ())
        }
    }
}

/// Maps the first page of `file` to be executed, looks at its first bytes, and unmaps it.
pub(crate) fn map_executable(file: BorrowedFd<'_>) -> Result<[u8; 4], Errno> {
    let protection = libc::PROT_READ | libc::PROT_EXEC;
    // SAFETY: the kernel picks the place, so no memory in use is replaced.
    let page = unsafe { libc::mmap(ptr::null_mut(), 4096, protection, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
    if page == libc::MAP_FAILED {
        return Err(last_error());
    }
    // SAFETY: the page was mapped readable, and the caller's file is longer than four bytes: a program.
    let start = unsafe { ptr::read_volatile(page.cast::<[u8; 4]>()) };
    // SAFETY: exactly what was mapped above, and nothing points into it any more.
    let unmapped = unsafe { libc::munmap(page, 4096) };
    if unmapped == 0 { Ok(start) } else { Err(last_error()) }
}

/// getpid(2) by the gate for 32-bit programs, where its number is 20.
#[cfg(target_arch = "x86_64")]
pub(crate) fn getpid_by_int80() -> i64 {
    let answer: i64;
    // SAFETY: call 20 takes no arguments and touches no memory. The gate clobbers r8 to r11 at most.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("rax") 20_i64 => answer, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    answer
}
