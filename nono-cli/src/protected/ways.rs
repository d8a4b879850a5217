//! What can lead elsewhere in a home directory.

use crate::platform;
use rustix::fs::FileType;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

/// What can lead elsewhere in a home directory and in its `.config`: two listings tell which of the many protected paths
/// need a look. None where a directory cannot be listed.
#[derive(Debug)]
pub(super) struct Listing {
    home: Option<Ways>,
    config: Option<Ways>,
    config_is_directory: bool,
}

/// The names in a directory that are not files, sorted; true for a link.
#[derive(Debug, Default)]
struct Ways(Vec<(Box<[u8]>, bool)>);

impl Listing {
    pub(super) fn read(home: &Path) -> Listing {
        let names = Ways::of(home);
        let config_is_directory =
            names.as_ref().and_then(|names| names.get(b".config")).is_some_and(|is_link| !is_link);
        let config = if config_is_directory { Ways::of(&home.join(".config")) } else { None };
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
    ways.is_none_or(|ways| ways.get(first.as_bytes()).is_some_and(|is_link| is_link || !is_last))
}

impl Ways {
    /// Those of `directory`; if there is no such directory, none.
    fn of(directory: &Path) -> Option<Ways> {
        let mut ways = Vec::new();
        let listed = platform::list(directory, |name, file_type, _inode| {
            // What the file system does not tell is taken for a link.
            let is_link = match file_type {
                FileType::Directory => Some(false),
                FileType::Symlink | FileType::Unknown => Some(true),
                _ => None,
            };
            ways.extend(is_link.map(|is_link| (name.into(), is_link)));
            ControlFlow::Continue(())
        });
        match listed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(Ways::default()),
            listed => listed.ok()?,
        }
        ways.sort_unstable();
        Some(Ways(ways))
    }

    fn get(&self, name: &[u8]) -> Option<bool> {
        let at = self.0.binary_search_by(|(one, _)| (**one).cmp(name)).ok()?;
        self.0.get(at).map(|(_, is_link)| *is_link)
    }
}
