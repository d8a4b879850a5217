//! Comparing resolved paths by their bytes, which is several times quicker than by components and means the same.
//!
//! A resolved path is `/`, or names each behind one `/`. With `/` before every other byte, comparing bytes puts a
//! directory right before what is below it, as comparing components does.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::iter::from_fn;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// Whether `path` is absolute and plain: no empty name, no `.`, no `..`, no `/` at its end.
pub(crate) fn is_resolved(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    // Of most paths it is enough that no name is empty and none begins with a dot.
    let odd = bytes.windows(2).any(|two| two == b"//" || two == b"/.");
    if !odd && matches!(bytes, [b'/', .., last] if *last != b'/') && !bytes.contains(&0) {
        return true;
    }
    // Byte by byte, with the length of the name behind: only names of one and two bytes may mean something else.
    let (mut name, mut has_nul) = (0, false);
    let mut plain = bytes.first() == Some(&b'/');
    let dots = |name: usize, after: usize| match name {
        0 => true,
        1 => bytes.get(after) == Some(&b'.'),
        2 => bytes.get(after..after.saturating_add(2)) == Some(b".."),
        _ => false,
    };
    for (at, byte) in bytes.iter().enumerate().rev() {
        has_nul |= *byte == 0;
        if *byte == b'/' {
            plain &= !dots(name, at.saturating_add(1));
            name = 0;
        } else {
            name += 1;
        }
    }
    bytes == b"/" || plain && !has_nul
}

/// Orders resolved paths as [`Path::cmp`] does, and several times as quickly: a directory right before what is below it, which
/// is the order of [`CapabilitySet::fs`](crate::CapabilitySet::fs). What is not resolved is in some order, too.
pub fn compare(one: &Path, other: &Path) -> Ordering {
    let (one, other) = (one.as_os_str().as_bytes(), other.as_os_str().as_bytes());
    // Paths that are compared mostly begin alike: eight bytes at a time, then one by one.
    let words =
        one.chunks_exact(8).zip(other.chunks_exact(8)).take_while(|(word, against)| word == against).count() * 8;
    let same = words + one.iter().zip(other).skip(words).take_while(|(byte, against)| byte == against).count();
    let rank = |byte: Option<&u8>| byte.map(|byte| if *byte == b'/' { 0 } else { u16::from(*byte) + 1 });
    rank(one.get(same)).cmp(&rank(other.get(same)))
}

/// How many bytes all of `paths` begin with.
pub(crate) fn common_len<'a>(mut paths: impl Iterator<Item = &'a Path>) -> usize {
    let first = paths.next().map_or(&b""[..], |path| path.as_os_str().as_bytes());
    paths.fold(first.len(), |common, path| {
        let bytes = path.as_os_str().as_bytes();
        // Mostly they begin alike.
        if bytes.get(..common) == first.get(..common) {
            return common;
        }
        first.iter().zip(bytes).take_while(|(byte, against)| byte == against).count()
    })
}

/// A path to be sorted as [`compare`] does: eight bytes of it tell most paths from another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key {
    bytes: u64,
    path: Arc<Path>,
}

impl Key {
    /// Of a path that is to be compared with others which have the first `common` bytes of it.
    pub(crate) fn of(path: Arc<Path>, common: usize) -> Key {
        let mut bytes = [0; 8];
        let rest = path.as_os_str().as_bytes().get(common..).unwrap_or_default();
        bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = rank(*from));
        Key { bytes: u64::from_be_bytes(bytes), path }
    }
}

/// Bytes in the order of [`compare`]: `/` before all others, and behind the end of a path, which is 0. A path has no byte 0.
fn rank(byte: u8) -> u8 {
    match byte {
        b'/' => 1,
        0..b'/' => byte.saturating_add(1),
        _ => byte,
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        self.bytes.cmp(&other.bytes).then_with(|| compare(&self.path, &other.path))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As [`Path::starts_with`], for resolved paths.
pub(crate) fn is_at_or_below(path: &Path, directory: &Path) -> bool {
    let (path, directory) = (path.as_os_str().as_bytes(), directory.as_os_str().as_bytes());
    let rest = path.strip_prefix(directory);
    rest.is_some_and(|rest| directory == b"/" || matches!(rest, [] | [b'/', ..]))
}

/// `path` as it is compared here: without empty names, `.` and a `/` at its end, which mean nothing.
pub(crate) fn plain(path: &Path) -> Cow<'_, Path> {
    if is_resolved(path) { Cow::Borrowed(path) } else { Cow::Owned(path.components().collect()) }
}

/// Those of `sorted` whose path is `path` or above it, the deepest first. Each step halves what is left to look through,
/// however many names `path` has.
pub(crate) fn at_or_above<'a, T>(
    sorted: &'a [T],
    path_of: impl Fn(&T) -> &Path,
    path: &Path,
) -> impl Iterator<Item = &'a T> {
    let (mut left, mut sought) = (sorted, Some(path));
    from_fn(move || {
        loop {
            let path = sought?;
            let before = left.partition_point(|one| compare(path_of(one), path).is_le());
            let (last, earlier) = left.get(..before)?.split_last()?;
            // What is above `path` and sorts before `last`, which sorts before `path`, is above both.
            (left, sought) = (earlier, common(path, path_of(last)));
            if is_at_or_below(path, path_of(last)) {
                return Some(last);
            }
        }
    })
}

/// The first of `sorted` at or below `path`.
pub(crate) fn first_at_or_below<'a, T: AsRef<Path>>(sorted: &'a [T], path: &Path) -> Option<&'a T> {
    let before = sorted.partition_point(|one| compare(one.as_ref(), path).is_lt());
    sorted.get(before).filter(|one| is_at_or_below(one.as_ref(), path))
}

/// The deepest directory that both are at or below; none if one of them is relative.
fn common<'a>(path: &'a Path, other: &Path) -> Option<&'a Path> {
    let (bytes, against) = (path.as_os_str().as_bytes(), other.as_os_str().as_bytes());
    let same = bytes.iter().zip(against).take_while(|(byte, against)| byte == against).count();
    let ends = |bytes: &[u8]| matches!(bytes.get(same), None | Some(b'/'));
    let shared = bytes.get(..same)?;
    let end = if ends(bytes) && ends(against) { same } else { shared.iter().rposition(|byte| *byte == b'/')? };
    let end = if shared.first() == Some(&b'/') { end.max(1) } else { end };
    Some(Path::new(OsStr::from_bytes(bytes.get(..end)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that sort around `/`, and what only looks like a prefix.
    const NAMES: [&str; 10] = ["a", "aa", "a.b", "a-b", "a b", "\u{1}", "b", ".a", "é", "a name longer than two words"];

    fn paths() -> Vec<String> {
        let one = NAMES.iter().map(|name| format!("/{name}"));
        let two = NAMES.iter().flat_map(|first| NAMES.iter().map(move |second| format!("/{first}/{second}")));
        let three = NAMES.iter().map(|name| format!("/a/{name}/a"));
        ["/".to_owned()].into_iter().chain(one).chain(two).chain(three).collect()
    }

    #[test]
    fn bytes_and_components_agree() {
        let all = paths();
        for one in &all {
            assert!(is_resolved(Path::new(one)), "{one:?}");
            for other in &all {
                let (one, other) = (Path::new(one), Path::new(other));
                assert_eq!(compare(one, other), one.cmp(other), "{one:?} {other:?}");
                assert_eq!(is_at_or_below(one, other), one.starts_with(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_key_sorts_as_the_path_does() {
        let all = paths();
        for common in [0, 1, 2] {
            let alike: Vec<_> = all.iter().filter(|path| common == 0 || path.starts_with(&"/a"[..common])).collect();
            assert!(common_len(alike.iter().map(Path::new)) >= common);
            for one in &alike {
                for other in &alike {
                    let (one, other) = (Path::new(one), Path::new(other));
                    let keys = [one, other].map(|path| Key::of(path.into(), common));
                    assert_eq!(keys[0].cmp(&keys[1]), one.cmp(other), "{one:?} {other:?} from {common}");
                }
            }
        }
        let len = |paths: &[&str]| common_len(paths.iter().map(Path::new));
        assert_eq!([len(&[]), len(&["/a/b"]), len(&["/a/b", "/a/c", "/a"]), len(&["/x", "/y"])], [0, 4, 2, 1]);
    }

    #[test]
    fn what_is_above_and_below_is_found_as_by_looking_at_all() {
        let all = paths();
        for step in 1..=all.len() {
            let mut some: Vec<&Path> = all.iter().step_by(step).map(Path::new).collect();
            some.sort();
            some.dedup();
            for path in all.iter().map(Path::new).chain([Path::new("a"), Path::new("")]) {
                let found: Vec<_> = at_or_above(&some, |one| one, path).copied().collect();
                let above: Vec<_> = some.iter().rev().copied().filter(|one| path.starts_with(one)).collect();
                assert_eq!(found, above, "{path:?} in {some:?}");
                if path.has_root() {
                    let below = some.iter().find(|one| one.starts_with(path));
                    assert_eq!(first_at_or_below(&some, path), below, "{path:?} in {some:?}");
                }
            }
        }
    }

    #[test]
    fn what_means_the_same_is_compared_alike() {
        for (path, meant) in [("/a/", "/a"), ("//a//b/.", "/a/b"), ("/a/../b", "/a/../b"), ("/a", "/a"), ("a/", "a")] {
            assert_eq!(plain(Path::new(path)).as_os_str(), meant, "{path:?}");
        }
    }

    #[test]
    fn a_path_that_is_not_plain_is_not_resolved() {
        for path in ["", "a", "./a", "//", "/a/", "/a//b", "/a/.", "/./a", "/a/../b", "/..", "/a\0b"] {
            assert!(!is_resolved(Path::new(path)), "{path:?}");
        }
    }
}
