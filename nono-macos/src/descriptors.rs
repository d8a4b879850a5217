//! What a program inherits of the descriptors that are open: only those it is meant to have.
//!
//! macOS has no call that closes all but some. So they are listed, in `/dev/fd` (fd(4); as in Python's `_posixsubprocess.c`
//! for Apple's systems), and each is marked to be closed by exec. For a process with one thread: what another one opens
//! meanwhile would be missed.
//!
//! # Safety
//! Unsafe is needed for one call of the C library, by number: the standard library takes a descriptor only from its owner,
//! and who opened these is not known.
#![expect(unsafe_code, reason = "fcntl on descriptors whose owner is not known")]

use std::ffi::c_int;
use std::fs;
use std::io;

/// `F_SETFD` and `FD_CLOEXEC` of fcntl(2): the same on macOS and Linux.
const SET_FLAGS: c_int = 2;
const CLOSE_ON_EXEC: c_int = 1;

/// `EBADF`.
const NOT_OPEN: i32 = 9;

// SAFETY: a function of the C library, which every program is linked with, with the signature of fcntl(2): variadic, which on
// Apple's ARM processors is another way to pass the third argument.
unsafe extern "C" {
    fn fcntl(descriptor: c_int, command: c_int, ...) -> c_int;
}

/// Marks all descriptors above 2 but `kept` to be closed when another program is executed.
pub(crate) fn keep_only(kept: &[u32]) -> io::Result<()> {
    for entry in fs::read_dir("/dev/fd")? {
        // Other names than numbers have no meaning there.
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        match number {
            Some(number) if number > 2 && !kept.contains(&number) => close_on_exec(number)?,
            _ => {}
        }
    }
    Ok(())
}

fn close_on_exec(number: u32) -> io::Result<()> {
    let descriptor = c_int::try_from(number).map_err(io::Error::other)?;
    // SAFETY: the call takes numbers only; one that is not open is answered with an error. The flag it sets takes effect at
    // exec, so the owner of the descriptor, if it has one in this process, can use it as before.
    if unsafe { fcntl(descriptor, SET_FLAGS, CLOSE_ON_EXEC) } == -1 {
        let error = io::Error::last_os_error();
        // The listing's own descriptor is closed by now, or will be.
        return if error.raw_os_error() == Some(NOT_OPEN) { Ok(()) } else { Err(error) };
    }
    Ok(())
}
