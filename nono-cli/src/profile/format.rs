//! The keys of a profile in TOML.

use super::document::{Item, Member, Reader, Value};
use super::error::ProfileError;
use super::model::{Approve, Entry, Environment, Grant, Missing, Options, Profile, Right, Workdir};
use super::network;
use super::place::At;
use crate::platform::Capability;
use crate::spelling::guarantee;
use nono_core::Guarantee;

/// Every table and key there is; the empty name is the profile itself.
pub(super) const KEYS: [(&str, &[&str]); 8] = [
    ("", &["extends", "meta", "filesystem", "network", "environment", "workdir", "options", "approve"]),
    ("meta", &["name", "description", "version", "author"]),
    ("filesystem", &["allow", "read", "write", "allow_file", "read_file", "write_file", "deny"]),
    ("network", &["open", "block", "connect", "bind", "port", "proxy_port", "dns", "unix"]),
    ("environment", &["pass", "set", "clear"]),
    ("workdir", &["access"]),
    ("options", &["system", "private_shm", "accept_gap", "keep_cap"]),
    ("approve", &["allow", "read", "write", "deny"]),
];
/// The keys of a path that is written as a table.
pub(super) const ENTRY_KEYS: [&str; 3] = ["path", "create", "optional"];

/// What a list of paths takes.
const PATHS: &str = "a list of paths: texts, or tables as { path = \"..\", optional = true }";

pub(super) fn keys(table: &str) -> &'static [&'static str] {
    KEYS.iter().find(|(name, _)| *name == table).map_or(&[], |(_, keys)| keys)
}

/// Reads a whole profile.
pub(super) fn read(reader: &Reader, root: &Item<'_>) -> Result<Profile, ProfileError> {
    let mut profile = Profile { files: vec![reader.place(1)], ..Profile::default() };
    for member in reader.table("", root)? {
        let (key, item) = (&*member.key, &member.item);
        match key {
            "extends" => profile.extends = extends(reader, item)?,
            "meta" => profile.description = meta(reader, item)?,
            "filesystem" => filesystem(reader, item, &mut profile)?,
            "network" => profile.network = network::read(reader, item)?,
            "environment" => profile.environment = environment(reader, item)?,
            "workdir" => profile.workdir = workdir(reader, item)?,
            "options" => profile.options = options(reader, item)?,
            "approve" => profile.approve = Some(approve(reader, item)?),
            _ => return Err(misplaced(reader, member)),
        }
    }
    Ok(profile)
}

/// A key that no profile has, or that belongs into one of its tables.
fn misplaced(reader: &Reader, member: &Member<'_>) -> ProfileError {
    let table = KEYS.iter().skip(1).find(|(_, keys)| keys.contains(&&*member.key)).map(|(table, _)| *table);
    match table.filter(|table| *table != "meta") {
        Some(table) => ProfileError::Key {
            place: reader.place(member.line),
            key: member.key.clone().into_owned(),
            within: String::new(),
            hint: format!("it belongs into [{table}]"),
        },
        None => reader.unknown(member, "", keys("")),
    }
}

pub(super) fn extends(reader: &Reader, item: &Item<'_>) -> Result<Vec<At<String>>, ProfileError> {
    match &item.value {
        Value::Text(text) => Ok(vec![reader.at(item.line, text.clone().into_owned())]),
        Value::List(_) => reader.texts("extends", item),
        _ => Err(reader.wrong("extends", item, "a name, or a list of names")),
    }
}

/// The description; the rest is for people.
pub(super) fn meta(reader: &Reader, item: &Item<'_>) -> Result<Option<String>, ProfileError> {
    let mut description = None;
    for member in reader.table("meta", item)? {
        let key = &*member.key;
        if !keys("meta").contains(&key) {
            return Err(reader.unknown(member, "meta", keys("meta")));
        }
        let text = reader.text(key, &member.item)?;
        if key == "description" {
            description = Some(text.to_owned());
        }
    }
    Ok(description)
}

pub(super) fn filesystem(reader: &Reader, item: &Item<'_>, profile: &mut Profile) -> Result<(), ProfileError> {
    for member in reader.table("filesystem", item)? {
        let key = &*member.key;
        match Right::ALL.into_iter().find(|right| right.key() == key) {
            Some(right) => {
                let read = if right.is_of_files() { found } else { entries };
                let all = read(reader, key, &member.item)?;
                profile.grants.extend(all.into_iter().map(|entry| Grant { right, entry }));
            }
            None if key == "deny" => profile.denies = found(reader, key, &member.item)?,
            None => return Err(reader.unknown(member, "filesystem", keys("filesystem"))),
        }
    }
    Ok(())
}

pub(super) fn entries(reader: &Reader, key: &str, item: &Item<'_>) -> Result<Vec<Entry>, ProfileError> {
    reader.list(key, item, PATHS)?.iter().map(|one| entry(reader, key, one)).collect()
}

/// Paths of which nono makes none: files, sockets, what is denied.
pub(super) fn found(reader: &Reader, key: &str, item: &Item<'_>) -> Result<Vec<Entry>, ProfileError> {
    let entries = entries(reader, key, item)?;
    match entries.iter().find(|entry| entry.missing == Missing::Create) {
        Some(entry) => {
            let (place, value) = (entry.place.clone(), "create = true".to_owned());
            let expected = "what exists: `create` makes directories, for allow, read and write";
            Err(ProfileError::Value { place, key: key.to_owned(), value, expected })
        }
        None => Ok(entries),
    }
}

fn entry(reader: &Reader, key: &str, item: &Item<'_>) -> Result<Entry, ProfileError> {
    let place = reader.place(item.line);
    let members = match &item.value {
        Value::Text(text) => {
            return Ok(Entry { text: text.clone().into_owned(), place, missing: Missing::Refuse });
        }
        Value::Table(members) => members,
        _ => return Err(reader.wrong(key, item, PATHS)),
    };
    let (mut text, mut missing) = (None, Missing::Refuse);
    for member in members {
        let within = || format!("a path of {key}");
        match &*member.key {
            "path" => text = Some(reader.text("path", &member.item)?.to_owned()),
            one @ ("create" | "optional") => {
                let said = reader.flag(one, &member.item)?.value;
                let other = if one == "create" { Missing::Create } else { Missing::LeaveOut };
                match (said, missing) {
                    (false, _) => {}
                    (true, Missing::Refuse) => missing = other,
                    (true, _) => {
                        let other = "`optional`".to_owned();
                        return Err(ProfileError::Contradiction { place, one: "`create`", other });
                    }
                }
            }
            _ => return Err(reader.unknown(member, &within(), &ENTRY_KEYS)),
        }
    }
    match text {
        Some(text) => Ok(Entry { text, place, missing }),
        None => Err(reader.wrong(key, item, "a table with `path`")),
    }
}

fn environment(reader: &Reader, item: &Item<'_>) -> Result<Environment, ProfileError> {
    let mut environment = Environment::default();
    for member in reader.table("environment", item)? {
        let (key, item) = (&*member.key, &member.item);
        match key {
            "clear" => environment.clear = Some(reader.flag(key, item)?),
            "pass" => environment.pass = reader.texts(key, item)?,
            "set" => {
                for variable in reader.table(key, item)? {
                    let value = reader.text(&variable.key, &variable.item)?.to_owned();
                    if value.contains('\0') {
                        let (place, key) = (reader.place(variable.line), variable.key.clone().into_owned());
                        return Err(ProfileError::Value { place, key, value, expected: "a text without a byte 0" });
                    }
                    let value = reader.at(variable.line, value);
                    environment.set.push((variable.key.clone().into_owned(), value));
                }
            }
            _ => return Err(reader.unknown(member, "environment", keys("environment"))),
        }
    }
    let passed = environment.pass.iter().map(|name| (&name.value, &name.place));
    let set = environment.set.iter().map(|(name, value)| (name, &value.place));
    for (name, place) in passed.chain(set) {
        if name.is_empty() || name.contains(['=', '\0']) {
            let expected = "names of variables, without \"=\"";
            let (place, key) = (place.clone(), "environment".to_owned());
            return Err(ProfileError::Value { place, key, value: name.clone(), expected });
        }
    }
    Ok(environment)
}

pub(super) fn workdir(reader: &Reader, item: &Item<'_>) -> Result<Option<At<Workdir>>, ProfileError> {
    let mut access = None;
    for member in reader.table("workdir", item)? {
        if &*member.key != "access" {
            return Err(reader.unknown(member, "workdir", keys("workdir")));
        }
        let word = reader.text("access", &member.item)?;
        let known = Workdir::WORDS.iter().find(|(known, _)| *known == word);
        let (place, value) = (reader.place(member.item.line), word.to_owned());
        let expected = "none, read, write or readwrite";
        let wrong = || ProfileError::Value { place, key: "access".to_owned(), value, expected };
        access = Some(reader.at(member.item.line, known.ok_or_else(wrong)?.1));
    }
    Ok(access)
}

fn options(reader: &Reader, item: &Item<'_>) -> Result<Options, ProfileError> {
    let mut options = Options::default();
    for member in reader.table("options", item)? {
        let (key, item) = (&*member.key, &member.item);
        match key {
            "system" => options.system = Some(reader.flag(key, item)?),
            "private_shm" => options.private_shm = Some(reader.flag(key, item)?),
            "accept_gap" => options.accept_gap = gaps(reader.texts(key, item)?)?,
            "keep_cap" => options.keep_cap = capabilities(reader.texts(key, item)?)?,
            _ => return Err(reader.unknown(member, "options", keys("options"))),
        }
    }
    Ok(options)
}

fn gaps(names: Vec<At<String>>) -> Result<Vec<At<Guarantee>>, ProfileError> {
    let one = |At { value, place }: At<String>| match guarantee(&value) {
        Ok(value) => Ok(At { value, place }),
        Err(source) => Err(ProfileError::Gap { place, source }),
    };
    names.into_iter().map(one).collect()
}

fn capabilities(names: Vec<At<String>>) -> Result<Vec<At<String>>, ProfileError> {
    let expected = "names of capabilities, such as CHOWN";
    match names.iter().find(|name| name.value.parse::<Capability>().is_err()) {
        Some(At { value, place }) => {
            let (place, value) = (place.clone(), value.clone());
            Err(ProfileError::Value { place, key: "keep_cap".to_owned(), value, expected })
        }
        None => Ok(names),
    }
}

fn approve(reader: &Reader, item: &Item<'_>) -> Result<Approve, ProfileError> {
    let mut approve = Approve::default();
    for member in reader.table("approve", item)? {
        let (key, item) = (&*member.key, &member.item);
        let list = match key {
            "allow" => &mut approve.allow,
            "read" => &mut approve.read,
            "write" => &mut approve.write,
            "deny" => &mut approve.deny,
            _ => return Err(reader.unknown(member, "approve", keys("approve"))),
        };
        *list = found(reader, key, item)?;
    }
    Ok(approve)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_the_same_keys() {
        let schema: serde_json::Value = serde_json::from_str(crate::schema::SCHEMAS.of("profile")).unwrap();
        for (table, keys) in KEYS {
            let at =
                if table.is_empty() { "/properties".to_owned() } else { format!("/properties/{table}/properties") };
            let mut described: Vec<&str> =
                schema.pointer(&at).unwrap().as_object().unwrap().keys().map(String::as_str).collect();
            let mut keys = keys.to_vec();
            described.sort_unstable();
            keys.sort_unstable();
            assert_eq!(described, keys, "[{table}]");
        }
    }
}
