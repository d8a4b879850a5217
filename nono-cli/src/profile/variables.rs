//! `~` and `$VARIABLE` in the paths and values of a profile.

use super::error::ProfileError;
use super::place::Place;
use std::borrow::Cow;
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What the XDG base directory specification says where a variable is not set, below the home directory.
const XDG: [(&str, &str); 4] = [
    ("XDG_CONFIG_HOME", ".config"),
    ("XDG_DATA_HOME", ".local/share"),
    ("XDG_STATE_HOME", ".local/state"),
    ("XDG_CACHE_HOME", ".cache"),
];

/// What variables stand for.
#[derive(Debug)]
pub(super) struct Variables<'a> {
    pub(super) home: Option<PathBuf>,
    /// Where the command starts; none where there is no command.
    pub(super) workdir: Option<&'a Path>,
}

impl Variables<'_> {
    /// Puts values in the place of variables.
    pub(super) fn expand<'t>(&self, text: &'t str, place: &Place) -> Result<Cow<'t, OsStr>, ProfileError> {
        if !text.starts_with('~') && !text.contains('$') {
            return Ok(Cow::Borrowed(OsStr::new(text)));
        }
        let mut bytes = Vec::with_capacity(text.len().saturating_add(32));
        let mut rest = text;
        if let Some(after) = text.strip_prefix('~') {
            let wrong = |why| ProfileError::Home { place: place.clone(), given: text.to_owned(), why };
            if !after.is_empty() && !after.starts_with('/') {
                return Err(wrong("only ~ and ~/.. are known, the home directory of who runs nono"));
            }
            let home = self.home.as_ref().ok_or_else(|| wrong("there is no home directory"))?;
            bytes.extend_from_slice(home.as_os_str().as_bytes());
            rest = after;
        }
        while let Some((before, after)) = rest.split_once('$') {
            bytes.extend_from_slice(before.as_bytes());
            if let Some(literal) = after.strip_prefix('$') {
                bytes.push(b'$');
                rest = literal;
                continue;
            }
            let (name, after) =
                name(after).ok_or_else(|| ProfileError::Dollar { place: place.clone(), given: text.to_owned() })?;
            let unset = || ProfileError::Unset { place: place.clone(), name: name.to_owned() };
            bytes.extend_from_slice(self.value(name).ok_or_else(unset)?.as_bytes());
            rest = after;
        }
        bytes.extend_from_slice(rest.as_bytes());
        Ok(Cow::Owned(OsString::from_vec(bytes)))
    }

    /// An empty variable is as good as none: it would make `$VAR/x` mean `/x`.
    fn value(&self, name: &str) -> Option<OsString> {
        let set = || env::var_os(name).filter(|value| !value.is_empty());
        match name {
            "HOME" => self.home.clone().map(PathBuf::into_os_string),
            "WORKDIR" => self.workdir.map(|workdir| workdir.as_os_str().to_owned()),
            "UID" => Some(rustix::process::getuid().as_raw().to_string().into()),
            "TMPDIR" => Some(set().unwrap_or_else(|| "/tmp".into())),
            _ => match XDG.iter().find(|(known, _)| *known == name) {
                // "All paths set in these environment variables must be absolute", others are to be ignored.
                Some((_, below)) => {
                    let named = set().filter(|value| Path::new(value).is_absolute());
                    named.or_else(|| Some(self.home.as_ref()?.join(below).into_os_string()))
                }
                None => set(),
            },
        }
    }
}

/// The name that `text`, which follows a `$`, begins with, and what comes behind it: `NAME` or `{NAME}`.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = || text.find(|one: char| !one.is_ascii_alphanumeric() && one != '_').unwrap_or(text.len());
    let (name, rest) = match text.strip_prefix('{') {
        Some(text) => text.split_once('}')?,
        None => text.split_at_checked(end())?,
    };
    let first = |one: char| one.is_ascii_alphabetic() || one == '_';
    let valid = name.starts_with(first) && name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_');
    valid.then_some((name, rest))
}

/// Whether a path is written as one below the variable `wanted`.
pub(super) fn begins_with(text: &str, wanted: &str) -> bool {
    text.strip_prefix('$').and_then(name).is_some_and(|(name, _)| name == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        let variables = Variables { home: Some("/home/u".into()), workdir: Some(Path::new("/work")) };
        let place = Place { file: Path::new("p.toml").into(), line: 3 };
        let expanded = variables.expand(text, &place).map_err(|error| error.to_string())?;
        expanded.into_owned().into_string().map_err(|_bytes| "no text".to_owned())
    }

    #[test]
    fn variables_and_the_home_directory_are_expanded() {
        let uid = rustix::process::getuid().as_raw();
        for (text, expected) in [
            ("~", "/home/u".to_owned()),
            ("~/.npm", "/home/u/.npm".to_owned()),
            ("$HOME/x", "/home/u/x".to_owned()),
            ("${WORKDIR}/target", "/work/target".to_owned()),
            ("/run/user/$UID/bus", format!("/run/user/{uid}/bus")),
            ("/a~b", "/a~b".to_owned()),
            ("/price$$", "/price$".to_owned()),
            ("plain", "plain".to_owned()),
        ] {
            assert_eq!(expanded(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_path_below_the_working_directory_is_known_by_its_text() {
        for (text, expected) in [("$WORKDIR/x", true), ("${WORKDIR}", true), ("$WORKDIRS", false), ("/$WORKDIR", false)]
        {
            assert_eq!(begins_with(text, "WORKDIR"), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_an_error_that_names_it() {
        for (text, part) in [
            ("$NO_SUCH_VARIABLE/x", "line 3: $NO_SUCH_VARIABLE is not set"),
            ("~other/x", "only ~ and ~/.."),
            ("/a$", "without a name"),
            ("/a$/b", "without a name"),
            ("${A", "without a name"),
            ("${A-b}", "without a name"),
            ("$1", "without a name"),
        ] {
            let error = expanded(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
