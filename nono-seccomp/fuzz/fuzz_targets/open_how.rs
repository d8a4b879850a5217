//! Any bytes as an `open_how`: taken exactly if the size is right and the unknown part is zero.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_seccomp::decode::{OPEN_HOW_MAX, OPEN_HOW_MIN, open_how, open_how_size};

fuzz_target!(|bytes: &[u8]| {
    let size_is_right = (OPEN_HOW_MIN..=OPEN_HOW_MAX).contains(&bytes.len());
    assert_eq!(open_how_size(bytes.len() as u64).is_ok(), size_is_right);
    let tail_is_zero = bytes.iter().skip(OPEN_HOW_MIN).all(|byte| *byte == 0);
    match open_how(bytes) {
        Ok(how) => {
            assert!(size_is_right && tail_is_zero);
            assert_eq!(how.resolve.to_ne_bytes(), bytes[16..24]);
        }
        Err(_) => assert!(!size_is_right || !tail_is_zero),
    }
});
