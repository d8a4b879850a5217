//! Paths as the macOS kernel knows them, and those that a profile cannot name safely.
//!
//! Seatbelt compares the path of the object it found, after links. `/tmp`, `/var` and `/etc` are links to `/private`;
//! the data volume is mounted at `/System/Volumes/Data` and its directories appear at `/` by firmlinks, which is the form
//! the kernel reports.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where the data volume is mounted.
const DATA_VOLUME: &str = "/System/Volumes/Data";

/// The links in `/` that lead to `/private`.
const PRIVATE: [&str; 3] = ["tmp", "var", "etc"];

/// Why a path cannot stand in a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unspeakable {
    /// It is not UTF-8. The reader of profiles may take single bytes of it (0xFF) for the end of the text.
    NotUtf8,
    /// It holds `${`, which begins a variable in path filters: which path would be meant is not known.
    Variable,
}

/// The form of the resolved `path` that the kernel compares.
///
/// ```
/// # use nono_macos::place::kernel_path;
/// assert_eq!(kernel_path("/tmp/x".as_ref()), std::path::Path::new("/private/tmp/x"));
/// assert_eq!(kernel_path("/System/Volumes/Data/Users/me".as_ref()), std::path::Path::new("/Users/me"));
/// ```
pub fn kernel_path(path: &Path) -> PathBuf {
    let root = Path::new("/");
    let path = match path.strip_prefix(DATA_VOLUME) {
        Ok(below) if below.as_os_str().is_empty() => return path.to_owned(),
        Ok(below) => root.join(below),
        Err(_elsewhere) => path.to_owned(),
    };
    let first = path.strip_prefix(root).ok().and_then(|below| below.components().next());
    match first {
        Some(first) if PRIVATE.iter().any(|name| first.as_os_str() == OsStr::new(name)) => {
            root.join("private").join(path.strip_prefix(root).unwrap_or(&path))
        }
        _ => path,
    }
}

/// The same object by the mount point of the data volume; none for what is there already.
pub(crate) fn firmlink_twin(path: &str) -> Option<String> {
    let system = path == "/" || path == DATA_VOLUME || path.starts_with("/System/") || path.starts_with("/dev/");
    (!system).then(|| format!("{DATA_VOLUME}{path}"))
}

/// The text of `path` if a profile can name it.
///
/// # Errors
/// Why it cannot.
pub fn speakable(path: &Path) -> Result<&str, Unspeakable> {
    match str::from_utf8(path.as_os_str().as_bytes()) {
        Ok(text) if text.contains("${") => Err(Unspeakable::Variable),
        Ok(text) => Ok(text),
        Err(_position) => Err(Unspeakable::NotUtf8),
    }
}

/// The nearest path at or above `path` that a profile can name: what is closed in place of a path it cannot name.
pub(crate) fn nearest_speakable(path: &Path) -> &str {
    path.ancestors().find_map(|above| speakable(above).ok()).unwrap_or("/")
}

/// All directories above `path`, without `/`.
pub(crate) fn above(path: &str) -> impl Iterator<Item = &str> {
    path.char_indices().filter(|(at, letter)| *letter == '/' && *at > 0).filter_map(|(at, _)| path.get(..at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_root_and_firmlinks_are_followed() {
        for (path, expected) in [
            ("/", "/"),
            ("/tmp", "/private/tmp"),
            ("/var/folders/x", "/private/var/folders/x"),
            ("/etc/hosts", "/private/etc/hosts"),
            ("/private/etc/hosts", "/private/etc/hosts"),
            ("/etcetera", "/etcetera"),
            ("/Users/me", "/Users/me"),
            ("/System/Volumes/Data", "/System/Volumes/Data"),
            ("/System/Volumes/Data/Users/me", "/Users/me"),
            ("/System/Volumes/Data/private/tmp/x", "/private/tmp/x"),
            ("/System/Volumes/Data/tmp/x", "/private/tmp/x"),
            ("/System/Volumes/Database", "/System/Volumes/Database"),
        ] {
            assert_eq!(kernel_path(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn what_cannot_be_named_says_why() {
        assert_eq!(speakable(Path::new("/a\"\\\n()")), Ok("/a\"\\\n()"));
        assert_eq!(speakable(Path::new("/a/${HOME}")), Err(Unspeakable::Variable));
        assert_eq!(speakable(Path::new(OsStr::from_bytes(b"/a/\xff"))), Err(Unspeakable::NotUtf8));
        assert_eq!(nearest_speakable(Path::new("/a/b/${x}/c")), "/a/b");
    }

    #[test]
    fn directories_above() {
        assert_eq!(above("/a/b/c").collect::<Vec<_>>(), ["/a", "/a/b"]);
        assert_eq!(above("/a").count() + above("/").count(), 0);
    }
}
