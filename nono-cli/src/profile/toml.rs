//! TOML as a tree of values with lines.

use super::document::{Item, Lines, Member, Reader, Value};
use super::error::ProfileError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Takes `text` apart.
pub(super) fn parse<'a>(reader: &Reader, text: &'a str) -> Result<Item<'a>, ProfileError> {
    let lines = Lines::of(text);
    let parsed = DeTable::parse(text).map_err(|error| {
        // The parser's message may name what it expected on lines of its own, one each.
        let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let line = lines.at(error.span().map_or(0, |span| span.start));
        ProfileError::Syntax { place: reader.place(line), format: "TOML", message }
    })?;
    let line = lines.at(parsed.span().start);
    Ok(Item { line, value: Value::Table(members(&lines, parsed.into_inner())) })
}

fn members<'a>(lines: &Lines, table: DeTable<'a>) -> Vec<Member<'a>> {
    let mut members: Vec<Member<'a>> = table
        .into_iter()
        .map(|(key, value)| {
            let line = lines.at(key.span().start);
            Member { key: key.into_inner(), line, item: item(lines, value) }
        })
        .collect();
    // As they were written: of two errors the first is told.
    members.sort_by_key(|member| member.line);
    members
}

fn item<'a>(lines: &Lines, value: Spanned<DeValue<'a>>) -> Item<'a> {
    let line = lines.at(value.span().start);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text),
        DeValue::Integer(number) => Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(items.into_iter().map(|one| item(lines, one)).collect()),
        DeValue::Table(table) => Value::Table(members(lines, table)),
    };
    Item { line, value }
}
