//! Opens whose arguments lie in memory that other threads change during the call.
#![expect(unsafe_code, reason = "safe wrappers take paths that nobody changes; here that is the point")]

use rustix::fs::OFlags;
use rustix::io::Errno;
use std::ffi::c_long;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

/// The size of a page; on machines with larger ones, pages in this program are only parts of them.
pub(crate) const PAGE: usize = 4096;
const WORD: usize = size_of::<u64>();

/// Memory of three pages. Words of it are stored whole, so that a path can change from one to another at once.
#[repr(align(4096))]
struct Pages([AtomicU64; 3 * PAGE / WORD]);

/// A path in memory that changes.
pub(crate) struct Text {
    pages: Box<Pages>,
    start: usize,
}

impl Text {
    /// A path that begins `start` bytes (a multiple of eight) into the memory. Zeroes follow it.
    pub(crate) fn new(start: usize, path: &[u8]) -> Self {
        let text = Self { pages: Box::new(Pages([const { AtomicU64::new(0) }; 3 * PAGE / WORD])), start };
        text.put(path);
        text
    }

    /// Overwrites the path with another, and what is left of the old one with zeroes: word by word, so that a reader
    /// meanwhile finds a mixture.
    pub(crate) fn put(&self, path: &[u8]) {
        self.put_at(self.start / WORD, path);
    }

    /// The same from word `place` of the memory on.
    pub(crate) fn put_at(&self, mut place: usize, path: &[u8]) {
        for chunk in path.chunks(WORD) {
            let mut word = [0; WORD];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.store(place, word);
            place += 1;
        }
        while self.pages.0.get(place).is_some_and(|word| word.load(Ordering::Relaxed) != 0) {
            self.store(place, [0; WORD]);
            place += 1;
        }
    }

    /// Replaces one word at once; `place` counts words from the beginning of the memory.
    pub(crate) fn store(&self, place: usize, word: [u8; WORD]) {
        if let Some(to) = self.pages.0.get(place) {
            to.store(u64::from_ne_bytes(word), Ordering::Relaxed);
        }
    }

    /// Runs `change` while the second page cannot be read, by the kernel either. `change` must not touch this memory.
    pub(crate) fn without_second_page(&self, change: impl FnOnce()) {
        let page = self.pages.0.get(PAGE / WORD).map_or(std::ptr::null_mut(), AtomicU64::as_ptr).cast();
        // SAFETY: the page lies whole within this aligned memory. While it is closed only the kernel reads it, on behalf
        // of opens, which then fail; this program's one writer is the caller, who does not write meanwhile.
        let closed = unsafe { libc::mprotect(page, PAGE, libc::PROT_NONE) };
        change();
        // SAFETY: the same page gets back the protection that memory of a box has.
        let opened = unsafe { libc::mprotect(page, PAGE, libc::PROT_READ | libc::PROT_WRITE) };
        assert!(closed == opened, "a page stays closed");
    }

    fn address(&self) -> u64 {
        self.pages.0.as_ptr().expose_provenance() as u64 + self.start as u64
    }
}

/// A `struct open_how` that changes: flags, mode, resolve; and one word more than the kernel knows.
#[derive(Default)]
pub(crate) struct How([AtomicU64; 4]);

impl How {
    /// The size of what the kernel knows.
    pub(crate) const KNOWN: usize = 24;

    /// For a file that is made with this mode.
    pub(crate) fn made(flags: OFlags, mode: u64) -> Self {
        let how = Self::default();
        how.flags(flags);
        how.0[1].store(mode, Ordering::Relaxed);
        how
    }

    pub(crate) fn flags(&self, flags: OFlags) {
        self.0[0].store(flags.bits().into(), Ordering::Relaxed);
    }

    pub(crate) fn resolve(&self, resolve: u64) {
        self.0[2].store(resolve, Ordering::Relaxed);
    }

    /// What lies behind the structure: the kernel wants zeroes there.
    pub(crate) fn tail(&self, tail: u64) {
        self.0[3].store(tail, Ordering::Relaxed);
    }
}

/// For reading, by open(2) where there is one, by openat(2) and by openat2(2) in turn.
pub(crate) fn open_by_turns(turn: u64, path: &Text) -> Result<OwnedFd, Errno> {
    match turn % 3 {
        0 => open(path, OFlags::RDONLY),
        1 => openat(libc::AT_FDCWD, path, OFlags::RDONLY),
        _ => openat2(libc::AT_FDCWD, path, &How::default(), How::KNOWN),
    }
}

/// open(2), or openat(2) where the machine has only that.
pub(crate) fn open(path: &Text, flags: OFlags) -> Result<OwnedFd, Errno> {
    #[cfg(target_arch = "x86_64")]
    return make(libc::SYS_open, [path.address(), flags.bits().into(), 0o600, 0]);
    #[cfg(not(target_arch = "x86_64"))]
    openat(libc::AT_FDCWD, path, flags)
}

/// openat(2) with a directory by number: what stands behind it changes too.
pub(crate) fn openat(dir: i32, path: &Text, flags: OFlags) -> Result<OwnedFd, Errno> {
    make(libc::SYS_openat, [directory(dir), path.address(), flags.bits().into(), 0o600])
}

/// openat2(2).
pub(crate) fn openat2(dir: i32, path: &Text, how: &How, size: usize) -> Result<OwnedFd, Errno> {
    make(libc::SYS_openat2, [directory(dir), path.address(), how.0.as_ptr().expose_provenance() as u64, size as u64])
}

fn directory(number: i32) -> u64 {
    i64::from(number).cast_unsigned()
}

fn make(number: c_long, [first, second, third, fourth]: [u64; 4]) -> Result<OwnedFd, Errno> {
    // SAFETY: the callers above pass numbers and addresses of memory they borrow, which the kernel only reads, as far as
    // the path or the structure goes (a path ends within its pages, which end in zeroes). That other threads store to it
    // meanwhile is no matter to this program: it consists of atomics.
    let answer = unsafe { libc::syscall(number, first, second, third, fourth) };
    let number = i32::try_from(answer).unwrap_or(-1);
    if number < 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    }
    // SAFETY: a call of the open family returned it, so it is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
