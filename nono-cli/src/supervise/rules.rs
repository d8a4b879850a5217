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

use crate::profile::{self, ProfileError, Rules};
use nono_core::{CapabilityError, CapabilitySet, ConflictError};
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

/// Reads rules from `path`.
pub(super) fn read(path: &Path) -> Result<Rules, RulesError> {
    profile::approve(path)?.ok_or_else(|| RulesError::None { path: path.to_owned() })
}

/// What rules come to: what they say yes to is what a set of capabilities grants.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) set: CapabilitySet,
    /// Denied paths that no grant covers: a set of capabilities forgets them, for there they change nothing. Here they are not
    /// to be asked about.
    pub(super) unasked: Vec<PathBuf>,
}

/// Puts rules together; none where there are none.
pub(super) fn join(all: impl IntoIterator<Item = Rules>) -> Result<Option<Joined>, RulesError> {
    let mut all = all.into_iter().peekable();
    if all.peek().is_none() {
        return Ok(None);
    }
    let (mut builder, mut places, mut denied) = (CapabilitySet::builder(), Vec::new(), Vec::new());
    for Rules { grants, denies } in all {
        places.extend(grants.iter().map(|grant| grant.resolved().to_owned()));
        denied.extend(denies.iter().cloned());
        builder = builder.grants(grants);
        for deny in denies {
            builder = builder.deny_resolved(deny)?;
        }
    }
    let set = builder.build()?;
    let is_idle = |deny: &PathBuf| !set.denies().contains(deny) && !places.iter().any(|place| place.starts_with(deny));
    denied.retain(is_idle);
    Ok(Some(Joined { set, unasked: denied }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{OpenFlags, Request, decide};

    fn parse(text: &str) -> Result<Rules, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.toml");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|error| crate::terminal::chain(&error))
    }

    fn allows(joined: &Joined, path: &str, flags: OpenFlags) -> bool {
        decide(&joined.set, &Request::open(path, flags)).is_allowed()
    }

    #[test]
    fn a_table_says_yes_and_no() {
        let rules = parse("[approve]\nread = [\"/usr\", \"/var\"]\ndeny = [\"/usr/bin\"]\n").unwrap();
        let one = join([rules.clone()]).unwrap().unwrap();
        assert!(allows(&one, "/usr/share/x", OpenFlags::READ) && allows(&one, "/var/x", OpenFlags::READ));
        assert!(!allows(&one, "/usr/bin/x", OpenFlags::READ) && !allows(&one, "/usr/share/x", OpenFlags::WRITE));
        let more = parse("[approve]\nread = [\"/etc\"]\ndeny = [\"/var/lib\", \"/opt\"]\n").unwrap();
        let both = join([rules, more]).unwrap().unwrap();
        assert!(allows(&both, "/etc/x", OpenFlags::READ) && allows(&both, "/var/x", OpenFlags::READ));
        assert!(!allows(&both, "/usr/bin/x", OpenFlags::READ));
        assert!(!allows(&both, "/var/lib/x", OpenFlags::READ), "what one denies, the other does not open");
        assert_eq!(both.unasked, [PathBuf::from("/opt")], "nothing grants it, and nobody is to be asked");
        assert!(join([]).unwrap().is_none());
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (text, expected) in [
            ("", "no table [approve]"),
            ("[approve]\nraed = []\n", "line 2: unknown key \"raed\" in [approve]; did you mean \"read\"?"),
            ("[approve]\nread = [\"data\"]\n", "line 2: \"data\" is neither absolute"),
            ("[approve]\nread = [\n  \"/usr\",\n  \"/does/not/exist\",\n]\n", "line 4: read"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
        let both = parse("[approve]\nread = [\"/usr\"]\ndeny = [\"/usr\"]\n").unwrap();
        assert!(matches!(join([both]), Err(RulesError::Conflict { .. })));
    }
}
