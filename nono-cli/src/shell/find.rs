//! Which shell: `$SHELL`, else the one of the user database, else `/bin/sh`.

use super::Kind;
use crate::{passwd, program};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The shell that is there whatever the user has.
const LAST: &str = "/bin/sh";

/// Programs that are entered as a shell to say that there is none.
const NONE: [&str; 2] = ["nologin", "false"];

/// A shell that can be executed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
    /// If it is not the one `$SHELL` names: why not.
    pub(crate) instead: Option<String>,
}

/// Finds the user's shell; `named` is the value of `$SHELL`.
pub(crate) fn find(named: Option<OsString>) -> Found {
    let why = match named.map(PathBuf::from) {
        Some(path) if is_shell(&path) => return found(path, None),
        Some(path) => format!("SHELL={path:?} is no shell that can be executed"),
        None => "SHELL is not set".to_owned(),
    };
    let path = passwd::shell().filter(|path| is_shell(path)).unwrap_or_else(|| LAST.into());
    let instead = format!("{why}; this is {}", path.display());
    found(path, Some(instead))
}

fn found(path: PathBuf, instead: Option<String>) -> Found {
    Found { kind: Kind::of(&path), path, instead }
}

fn is_shell(path: &Path) -> bool {
    let none = NONE.iter().any(|name| path.ends_with(name));
    path.is_absolute() && !none && program::find(path.as_os_str(), Path::new("/"), None).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_variable_names_is_taken_if_it_can_be_executed() {
        assert_eq!(find(Some(LAST.into())), Found { path: LAST.into(), kind: Kind::Posix, instead: None });
        for (named, why) in [
            (None, "SHELL is not set; this is /"),
            (Some(""), "SHELL=\"\" is no shell"),
            (Some("sh"), "SHELL=\"sh\" is no shell"),
            (Some("/etc/passwd"), "SHELL=\"/etc/passwd\" is no shell"),
            (Some("/nowhere/zsh"), "SHELL=\"/nowhere/zsh\" is no shell"),
            (Some("/bin/false"), "SHELL=\"/bin/false\" is no shell"),
        ] {
            let found = find(named.map(OsString::from));
            assert!(is_shell(&found.path), "{named:?}: {found:?}");
            assert!(found.instead.as_ref().is_some_and(|said| said.starts_with(why)), "{named:?}: {found:?}");
        }
    }
}
