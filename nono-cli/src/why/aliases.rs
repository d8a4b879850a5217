//! The objects that are granted, by their other names.

use super::case::Case;
use super::walk::Place;
use nono_core::{Builder, CapabilitySet, FsCapability, Identity, Resolved};
use std::borrow::Cow;
use std::cell::LazyCell;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

impl Case<'_> {
    /// The capabilities that hold, with what is granted of the objects of `places` by their other names: a rule is tied to the
    /// object (`landlock_add_rule(2)` takes a descriptor, and keeps the inode).
    pub(super) fn known(&self, places: &[&Place]) -> Cow<'_, CapabilitySet> {
        let set: &CapabilitySet = &self.foresight.set;
        let mut builder = None::<Builder>;
        let all = LazyCell::new(|| set.fs().iter().map(identity_of).collect::<Vec<_>>());
        for above in places.iter().flat_map(|place| place.path.ancestors()) {
            let Ok(found) = fs::symlink_metadata(above) else { continue };
            let linked = !found.is_dir() && found.nlink() > 1;
            if !linked && !self.given.may_be_mounted_twice(found.dev()) {
                continue;
            }
            let identity = identity(&found);
            // There may be several: rules for one object add up.
            let is_same = |(grant, known): &(&FsCapability, &Option<Identity>)| {
                **known == Some(identity) && grant.resolved() != above
            };
            for (grant, _) in set.fs().iter().zip(all.iter()).filter(is_same) {
                let here =
                    Resolved { path: above.to_owned(), kind: grant.kind(), identity: Some(identity), is_device: false };
                if let Ok(same) = FsCapability::from_resolved(grant.original().to_owned(), here, grant.access()) {
                    let before = builder.take().unwrap_or_else(|| Builder::from(set.clone()));
                    builder = Some(before.grant(same.with_source(grant.source().clone())));
                }
            }
        }
        // What is denied by this name is not granted by another.
        builder.and_then(|builder| builder.build().ok()).map_or(Cow::Borrowed(set), Cow::Owned)
    }
}

/// Of many grants it is looked up only when it is asked for.
fn identity_of(grant: &FsCapability) -> Option<Identity> {
    grant.identity().or_else(|| Some(identity(&fs::symlink_metadata(grant.resolved()).ok()?)))
}

fn identity(found: &Metadata) -> Identity {
    Identity { device: found.dev(), inode: found.ino() }
}
