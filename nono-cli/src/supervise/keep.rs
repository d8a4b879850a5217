//! The answer "always": at the end of the run, what was answered so is added to the file of `--approve-rules`, if the user
//! still wants it when shown what would change.

use crate::report;
use nono_core::{CapabilitySet, OpenFlags, Question};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use toml_edit::{Array, DocumentMut, Item, TableLike, value};

/// What was answered by "always".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    path: PathBuf,
    key: &'static str,
}

impl Kept {
    /// None for a directory: a rule would be about all in it.
    pub(super) fn of(question: &Question) -> Option<Kept> {
        if question.flags.contains(OpenFlags::DIRECTORY) {
            return None;
        }
        let (reads, writes) = (
            question.flags.contains(OpenFlags::READ),
            question.flags.intersects(OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE),
        );
        let key = match (reads, writes) {
            (true, true) => "allow",
            (_, true) => "write",
            _ => "read",
        };
        Some(Kept { path: question.path.clone(), key })
    }
}

/// A file of rules, and what it would become.
#[derive(Debug)]
pub(super) struct Change {
    file: PathBuf,
    before: String,
    after: String,
}

/// Why rules are not changed.
#[derive(Debug, thiserror::Error)]
#[error("the answers \"always\" are not kept: {path:?}")]
pub(super) struct KeepError {
    path: PathBuf,
    source: io::Error,
}

impl Change {
    /// What adding `kept` to the rules in `file` would change; none if that is nothing. What is gone again is left out: a rule
    /// is about something that is there.
    pub(super) fn of(file: &Path, kept: &[Kept]) -> Result<Option<Change>, KeepError> {
        let failed = |source| KeepError { path: file.to_owned(), source };
        let before = std::fs::read_to_string(file).map_err(failed)?;
        let there: Vec<&Kept> = kept.iter().filter(|one| one.path.symlink_metadata().is_ok()).collect();
        let after = add(&before, &there).map_err(|error| failed(io::Error::other(error)))?;
        let changes = after != before;
        Ok(changes.then(|| Change { file: file.to_owned(), before, after }))
    }

    /// The lines that go and come, between those that stay, each of printable characters.
    pub(super) fn shown(&self) -> String {
        let (old, new): (Vec<&str>, Vec<&str>) = (self.before.lines().collect(), self.after.lines().collect());
        let same = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
        let (old, new) = (old.get(same..).unwrap_or_default(), new.get(same..).unwrap_or_default());
        let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
        let changed = |lines: &[&str]| lines.iter().take(lines.len() - tail).map(|line| printable(line)).collect();
        let (gone, come): (Vec<String>, Vec<String>) = (changed(old), changed(new));
        let mut text = format!("nono: to be kept in {}\n", printable(&self.file.display().to_string()));
        for (sign, lines) in [('-', gone), ('+', come)] {
            for line in lines {
                writeln!(text, "      {sign} {line}").unwrap_or_default();
            }
        }
        text
    }

    /// Writes it. A file that the command of this run could have exchanged is replaced, not followed.
    pub(super) fn write(&self, grants: &CapabilitySet) -> Result<(), KeepError> {
        let failed = |source| KeepError { path: self.file.clone(), source };
        if std::fs::read_to_string(&self.file).map_err(failed)? != self.before {
            return Err(failed(io::Error::other("it was changed meanwhile")));
        }
        report::replace(&self.file, &self.after, grants).map_err(failed)
    }
}

/// `text` with what is `kept` in its table `approve`; all else as it was. Paths that TOML cannot hold are left out.
fn add(text: &str, kept: &[&Kept]) -> Result<String, toml_edit::TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let Some(table) = document.get_mut("approve").and_then(Item::as_table_like_mut) else { return Ok(text.to_owned()) };
    for one in kept {
        if let Some(path) = one.path.to_str() {
            insert(table, one.key, path);
        }
    }
    Ok(document.to_string())
}

fn insert(table: &mut dyn TableLike, key: &str, path: &str) {
    if !table.contains_key(key) {
        table.insert(key, value(Array::new()));
    }
    let paths = table.get_mut(key).and_then(Item::as_array_mut);
    if let Some(paths) = paths.filter(|paths| !paths.iter().any(|known| known.as_str() == Some(path))) {
        paths.push(path);
    }
}

/// In ASCII that no terminal takes for an order.
fn printable(line: &str) -> String {
    line.chars()
        .flat_map(|one| if one.is_ascii_graphic() || one == ' ' { vec![one] } else { one.escape_default().collect() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(path: &str, flags: OpenFlags) -> Kept {
        Kept::of(&Question { process: 1, program: None, path: path.into(), flags }).unwrap()
    }

    #[test]
    fn what_was_answered_is_added_and_all_else_stays() {
        let text = "# mine\n[approve]\nread = [\"/a\"] # these\n\n[other]\nx = 1\n";
        let all = [
            kept("/b", OpenFlags::READ),
            kept("/a", OpenFlags::READ),
            kept("/c", OpenFlags::WRITE | OpenFlags::CREATE),
            kept("/d", OpenFlags::READ | OpenFlags::WRITE),
        ];
        let expected = "# mine\n[approve]\nread = [\"/a\", \"/b\"] # these\nwrite = [\"/c\"]\nallow = [\"/d\"]\n\n[other]\nx = 1\n";
        let all: Vec<&Kept> = all.iter().collect();
        assert_eq!(add(text, &all).unwrap(), expected);
        assert_eq!(add(expected, &all).unwrap(), expected, "once is enough");
        let flags = OpenFlags::READ | OpenFlags::DIRECTORY;
        let directory = Question { process: 1, program: None, path: "/d".into(), flags };
        assert_eq!(Kept::of(&directory), None, "a rule would be about more");
    }

    #[test]
    fn what_changes_is_shown_in_plain_characters() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("rules.toml");
        std::fs::write(&file, "[approve]\nread = [\"/a\"]\ndeny = [\"/z\"]\n").unwrap();
        let odd = directory.path().join("b\x1b[2J");
        std::fs::write(&odd, "").unwrap();
        let gone = kept("/does/not/exist", OpenFlags::READ);
        let change = Change::of(&file, &[kept(odd.to_str().unwrap(), OpenFlags::READ), gone]).unwrap().unwrap();
        let shown = change.shown();
        assert!(shown.contains("      - read = [\"/a\"]\n") && shown.contains("+ read = [\"/a\", \""), "{shown}");
        assert!(!shown.contains('\x1b') && !shown.contains("deny") && !shown.contains("exist"), "{shown}");
        change.write(&CapabilitySet::default()).unwrap();
        assert!(std::fs::read_to_string(&file).unwrap().contains("2J"));
        assert!(change.write(&CapabilitySet::default()).is_err(), "it is not what it was");
        assert!(Change::of(&file, &[]).unwrap().is_none());
    }
}
