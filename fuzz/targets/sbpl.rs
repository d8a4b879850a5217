//! Any text as a profile for macOS: what is read and written again is the same, and an error is at a place in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_core::{OpenFlags, Request};
use nono_macos::{allows, parse};

fuzz_target!(|text: &str| check(text));

fn check(text: &str) {
    let read = match parse(text) {
        Ok(read) => read,
        Err(error) => {
            let line = text.split('\n').nth(error.line - 1).expect("the line of an error is there");
            assert!(error.column >= 1 && error.column <= line.len() + 1, "{error}");
            return;
        }
    };
    let written = read.to_string();
    let again = parse(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert!(read.rules().eq(again.rules()), "{text}\n{written}");
    // Judging it may find it ambiguous, and the same both times.
    for flags in [OpenFlags::READ, OpenFlags::WRITE] {
        let request = Request::open("/private/tmp/a", flags);
        assert_eq!(format!("{:?}", allows(&read, &request)), format!("{:?}", allows(&again, &request)));
    }
}
