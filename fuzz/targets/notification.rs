//! Any bytes in place of the kernel's notification: decoded exactly if there are enough, each field from its own place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_seccomp::decode::{NOTIFICATION_SIZE, notification};

fuzz_target!(|bytes: &[u8]| check(bytes));

fn check(bytes: &[u8]) {
    let decoded = notification(bytes);
    assert_eq!(decoded.is_some(), bytes.len() >= NOTIFICATION_SIZE);
    let Some(raw) = decoded else { return };
    let call = raw.call;
    let mut written = Vec::new();
    written.extend(raw.id.to_ne_bytes());
    written.extend(raw.thread.to_ne_bytes());
    written.extend(raw.flags.to_ne_bytes());
    written.extend(call.number.to_ne_bytes());
    written.extend(call.arch.to_ne_bytes());
    written.extend(call.instruction_pointer.to_ne_bytes());
    written.extend(call.arguments.iter().flat_map(|argument| argument.to_ne_bytes()));
    assert_eq!(written, bytes[..NOTIFICATION_SIZE], "what is decoded and written again is the same");
    assert_eq!(raw.syscall().number(), call.number);
}
