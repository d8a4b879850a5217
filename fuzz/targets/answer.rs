//! Any bytes as the line of an approver, as what is typed, and as the path that is asked about: yes is only what says yes, and a
//! question is nothing but a question.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_cli::hostile::{answer_in_line, answer_on_terminal, question_in_line, question_on_terminal};
use nono_core::serial::LosslessPath;
use nono_core::{Approval, OpenFlags, Question};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

fuzz_target!(|bytes: &[u8]| check(bytes));

fn check(bytes: &[u8]) {
    if let Ok(line) = str::from_utf8(bytes) {
        check_line(line);
    }
    match answer_on_terminal(bytes) {
        Some(Approval::Deny) | None => {}
        Some(_) => assert!(["y", "yes", "f", "file", "d", "directory"].iter().any(|word| word.as_bytes() == bytes)),
    }
    check_question(Path::new(OsStr::from_bytes(bytes)));
}

/// What is taken for an answer says so to any reader of JSON.
fn check_line(line: &str) {
    let Some((id, approval)) = answer_in_line(line) else { return };
    let said: Value = serde_json::from_str(line).expect("an answer is JSON");
    let word = |key: &str| said.get(key).and_then(Value::as_str);
    // serde takes a list for an object too.
    if said.is_array() {
        return assert_eq!(said[1], id);
    }
    assert_eq!((&said["version"], &said["id"]), (&Value::from(1), &Value::from(id)), "{line}");
    let expected = match (word("decision"), word("for")) {
        (Some("deny"), _) => Approval::Deny,
        (Some("allow"), None | Some("once")) => Approval::Once,
        (Some("allow"), Some("file")) => Approval::File,
        (Some("allow"), Some("directory")) => Approval::Directory,
        other => panic!("{other:?} was taken for {approval:?}: {line}"),
    };
    assert_eq!(approval, expected, "{line}");
}

/// It is one line of JSON from which the path can be had, and on a terminal a few lines of printable ASCII.
fn check_question(path: &Path) {
    let flags = OpenFlags::from_bits_truncate(path.as_os_str().len() as u32);
    let question = Question { process: 1, program: Some(path.to_owned()), path: path.to_owned(), flags };
    let line = question_in_line(7, &question).expect("any path can be written");
    assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1), "one line");
    let asked: Value = serde_json::from_slice(&line).expect("a question is JSON");
    let name = ["path", "path_bytes"].into_iter().find(|name| asked.get(name).is_some()).expect("a path in it");
    let asked: LosslessPath = serde_json::from_value(json!({ name: asked[name] })).expect("a path in JSON");
    assert_eq!(PathBuf::try_from(asked).as_deref(), Ok(path));
    let shown = question_on_terminal(&question);
    assert!(shown.bytes().all(|byte| matches!(byte, b'\n' | b' ') || byte.is_ascii_graphic()), "{shown:?}");
    assert!(shown.lines().all(|line| line.len() <= 80) && shown.lines().count() <= 12, "{shown:?}");
    let allowed = |line: &str| line.starts_with("nono: ") || line.starts_with("      ");
    assert!(shown.lines().all(allowed) && shown.lines().skip(1).all(|line| !line.starts_with("nono")), "{shown:?}");
}
