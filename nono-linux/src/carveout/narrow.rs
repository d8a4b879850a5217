//! Narrower grants in place of one that reaches too far: rules add up downwards, so a directory on the way to a hole gets
//! only what does no harm there, and each entry beside the way gets the rest.

use super::choose::granted_above;
use nono_core::{CapabilityError, CapabilitySet, ConflictError, FsAccess, FsCapability, Identity, PathKind, Resolved};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How many grants may take the place of others: each is a rule, and a rule is opened at every start.
const MOST: usize = 2000;

/// A path that grants above no longer reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) path: PathBuf,
    /// What is withheld from directories on the way; none if that is everything, and the path itself gets nothing.
    pub(crate) withheld: Option<FsAccess>,
    /// What is there: a rule on another name of it would open it (a rule is tied to the inode).
    pub(crate) identity: Option<Identity>,
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: OsString,
    pub(crate) kind: PathKind,
    pub(crate) identity: Option<Identity>,
}

/// Why grants cannot be narrowed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the fields")]
pub enum NarrowError {
    /// A directory cannot be listed.
    #[error("cannot list {path:?}, in which {hole:?} is denied; grant what is needed in it")]
    List { path: PathBuf, hole: PathBuf, source: io::Error },
    /// Too many entries beside the denied ones.
    #[error(
        "more than {MOST} entries lie beside the denied {hole:?} in {path:?}, each of which would have to be granted; \
         grant what is needed in it"
    )]
    TooMany { path: PathBuf, hole: PathBuf },
    /// A rule is of an object: granting one name of it opens all.
    #[error("{granted:?} is another name of {hole:?}, which is denied: grant and deny the same; or make a copy of it")]
    SameObject { granted: PathBuf, hole: PathBuf },
    /// The grants were changed by another process meanwhile.
    #[error("the granted files changed while they were looked at; try again")]
    Changed(#[from] ConflictError),
    /// A name in a directory is none.
    #[error("the granted files changed while they were looked at; try again")]
    Name(#[from] CapabilityError),
}

/// Lists a directory: links are left out, a rule on one means nothing.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let found = match entry.metadata() {
            // Removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found?,
        };
        if !found.is_symlink() {
            let kind = if found.is_dir() { PathKind::Directory } else { PathKind::File };
            let identity = Some(Identity { device: found.dev(), inode: found.ino() });
            entries.push(Entry { name: entry.file_name(), kind, identity });
        }
        if entries.len() > MOST {
            break;
        }
    }
    Ok(entries)
}

type Lister<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<Entry>>;

/// The grants of `set`, with those that reach one of `holes` narrowed, in a set that denies what `set` denies.
pub(crate) fn narrow(set: &CapabilitySet, holes: &[Hole], list: Lister<'_>) -> Result<CapabilitySet, NarrowError> {
    let mut reaching = BTreeMap::<&Path, Vec<&Hole>>::new();
    for hole in holes {
        for grant in granted_above(set, &hole.path) {
            reaching.entry(grant.resolved()).or_default().push(hole);
        }
    }
    let closed = holes.iter().filter(|hole| hole.withheld.is_none()).filter_map(|hole| hole.identity).collect();
    let mut narrowed = Narrowed { list, closed, ways: Vec::new(), grants: Vec::new(), added: 0 };
    for grant in set.fs() {
        if let Some(holes) = reaching.get(grant.resolved()) {
            narrowed.expand(grant, grant.resolved(), grant.identity(), holes)?;
            continue;
        }
        let same =
            |hole: &&Hole| hole.withheld.is_none() && hole.identity.is_some() && hole.identity == grant.identity();
        if let Some(hole) = holes.iter().find(same) {
            let (granted, hole) = (grant.resolved().to_owned(), hole.path.clone());
            return Err(NarrowError::SameObject { granted, hole });
        }
        narrowed.grants.push(grant.clone());
    }
    // A directory on a way has other names where it is mounted below itself: what is granted there would be granted here. Where
    // another name is on a way too, the same holes are in it, and it has been narrowed.
    let Narrowed { mut grants, ways, .. } = narrowed;
    let on_a_way = |one: &FsCapability| ways.iter().any(|(path, _)| path == one.resolved());
    grants.retain(|one| on_a_way(one) || ways.iter().all(|(_, way)| one.identity() != Some(*way)));
    let builder = CapabilitySet::builder().grants(grants);
    let builder = set.denies().iter().try_fold(builder, |all, deny| all.deny_inherited(deny.clone()))?;
    Ok(builder.build()?)
}

struct Narrowed<'a> {
    list: Lister<'a>,
    closed: Vec<Identity>,
    /// The directories on the way to holes.
    ways: Vec<(PathBuf, Identity)>,
    grants: Vec<FsCapability>,
    added: usize,
}

impl Narrowed<'_> {
    /// Grants what `of` grants in `directory`, around `holes`.
    fn expand(
        &mut self,
        of: &FsCapability,
        directory: &Path,
        identity: Option<Identity>,
        holes: &[&Hole],
    ) -> Result<(), NarrowError> {
        let withheld = holes.iter().map(|hole| hole.withheld.unwrap_or(FsAccess::all()));
        let withheld = withheld.fold(FsAccess::empty(), |all, one| all | one);
        let own = of.access().difference(withheld);
        self.ways.extend(identity.map(|identity| (directory.to_owned(), identity)));
        self.add(of, directory.to_owned(), (PathKind::Directory, identity), own)?;
        let mut ways = BTreeMap::<&OsStr, Vec<&Hole>>::new();
        let mut ends = BTreeSet::<&OsStr>::new();
        for hole in holes {
            let below = hole.path.strip_prefix(directory).unwrap_or(Path::new(""));
            let mut names = below.components();
            if let Some(first) = names.next() {
                if names.next().is_some() {
                    ways.entry(first.as_os_str()).or_default().push(hole);
                } else {
                    ends.insert(first.as_os_str());
                }
            }
        }
        let hole = holes.first().map(|hole| hole.path.clone()).unwrap_or_default();
        let failed = |source| NarrowError::List { path: directory.to_owned(), hole: hole.clone(), source };
        let entries = (self.list)(directory).map_err(failed)?;
        for entry in entries {
            let path = directory.join(&entry.name);
            match ways.get(entry.name.as_os_str()) {
                // A hole itself. There may be others in it, where it is another name of what is denied; nothing beside those is
                // granted either.
                _ if ends.contains(entry.name.as_os_str()) => {}
                Some(on) if entry.kind == PathKind::Directory => self.expand(of, &path, entry.identity, on)?,
                Some(_) => {}
                None if entry.identity.is_some_and(|one| self.closed.contains(&one)) => {}
                // What the directory has already.
                None if entry.kind == PathKind::File && own.contains(of.access() & FsAccess::FILE) => {}
                None => self.add(of, path, (entry.kind, entry.identity), of.access())?,
            }
            if self.added > MOST {
                return Err(NarrowError::TooMany { path: directory.to_owned(), hole });
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        of: &FsCapability,
        path: PathBuf,
        (kind, identity): (PathKind, Option<Identity>),
        access: FsAccess,
    ) -> Result<(), NarrowError> {
        let access = if kind == PathKind::File { access & FsAccess::FILE } else { access };
        if access.is_empty() {
            return Ok(());
        }
        let found = Resolved { path: path.clone(), kind, identity, is_device: false };
        self.grants.push(FsCapability::from_resolved(path, found, access)?.with_source(of.source().clone()));
        self.added += 1;
        Ok(())
    }
}
