//! Any text as a profile of nono 0.11: no path that a plain reader of JSON finds is lost, and only groups add any.
#![no_main]

#[path = "../src/profiles.rs"]
mod profiles;

use libfuzzer_sys::fuzz_target;
use nono_cli::hostile::{Language, read_profile};
use profiles::{check_message, naive, read, sorted};
use serde_json::Value;
use std::path::Path;

fuzz_target!(|text: &str| check(text));

fn check(text: &str) {
    match read_profile(text, Language::Json011, Path::new("p")) {
        Ok(profile) => {
            let document: Value = serde_json::from_str(text).expect("what is taken is JSON");
            let (read, naive) = (read(&profile, text), naive(&document));
            if document.get("security").is_none() {
                assert_eq!(sorted(read), sorted(naive));
            } else {
                assert!(naive.iter().all(|line| read.contains(line)), "{naive:?} {read:?}");
            }
        }
        Err(message) => check_message(text, &message),
    }
}
