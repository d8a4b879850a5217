//! The call that applies a profile: `sandbox_init(3)`, and the end of its message.
//!
//! # Safety
//! Unsafe is needed for two functions of libSystem. `sandbox_init` is declared in the SDK (`sandbox.h`, deprecated without
//! a successor for profiles of one's own); flags 0 means that the first argument is the text of a profile. It loads a
//! library and allocates, so it is not for the time between fork and exec.
#![expect(unsafe_code, reason = "sandbox_init and sandbox_free_error have no safe equal")]

use crate::error::ApplyError;
use std::ffi::{CStr, CString, c_char, c_int};
use std::io;

// SAFETY: both are functions of libSystem, which every program of macOS is linked with; the signatures are those of the
// SDK's sandbox.h: a string, 64 bits of flags and the place of a string, an int back; and such a string, nothing back.
unsafe extern "C" {
    fn sandbox_init(profile: *const c_char, flags: u64, message: *mut *mut c_char) -> c_int;
    fn sandbox_free_error(message: *mut c_char);
}

/// `EPERM`: what a second profile is answered with.
const NOT_PERMITTED: i32 = 1;

/// Restricts this process, for ever.
pub(crate) fn apply(profile: &str) -> Result<(), ApplyError> {
    let profile = CString::new(profile).map_err(|source| ApplyError::Nul { source })?;
    let mut message: *mut c_char = std::ptr::null_mut();
    // SAFETY: `profile` is a C string that lives until after the call, which only reads it; `message` is a place for one
    // pointer, which the call sets to a string of its own or leaves null. No other thread is told of either.
    let answer = unsafe { sandbox_init(profile.as_ptr(), 0, &raw mut message) };
    // Before anything else can change it.
    let source = io::Error::last_os_error();
    let message = Message(message);
    match answer {
        0 => Ok(()),
        _ if source.raw_os_error() == Some(NOT_PERMITTED) => Err(ApplyError::AlreadySandboxed),
        _ => Err(ApplyError::SandboxInit { message: message.text(), source }),
    }
}

/// The message of a failure, which may be missing. Freed once, when dropped.
struct Message(*mut c_char);

impl Message {
    fn text(&self) -> String {
        if self.0.is_null() {
            return String::new();
        }
        // SAFETY: the pointer is not null, so `sandbox_init` set it to a C string, which is valid until it is freed, and
        // that is when `self` is dropped, after this borrow.
        let text = unsafe { CStr::from_ptr(self.0) };
        String::from_utf8(text.to_bytes().to_vec()).unwrap_or_else(|error| error.as_bytes().escape_ascii().to_string())
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: `sandbox_init` made it and handed it over; only `self` holds it, and `drop` runs once.
            unsafe { sandbox_free_error(self.0) };
        }
    }
}
