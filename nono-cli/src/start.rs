//! Where the process begins: C's `main`, without Rust's runtime before it.
//!
//! Before `fn main` the runtime reads `/proc/self/maps` for the guard page of the stack, and makes another stack for a
//! signal handler, so as to print a line when the stack overflows: a twentieth of what a start costs. Without it an
//! overflow is a plain SIGSEGV. The rest of what the runtime does is here: closed standard streams are opened, SIGPIPE is
//! ignored (a reader of the notes that went away must not end a start; exec restores the default), a panic has an exit
//! status.
//!
//! A panic ends nono at once, in whichever thread it is: the released program does not unwind.
#![no_main]
#![expect(unsafe_code, reason = "C's main has a symbol and arguments of C")]

use nono_cli::{exit, panicked, run};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};
use rustix::stdio;
use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::{panic, process};

/// Memory in place of that of a C library that maps and unmaps some for each size that is first asked for: it made a start
/// longer, by some 80 us of 1,600. Where there is none, nono ends as by a panic, with the status of a set-up that failed; the
/// standard library would end by a signal.
#[cfg(target_env = "musl")]
mod memory {
    use dlmalloc::Dlmalloc;
    use std::alloc::{GlobalAlloc, Layout};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// Behind a lock of the standard library: that of dlmalloc's own global allocator is the C library's, and takes as long as
    /// what is locked.
    struct Memory(Mutex<Dlmalloc>);

    #[global_allocator]
    static MEMORY: Memory = Memory(Mutex::new(Dlmalloc::new()));

    /// Whether the message is being said, for which there may not be enough either.
    static ENDING: AtomicBool = AtomicBool::new(false);

    impl Memory {
        fn lock(&self) -> MutexGuard<'_, Dlmalloc> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// Called when nothing is locked: the message takes memory too.
    fn there(memory: *mut u8) -> *mut u8 {
        if memory.is_null() && !ENDING.swap(true, Ordering::Relaxed) {
            nono_cli::out_of_memory(super::end);
        }
        memory
    }

    // SAFETY: all memory is dlmalloc's, which keeps the promises of the trait; what is looked at is whether there is any. Nothing
    // in between allocates or unwinds: the lock is one of atomic numbers, and of futex(2) where threads meet.
    unsafe impl GlobalAlloc for Memory {
        // SAFETY: the caller gives a layout that is not empty (`GlobalAlloc`).
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: as the caller gave it.
            let memory = unsafe { self.lock().malloc(layout.size(), layout.align()) };
            there(memory)
        }

        // SAFETY: the caller gives memory of this allocator's, of that layout (`GlobalAlloc`).
        unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
            // SAFETY: as the caller gave it.
            unsafe { self.lock().free(memory, layout.size(), layout.align()) }
        }

        // SAFETY: the caller gives a layout that is not empty (`GlobalAlloc`).
        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            // SAFETY: as the caller gave it.
            let memory = unsafe { self.lock().calloc(layout.size(), layout.align()) };
            there(memory)
        }

        // SAFETY: the caller gives memory of this allocator's, of that layout, and a size that is not 0 and does not overflow
        // (`GlobalAlloc`).
        unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            // SAFETY: as the caller gave it.
            let memory = unsafe { self.lock().realloc(memory, layout.size(), layout.align(), size) };
            there(memory)
        }
    }
}

/// # Safety
/// To be called by the C library, once, with the arguments of the process: an array of strings that ends with a null
/// pointer (ISO C, 5.1.2.2.1).
#[unsafe(no_mangle)]
unsafe extern "C" fn main(_count: c_int, arguments: *const *const c_char) -> c_int {
    // SAFETY: the C library's promise, handed on.
    let arguments = unsafe { strings(arguments) };
    // SAFETY: SIG_IGN is no function that could be called; no other thread is there that could set SIGPIPE too.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    let status = match open_streams() {
        Ok(()) => {
            end_on_panic();
            run(arguments)
        }
        // There may be nowhere to say it.
        Err(_closed) => exit::SETUP,
    };
    // Not by returning: what is left in stdout's buffer is written.
    #[expect(clippy::disallowed_methods, reason = "the end of main: no destructor is left to run")]
    process::exit(status.into())
}

/// Ends this process at a panic, with its message.
fn end_on_panic() {
    panic::set_hook(Box::new(|panic| panicked(panic, end)));
}

/// Ends this process: with the status of a set-up that failed, or, where nono is the parent of a command that has begun, as the
/// command is ended.
fn end(began: bool) {
    if began {
        let _ended = kill_process(getpid(), Signal::KILL);
    }
    // SAFETY: the call takes an integer and does not return. It runs nothing that could wait for this thread.
    unsafe { libc::_exit(exit::SETUP.into()) }
}

/// # Safety
/// `array` points to pointers to strings that end with NUL, the last one followed by a null pointer; none of it changes.
unsafe fn strings(array: *const *const c_char) -> Vec<OsString> {
    let mut all = Vec::new();
    let mut at = array;
    // Linux before 5.18 starts programs with no argument at all; then the first pointer is null.
    // SAFETY: `at` is at a pointer of the array: at the first, or behind one that was not null.
    while let Some(string) = unsafe { at.as_ref() }.filter(|string| !string.is_null()) {
        // SAFETY: not null, so a string that ends with NUL.
        all.push(OsStr::from_bytes(unsafe { CStr::from_ptr(*string) }.to_bytes()).to_owned());
        // SAFETY: behind a pointer that is not null there is another one.
        at = unsafe { at.add(1) };
    }
    all
}

/// Puts `/dev/null` in place of standard streams that are closed: else the next file that is opened would be one.
fn open_streams() -> Result<(), Errno> {
    for stream in [stdio::stdin(), stdio::stdout(), stdio::stderr()] {
        if rustix::io::fcntl_getfd(stream) == Err(Errno::BADF) {
            let opened = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty())?;
            // The lowest free number; all below are open.
            if opened.as_raw_fd() != stream.as_raw_fd() {
                return Err(Errno::BADF);
            }
            let _stays_open = opened.into_raw_fd();
        }
    }
    Ok(())
}
