//! System calls that no library makes: opens with any address, and what a process does to itself.
#![expect(unsafe_code, reason = "the acts are about what only raw calls can do: wrong pointers, clones, signals")]

use rustix::io::Errno;
use std::ffi::{CStr, c_int, c_long, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// The size of a page; where pages are larger, so are the maps below: see [`Edge`].
const PAGE: usize = 65536;

/// A call of the open family, with arguments as the kernel gets them.
pub(crate) fn open_raw(number: c_long, arguments: [u64; 4]) -> Result<OwnedFd, Errno> {
    let family = [libc::SYS_openat, libc::SYS_openat2, legacy::OPEN, legacy::CREAT];
    assert!(family.contains(&number), "{number} opens nothing");
    let [first, second, third, fourth] = arguments;
    // SAFETY: these calls only read the memory at the addresses they are given, and answer EFAULT where there is none.
    let answer = unsafe { libc::syscall(number, first, second, third, fourth) };
    let number = i32::try_from(check(answer)?).map_err(|_large| Errno::OVERFLOW)?;
    // SAFETY: a call of the open family returned it, so it is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// The calls that only old machines have.
pub(crate) mod legacy {
    use std::ffi::c_long;
    #[cfg(target_arch = "x86_64")]
    pub(crate) const OPEN: c_long = libc::SYS_open;
    #[cfg(target_arch = "x86_64")]
    pub(crate) const CREAT: c_long = libc::SYS_creat;
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) const OPEN: c_long = -1;
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) const CREAT: c_long = -1;
}

/// The address of something for [`open_raw`].
pub(crate) fn address<T: ?Sized>(of: &T) -> u64 {
    ptr::from_ref(of).cast::<u8>().expose_provenance() as u64
}

fn check(answer: c_long) -> Result<c_long, Errno> {
    if answer == -1 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    }
    Ok(answer)
}

/// What comes after the last byte of an [`Edge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing is mapped.
    Nothing,
    /// What is mapped may not be read.
    Closed,
    /// Nothing is known to be; the bytes themselves may only be read.
    Constant,
}

/// Bytes that end where readable memory ends. They stay for as long as the program runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge(u64);

impl Edge {
    pub(crate) fn new(bytes: &[u8], after: After) -> Result<Self, Errno> {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: the kernel picks the place, so no memory in use is replaced.
        let start = unsafe { libc::mmap(ptr::null_mut(), 2 * PAGE, protection, flags, -1, 0) };
        Self::fill(start, bytes)?;
        let second = start.wrapping_byte_add(PAGE);
        let changed = match after {
            // SAFETY: the second half of what was mapped above, into which nothing points.
            After::Nothing => unsafe { libc::munmap(second, PAGE) },
            // SAFETY: the same half; nothing reads it.
            After::Closed => unsafe { libc::mprotect(second, PAGE, libc::PROT_NONE) },
            // SAFETY: the first half, which is not written again.
            After::Constant => unsafe { libc::mprotect(start, PAGE, libc::PROT_READ) },
        };
        check(changed.into())?;
        Ok(Self(second.expose_provenance() as u64 - bytes.len() as u64))
    }

    /// Bytes at the end of a file's last page, mapped together with what lies behind its end.
    pub(crate) fn of_file(file: BorrowedFd<'_>, bytes: &[u8]) -> Result<Self, Errno> {
        rustix::fs::ftruncate(file, PAGE as u64)?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the kernel picks the place, so no memory in use is replaced.
        let start = unsafe { libc::mmap(ptr::null_mut(), 2 * PAGE, protection, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        Self::fill(start, bytes)?;
        Ok(Self(start.expose_provenance() as u64 + (PAGE - bytes.len()) as u64))
    }

    /// Bytes in memory that no other process can read.
    pub(crate) fn secret(bytes: &[u8]) -> Result<Self, Errno> {
        // SAFETY: the call takes flags only.
        let number = check(unsafe { libc::syscall(libc::SYS_memfd_secret, 0) })?;
        let number = i32::try_from(number).map_err(|_large| Errno::OVERFLOW)?;
        // SAFETY: the call returned it, so it is new and nobody else's.
        let file = unsafe { OwnedFd::from_raw_fd(number) };
        rustix::fs::ftruncate(&file, PAGE as u64)?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the kernel picks the place, so no memory in use is replaced.
        let start = unsafe { libc::mmap(ptr::null_mut(), PAGE, protection, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        Self::fill(start, bytes)?;
        Ok(Self(start.expose_provenance() as u64 + (PAGE - bytes.len()) as u64))
    }

    fn fill(start: *mut c_void, bytes: &[u8]) -> Result<(), Errno> {
        if start == libc::MAP_FAILED || bytes.len() > PAGE {
            return Err(Errno::NOMEM);
        }
        let to = start.wrapping_byte_add(PAGE - bytes.len()).cast::<u8>();
        // SAFETY: the last bytes of the first PAGE of a map that is at least that long, writable and new.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        Ok(())
    }

    /// Where the bytes begin.
    pub(crate) fn start(self) -> u64 {
        self.0
    }
}

/// Which descriptors are open, without opening anything.
pub(crate) fn open_descriptors() -> Vec<i32> {
    // SAFETY: asks about a number; an error says that it is not open.
    (0..4096).filter(|number| unsafe { libc::fcntl(*number, libc::F_GETFD) } != -1).collect()
}

static OPENED: AtomicI32 = AtomicI32::new(0);

/// Opens a file in a child that shares this memory, while the parent waits, as after vfork(2). The error, or 0.
pub(crate) fn open_in_vfork(path: &CStr) -> Result<i32, Errno> {
    extern "C" fn child(path: *mut c_void) -> c_int {
        // SAFETY: the parent passes a string that lives until this child has ended, which it waits for.
        let number = unsafe { libc::open(path.cast(), libc::O_RDONLY) };
        // The error number is that of the thread whose memory this is; the thread itself is stopped.
        let error = if number == -1 { std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO) } else { 0 };
        OPENED.store(error, Ordering::SeqCst);
        0
    }
    let mut stack = vec![0_u128; 16384];
    let top = stack.as_mut_ptr_range().end.cast::<c_void>();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child runs on a stack of its own, which lives on, while this thread is stopped until it has ended; it
    // makes one call and stores one number.
    let pid = unsafe { libc::clone(child, top, flags, path.as_ptr().cast_mut().cast()) };
    check(pid.into())?;
    // SAFETY: waits for the child made above, and wants no status.
    check(unsafe { libc::waitpid(pid, ptr::null_mut(), 0) }.into())?;
    drop(stack);
    Ok(OPENED.load(Ordering::SeqCst))
}

/// Starts `true` by `posix_spawn(3)` with the file as its standard input, which the library opens in the child. Its status.
pub(crate) fn spawn_opening(path: &CStr) -> Result<i32, Errno> {
    let mut actions = std::mem::MaybeUninit::<libc::posix_spawn_file_actions_t>::uninit();
    let (program, mut status, mut pid) = (c"/bin/true", 0, 0);
    let arguments = [program.as_ptr().cast_mut(), ptr::null_mut()];
    let environment: [*mut _; 1] = [ptr::null_mut()];
    // SAFETY: initialises the structure.
    let mut error = unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) };
    // SAFETY: the structure is initialised, and copies the path.
    error |= unsafe { libc::posix_spawn_file_actions_addopen(actions.as_mut_ptr(), 0, path.as_ptr(), 0, 0) };
    if error == 0 {
        // SAFETY: strings and lists that end in null pointers live through the call, which only reads them.
        error = unsafe {
            libc::posix_spawn(
                &raw mut pid,
                program.as_ptr(),
                actions.as_ptr(),
                ptr::null(),
                arguments.as_ptr(),
                environment.as_ptr(),
            )
        };
    }
    // SAFETY: initialised above, and not used again.
    unsafe { libc::posix_spawn_file_actions_destroy(actions.as_mut_ptr()) };
    if error != 0 {
        return Err(Errno::from_raw_os_error(error));
    }
    // SAFETY: waits for the child started above; the status is written to a variable of this function.
    check(unsafe { libc::waitpid(pid, &raw mut status, 0) }.into())?;
    Ok(libc::WEXITSTATUS(status))
}

static SIGNALS: AtomicU64 = AtomicU64::new(0);

/// Counts SIGURG from now on; `flags` are those of sigaction(2).
pub(crate) fn count_signals(flags: c_int) -> Result<(), Errno> {
    extern "C" fn count(_: c_int) {
        SIGNALS.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: all zeroes is a valid value of this structure of integers.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = (count as extern "C" fn(c_int)) as usize;
    action.sa_flags = flags;
    // SAFETY: the handler adds to a number without waiting for anyone, which may be done at any time.
    check(unsafe { libc::sigaction(libc::SIGURG, &raw const action, ptr::null_mut()) }.into()).map(drop)
}

/// How many signals came.
pub(crate) fn signals() -> u64 {
    SIGNALS.load(Ordering::Relaxed)
}

/// This thread, for [`signal_thread`].
pub(crate) fn this_thread() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// Sends SIGURG to a thread of this process.
pub(crate) fn signal_thread(thread: i32) {
    let process = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: three numbers; a thread that has ended is an error that changes nothing.
    unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGURG) };
}

/// Takes a lease for writing on the file, without which nobody else can open it; and ignores the signal that says so.
pub(crate) fn take_lease(file: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: an ignored signal runs no code.
    unsafe { libc::signal(libc::SIGIO, libc::SIG_IGN) };
    lease(file, libc::F_SETLEASE, libc::F_WRLCK).map(drop)
}

/// Gives the lease back.
pub(crate) fn end_lease(file: BorrowedFd<'_>) -> Result<(), Errno> {
    lease(file, libc::F_SETLEASE, libc::F_UNLCK).map(drop)
}

/// Whether someone waits for the lease to end.
pub(crate) fn lease_is_wanted(file: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(lease(file, libc::F_GETLEASE, 0)? != libc::F_WRLCK)
}

fn lease(file: BorrowedFd<'_>, command: c_int, kind: c_int) -> Result<c_int, Errno> {
    // SAFETY: numbers only.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), command, kind) };
    check(answer.into()).map(|_| answer)
}

/// Parts what this thread, or the process, has in common with others; or makes namespaces.
pub(crate) fn unshare(flags: c_int) -> Result<(), Errno> {
    // SAFETY: no memory is parted; descriptors and directories of this thread are its own from now on.
    check(unsafe { libc::unshare(flags) }.into()).map(drop)
}

/// Has files opened as this user, while the process stays who it is.
pub(crate) fn become_user_for_files(id: u32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    unsafe { libc::setfsuid(id) };
    // SAFETY: the call tells who it is now, and changes nothing with a number that is no user's.
    let now = unsafe { libc::setfsuid(u32::MAX) };
    if now.cast_unsigned() == id { Ok(()) } else { Err(Errno::PERM) }
}

/// Closes this thread, and what it starts, in by Landlock: no file can be read or executed from now on.
pub(crate) fn close_in() -> Result<(), Errno> {
    // struct landlock_ruleset_attr: to execute, write and read files, and to read directories; with no exception.
    let handled: u64 = 0b1111;
    // SAFETY: the structure of eight bytes is alive, and only read.
    let ruleset = check(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const handled, 8, 0) })?;
    rustix::thread::set_no_new_privs(true)?;
    // SAFETY: numbers only.
    let restricted = check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0) });
    let ruleset = i32::try_from(ruleset).map_err(|_large| Errno::OVERFLOW)?;
    // SAFETY: the call above made it for this function alone.
    drop(unsafe { OwnedFd::from_raw_fd(ruleset) });
    restricted.map(drop)
}

/// Becomes this user and group, without a way back.
pub(crate) fn become_user(id: u32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    check(unsafe { libc::setgroups(0, ptr::null()) }.into())?;
    // SAFETY: numbers only; by the library, so that all threads change.
    check(unsafe { libc::setresgid(id, id, id) }.into())?;
    // SAFETY: the same.
    check(unsafe { libc::setresuid(id, id, id) }.into()).map(drop)
}
