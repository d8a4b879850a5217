//! `--approve-rules`: a table of paths that answers without anybody being asked.
//!
//! ```toml
//! [approve]
//! read = ["/srv/data"]            # this file, or the directory with all below it
//! write = ["~/out"]
//! allow = []                      # both
//! deny = ["/srv/data/secret"]     # wins
//! ```
//! A profile may hold the same table, so that a file of rules is a profile with nothing else in it.

use crate::profile::{self, ProfileError};
use nono_core::{Builder, CapabilityError, CapabilitySet, ConflictError};
use std::path::{Path, PathBuf};

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulesError {
    /// The file cannot be read, or says something that is not understood.
    #[error("--approve-rules")]
    Profile {
        #[from]
        source: ProfileError,
    },
    /// A profile without rules.
    #[error("--approve-rules: {path:?} has no table [approve]")]
    None { path: PathBuf },
    /// Rules of a file and of profiles that contradict each other.
    #[error("--approve-rules and the rules of a profile")]
    Conflict {
        #[from]
        source: ConflictError,
    },
    /// What cannot be joined.
    #[error("--approve-rules")]
    Join {
        #[from]
        source: CapabilityError,
    },
}

/// Reads rules from `path`; what they allow is what a set of capabilities grants.
pub(super) fn read(path: &Path) -> Result<CapabilitySet, RulesError> {
    profile::approve(path)?.ok_or_else(|| RulesError::None { path: path.to_owned() })
}

/// The rules of a file and those of profiles.
pub(super) fn join(
    one: Option<CapabilitySet>,
    other: Option<CapabilitySet>,
) -> Result<Option<CapabilitySet>, RulesError> {
    let (Some(one), Some(other)) = (&one, &other) else { return Ok(one.or(other)) };
    let mut both = one.fs().iter().chain(other.fs()).cloned().fold(CapabilitySet::builder(), Builder::grant);
    for deny in one.denies().iter().chain(other.denies()) {
        both = both.deny_resolved(deny.clone())?;
    }
    Ok(Some(both.build()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{OpenFlags, Request, decide};

    fn parse(text: &str) -> Result<CapabilitySet, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.toml");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|error| crate::terminal::chain(&error))
    }

    #[test]
    fn a_table_says_yes_and_no() {
        let rules = parse("[approve]\nread = [\"/usr\", \"/var\"]\ndeny = [\"/usr/bin\"]\n").unwrap();
        let allows = |rules: &CapabilitySet, path: &str, flags| decide(rules, &Request::open(path, flags)).is_allowed();
        assert!(allows(&rules, "/usr/share/x", OpenFlags::READ) && allows(&rules, "/var/x", OpenFlags::READ));
        assert!(!allows(&rules, "/usr/bin/x", OpenFlags::READ) && !allows(&rules, "/usr/share/x", OpenFlags::WRITE));
        let more = parse("[approve]\nread = [\"/etc\"]\ndeny = [\"/var/lib\"]\n").unwrap();
        let both = join(Some(rules), Some(more)).unwrap().unwrap();
        assert!(allows(&both, "/etc/x", OpenFlags::READ) && allows(&both, "/var/x", OpenFlags::READ));
        assert!(!allows(&both, "/usr/bin/x", OpenFlags::READ));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (text, expected) in [
            ("", "no table [approve]"),
            ("[approve]\nraed = []\n", "line 2: unknown key \"raed\" in [approve]; did you mean \"read\"?"),
            ("[approve]\nread = [\"data\"]\n", "line 2: \"data\" is neither absolute"),
            ("[approve]\nread = [\n  \"/usr\",\n  \"/does/not/exist\",\n]\n", "line 4: read"),
            ("[approve]\nread = [\"/usr\"]\ndeny = [\"/usr\"]\n", "granted and denied"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
