//! From single paths to the directories that a person would have chosen.
//!
//! A rule of thumb, written down: what is in the working directory is the working directory; below the home directory it is
//! the directory of one tool (`~/.tool`, `~/.cache/tool`), as long as nothing protected is in there; elsewhere it is the
//! directory of which several files were used. Never generalised to are the root, what is directly below it, home directories
//! and all above them.

use super::uses::{Use, Uses};
use crate::procfs;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// So many files of one directory are that directory; so many directories in one are that one.
const SEVERAL: usize = 3;

/// Directories that hold what is nobody's in particular.
const SYSTEM: [&str; 16] = [
    "/", "/boot", "/dev", "/etc", "/home", "/Users", "/media", "/mnt", "/opt", "/proc", "/root", "/run", "/srv",
    "/sys", "/usr", "/var",
];

/// In which each tool has a directory of its own.
const SHELVES: [&str; 6] = [".cache", ".config", ".local/share", ".local/state", ".local/lib", "Library/Caches"];

/// What paths are seen against.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) homes: Vec<PathBuf>,
    pub(super) workdir: PathBuf,
    pub(super) protected: Vec<PathBuf>,
}

/// What a profile is to say of files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct General {
    pub(super) workdir: Option<Use>,
    pub(super) paths: BTreeMap<PathBuf, Use>,
    /// With the reason why they are left to the user.
    pub(super) withheld: BTreeMap<PathBuf, &'static str>,
}

impl Places {
    fn is_protected(&self, path: &Path) -> bool {
        self.protected.iter().any(|one| path.starts_with(one))
    }

    fn holds_protected(&self, path: &Path) -> bool {
        self.protected.iter().any(|one| one.starts_with(path))
    }

    /// Whether it is too much to be granted for the sake of something in it.
    fn is_wide(&self, path: &Path) -> bool {
        let above = |one: &PathBuf| one.starts_with(path);
        path.components().count() <= 2 || self.homes.iter().any(above) || self.workdir.starts_with(path)
    }

    /// Whether it is home, what is above that, or the system's: never granted for what is done to the directory itself.
    fn is_everything(&self, path: &Path) -> bool {
        SYSTEM.iter().any(|one| path == Path::new(one)) || self.homes.iter().any(|home| home.starts_with(path))
    }

    /// The working directory is one that a person would grant as a whole.
    fn has_project(&self) -> bool {
        !self.homes.iter().any(|home| home.starts_with(&self.workdir)) && self.workdir.components().count() > 1
    }

    /// The directory of a tool that holds `path`.
    fn of_one_tool(&self, path: &Path) -> Option<PathBuf> {
        let (home, rest) = self.homes.iter().find_map(|home| Some((home, path.strip_prefix(home).ok()?)))?;
        let inside = SHELVES.iter().find_map(|one| Some((home.join(one), rest.strip_prefix(one).ok()?)));
        let (mut place, rest) = inside.unwrap_or_else(|| (home.clone(), rest));
        for name in rest.components() {
            place.push(name);
            if place == path || !self.holds_protected(&place) {
                break;
            }
        }
        Some(place)
    }
}

/// Makes `uses` general.
pub(super) fn general(uses: &Uses, places: &Places) -> General {
    let mut all = General::default();
    let mut rest: BTreeMap<PathBuf, Use> = BTreeMap::new();
    for (path, one) in &uses.paths {
        if places.is_protected(path) {
            all.withheld.insert(path.clone(), "protected: keys, tokens or histories");
        } else if let Some(any) = procfs::of_any_process(path) {
            all.withheld.insert(any, "of a process, which has another number the next time");
        } else if places.has_project() && path.starts_with(&places.workdir) {
            all.workdir.get_or_insert_default().join(*one);
        } else if one.directory && places.is_everything(path) {
            let reason = if one.write {
                "too much to be granted: files are made in it"
            } else {
                "too much to be granted: it is listed"
            };
            all.withheld.insert(path.clone(), reason);
        } else {
            let place = places.of_one_tool(path).filter(|place| is_directory(place)).unwrap_or_else(|| path.clone());
            rest.entry(place).or_default().join(*one);
        }
    }
    all.paths = cover(crowd(existing(rest), places));
    all
}

fn is_directory(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir())
}

/// What was there for a moment only is made again in a directory that is there, which is granted for that.
fn existing(paths: BTreeMap<PathBuf, Use>) -> BTreeMap<PathBuf, Use> {
    let there = |path: &Path| fs::symlink_metadata(path).is_ok();
    let mut all = BTreeMap::<PathBuf, Use>::new();
    for (path, one) in paths {
        let place = path.ancestors().find(|above| there(above)).unwrap_or(&path);
        all.entry(place.to_owned()).or_default().join(one);
    }
    all
}

/// Several files are their directory, several directories the one they are in.
fn crowd(mut paths: BTreeMap<PathBuf, Use>, places: &Places) -> BTreeMap<PathBuf, Use> {
    loop {
        let Some(parent) = crowded(&paths, places) else { return paths };
        let (inner, mut rest): (BTreeMap<_, _>, BTreeMap<_, _>) =
            paths.into_iter().partition(|(path, _)| path.starts_with(&parent));
        for one in inner.into_values() {
            rest.entry(parent.clone()).or_default().join(one);
        }
        paths = rest;
    }
}

/// The deepest directory of which several names are used.
fn crowded(paths: &BTreeMap<PathBuf, Use>, places: &Places) -> Option<PathBuf> {
    let mut within: BTreeMap<&Path, usize> = BTreeMap::new();
    for parent in paths.keys().filter_map(|path| path.parent()) {
        *within.entry(parent).or_default() += 1;
    }
    let good = |parent: &Path| !places.is_wide(parent) && !places.holds_protected(parent);
    let mut several = within.into_iter().filter(|(parent, names)| *names >= SEVERAL && good(parent));
    several.next_back().map(|(parent, _)| parent.to_owned())
}

/// Leaves out what a directory above has. What is read below a directory that is written is read there.
fn cover(paths: BTreeMap<PathBuf, Use>) -> BTreeMap<PathBuf, Use> {
    let mut all: BTreeMap<PathBuf, Use> = BTreeMap::new();
    for (path, one) in paths {
        let above = path.ancestors().skip(1).find(|above| all.contains_key(*above)).map(Path::to_owned);
        match above.and_then(|above| all.get_mut(&above)) {
            Some(wide) if wide.covers(one) => {}
            Some(wide) if wide.write => wide.join(one),
            _ => drop(all.insert(path, one)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Use = Use { read: true, write: false, directory: false };
    const MAKE: Use = Use { read: false, write: true, directory: true };

    /// A home and a project in it, and what is general about these uses, relative to the tree.
    fn learnt(uses: &[(&str, Use)]) -> (Option<Use>, Vec<(String, Use)>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let home = root.join("home");
        for (path, one) in uses {
            let path = root.join(path);
            if one.directory {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
        }
        let paths = uses.iter().map(|(path, one)| (root.join(path), *one)).collect();
        let protected = vec![home.join(".ssh"), home.join(".tool/credentials")];
        let places = Places { homes: vec![home], workdir: root.join("home/project"), protected };
        let all = general(&Uses { paths, ..Uses::default() }, &places);
        let short = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let paths = all.paths.iter().map(|(path, one)| (short(path), *one)).collect();
        (all.workdir, paths, all.withheld.keys().map(|path| short(path)).collect())
    }

    fn paths(uses: &[(&str, Use)]) -> Vec<String> {
        learnt(uses).1.into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn the_project_is_one_grant() {
        let (workdir, paths, _) = learnt(&[("home/project/src/a", READ), ("home/project/target", MAKE)]);
        assert_eq!(workdir, Some(Use { read: true, write: true, directory: true }));
        assert!(paths.is_empty());
    }

    #[test]
    fn below_home_it_is_the_directory_of_one_tool() {
        assert_eq!(paths(&[("home/.cache/pip/http/1/2", READ)]), ["home/.cache/pip"]);
        assert_eq!(paths(&[("home/.npm/_cacache/x", READ), ("home/.npm/y", READ)]), ["home/.npm"]);
        assert_eq!(paths(&[("home/.toolrc", READ)]), ["home/.toolrc"]);
        // Something protected is in there: the next one.
        assert_eq!(paths(&[("home/.tool/registry/x/y", READ)]), ["home/.tool/registry"]);
    }

    #[test]
    fn elsewhere_several_are_their_directory_and_never_a_wide_one() {
        let three = [("srv/data/a", READ), ("srv/data/b", READ), ("srv/data/c", READ)];
        assert_eq!(paths(&three), ["srv/data"]);
        assert_eq!(paths(&three[..2]), ["srv/data/a", "srv/data/b"]);
        let beside = [("a", READ), ("b", READ), ("c", READ)];
        assert_eq!(paths(&beside), ["a", "b", "c"], "the home directory is in there");
    }

    #[test]
    fn what_is_read_below_a_written_directory_is_one_grant() {
        let (_, paths, _) = learnt(&[("srv/out", MAKE), ("srv/out/a", READ)]);
        assert_eq!(paths, [("srv/out".to_owned(), Use { read: true, write: true, directory: true })]);
    }

    #[test]
    fn what_is_protected_and_the_home_directory_are_left_to_the_user() {
        let (_, paths, withheld) = learnt(&[("home/.ssh/id", READ), ("home", MAKE)]);
        assert_eq!((paths.len(), withheld), (0, vec!["home".to_owned(), "home/.ssh/id".to_owned()]));
    }
}
