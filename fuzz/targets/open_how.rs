//! Any bytes as an `open_how`: taken exactly if the size is right and the unknown part is zero.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_seccomp::decode::{OPEN_HOW_MAX, OPEN_HOW_MIN, open_how, open_how_size};

fuzz_target!(|bytes: &[u8]| check(bytes));

fn check(bytes: &[u8]) {
    let size_is_right = (OPEN_HOW_MIN..=OPEN_HOW_MAX).contains(&bytes.len());
    assert_eq!(open_how_size(bytes.len() as u64).is_ok(), size_is_right);
    let tail_is_zero = bytes.iter().skip(OPEN_HOW_MIN).all(|byte| *byte == 0);
    match open_how(bytes) {
        Ok(how) => {
            assert!(size_is_right && tail_is_zero);
            let written = [how.flags, how.mode, how.resolve].map(u64::to_ne_bytes).concat();
            assert_eq!(written, bytes[..OPEN_HOW_MIN]);
        }
        Err(_) => assert!(!size_is_right || !tail_is_zero),
    }
    // A size as a register holds it: nothing is read of what is refused.
    if let Some(first) = bytes.first_chunk() {
        let size = u64::from_ne_bytes(*first);
        let fits = (OPEN_HOW_MIN as u64..=OPEN_HOW_MAX as u64).contains(&size);
        assert_eq!(open_how_size(size).ok(), fits.then_some(size as usize));
    }
}
