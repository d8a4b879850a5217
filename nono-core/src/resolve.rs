//! From a path as written to the one object it names: following symbolic links once, in one place.

use crate::error::CapabilityError;
use crate::path::{Identity, PathKind};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The longest path the kernel takes: `PATH_MAX` of `linux/limits.h` less the closing NUL.
const LONGEST: usize = 4095;

/// So many links are followed one by one, as by the kernel (`path_resolution(7)`); of more it has something to say.
const MOST_LINKS: u32 = 40;

/// What a path named when it was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Absolute, without symbolic links, `.` and `..`.
    pub path: PathBuf,
    /// File or directory.
    pub kind: PathKind,
    /// The object found there.
    pub identity: Option<Identity>,
    /// A character or block device.
    pub is_device: bool,
}

/// Finds the object a path names.
pub trait Resolver {
    /// Resolves `path`, relative to the working directory if it is relative.
    ///
    /// # Errors
    /// [`CapabilityError`] with `path` as it was given.
    fn resolve(&self, path: &Path) -> Result<Resolved, CapabilityError>;
}

/// Resolves each path from its start, by [`std::fs::canonicalize`].
#[derive(Debug, Clone, Copy, Default)]
pub struct StdResolver;

impl Resolver for StdResolver {
    fn resolve(&self, path: &Path) -> Result<Resolved, CapabilityError> {
        check(path)?;
        find(path).map_err(|source| explain(path, source))
    }
}

/// How a [`CachedResolver`] looks at what is in a directory.
pub trait Look: std::fmt::Debug {
    /// What `name` is in `directory`, a resolved path; none for a symbolic link, which is not followed.
    ///
    /// # Errors
    /// What the system said.
    fn look(&self, directory: &Path, name: &OsStr) -> io::Result<Option<Resolved>>;
}

/// By [`std::fs::symlink_metadata`], which walks the whole path each time.
#[derive(Debug, Clone, Copy, Default)]
struct ByPath;

impl Look for ByPath {
    fn look(&self, directory: &Path, name: &OsStr) -> io::Result<Option<Resolved>> {
        let target = directory.join(name);
        let metadata = fs::symlink_metadata(&target)?;
        Ok((!metadata.is_symlink()).then(|| resolved(target, &metadata)))
    }
}

/// Looks at each component of the paths it is given once: 10,000 grants below one directory cost one look each.
///
/// A parent that is moved meanwhile makes the remembered path wrong; a backend notices, for it compares
/// [`Identity`] when it opens the path, without following links.
#[derive(Debug)]
pub struct CachedResolver {
    /// By the text of the path: hashing that is quicker than hashing components.
    directories: RefCell<HashMap<OsString, Rc<Path>>>,
    /// The one that was asked for last: mostly it is asked for again.
    last: RefCell<Option<(OsString, Rc<Path>)>>,
    look: Box<dyn Look>,
}

impl Default for CachedResolver {
    fn default() -> CachedResolver {
        CachedResolver::looking_by(ByPath)
    }
}

impl CachedResolver {
    /// One that looks at files by `look`: a system may know a shorter way than [`std::fs`].
    pub fn looking_by(look: impl Look + 'static) -> CachedResolver {
        CachedResolver { directories: RefCell::default(), last: RefCell::default(), look: Box::new(look) }
    }

    /// Resolves `path` as [`Resolver::resolve`] does, but does not look further to explain a failure: for paths of
    /// which many are expected to be missing.
    ///
    /// # Errors
    /// What the system said.
    pub fn find(&self, path: &Path) -> io::Result<Resolved> {
        let mut at = Cow::Borrowed(path);
        for _ in 0..=MOST_LINKS {
            if let Some(found) = self.below_parent(&at)? {
                return Ok(found);
            }
            // A link, or no plain name, of which there is nothing to read.
            let (Ok(target), Some(parent)) = (fs::read_link(&at), at.parent()) else { break };
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            at = self.directory(parent)?.join(target).into();
        }
        find(path)
    }

    /// Resolves a directory, and remembers where it is. That it is one is not checked: who asks for something in it finds out.
    ///
    /// # Errors
    /// What the system said.
    pub fn directory(&self, path: &Path) -> io::Result<Rc<Path>> {
        if let Some((_, last)) = self.last.borrow().as_ref().filter(|(asked, _)| asked == path.as_os_str()) {
            return Ok(Rc::clone(last));
        }
        let found = self.directory_by_parent(path)?;
        *self.last.borrow_mut() = Some((path.as_os_str().to_owned(), Rc::clone(&found)));
        Ok(found)
    }

    fn directory_by_parent(&self, path: &Path) -> io::Result<Rc<Path>> {
        if let Some(known) = self.directories.borrow().get(path.as_os_str()) {
            return Ok(Rc::clone(known));
        }
        // Not by following links here: those of two directories may lead to each other, and the system knows the end of that.
        let found = match self.below_parent(path)? {
            Some(Resolved { path, kind: PathKind::Directory, .. }) => path,
            _ => fs::canonicalize(path)?,
        };
        let found = Rc::from(found);
        self.directories.borrow_mut().insert(path.as_os_str().to_owned(), Rc::clone(&found));
        Ok(found)
    }

    /// What `path` names, unless its last component is a symbolic link or no plain name ("..", "/", "dir/", "dir/.").
    fn below_parent(&self, path: &Path) -> io::Result<Option<Resolved>> {
        let bytes = path.as_os_str().as_bytes();
        let (parent, name) = match bytes.iter().rposition(|byte| *byte == b'/').map(|at| bytes.split_at(at)) {
            None => (&b"."[..], bytes),
            Some((b"", name)) => (&b"/"[..], name.get(1..).unwrap_or_default()),
            Some((parent, name)) => (parent, name.get(1..).unwrap_or_default()),
        };
        if matches!(name, b"" | b"." | b"..") {
            return Ok(None);
        }
        self.look.look(&self.directory(Path::new(OsStr::from_bytes(parent)))?, OsStr::from_bytes(name))
    }
}

impl Resolver for CachedResolver {
    fn resolve(&self, path: &Path) -> Result<Resolved, CapabilityError> {
        check(path)?;
        self.find(path).map_err(|source| explain(path, source))
    }
}

fn find(path: &Path) -> io::Result<Resolved> {
    let target = fs::canonicalize(path)?;
    let metadata = fs::symlink_metadata(&target)?;
    Ok(resolved(target, &metadata))
}

fn check(path: &Path) -> Result<(), CapabilityError> {
    match path.as_os_str().len() {
        0 => Err(CapabilityError::Empty),
        len_bytes if len_bytes > LONGEST => Err(CapabilityError::TooLong { len_bytes, longest: LONGEST }),
        _ => Ok(()),
    }
}

fn resolved(path: PathBuf, metadata: &Metadata) -> Resolved {
    let kind = if metadata.is_dir() { PathKind::Directory } else { PathKind::File };
    let identity = Some(Identity { device: metadata.dev(), inode: metadata.ino() });
    let file_type = metadata.file_type();
    Resolved { path, kind, identity, is_device: file_type.is_char_device() || file_type.is_block_device() }
}

/// Tells a missing path from a link that leads nowhere and from a file used as a directory.
fn explain(path: &Path, source: io::Error) -> CapabilityError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => match fs::read_link(&path) {
            Ok(target) => CapabilityError::DanglingLink { path, target },
            Err(_) => CapabilityError::NotFound { nearest: nearest(&path), path },
        },
        io::ErrorKind::NotADirectory => {
            match path.ancestors().find(|above| fs::metadata(above).is_ok_and(|m| !m.is_dir())) {
                Some(file) => CapabilityError::NotADirectory { path: file.to_owned() },
                None => CapabilityError::NotADirectory { path },
            }
        }
        _ => CapabilityError::Resolve { path, source },
    }
}

/// The longest part of `path` that exists.
fn nearest(path: &Path) -> PathBuf {
    let above = path.ancestors().skip(1).find(|above| fs::metadata(above).is_ok_and(|found| found.is_dir()));
    match above {
        Some(found) => found.to_owned(),
        None => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn both(path: &Path) -> Result<Resolved, CapabilityError> {
        let (one, two) = (StdResolver.resolve(path), CachedResolver::default().resolve(path));
        assert_eq!(format!("{one:?}"), format!("{two:?}"), "the resolvers disagree about {path:?}");
        one
    }

    #[test]
    fn both_resolvers_find_the_same_object() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/file"), "").unwrap();
        symlink("real", root.join("link")).unwrap();
        symlink("file", root.join("real/alias")).unwrap();
        symlink("../link/alias", root.join("real/far")).unwrap();
        symlink(root.join("real/"), root.join("slash")).unwrap();
        symlink("real/..", root.join("back")).unwrap();
        symlink(".", root.join("dot")).unwrap();
        for (given, expected) in [
            ("link/far", "real/file"),
            ("slash", "real"),
            ("slash/far", "real/file"),
            ("back", ""),
            ("back/slash/..", ""),
            ("dot", ""),
            ("dot/link", "real"),
            ("real", "real"),
            ("real/", "real"),
            ("real/.", "real"),
            ("real/..", ""),
            ("link", "real"),
            ("link/", "real"),
            ("link/file", "real/file"),
            ("link/alias", "real/file"),
            ("link/../real//file", "real/file"),
        ] {
            let found = both(&root.join(given)).unwrap();
            assert_eq!(found.path, root.join(expected).components().collect::<PathBuf>(), "{given}");
        }
        assert_eq!(both(Path::new("/")).unwrap().path, Path::new("/"));
        assert_eq!(both(Path::new("Cargo.toml")).unwrap().path, fs::canonicalize("Cargo.toml").unwrap());
        assert!(both(Path::new("/dev/null")).unwrap().is_device);
    }

    #[test]
    fn what_cannot_be_resolved_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::write(root.join("file"), "").unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("other/x", root.join("each")).unwrap();
        symlink("each/y", root.join("other")).unwrap();
        symlink("file", root.join("long0")).unwrap();
        for links in 1..=40 {
            symlink(format!("long{}", links - 1), root.join(format!("long{links}"))).unwrap();
        }
        assert_eq!(both(&root.join("long39")).unwrap().path, root.join("file"));
        let name = |error: CapabilityError| format!("{error:?}").split([' ', '{']).next().unwrap().to_owned();
        let long = "x/".repeat(2500);
        for (given, expected) in [
            ("missing", "NotFound"),
            ("missing/deeper", "NotFound"),
            ("dangling", "DanglingLink"),
            ("loop", "Resolve"),
            ("long40", "Resolve"),
            ("loop/x", "Resolve"),
            ("each", "Resolve"),
            ("other/x", "Resolve"),
            ("file/", "NotADirectory"),
            ("file/below", "NotADirectory"),
            (&*long, "TooLong"),
            ("nul\0byte", "Resolve"),
        ] {
            assert_eq!(name(both(&root.join(given)).unwrap_err()), expected, "{given:.80?}");
        }
        assert_eq!(name(both(Path::new("")).unwrap_err()), "Empty");
        let message = both(&root.join("missing/deeper")).unwrap_err().to_string();
        assert!(message.contains(&format!("nearest existing directory is {root:?}")), "{message}");
    }
}
