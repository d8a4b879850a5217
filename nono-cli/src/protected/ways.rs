//! What can lead elsewhere in a home directory.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::Path;

/// What can lead elsewhere in a home directory and in its `.config`: two listings tell which of the many protected paths
/// need a look. None where a directory cannot be listed.
#[derive(Debug)]
pub(super) struct Listing {
    home: Option<Ways>,
    config: Option<Ways>,
    config_is_directory: bool,
}

/// The names in a directory that are not files; true for a link.
type Ways = BTreeMap<OsString, bool>;

impl Listing {
    pub(super) fn read(home: &Path) -> Listing {
        let names = ways(home);
        let config_is_directory =
            names.as_ref().and_then(|names| names.get(OsStr::new(".config"))).is_some_and(|is_link| !is_link);
        let config = if config_is_directory { ways(&home.join(".config")) } else { None };
        Listing { home: names, config, config_is_directory }
    }

    /// Whether `path`, relative to the home directory, may be another place by a link; yes where it cannot be told.
    pub(super) fn may_be_elsewhere(&self, path: &str) -> bool {
        match path.strip_prefix(".config/") {
            Some(rest) if self.config_is_directory => may_lead_on(self.config.as_ref(), rest),
            _ => may_lead_on(self.home.as_ref(), path),
        }
    }
}

fn may_lead_on(ways: Option<&Ways>, path: &str) -> bool {
    let (first, is_last) = path.split_once('/').map_or((path, true), |(first, _)| (first, false));
    // In a directory the next name has to be looked at.
    ways.is_none_or(|ways| ways.get(OsStr::new(first)).is_some_and(|is_link| *is_link || !is_last))
}

/// What in `directory` can lead on; if there is no such directory, nothing.
fn ways(directory: &Path) -> Option<Ways> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return (error.kind() == io::ErrorKind::NotFound).then(Ways::new),
    };
    let mut ways = Ways::new();
    for entry in entries {
        let entry = entry.ok()?;
        // What cannot be looked at is taken for a link.
        let (is_link, leads_on) = entry.file_type().map_or((true, true), |is| (is.is_symlink(), is.is_dir()));
        if is_link || leads_on {
            ways.insert(entry.file_name(), is_link);
        }
    }
    Some(ways)
}
