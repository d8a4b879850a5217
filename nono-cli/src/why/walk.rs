//! A path as the kernel follows it, step by step: the directories it is searched in and the links it is read from, for each of
//! which a sandbox may have something else.

use super::error::WhyError;
use nono_core::NodeKind;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::{Component, Path, PathBuf};

/// `PATH_MAX`, without the NUL at the end.
const LONGEST: usize = 4095;
/// `MAXSYMLINKS` (linux/namei.h).
const MOST_LINKS: u32 = 40;

/// Where a path ends, and by which way.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Resolved; of what does not exist, as far as it does, with the rest of the names.
    pub(super) path: PathBuf,
    /// Directories that were searched for a name.
    pub(super) through: Vec<PathBuf>,
    /// Links that were followed.
    pub(super) links: Vec<PathBuf>,
    /// What is there.
    pub(super) found: Option<Metadata>,
    /// It, or the nearest directory above that exists.
    pub(super) nearest: PathBuf,
}

impl Place {
    pub(super) fn is_directory(&self) -> bool {
        self.found.as_ref().is_some_and(Metadata::is_dir)
    }

    pub(super) fn parent(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// What is there; a file, if nothing is.
    pub(super) fn kind(&self) -> NodeKind {
        let Some(found) = self.found.as_ref().map(Metadata::file_type) else { return NodeKind::Regular };
        let kinds = [
            (found.is_dir(), NodeKind::Directory),
            (found.is_symlink(), NodeKind::Symlink),
            (found.is_socket(), NodeKind::Socket),
            (found.is_fifo(), NodeKind::Fifo),
            (found.is_char_device(), NodeKind::CharDevice),
            (found.is_block_device(), NodeKind::BlockDevice),
        ];
        kinds.into_iter().find(|(is, _)| *is).map_or(NodeKind::Regular, |(_, kind)| kind)
    }
}

/// Follows `path` from the directory `from`, which is resolved; a link at its end too if `follow`. What `is_hidden` says is not
/// there is not.
pub(super) fn walk(
    from: &Path,
    path: &Path,
    follow: bool,
    is_hidden: &dyn Fn(&Path) -> bool,
) -> Result<Place, WhyError> {
    match path.as_os_str().len() {
        0 => return Err(WhyError::Empty),
        len_bytes if len_bytes > LONGEST => return Err(WhyError::TooLong { len_bytes, longest: LONGEST }),
        _ => {}
    }
    let start = if path.is_absolute() { Path::new("/") } else { from };
    let mut walk = Walk { at: start.to_owned(), found: Some(look(start)?), rest: names(path), ..Walk::default() };
    while let Some(name) = walk.rest.pop_front() {
        walk.step(&name, follow, is_hidden).map_err(|error| match error {
            WhyError::Loop { .. } => WhyError::Loop { path: path.to_owned() },
            other => other,
        })?;
    }
    let nearest = walk.nearest.unwrap_or_else(|| walk.at.clone());
    Ok(Place { path: walk.at, through: walk.through, links: walk.links, found: walk.found, nearest })
}

#[derive(Default)]
struct Walk {
    at: PathBuf,
    /// Of where it is; none from the first name on that does not exist.
    found: Option<Metadata>,
    nearest: Option<PathBuf>,
    rest: VecDeque<OsString>,
    through: Vec<PathBuf>,
    links: Vec<PathBuf>,
    count: u32,
}

impl Walk {
    fn step(&mut self, name: &OsString, follow: bool, is_hidden: &dyn Fn(&Path) -> bool) -> Result<(), WhyError> {
        let Some(found) = &self.found else {
            if name == ".." {
                return Err(WhyError::LeadsNowhere { path: self.at.clone() });
            }
            self.at.push(name);
            return Ok(());
        };
        if !found.is_dir() {
            return Err(WhyError::NotADirectory { path: self.at.clone() });
        }
        self.through.push(self.at.clone());
        if name == ".." {
            // Up, too, the kernel only goes from a directory that may be searched.
            let above = fs::symlink_metadata(self.at.join(name));
            self.found = Some(above.map_err(|source| WhyError::Look { path: self.at.clone(), source })?);
            self.at.pop();
            return Ok(());
        }
        let next = self.at.join(name);
        let found = if is_hidden(&next) { Err(ErrorKind::NotFound.into()) } else { fs::symlink_metadata(&next) };
        match found {
            Ok(found) if found.is_symlink() && (follow || !self.rest.is_empty()) => return self.follow(next),
            Ok(found) => self.found = Some(found),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.found = None;
                self.nearest = Some(self.at.clone());
            }
            Err(source) => return Err(WhyError::Look { path: next, source }),
        }
        self.at = next;
        Ok(())
    }

    fn follow(&mut self, link: PathBuf) -> Result<(), WhyError> {
        self.count = self.count.saturating_add(1);
        if self.count > MOST_LINKS {
            return Err(WhyError::Loop { path: link });
        }
        if is_magic(&link) {
            return Err(WhyError::Magic { path: link });
        }
        let target = fs::read_link(&link).map_err(|source| WhyError::Look { path: link.clone(), source })?;
        for name in names(&target).into_iter().rev() {
            self.rest.push_front(name);
        }
        self.links.push(link);
        if target.is_absolute() {
            self.at = PathBuf::from("/");
            self.found = Some(look(&self.at)?);
        }
        Ok(())
    }
}

/// The links of a process in `/proc` lead to objects, whatever they read as: proc(5).
fn is_magic(link: &Path) -> bool {
    let mut names = link.components().skip(1);
    let is_process = |name: Component<'_>| name.as_os_str().as_encoded_bytes().iter().all(u8::is_ascii_digit);
    names.next().is_some_and(|name| name.as_os_str() == "proc") && names.next().is_some_and(is_process)
}

fn look(path: &Path) -> Result<Metadata, WhyError> {
    fs::symlink_metadata(path).map_err(|source| WhyError::Look { path: path.to_owned(), source })
}

fn names(path: &Path) -> VecDeque<OsString> {
    let is_step = |name: &Component<'_>| matches!(name, Component::Normal(_) | Component::ParentDir);
    path.components().filter(is_step).map(|name| name.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn tree() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("one/two")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        symlink("one/two/../../file", root.join("link")).unwrap();
        symlink(root.join("one"), root.join("one/two/up")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("nowhere/at/all", root.join("dangling")).unwrap();
        (dir, root)
    }

    #[test]
    fn a_way_is_all_that_it_leads_through() {
        let (_dir, root) = tree();
        let place = walk(&root, Path::new("link"), true, &|_| false).unwrap();
        assert_eq!((&place.path, &place.links), (&root.join("file"), &vec![root.join("link")]));
        assert!(place.through.contains(&root.join("one/two")), "{place:?}");
        let place = walk(&root, Path::new("one/two/up/two"), true, &|_| false).unwrap();
        assert_eq!((&place.path, place.is_directory()), (&root.join("one/two"), true));
        assert_eq!(walk(&root, Path::new("link"), false, &|_| false).unwrap().kind(), NodeKind::Symlink);
    }

    #[test]
    fn what_does_not_exist_has_a_nearest_directory() {
        let (_dir, root) = tree();
        for (given, path, nearest) in
            [("one/no/such", "one/no/such", "one"), ("dangling", "nowhere/at/all", ""), ("new", "new", "")]
        {
            let place = walk(&root, Path::new(given), true, &|_| false).unwrap();
            let nearest = root.join(nearest).components().collect::<PathBuf>();
            assert_eq!((place.path, place.nearest, place.found.is_none()), (root.join(path), nearest, true), "{given}");
        }
        let hidden = walk(&root, Path::new("file"), true, &|path| path.ends_with("file")).unwrap();
        assert!(hidden.found.is_none());
    }

    #[test]
    fn what_leads_nowhere_is_an_error() {
        let (_dir, root) = tree();
        let error = |path: &str| walk(&root, Path::new(path), true, &|_| false).unwrap_err().to_string();
        for (path, expected) in [
            ("", "empty"),
            ("file/x", "is not a directory"),
            ("no/../file", "leads nowhere"),
            ("loop", "too many symbolic links"),
            (&*"x/".repeat(2500), "the longest is 4095"),
        ] {
            assert!(error(path).contains(expected), "{path:.20}");
        }
        assert!(is_magic(Path::new("/proc/1/cwd")) && !is_magic(Path::new("/proc/self")));
    }
}
