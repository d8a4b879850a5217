//! What stays closed although a grant above is open: by `--deny` or a profile, and the protected paths below a wide grant.

use crate::error::CliError;
use crate::profile::ProfileError;
use crate::protected::Protected;
use crate::{report, terminal};
use nono_core::{Builder, CachedResolver, CapabilityError, FsAccess, FsCapability, PathKind, Resolver, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// A path that is to stay closed, as it was given.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) path: PathBuf,
    pub(crate) source: Source,
    /// Left out if it does not exist and nothing could make it.
    pub(crate) optional: bool,
}

impl Wanted {
    /// By `--deny`.
    pub(crate) fn by_flag(path: &Path) -> Wanted {
        Wanted { path: path.to_owned(), source: Source::Flag("--deny".into()), optional: false }
    }

    fn refused(&self, error: CapabilityError) -> CliError {
        match &self.source {
            Source::Profile { file, line } => {
                CliError::Profile { flag: "--profile", source: ProfileError::denied(file, *line, error) }
            }
            _ => CliError::Grant { flag: "--deny", source: error },
        }
    }
}

/// Denied paths, resolved, by where they come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Denies {
    given: BTreeMap<PathBuf, Source>,
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
    /// Those of flags and profiles, and those that `grants` make necessary. Of the system group, which stands in `grants` too,
    /// nothing holds at a path that was denied by name.
    pub(crate) fn of(
        given: &[Wanted],
        grants: &mut Vec<FsCapability>,
        protected: &Protected,
        missing: Missing,
    ) -> Result<Denies, CliError> {
        let resolver = CachedResolver::default();
        let mut denies = Denies { protected: protected.denies(grants)?, ..Denies::default() };
        for wanted in given {
            let Wanted { path, source, optional } = wanted;
            match resolve(path, grants, &resolver) {
                Ok(path) => drop(denies.given.entry(path).or_insert_with(|| source.clone())),
                Err(CapabilityError::NotFound { .. } | CapabilityError::DanglingLink { .. })
                    if *optional || missing.allowed =>
                {
                    if !optional && !missing.quiet {
                        terminal::note(&format!("{} {path:?} is left out: it does not exist", report::source(source)));
                    }
                }
                Err(error) => return Err(wanted.refused(error)),
            }
        }
        let is_denied = |path: &Path| path.ancestors().any(|above| denies.given.contains_key(above));
        grants.retain(|grant| *grant.source() != Source::System || !is_denied(grant.resolved()));
        Ok(denies)
    }

    /// The same, and those that one grant more makes necessary: each grant does by itself, whatever else is granted. For where
    /// none was denied by name.
    pub(crate) fn with(&self, grant: &FsCapability, protected: &Protected) -> Result<Denies, CliError> {
        let mut all = protected.denies(std::slice::from_ref(grant))?;
        all.extend(self.protected.iter().cloned());
        Ok(Denies { given: self.given.clone(), protected: all })
    }

    /// Adds them.
    pub(crate) fn add(&self, builder: Builder) -> Result<Builder, CapabilityError> {
        let protected = self.protected.iter().filter(|path| !self.given.contains_key(*path));
        let builder = protected.cloned().try_fold(builder, Builder::deny_inherited)?;
        self.given.keys().cloned().try_fold(builder, Builder::deny_resolved)
    }

    /// Who denied `path` by name; none where it is denied for being protected.
    pub(crate) fn source(&self, path: &Path) -> Option<&Source> {
        self.given.get(path)
    }

    /// The protected paths that are denied.
    pub(crate) fn protected(&self) -> impl Iterator<Item = &Path> {
        self.protected.iter().map(PathBuf::as_path)
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
