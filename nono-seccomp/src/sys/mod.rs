//! The system calls of this crate: one function a call, which decides nothing.
//!
//! # Safety
//! This is the only module with `unsafe`. It is needed because seccomp(2), its ioctls, `process_vm_readv(2)` and passing
//! descriptors have no safe wrapper in `std`; they take pointers, and some return descriptors as plain numbers.
//! Everything it offers to the crate is safe: slices for pointers, owned and borrowed descriptors for numbers.
//!
//! Every function here may be called between fork and exec: none allocates or takes a lock, and an `io::Error` made of
//! an error number is a plain value.
#![expect(unsafe_code, reason = "seccomp(2), its ioctls and process_vm_readv(2) have no safe wrapper")]

mod call;
mod message;
pub(crate) mod uapi;

pub(crate) use call::*;
pub(crate) use message::{receive_descriptor, send_descriptor};
