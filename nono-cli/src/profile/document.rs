//! A profile as a tree of values with their lines, whatever language it is written in.

use super::error::ProfileError;
use super::place::{At, Place};
use crate::spelling::hint;
use memchr::memchr_iter;
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

/// A value and its line.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) line: u32,
    pub(super) value: Value<'a>,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Integer(Option<i64>),
    Flag(bool),
    List(Vec<Item<'a>>),
    Table(Vec<Member<'a>>),
    /// What no key takes: a fraction, a date, null.
    Other(&'static str),
}

/// A key of a table, its line, and what it has.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) line: u32,
    pub(super) item: Item<'a>,
}

impl Value<'_> {
    /// Its type, in the words of a message.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(name) => name,
        }
    }
}

/// The file a tree is of: takes values out of it, and says where a wrong one stands.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) file: Arc<Path>,
}

impl Reader {
    pub(super) fn place(&self, line: u32) -> Place {
        Place { file: Arc::clone(&self.file), line }
    }

    pub(super) fn at<T>(&self, line: u32, value: T) -> At<T> {
        At { value, place: self.place(line) }
    }

    pub(super) fn wrong(&self, key: &str, item: &Item<'_>, expected: &'static str) -> ProfileError {
        let place = self.place(item.line);
        ProfileError::Type { place, key: key.to_owned(), found: item.value.name(), expected }
    }

    pub(super) fn table<'i, 'a>(&self, key: &str, item: &'i Item<'a>) -> Result<&'i [Member<'a>], ProfileError> {
        match &item.value {
            Value::Table(members) => Ok(members),
            _ => Err(self.wrong(key, item, "a table")),
        }
    }

    pub(super) fn text<'i>(&self, key: &str, item: &'i Item<'_>) -> Result<&'i str, ProfileError> {
        match &item.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.wrong(key, item, "a text")),
        }
    }

    pub(super) fn flag(&self, key: &str, item: &Item<'_>) -> Result<At<bool>, ProfileError> {
        match item.value {
            Value::Flag(flag) => Ok(self.at(item.line, flag)),
            _ => Err(self.wrong(key, item, "true or false")),
        }
    }

    pub(super) fn list<'i, 'a>(
        &self,
        key: &str,
        item: &'i Item<'a>,
        of: &'static str,
    ) -> Result<&'i [Item<'a>], ProfileError> {
        match &item.value {
            Value::List(items) => Ok(items),
            _ => Err(self.wrong(key, item, of)),
        }
    }

    /// A list of texts, each with its line.
    pub(super) fn texts(&self, key: &str, item: &Item<'_>) -> Result<Vec<At<String>>, ProfileError> {
        let of = "a list of texts";
        let one = |item: &Item<'_>| match &item.value {
            Value::Text(text) => Ok(self.at(item.line, text.clone().into_owned())),
            _ => Err(self.wrong(key, item, of)),
        };
        self.list(key, item, of)?.iter().map(one).collect()
    }

    /// Refuses a key, naming the nearest of those that are known.
    pub(super) fn unknown(&self, member: &Member<'_>, within: &str, known: &[&str]) -> ProfileError {
        let hint = hint(&member.key, known);
        let within = if within.is_empty() { String::new() } else { format!(" in [{within}]") };
        ProfileError::Key { place: self.place(member.line), key: member.key.clone().into_owned(), within, hint }
    }
}

/// Finds the line of a byte, for bytes asked for in any order.
#[derive(Debug)]
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Lines {
        Lines(memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line, from 1, of the byte at `offset`.
    pub(super) fn at(&self, offset: usize) -> u32 {
        let before = self.0.partition_point(|end| *end < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        let lines = Lines::of("a\nbc\n\nd");
        for (offset, expected) in [(0, 1), (1, 1), (2, 2), (4, 2), (5, 3), (6, 4), (9, 4)] {
            assert_eq!(lines.at(offset), expected, "byte {offset}");
        }
    }
}
