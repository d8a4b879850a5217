//! A set of many grants, for the benchmarks of this crate and of nono-linux.

use nono_core::{AccessMode, Builder, CapabilitySet, FsAccess, FsCapability, PathKind, Resolved};
use std::path::PathBuf;

/// So many directories are granted, a hundred in one.
pub fn set(grants: usize) -> CapabilitySet {
    let paths = (0..grants).map(|number| PathBuf::from(format!("/home/user/work/{}/{}", number / 100, number % 100)));
    let grant = |path: PathBuf| {
        let found = Resolved { path: path.clone(), kind: PathKind::Directory, identity: None, is_device: false };
        FsCapability::from_resolved(path, found, FsAccess::from(AccessMode::Read))
    };
    let set = paths.filter_map(|path| grant(path).ok()).fold(CapabilitySet::builder(), Builder::grant).build();
    let set = set.unwrap_or_default();
    assert_eq!(set.fs().len(), grants, "each of them is granted");
    set
}
