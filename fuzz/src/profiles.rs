//! What holds for every profile, whatever its language.

use serde_json::Value;

/// A grant or a deny: the list it stands in, and the path as it is written.
pub type Line = (String, String);

/// Checks that a message is one line that no terminal takes for an order, about a line of `text`.
pub fn check_message(text: &str, message: &str) {
    assert!(!message.chars().any(char::is_control), "a message that a terminal obeys: {message:?}");
    let named = message.strip_prefix("\"p\" line ").and_then(|rest| rest.split_once(':'));
    let line: usize = named.and_then(|(line, _)| line.parse().ok()).unwrap_or_else(|| panic!("no place: {message:?}"));
    assert!((1..=text.split('\n').count()).contains(&line), "no such line: {message:?}");
}

/// The paths of a profile that was read, those of `deny` too.
pub fn read(profile: &Value, text: &str) -> Vec<Line> {
    let list = |name: &str| profile[name].as_array().expect("a list").clone();
    let grants = list("grants").into_iter().map(|grant| (grant["right"].as_str().expect("a right").to_owned(), grant));
    let denies = list("denies").into_iter().map(|deny| ("deny".to_owned(), deny));
    let one = |(key, entry): (String, Value)| {
        let line = entry["source"]["line"].as_u64().expect("a line");
        assert!((1..=text.split('\n').count() as u64).contains(&line), "no such line: {entry}");
        (key, entry["path"].as_str().expect("a path").to_owned())
    };
    grants.chain(denies).map(one).collect()
}

/// The same, naively: from the text as any reader of its language has it.
pub fn naive(document: &Value) -> Vec<Line> {
    let mut all = Vec::new();
    for (key, list) in document.get("filesystem").and_then(Value::as_object).into_iter().flatten() {
        for entry in list.as_array().into_iter().flatten() {
            let path = entry.as_str().or_else(|| entry.get("path")?.as_str());
            all.push((key.clone(), path.expect("what is taken has a path").to_owned()));
        }
    }
    all
}

/// Sorted, for the order of lists does not matter.
pub fn sorted(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort();
    lines
}
