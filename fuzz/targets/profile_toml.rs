//! Any text as a profile in TOML: its paths are those that a plain reader of TOML finds, and an error is about one of its lines.
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
    match read_profile(text, Language::Toml, Path::new("p")) {
        Ok(profile) => {
            let table: toml::Table = toml::from_str(text).expect("what is taken is TOML");
            let document: Value = serde_json::to_value(table).expect("a table without infinities");
            assert_eq!(sorted(read(&profile, text)), sorted(naive(&document)));
        }
        Err(message) => check_message(text, &message),
    }
}
