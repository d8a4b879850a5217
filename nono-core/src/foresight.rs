//! What a system would make of a set of capabilities, found out without doing anything: what the model is to be asked
//! about, and what lies over paths then.

use crate::enforcement::{Enforcement, Loss};
use crate::set::CapabilitySet;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A policy as it would be, before anything is prepared.
#[derive(Debug, Clone)]
#[must_use = "what is foreseen is not enforced"]
pub struct Foresight {
    /// The capabilities that hold: where grants are narrowed around a denied path, the narrower ones.
    pub set: Arc<CapabilitySet>,
    /// What of the promises would be enforced, and by what.
    pub enforcement: Enforcement,
    /// What is mounted for the program alone, by path: what is above comes first.
    pub mounts: BTreeMap<PathBuf, Shown>,
    /// What the permissions of files are to the program.
    pub permissions: Permissions,
}

/// Whether a program may use files whatever their permissions say (Linux: `CAP_DAC_OVERRIDE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permissions {
    /// They hold.
    Hold,
    /// They do not.
    Overridden,
    /// They do not if any object that is granted belongs to another user than this one, by its number.
    OverriddenForOthers(u32),
}

/// What a program sees at a path where something is mounted for it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shown {
    /// What is there anyway. It cannot be moved, and nothing is moved between it and what is around it.
    Itself,
    /// Nothing but what is granted below, by these paths.
    Cover(Vec<PathBuf>),
    /// An empty directory of its own.
    Fresh,
}

impl Foresight {
    /// A policy with which every path is what it was.
    pub fn plain(set: Arc<CapabilitySet>, enforcement: Enforcement) -> Foresight {
        Foresight { set, enforcement, mounts: BTreeMap::new(), permissions: Permissions::Hold }
    }

    /// The cover that hides what is at the resolved `path`, if one does.
    pub fn hidden_by(&self, path: &Path) -> Option<&Path> {
        let (at, back) = self.covered(path)?;
        (!back.iter().any(|back| path.starts_with(back))).then_some(at)
    }

    /// The cover that no way leads through the directory `path` for. Directories on the way to what is granted below a cover
    /// are searched, and no more.
    pub fn closed_by(&self, path: &Path) -> Option<&Path> {
        let (at, back) = self.covered(path)?;
        let leads_on = |back: &PathBuf| path.starts_with(back) || back.starts_with(path);
        (!back.iter().any(leads_on)).then_some(at)
    }

    /// Where the mount begins that the program sees `path` on; none if that is none of its own.
    pub fn mount_of(&self, path: &Path) -> Option<&Path> {
        let nearest = |path: &Path| path.ancestors().find_map(|above| self.mounts.get_key_value(above));
        let back = self.covered(path).and_then(|(_, back)| back.iter().rfind(|back| path.starts_with(back)));
        // What is granted below a cover is a mount as well.
        let own = nearest(path).map(|(at, _)| at.as_path());
        own.max(back.map(PathBuf::as_path))
    }

    /// Whether `path` is in an empty directory of the program's own.
    pub fn is_fresh(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.mounts.get(above) == Some(&Shown::Fresh))
    }

    /// What narrowing grants takes from the directory `path`.
    pub fn loss(&self, path: &Path) -> Option<&Loss> {
        self.enforcement.lost.iter().find(|loss| loss.directory == path)
    }

    /// Whether the program may use files whatever their permissions say. May have to look at every object that is granted.
    pub fn overrides_permissions(&self) -> bool {
        match self.permissions {
            Permissions::Hold => false,
            Permissions::Overridden => true,
            Permissions::OverriddenForOthers(user) => self.set.fs().iter().any(|one| {
                let found = fs::symlink_metadata(one.resolved());
                found.is_ok_and(|found| found.uid() != user)
            }),
        }
    }

    /// The nearest cover at or above `path`, and what is granted below it.
    fn covered(&self, path: &Path) -> Option<(&Path, &[PathBuf])> {
        path.ancestors().find_map(|above| match self.mounts.get_key_value(above)? {
            (at, Shown::Cover(back)) => Some((at.as_path(), back.as_slice())),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foresight() -> Foresight {
        let mut all = Foresight::plain(Arc::default(), Enforcement::default());
        all.mounts.insert("/w".into(), Shown::Itself);
        all.mounts.insert("/w/secret".into(), Shown::Cover(vec!["/w/secret/in/kept".into()]));
        all.mounts.insert("/w/shut".into(), Shown::Cover(Vec::new()));
        all.mounts.insert("/dev/shm".into(), Shown::Fresh);
        all
    }

    #[test]
    fn a_cover_hides_all_but_what_is_granted_below() {
        let seen = foresight();
        for (path, hides, closes) in [
            ("/w/file", false, false),
            ("/w/secret", true, false),
            ("/w/secret/in", true, false),
            ("/w/secret/file", true, true),
            ("/w/secret/in/kept", false, false),
            ("/w/secret/in/kept/file", false, false),
            ("/w/shut", true, true),
            ("/w/shut/file", true, true),
        ] {
            let path = Path::new(path);
            assert_eq!(seen.hidden_by(path).is_some(), hides, "{path:?}");
            assert_eq!(seen.closed_by(path).is_some(), closes, "{path:?}");
        }
    }

    #[test]
    fn what_is_on_another_mount_is_told() {
        let seen = foresight();
        for (path, mount) in [
            ("/w/file", Some("/w")),
            ("/other", None),
            ("/w/secret/in/kept/file", Some("/w/secret/in/kept")),
            ("/w/shut/file", Some("/w/shut")),
        ] {
            assert_eq!(seen.mount_of(Path::new(path)), mount.map(Path::new), "{path}");
        }
        assert!(seen.is_fresh(Path::new("/dev/shm/x")) && !seen.is_fresh(Path::new("/dev/null")));
    }
}
