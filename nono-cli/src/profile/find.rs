//! Where a profile is: by path, in the user's configuration, or built in.

use super::builtin;
use super::document::Reader;
use super::error::ProfileError;
use super::model::Profile;
use super::place::Place;
use super::variables::Variables;
use super::{format, json, read, toml, version011};
use crate::home;
use crate::spelling::nearest;
use std::borrow::Cow;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The endings of a profile's name, in the order in which they are looked for.
const ENDINGS: [&str; 2] = ["toml", "json"];

/// What a profile is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// nono's own: TOML.
    Toml,
    /// JSON as nono 0.11 has it.
    Json011,
}

impl Language {
    /// Takes a text apart; `file` is what messages name.
    pub(crate) fn read(self, text: &str, file: Arc<Path>) -> Result<Profile, ProfileError> {
        let reader = Reader { file };
        match self {
            Language::Toml => format::read(&reader, &toml::parse(&reader, text)?),
            Language::Json011 => version011::read(&reader, &json::parse(&reader, text)?),
        }
    }
}

/// A profile that was found, and not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    File(PathBuf),
    BuiltIn(&'static str),
}

/// The directory of the user's profiles; none without a home directory.
pub(crate) fn directory() -> Option<PathBuf> {
    let named = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    Some(named.or_else(|| Some(home::home()?.join(".config")))?.join("nono/profiles"))
}

impl Found {
    /// Finds what a flag names: a path relative to the directory nono was started in, or a name.
    pub(super) fn by_flag(given: &OsStr) -> Result<Found, ProfileError> {
        if is_path(given) {
            return Ok(Found::File(PathBuf::from(given)));
        }
        by_name(given.to_str().ok_or_else(|| ProfileError::Name { name: format!("{given:?}") })?)
    }

    /// Finds what this profile means by `extends = "given"`: a path relative to its own directory, or a name. A user's profile
    /// that extends its own name means the built-in one; one that is built in extends none of the user's.
    pub(super) fn extended(&self, given: &str, place: &Place) -> Result<Found, ProfileError> {
        let built_in = || builtin::ALL.iter().find(|(name, _)| *name == given).map(|(name, _)| Found::BuiltIn(name));
        match self {
            Found::BuiltIn(_) => built_in().ok_or_else(|| unknown(given)),
            Found::File(file) if is_path(OsStr::new(given)) => {
                let variables = Variables { home: home::home(), workdir: None };
                let named = PathBuf::from(&variables.expand(given, place)?);
                Ok(Found::File(file.parent().unwrap_or(Path::new("")).join(named)))
            }
            Found::File(file) => {
                let own = directory().is_some_and(|directory| file.parent() == Some(&directory));
                match built_in() {
                    Some(found) if own && file.file_stem() == Some(OsStr::new(given)) => Ok(found),
                    _ => by_name(given),
                }
            }
        }
    }

    /// Its text.
    pub(super) fn text(&self) -> Result<Cow<'static, str>, ProfileError> {
        match self {
            Found::File(path) => Ok(Cow::Owned(read::text(path)?)),
            Found::BuiltIn(name) => Ok(Cow::Borrowed(builtin::text(name).unwrap_or_default())),
        }
    }

    /// Reads it, without what it extends.
    pub(super) fn read(&self) -> Result<Profile, ProfileError> {
        let language = match self {
            Found::File(path) if path.extension() == Some(OsStr::new("json")) => Language::Json011,
            _ => Language::Toml,
        };
        language.read(&self.text()?, self.file())
    }

    /// Its file, as messages and reports name it.
    pub(super) fn file(&self) -> Arc<Path> {
        match self {
            Found::File(path) => Arc::from(path.as_path()),
            Found::BuiltIn(name) => builtin::file(name),
        }
    }

    /// What tells it from other profiles: the same file by two names is one.
    pub(super) fn identity(&self) -> PathBuf {
        match self {
            Found::File(path) => fs::canonicalize(path).unwrap_or_else(|_| path.clone()),
            Found::BuiltIn(_) => self.file().to_path_buf(),
        }
    }
}

fn is_path(given: &OsStr) -> bool {
    let bytes = given.as_bytes();
    bytes.contains(&b'/') || bytes.ends_with(b".toml") || bytes.ends_with(b".json")
}

/// Refuses what could be anything but the name of a file in one directory.
pub(crate) fn check_name(name: &str) -> Result<(), ProfileError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let begins = |first: char| first.is_ascii_alphanumeric() || first == '_';
    let valid = name.starts_with(begins) && name.bytes().all(plain) && !is_path(OsStr::new(name));
    if valid { Ok(()) } else { Err(ProfileError::Name { name: name.to_owned() }) }
}

fn by_name(name: &str) -> Result<Found, ProfileError> {
    check_name(name)?;
    for path in ENDINGS.iter().filter_map(|ending| Some(directory()?.join(format!("{name}.{ending}")))) {
        match fs::symlink_metadata(&path) {
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {}
            // Whatever is there is meant, and reading it tells what is wrong: a built-in profile may grant more.
            _ => return Ok(Found::File(path)),
        }
    }
    let built_in = builtin::ALL.iter().find(|(known, _)| *known == name);
    built_in.map(|(known, _)| Found::BuiltIn(known)).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> ProfileError {
    let users = users().into_iter().map(|(name, _)| name);
    let all: Vec<String> = builtin::ALL.iter().map(|(name, _)| (*name).to_owned()).chain(users).collect();
    let known: Vec<&str> = all.iter().map(String::as_str).collect();
    let hint = match nearest(name, &known) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "`nono profile list` has them all, and a file is named with a \"/\"".to_owned(),
    };
    ProfileError::Unknown { name: name.to_owned(), hint }
}

/// The names and files of the user's profiles, sorted; none where the directory cannot be listed.
pub(super) fn users() -> Vec<(String, PathBuf)> {
    let entries = directory().and_then(|directory| fs::read_dir(directory).ok()).into_iter().flatten().flatten();
    let profile = |path: PathBuf| {
        let ending = path.extension()?.to_str()?;
        let name = path.file_stem()?.to_str()?.to_owned();
        ENDINGS.contains(&ending).then_some((name, path))
    };
    let mut all: Vec<(String, PathBuf)> = entries.filter_map(|entry| profile(entry.path())).collect();
    // A profile in TOML goes before one of the same name in JSON.
    all.sort_by(|(one, first), (other, second)| one.cmp(other).then(second.cmp(first)));
    all.dedup_by(|(later, _), (name, _)| later == name);
    all
}
