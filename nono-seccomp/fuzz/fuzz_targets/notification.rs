//! Any bytes in place of the kernel's notification: decoded if there are enough, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_seccomp::decode::{NOTIFICATION_SIZE, notification};

fuzz_target!(|bytes: &[u8]| {
    let decoded = notification(bytes);
    assert_eq!(decoded.is_some(), bytes.len() >= NOTIFICATION_SIZE);
    if let Some(raw) = decoded {
        assert_eq!(raw.id.to_ne_bytes(), bytes[..8]);
        assert_eq!(raw.call.arguments[5].to_ne_bytes(), bytes[72..80]);
    }
});
