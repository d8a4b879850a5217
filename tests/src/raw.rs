//! System calls that reach no memory, by number: to see how far the kernel lets a call come.
#![expect(unsafe_code, reason = "a call by number has no wrapper")]

/// An address at which nothing can be: above what programs may map, below what the kernel has (x86-64 and 64-bit ARM).
pub const NOWHERE: u64 = 0x00de_ad00_dead_0000;

/// Makes the call; the result, or the error number.
///
/// # Errors
/// The kernel's number.
///
/// # Panics
/// When an argument could be a pointer to memory: it must be small, [`NOWHERE`], an `int` with bits above it, or negative.
pub fn call(number: u32, arguments: [u64; 6]) -> Result<i64, i32> {
    for argument in arguments {
        let low = argument & u64::from(u32::MAX);
        // Nothing is mapped below 64 KiB (vm.mmap_min_addr), nor at -4096 and above.
        let harmless = argument < 0x1_0000 || argument == NOWHERE || argument == u64::MAX || low == argument;
        assert!(harmless, "{argument:#x} may be an address");
    }
    let [one, two, three, four, five, six] = arguments;
    // SAFETY: no argument points to memory of this process (asserted above; numbers below 4 GiB are not where a
    // position-independent program has anything), so the kernel reads and writes none of it. What the calls do to the
    // process itself is the caller's wish.
    let answer = unsafe { libc::syscall(libc::c_long::from(number), one, two, three, four, five, six) };
    if answer == -1 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(answer) }
}

/// Empties the file at `path` without opening it.
///
/// # Errors
/// The kernel's number.
pub fn truncate(path: &std::path::Path) -> Result<(), i32> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).map_err(|_nul| libc::EINVAL)?;
    // SAFETY: the path is a live text that ends in NUL.
    let answer = unsafe { libc::truncate(path.as_ptr(), 0) };
    if answer == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) }
}
