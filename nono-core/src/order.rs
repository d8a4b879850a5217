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

/// Whether `path` is absolute and plain: no empty name, no `.`, no `..`, no `/` at its end.
pub(crate) fn is_resolved(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
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
