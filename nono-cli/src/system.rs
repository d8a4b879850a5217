//! The system group: what ordinary programs need to start, from a data file.

use crate::data;
use crate::platform::SYSTEM;
use nono_core::{AccessMode, CachedResolver, FsAccess, FsCapability, PathKind, Source};
use std::path::{Path, PathBuf};

static LINES: [&str; data::count(SYSTEM)] = data::lines(SYSTEM);

/// The right of one line of the data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Read,
    Device,
}

impl Right {
    /// What `device` grants is less than writing: nothing is made or removed below `/dev/pts`.
    fn access(self, kind: PathKind) -> FsAccess {
        let read = FsAccess::from(AccessMode::Read);
        let all = match self {
            Right::Read => read,
            Right::Device => {
                read.difference(FsAccess::EXECUTE) | FsAccess::WRITE_FILE | FsAccess::TRUNCATE | FsAccess::IOCTL_DEV
            }
        };
        if kind == PathKind::File { all & FsAccess::FILE } else { all }
    }
}

/// The line of all terminals.
const TERMINALS: &str = "/dev/pts";

/// The terminals that are in the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terminals<'a> {
    /// All of them.
    All,
    /// The command's own, if it has a path.
    Own(Option<&'a Path>),
}

/// The capabilities of the system group that exist here. What cannot be looked at is left out: it could not be used.
pub(crate) fn grants(home: Option<&Path>, resolver: &CachedResolver, terminals: Terminals<'_>) -> Vec<FsCapability> {
    let place = |path: &str| match terminals {
        Terminals::Own(own) if path == TERMINALS => own.map(Path::to_owned),
        _ => expand(path, home),
    };
    let paths = lines().filter_map(|(right, path)| Some((right, place(path)?)));
    paths.filter_map(|(right, path)| grant(right, path, resolver)).collect()
}

fn grant(right: Right, path: PathBuf, resolver: &CachedResolver) -> Option<FsCapability> {
    let found = resolver.find(&path).ok()?;
    let access = right.access(found.kind);
    Some(FsCapability::from_resolved(path, found, access).ok()?.with_source(Source::System))
}

fn lines() -> impl Iterator<Item = (Right, &'static str)> {
    LINES.iter().copied().filter_map(|line| match line.split_once(' ')? {
        ("read", path) => Some((Right::Read, path)),
        ("device", path) => Some((Right::Device, path)),
        _ => None,
    })
}

/// Puts the home directory in place of a leading `~`; none where there is no home.
pub(crate) fn expand(path: &str, home: Option<&Path>) -> Option<PathBuf> {
    match path.strip_prefix("~/") {
        Some(rest) => Some(home?.join(rest)),
        None => Some(PathBuf::from(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_is_a_comment_or_a_right_and_an_absolute_path() {
        assert_eq!(lines().count(), LINES.len());
        for (_, path) in lines() {
            assert!(path.starts_with('/') || path.starts_with("~/"), "{path}");
            assert!(!path.contains(' ') && !path.ends_with('/'), "{path:?}");
        }
    }

    #[test]
    fn no_place_of_secrets_is_in_the_group() {
        let granted: Vec<&Path> = lines().map(|(_, path)| Path::new(path)).collect();
        let secrets =
            crate::protected::lines().chain(["/root/x", "/home/u", "/etc/ssh/ssh_host_rsa_key", "/tmp", "/dev/shm"]);
        for secret in secrets {
            let covering = granted.iter().find(|path| Path::new(secret).starts_with(path));
            assert_eq!(covering, None, "{secret} would be open to every command");
        }
    }

    #[test]
    #[cfg_attr(seatbelt, ignore = "on macOS terminals have no directory of their own")]
    fn all_terminals_are_in_one_line() {
        assert_eq!(lines().filter(|(_, path)| path.starts_with(TERMINALS)).count(), 1);
        assert!(lines().any(|(_, path)| path == TERMINALS));
        let resolver = CachedResolver::default();
        let paths = |terminals| {
            let grants = grants(None, &resolver, terminals);
            grants.iter().map(|grant| grant.original().to_owned()).collect::<Vec<_>>()
        };
        let mut all = paths(Terminals::All);
        all.retain(|path| path != Path::new(TERMINALS));
        assert_eq!(paths(Terminals::Own(None)), all);
    }

    #[test]
    fn nothing_in_the_group_makes_or_removes_anything() {
        for (right, path) in lines() {
            let access = right.access(PathKind::Directory);
            let changes = access & FsAccess::CHANGE.difference(FsAccess::WRITE_FILE | FsAccess::TRUNCATE);
            assert!(changes.is_empty(), "{path}");
            assert!(right == Right::Device || !access.intersects(FsAccess::CHANGE), "{path}");
        }
    }
}
