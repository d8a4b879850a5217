//! `nono shell`: which shell it is, and what makes it one of a sandbox: a marker in its prompt, and a history of its own.
//!
//! ```text
//! find     $SHELL, or what stands in for it
//! furnish  the files and variables by which each kind of shell is told
//! ```

mod find;
mod furnish;

pub(crate) use find::{Found, find};
pub(crate) use furnish::{FurnishError, Furnished, furnish};

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Shells, by what they read when they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bash,
    Zsh,
    Fish,
    /// What reads the file that `ENV` names, as POSIX says: dash, ash, the Korn shells, and any other that is called `sh`.
    Posix,
    /// One of which nono knows nothing.
    Other,
}

impl Kind {
    /// By the name it is called by, not by what a link leads to: bash that is called `sh` reads what `sh` does.
    fn of(path: &Path) -> Kind {
        let name = path.file_name().map(OsStr::as_bytes).unwrap_or_default();
        // zsh-5.9, ksh93
        let end = name.iter().rposition(u8::is_ascii_alphabetic).map_or(0, |last| last.saturating_add(1));
        match name.get(..end).unwrap_or_default() {
            b"bash" | b"rbash" => Kind::Bash,
            b"zsh" => Kind::Zsh,
            b"fish" => Kind::Fish,
            b"sh" | b"dash" | b"ash" | b"ksh" | b"mksh" | b"lksh" | b"oksh" | b"pdksh" => Kind::Posix,
            _ => Kind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_by_the_name() {
        for (path, kind) in [
            ("/bin/bash", Kind::Bash),
            ("/opt/bash-5.2", Kind::Bash),
            ("/usr/bin/zsh", Kind::Zsh),
            ("/usr/bin/zsh5", Kind::Zsh),
            ("/usr/bin/fish", Kind::Fish),
            ("/bin/sh", Kind::Posix),
            ("/bin/ksh93", Kind::Posix),
            ("/bin/tcsh", Kind::Other),
            ("/bin/nu", Kind::Other),
            ("/bin/123", Kind::Other),
            ("/", Kind::Other),
        ] {
            assert_eq!(Kind::of(Path::new(path)), kind, "{path}");
        }
    }
}
