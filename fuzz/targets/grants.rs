//! Grants and denies drawn from the bytes: the normal form gives each path the rights that a plain reading of them gives, and
//! is its own normal form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_core::{
    Builder, CapabilitySet, Decision, FsAccess, FsCapability, OpenFlags, PathKind, Request, Resolved, decide,
};
use std::path::{Path, PathBuf};

/// Names that sort around `/`, and of which one begins another.
const NAMES: [&str; 6] = ["a", "ab", "a-b", "a\u{1}", "b", "a b"];

fuzz_target!(|bytes: &[u8]| check(bytes));

/// What five bytes say.
enum Wish {
    Grant(FsCapability),
    Deny(PathBuf),
}

fn check(bytes: &[u8]) {
    let wishes: Vec<Wish> = bytes.chunks_exact(5).take(24).filter_map(wish).collect();
    let made = wishes.iter().fold(CapabilitySet::builder(), |builder, wish| match wish {
        Wish::Grant(grant) => builder.grant(grant.clone()),
        Wish::Deny(path) => builder.deny_resolved(path.clone()).expect("it is resolved"),
    });
    let Ok(set) = made.build() else { return };
    assert_eq!(Builder::from(set.clone()).build().as_ref(), Ok(&set), "the normal form of a normal form");
    assert!(set.is_subset_of(&set));
    let named = wishes.iter().map(|wish| match wish {
        Wish::Grant(grant) => grant.resolved(),
        Wish::Deny(path) => path,
    });
    for path in named.flat_map(|path| [path.to_owned(), path.join("a"), path.join("b/a"), path.with_file_name("ab")]) {
        let file =
            |wish: &Wish| matches!(wish, Wish::Grant(one) if one.kind() == PathKind::File && one.resolved() == path);
        // What is a file has no rights of directories, whatever is said of it.
        let counts = if wishes.iter().any(file) { FsAccess::FILE } else { FsAccess::all() };
        let expected = naive(&wishes, &path);
        assert_eq!(set.access_at(&path) & counts, expected & counts, "{path:?} in {set:?}");
        let read = decide(&set, &Request::open(&path, OpenFlags::READ));
        assert_eq!(read.is_allowed(), expected.contains(FsAccess::READ_FILE), "{path:?} in {set:?}");
        if let Decision::Denied(denial) = read {
            assert!(denial.missing().is_empty() || denial.missing() == FsAccess::READ_FILE, "{denial:?}");
        }
    }
}

fn wish(bytes: &[u8]) -> Option<Wish> {
    let [first, second, what, low, high] = *bytes else { return None };
    let path = path(first, second);
    if what & 3 == 0 {
        return Some(Wish::Deny(path));
    }
    let kind = if what & 4 == 0 { PathKind::Directory } else { PathKind::File };
    let bits = u32::from(low) | u32::from(high) << 8 | u32::from(what >> 7) << 16;
    let rights = FsAccess::from_bits_truncate(bits);
    let rights = if kind == PathKind::File { rights & FsAccess::FILE } else { rights };
    let found = Resolved { path: path.clone(), kind, identity: None, is_device: false };
    FsCapability::from_resolved(path, found, rights).ok().map(Wish::Grant)
}

/// A path of up to three names.
fn path(first: u8, second: u8) -> PathBuf {
    let mut path = PathBuf::from("/");
    let number = usize::from(first) | usize::from(second) << 8;
    for at in [number, number / 7, number / 49].map(|number| number % 7) {
        path.extend(NAMES.get(at));
    }
    path
}

/// The rights of all grants at and above the path that no deny between cuts off.
fn naive(wishes: &[Wish], path: &Path) -> FsAccess {
    let denied = |above: &Path| wishes.iter().any(|wish| matches!(wish, Wish::Deny(deny) if deny == above));
    let mut rights = FsAccess::empty();
    for above in path.ancestors() {
        for wish in wishes {
            match wish {
                Wish::Grant(grant)
                    if grant.resolved() == above && (above == path || grant.kind() == PathKind::Directory) =>
                {
                    rights |= grant.access();
                }
                _ => {}
            }
        }
        if denied(above) {
            break;
        }
    }
    rights
}
