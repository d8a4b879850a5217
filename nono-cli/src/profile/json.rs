//! JSON as a tree of values with lines.
//!
//! `serde_json` says where an error is, but not where a value is. A [`RawValue`] is a piece of the text it was read from, so its
//! place there is known; each level of the tree is read on its own, which is why there is a limit to them.

use super::document::{Item, Lines, Member, Reader, Value};
use super::error::ProfileError;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// More levels than any profile has.
const DEEPEST: usize = 8;

/// Takes `text` apart.
pub(super) fn parse<'a>(reader: &Reader, text: &'a str) -> Result<Item<'a>, ProfileError> {
    let root: &RawValue = serde_json::from_str(text).map_err(|error| {
        let line = u32::try_from(error.line()).unwrap_or(u32::MAX).max(1);
        syntax(reader, line, &error.to_string())
    })?;
    Source { reader, text, lines: Lines::of(text) }.item(root, 0)
}

fn syntax(reader: &Reader, line: u32, message: &str) -> ProfileError {
    ProfileError::Syntax { place: reader.place(line), format: "JSON", message: message.to_owned() }
}

struct Source<'a, 'r> {
    reader: &'r Reader,
    text: &'a str,
    lines: Lines,
}

impl<'a> Source<'a, '_> {
    fn item(&self, raw: &'a RawValue, depth: usize) -> Result<Item<'a>, ProfileError> {
        let line = self.line(raw.get());
        let failed = |error: serde_json::Error| syntax(self.reader, line, &error.to_string());
        if depth > DEEPEST {
            return Err(syntax(self.reader, line, "too many levels"));
        }
        let value = match raw.get().as_bytes() {
            [b'{', ..] => {
                let object: Object<'a> = serde_json::from_str(raw.get()).map_err(failed)?;
                Value::Table(self.members(object, depth)?)
            }
            [b'[', ..] => {
                let items: Vec<&'a RawValue> = serde_json::from_str(raw.get()).map_err(failed)?;
                Value::List(items.into_iter().map(|one| self.item(one, depth + 1)).collect::<Result<_, _>>()?)
            }
            [b'"', ..] => Value::Text(serde_json::from_str::<Text<'a>>(raw.get()).map_err(failed)?.0),
            b"true" => Value::Flag(true),
            b"false" => Value::Flag(false),
            b"null" => Value::Other("null"),
            _ => Value::Integer(raw.get().parse().ok()),
        };
        Ok(Item { line, value })
    }

    fn members(&self, object: Object<'a>, depth: usize) -> Result<Vec<Member<'a>>, ProfileError> {
        let mut members: Vec<Member<'a>> = Vec::with_capacity(object.0.len());
        let mut known = HashSet::with_capacity(object.0.len());
        for (key, raw) in object.0 {
            let item = self.item(raw, depth + 1)?;
            let line = item.line;
            // One of the two would be lost.
            if !known.insert(key.clone()) {
                return Err(syntax(self.reader, line, &format!("the key {key:?} stands twice")));
            }
            members.push(Member { key, line, item });
        }
        Ok(members)
    }

    /// The line of a piece of the text.
    fn line(&self, piece: &str) -> u32 {
        self.lines.at((piece.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize))
    }
}

/// A string, borrowed where it has no escapes. (serde's own `Cow` is always a copy.)
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Texts)
    }
}

/// The members of an object, in their order, none lost.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
