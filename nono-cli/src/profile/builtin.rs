//! The profiles that nono brings along: data files, reviewed like code.

use super::document::Reader;
use super::error::ProfileError;
use super::model::{Profile, Right};
use super::{format, toml};
use std::path::Path;
use std::sync::Arc;

/// Their names and texts.
pub(super) const ALL: [(&str, &str); 9] = [
    ("agent", include_str!("../../data/profiles/agent.toml")),
    ("build", include_str!("../../data/profiles/build.toml")),
    ("download", include_str!("../../data/profiles/download.toml")),
    ("git", include_str!("../../data/profiles/git.toml")),
    ("go", include_str!("../../data/profiles/go.toml")),
    ("node", include_str!("../../data/profiles/node.toml")),
    ("offline", include_str!("../../data/profiles/offline.toml")),
    ("python", include_str!("../../data/profiles/python.toml")),
    ("rust", include_str!("../../data/profiles/rust.toml")),
];

/// The text of a built-in profile.
pub(super) fn text(name: &str) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// What stands for its file in messages and reports.
pub(super) fn file(name: &str) -> Arc<Path> {
    Arc::from(Path::new(&format!("built-in:{name}")))
}

/// What the built-in profile `name` reads, as written.
pub(super) fn reads(name: &str) -> Result<Vec<String>, ProfileError> {
    let reader = Reader { file: file(name) };
    let profile: Profile = format::read(&reader, &toml::parse(&reader, text(name).unwrap_or_default())?)?;
    let reads = profile.grants.into_iter().filter(|grant| grant.right == Right::Read);
    Ok(reads.map(|grant| grant.entry.text).collect())
}
