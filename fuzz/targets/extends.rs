//! Up to four profiles that extend each other, and themselves: it ends, and all that is extended is in the whole.
//!
//! The bytes are parted at 0xFF, which no text holds, into the files `a.toml`, `b.toml`, `c.json` and `d.toml`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_cli::hostile::{Language, load_profile, read_profile};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const NAMES: [&str; 4] = ["a.toml", "b.toml", "c.json", "d.toml"];

fuzz_target!(|bytes: &[u8]| check(bytes));

/// A directory of this process: in $TMPDIR, which `cargo xtask fuzz` removes.
fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let made = tempfile::tempdir();
        made.expect("a directory").keep()
    })
}

fn check(bytes: &[u8]) {
    let mut own: HashMap<PathBuf, Value> = HashMap::new();
    let mut parts = bytes.splitn(NAMES.len(), |byte| *byte == 0xff);
    for name in NAMES {
        let (file, text) = (directory().join(name), parts.next().unwrap_or_default());
        fs::write(&file, text).expect("a file");
        let language = if name.ends_with("json") { Language::Json011 } else { Language::Toml };
        let read = str::from_utf8(text).ok().and_then(|text| read_profile(text, language, &file).ok());
        own.extend(read.map(|profile| (file, profile)));
    }
    let whole = match load_profile(&directory().join("a.toml")) {
        Ok(whole) => whole,
        Err(message) => return assert!(!message.chars().any(char::is_control), "{message:?}"),
    };
    for list in ["grants", "denies"] {
        let mut all = Vec::new();
        for place in whole["files"].as_array().expect("the files it was read from") {
            let file = place["path"].as_str().and_then(plain);
            let Some(part) = file.and_then(|file| own.get(&file)) else { return };
            all.extend(part[list].as_array().expect("a list").iter().map(path_and_line));
        }
        let whole: Vec<_> = whole[list].as_array().expect("a list").iter().map(path_and_line).collect();
        assert_eq!(whole, all, "{list} of all files, in their order");
    }
}

/// The path without `.` and `..`: there are no links here. None for a built-in profile, which has no file.
fn plain(path: &str) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

fn path_and_line(entry: &Value) -> (String, u64) {
    (entry["path"].as_str().expect("a path").to_owned(), entry["source"]["line"].as_u64().expect("a line"))
}
