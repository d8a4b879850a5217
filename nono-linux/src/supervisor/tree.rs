//! Something known of paths and of all below them, found by the bytes of a resolved path: a few lookups, however many there
//! are.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

#[derive(Debug)]
pub(super) struct Tree<T> {
    at: HashMap<Box<[u8]>, T>,
}

impl<T> Default for Tree<T> {
    fn default() -> Tree<T> {
        Tree { at: HashMap::new() }
    }
}

impl<T> Tree<T> {
    pub(super) fn insert(&mut self, path: &Path, known: T) {
        self.at.insert(path.as_os_str().as_bytes().into(), known);
    }

    /// What is known of `path` and of the directories above it, the nearest first, each with whether it is `path` itself.
    pub(super) fn above<'p>(&'p self, path: &'p [u8]) -> impl Iterator<Item = (bool, &'p T)> {
        let slashes = path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at.max(1));
        let ends = std::iter::once(path.len()).chain(slashes.filter(move |end| *end < path.len()));
        ends.filter_map(move |end| Some((end == path.len(), self.at.get(path.get(..end)?)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_what_is_known_above_it() {
        let mut tree = Tree::default();
        for path in ["/", "/a", "/a/b", "/ab"] {
            tree.insert(Path::new(path), path);
        }
        let above = |path: &str| tree.above(path.as_bytes()).map(|(_, known)| *known).collect::<Vec<_>>();
        assert_eq!(above("/a/b"), ["/a/b", "/a", "/"]);
        assert_eq!(above("/a/bc/d"), ["/a", "/"]);
        assert_eq!(above("/ab"), ["/ab", "/"]);
        assert_eq!(above("/"), ["/"]);
        assert!(above("").is_empty());
    }
}
