//! Where a path leads, as the kernel walks it (`path_resolution(7)`), with all directories on the way: a path through a
//! directory that cannot be searched leads nowhere, wherever it ends.

use nono_core::{Identity, NodeKind};
use std::ffi::{OsStr, OsString};
use std::fs::{FileType, symlink_metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// How many links the kernel follows.
const MOST_LINKS: usize = 40;

/// A path that was walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    /// The directories in which a name was looked up, and what it named, without links.
    pub(crate) through: Vec<(PathBuf, PathBuf)>,
    /// Where it ends, without links but for the last name.
    pub(crate) end: PathBuf,
    /// What is there, if something is.
    pub(crate) kind: Option<NodeKind>,
    pub(crate) identity: Option<Identity>,
}

impl Walk {
    /// Whether a read-only mount keeps what is there from being written to.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.kind, None | Some(NodeKind::Regular | NodeKind::Directory | NodeKind::Symlink))
    }
}

pub(crate) fn kind_of(file_type: FileType) -> NodeKind {
    let kinds = [
        (file_type.is_dir(), NodeKind::Directory),
        (file_type.is_symlink(), NodeKind::Symlink),
        (file_type.is_fifo(), NodeKind::Fifo),
        (file_type.is_socket(), NodeKind::Socket),
        (file_type.is_char_device(), NodeKind::CharDevice),
        (file_type.is_block_device(), NodeKind::BlockDevice),
    ];
    kinds.iter().find(|(is, _)| *is).map_or(NodeKind::Regular, |(_, kind)| *kind)
}

/// Walks an absolute path; none if it cannot be walked to its last name. With `follow` the last name is followed too.
pub(crate) fn walk(path: &Path, follow: bool) -> Option<Walk> {
    let mut left: Vec<OsString> = names(path.as_os_str());
    left.reverse();
    let (mut current, mut through, mut links) = (PathBuf::from("/"), Vec::new(), 0);
    while let Some(name) = left.pop() {
        // A slash at the end follows a link, and asks for a directory.
        let is_last = left.is_empty();
        if name.is_empty() {
            continue;
        }
        // Also where it is looked up to stay or to go up, the directory is searched.
        let directory = current.clone();
        let candidate = match name.as_bytes() {
            b"." => current.clone(),
            b".." => current.parent().unwrap_or(&current).to_owned(),
            _ => current.join(&name),
        };
        through.push((directory, candidate.clone()));
        if matches!(name.as_bytes(), b"." | b"..") {
            current = candidate;
            continue;
        }
        let found = symlink_metadata(&candidate).ok();
        let slash = left.iter().all(|rest| rest.is_empty()) && !is_last;
        match found {
            Some(found) if found.is_symlink() && (!is_last || follow) => {
                links += 1;
                let target = std::fs::read_link(&candidate).ok().filter(|_| links <= MOST_LINKS)?;
                if target.is_absolute() {
                    current = PathBuf::from("/");
                }
                left.extend(names(target.as_os_str()).into_iter().rev());
            }
            Some(found) if is_last || found.is_dir() => {
                if is_last {
                    let identity = Some(Identity { device: found.dev(), inode: found.ino() });
                    return Some(Walk { through, end: candidate, kind: Some(kind_of(found.file_type())), identity });
                }
                current = candidate;
            }
            None if is_last || slash => return Some(Walk { through, end: candidate, kind: None, identity: None }),
            _ => return None,
        }
    }
    let found = symlink_metadata(&current).ok()?;
    let identity = Some(Identity { device: found.dev(), inode: found.ino() });
    Some(Walk { through, end: current, kind: Some(NodeKind::Directory), identity })
}

fn names(path: &OsStr) -> Vec<OsString> {
    path.as_bytes().split(|byte| *byte == b'/').map(|name| OsStr::from_bytes(name).to_owned()).collect()
}
