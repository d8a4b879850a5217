//! What stays closed although a grant above is open: by `--deny`, and the protected paths below a wide grant.

use crate::error::CliError;
use crate::{home, protected, terminal};
use nono_core::{Builder, CachedResolver, CapabilityError, FsAccess, FsCapability, PathKind, Resolver, Source};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Denied paths, resolved, by where they come from.
#[derive(Debug, Default)]
pub(crate) struct Denies {
    given: BTreeSet<PathBuf>,
    protected: BTreeSet<PathBuf>,
}

/// How missing paths are taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Missing {
    /// `--allow-missing`
    pub(crate) allowed: bool,
    pub(crate) quiet: bool,
}

impl Denies {
    /// Those of the flags, and those that `grants` make necessary. Of the system group, which stands in `grants` too,
    /// nothing holds at a path that was denied by name.
    pub(crate) fn of(given: &[PathBuf], grants: &mut Vec<FsCapability>, missing: Missing) -> Result<Denies, CliError> {
        let resolver = CachedResolver::default();
        let mut denies = Denies { protected: protected::denies(grants, &home::homes())?, ..Denies::default() };
        for path in given {
            match resolve(path, grants, &resolver) {
                Ok(path) => drop(denies.given.insert(path)),
                Err(CapabilityError::NotFound { .. } | CapabilityError::DanglingLink { .. }) if missing.allowed => {
                    if !missing.quiet {
                        terminal::note(&format!("--deny {path:?} is left out: it does not exist"));
                    }
                }
                Err(source) => return Err(CliError::Grant { flag: "--deny", source }),
            }
        }
        let is_denied = |path: &Path| path.ancestors().any(|above| denies.given.contains(above));
        grants.retain(|grant| *grant.source() != Source::System || !is_denied(grant.resolved()));
        Ok(denies)
    }

    /// Adds them.
    pub(crate) fn add(&self, builder: Builder) -> Result<Builder, CapabilityError> {
        let protected = self.protected.iter().filter(|path| !self.given.contains(*path));
        let builder = protected.cloned().try_fold(builder, Builder::deny_inherited)?;
        self.given.iter().cloned().try_fold(builder, Builder::deny_resolved)
    }

    /// Whether `path` is denied for being protected, and not by name.
    pub(crate) fn is_automatic(&self, path: &Path) -> bool {
        !self.given.contains(path)
    }
}

/// What is there, or what could be made there by one of `grants`.
fn resolve(path: &Path, grants: &[FsCapability], resolver: &CachedResolver) -> Result<PathBuf, CapabilityError> {
    let error = match resolver.resolve(path) {
        Ok(found) => return Ok(found.path),
        Err(error) => error,
    };
    let CapabilityError::NotFound { .. } = error else { return Err(error) };
    let (Some(parent), names) = existing(path, resolver) else { return Err(error) };
    let makes = |grant: &&FsCapability| {
        let inside = grant.kind() == PathKind::Directory && parent.starts_with(grant.resolved());
        inside && grant.access().intersects(FsAccess::CHANGE)
    };
    if !names.iter().all(|name| is_plain(name)) || !grants.iter().any(|grant| makes(&grant)) {
        return Err(error);
    }
    Ok(names.iter().rev().fold(parent, |path, name| path.join(name)))
}

/// The nearest directory above `path` that exists, resolved, and the names below it, the last first.
fn existing<'a>(path: &'a Path, resolver: &CachedResolver) -> (Option<PathBuf>, Vec<&'a OsStr>) {
    let (mut names, mut rest) = (Vec::new(), path);
    loop {
        let (Some(name), Some(parent)) = (rest.components().next_back(), rest.parent()) else { return (None, names) };
        names.push(name.as_os_str());
        rest = parent;
        let place = if rest.as_os_str().is_empty() { Path::new(".") } else { rest };
        if let Ok(found) = resolver.resolve(place) {
            return ((found.kind == PathKind::Directory).then_some(found.path), names);
        }
    }
}

fn is_plain(name: &OsStr) -> bool {
    matches!(Path::new(name).components().next(), Some(Component::Normal(_)))
}
