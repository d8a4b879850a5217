//! `--approve-rules`: a table of paths that answers without anybody being asked.
//!
//! ```toml
//! [approve]
//! read = ["/srv/data"]            # this file, or the directory with all below it
//! write = ["~/out"]
//! allow = []                      # both
//! deny = ["/srv/data/secret"]     # wins
//! ```

use crate::home;
use crate::system::expand;
use nono_core::{AccessMode, CachedResolver, CapabilityError, CapabilitySet, ConflictError, FsCapability};
use nono_core::{Resolver, Source};
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulesError {
    /// No such file, or not readable.
    #[error("--approve-rules: cannot read {path:?}")]
    Read { path: PathBuf, source: io::Error },
    /// Not TOML, or another table than is known.
    #[error("--approve-rules: {path:?} is not understood")]
    Parse { path: PathBuf, source: Box<toml::de::Error> },
    /// A path in it.
    #[error("--approve-rules: {key} of {path:?}")]
    Path { path: PathBuf, key: &'static str, source: CapabilityError },
    /// A path that is neither absolute nor in the home directory: relative to what is not clear.
    #[error("--approve-rules: {given:?} in {path:?} is neither absolute nor begins with ~/")]
    Relative { path: PathBuf, given: String },
    /// Rules that contradict each other.
    #[error("--approve-rules: {path:?}")]
    Conflict { path: PathBuf, source: ConflictError },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    approve: Approve,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Approve {
    allow: Vec<String>,
    read: Vec<String>,
    write: Vec<String>,
    deny: Vec<String>,
}

/// Reads rules from `path`; what they allow is what a set of capabilities grants.
pub(crate) fn read(path: &Path) -> Result<CapabilitySet, RulesError> {
    let text = std::fs::read_to_string(path).map_err(|source| RulesError::Read { path: path.to_owned(), source })?;
    parse(path, &text, home::home().as_deref())
}

fn parse(path: &Path, text: &str, home: Option<&Path>) -> Result<CapabilitySet, RulesError> {
    let file: File =
        toml::from_str(text).map_err(|source| RulesError::Parse { path: path.to_owned(), source: Box::new(source) })?;
    let resolver = CachedResolver::default();
    let wrong = |key| move |source| RulesError::Path { path: path.to_owned(), key, source };
    let mut rules = CapabilitySet::builder();
    for (key, paths, mode) in [
        ("allow", &file.approve.allow, AccessMode::ReadWrite),
        ("read", &file.approve.read, AccessMode::Read),
        ("write", &file.approve.write, AccessMode::Write),
    ] {
        for given in paths {
            let granted = FsCapability::resolve(&absolute(path, given, home)?, mode, &resolver).map_err(wrong(key))?;
            let source = Source::Profile { file: path.to_owned(), line: line_of(text, given) };
            rules = rules.grant(granted.with_source(source));
        }
    }
    for given in &file.approve.deny {
        let found = resolver.resolve(&absolute(path, given, home)?).map_err(wrong("deny"))?;
        rules = rules.deny_resolved(found.path).map_err(wrong("deny"))?;
    }
    rules.build().map_err(|source| RulesError::Conflict { path: path.to_owned(), source })
}

fn absolute(file: &Path, given: &str, home: Option<&Path>) -> Result<PathBuf, RulesError> {
    let relative = || RulesError::Relative { path: file.to_owned(), given: given.to_owned() };
    expand(given, home).filter(|path| path.is_absolute()).ok_or_else(relative)
}

/// The line that has `given`, from 1.
fn line_of(text: &str, given: &str) -> u32 {
    let line = text.lines().position(|line| line.contains(given)).unwrap_or_default();
    u32::try_from(line).unwrap_or_default().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{OpenFlags, Request, decide};

    #[test]
    fn a_table_says_yes_and_no() {
        let text = "[approve]\nread = [\"/usr\", \"~/\"]\ndeny = [\"/usr/bin\"]\n";
        let rules = parse(Path::new("r.toml"), text, Some(Path::new("/var"))).unwrap();
        let allows = |path: &str, flags| decide(&rules, &Request::open(path, flags)).is_allowed();
        assert!(allows("/usr/share/x", OpenFlags::READ) && allows("/var/x", OpenFlags::READ));
        assert!(!allows("/usr/bin/x", OpenFlags::READ) && !allows("/usr/share/x", OpenFlags::WRITE));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (text, expected) in [
            ("", "not understood"),
            ("[approve]\nraed = []\n", "not understood"),
            ("[approve]\nread = [\"data\"]\n", "neither absolute"),
            ("[approve]\nread = [\"/does/not/exist\"]\n", "read of"),
            ("[approve]\nread = [\"/usr\"]\ndeny = [\"/usr\"]\n", "r.toml"),
        ] {
            let error = parse(Path::new("r.toml"), text, None).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
