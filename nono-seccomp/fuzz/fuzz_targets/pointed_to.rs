//! Any bytes as a path or a socket address: never a panic, and never a path with a NUL inside.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_seccomp::decode::{ADDRESS_MAX, path, socket_address};
use nono_seccomp::SocketAddress;

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(path(bytes).is_some(), bytes.contains(&0));
    match socket_address(bytes) {
        Ok(SocketAddress::UnixPath(path)) => assert!(!path.contains(&0) && path.len() <= 108),
        Ok(_) => assert!(bytes.len() <= ADDRESS_MAX),
        Err(_) => {}
    }
});
