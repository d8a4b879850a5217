//! From paths of a profile to capabilities: each is looked up once, and made first where the profile says so.

use super::error::ProfileError;
use super::make;
use super::model::{Entry, Grant, Missing};
use super::place::Place;
use super::variables::{self, Variables};
use crate::denies::Wanted;
use crate::pattern::is_pattern;
use crate::platform;
use nono_core::{AccessMode, CachedResolver, CapabilityError, FsAccess, FsCapability, PathKind, Resolved, Resolver};
use std::borrow::Cow;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// What a run does about what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// A directory is made where the profile says so; else it is an error.
    Make,
    /// Nothing is made, and a directory that would be is left out: nothing is started, but what is there is opened.
    Leave,
    /// Nothing is made, and a directory that would be is granted as if it were there: a question is asked.
    Pretend,
}

/// Looks paths up.
#[derive(Debug)]
pub(super) struct Lookup<'a> {
    pub(super) variables: Variables<'a>,
    pub(super) resolver: &'a CachedResolver,
    pub(super) absent: Absent,
    /// `--allow-missing`
    pub(super) allow_missing: bool,
    /// What the user may want to know.
    pub(super) notes: Vec<String>,
}

/// A path of a profile without variables.
pub(super) struct Located<'e> {
    pub(super) path: Cow<'e, Path>,
    /// Whether it is written as one below the working directory.
    inside: bool,
}

impl Lookup<'_> {
    /// Expands variables. A relative path is below the working directory, if there is one.
    pub(super) fn locate<'e>(&self, entry: &'e Entry) -> Result<Located<'e>, ProfileError> {
        let path = match self.variables.expand(&entry.text, &entry.place)? {
            Cow::Borrowed(text) => Cow::Borrowed(Path::new(text)),
            Cow::Owned(text) => Cow::Owned(PathBuf::from(text)),
        };
        if path.is_absolute() || path.as_os_str().is_empty() {
            let inside = variables::begins_with(&entry.text, "WORKDIR");
            return Ok(Located { path, inside });
        }
        match self.variables.workdir {
            Some(workdir) => Ok(Located { path: Cow::Owned(workdir.join(path)), inside: true }),
            None => Err(ProfileError::Relative { place: entry.place.clone(), given: entry.text.clone() }),
        }
    }

    /// The capability of a path in a list of `[filesystem]`; none where it is left out.
    pub(super) fn grant(&mut self, grant: &Grant) -> Result<Option<FsCapability>, ProfileError> {
        let key = grant.right.key();
        let Some(located) = self.located(&grant.entry)? else { return Ok(None) };
        let found = self.find(&grant.entry, key, &located, |path, resolver| {
            let found = FsCapability::resolve(path, grant.right.mode(), resolver)?;
            if grant.right.is_of_files() { found.require_file() } else { Ok(found) }
        })?;
        Ok(found.map(|found| found.with_source(grant.entry.place.source())))
    }

    /// The capability of a path in the list `unix`.
    pub(super) fn socket(&mut self, entry: &Entry) -> Result<Option<FsCapability>, ProfileError> {
        let Some(located) = self.located(entry)? else { return Ok(None) };
        let found = self.find(entry, "unix", &located, |path, resolver| {
            FsCapability::resolve_exactly(path, FsAccess::RESOLVE_UNIX, resolver)
        })?;
        let Some(found) = found else { return Ok(None) };
        if found.kind() == PathKind::File {
            check_socket(entry, &located.path, found.resolved())?;
        }
        Ok(Some(found.with_source(entry.place.source())))
    }

    /// The capability of a path in the table `approve`, which is about files that programs ask for.
    pub(super) fn rule(
        &mut self,
        entry: &Entry,
        key: &'static str,
        mode: AccessMode,
    ) -> Result<Option<FsCapability>, ProfileError> {
        let Some(located) = self.located(entry)? else { return Ok(None) };
        let found = self.find(entry, key, &located, |path, resolver| FsCapability::resolve(path, mode, resolver))?;
        Ok(found.map(|found| found.with_source(entry.place.source())))
    }

    /// What is to stay closed, not looked up yet: what does not exist may be what a grant could make.
    pub(super) fn denied(&self, entry: &Entry) -> Result<Option<Wanted>, ProfileError> {
        let Some(Located { path, .. }) = self.located(entry)? else { return Ok(None) };
        if is_pattern(entry.text.as_ref()) && fs::symlink_metadata(&path).is_err() {
            return Err(pattern(entry));
        }
        let (source, optional) = (entry.place.source(), entry.missing == Missing::LeaveOut);
        Ok(Some(Wanted { path: path.into_owned(), source, optional }))
    }

    /// What is not to be handed over when it is asked for: a path that exists, or one that is made later.
    pub(super) fn deny(&mut self, entry: &Entry) -> Result<Option<PathBuf>, ProfileError> {
        let Some(Located { path, .. }) = self.located(entry)? else { return Ok(None) };
        let refused = |source| ProfileError::Grant { place: entry.place.clone(), key: "deny", source };
        match self.resolver.resolve(&path) {
            Ok(found) => Ok(Some(found.path)),
            Err(CapabilityError::NotFound { .. }) if is_pattern(entry.text.as_ref()) => Err(pattern(entry)),
            Err(CapabilityError::NotFound { .. }) if entry.missing == Missing::LeaveOut => Ok(None),
            Err(CapabilityError::NotFound { nearest, path }) => {
                let above = self.resolver.resolve(&nearest).map_err(refused)?.path;
                let rest = path.strip_prefix(&nearest).map(Path::to_owned).unwrap_or_default();
                Ok(Some(above.join(rest)))
            }
            Err(other) => Err(refused(other)),
        }
    }

    /// [`Lookup::locate`]; none for an optional path with a variable that is not set.
    fn located<'e>(&self, entry: &'e Entry) -> Result<Option<Located<'e>>, ProfileError> {
        match self.locate(entry) {
            Ok(located) => Ok(Some(located)),
            Err(ProfileError::Unset { .. }) if entry.missing == Missing::LeaveOut => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn find(
        &mut self,
        entry: &Entry,
        key: &'static str,
        located: &Located<'_>,
        resolve: impl Fn(&Path, &dyn Resolver) -> Result<FsCapability, CapabilityError>,
    ) -> Result<Option<FsCapability>, ProfileError> {
        let refused = |source| ProfileError::Grant { place: entry.place.clone(), key, source };
        let found = match resolve(&located.path, self.resolver) {
            Ok(found) => found,
            Err(error) if is_missing(&error) && is_pattern(entry.text.as_ref()) => return Err(pattern(entry)),
            Err(error) if may_be_left_out(&error) && entry.missing == Missing::LeaveOut => return Ok(None),
            Err(CapabilityError::NotFound { .. }) if entry.missing == Missing::Create => {
                self.make(entry, located)?;
                match self.absent {
                    Absent::Leave => {
                        self.notes.push(format!("{:?} would be made first ({})", located.path, entry.place));
                        return Ok(None);
                    }
                    // A directory, whatever is asked of it: `create` is for no other lists.
                    Absent::Pretend => {
                        let path = make::nearest(&located.path).map(make::Above::whole);
                        let path = path.map_err(|source| not_made(entry, located, source))?;
                        resolve(&located.path, &Pretended(path)).map_err(refused)?
                    }
                    Absent::Make => resolve(&located.path, self.resolver).map_err(refused)?,
                }
            }
            Err(error) if is_missing(&error) && self.allow_missing => {
                self.notes.push(format!("{:?} is left out: it does not exist ({})", located.path, entry.place));
                return Ok(None);
            }
            Err(error) => return Err(refused(error)),
        };
        self.stays_inside(entry, located, found.resolved())?;
        Ok(Some(found))
    }

    /// Makes a directory, if anything is to be made.
    fn make(&self, entry: &Entry, located: &Located<'_>) -> Result<(), ProfileError> {
        let failed = |source| not_made(entry, located, source);
        let above = make::nearest(&located.path).map_err(failed)?;
        // Not after it was made somewhere else.
        self.stays_inside(entry, located, &above.path)?;
        if self.absent == Absent::Make { above.make().map_err(failed) } else { Ok(()) }
    }

    /// Refuses a path below the working directory that leads out of it: a command that ran there before may have put a link
    /// in its place.
    fn stays_inside(&self, entry: &Entry, located: &Located<'_>, resolved: &Path) -> Result<(), ProfileError> {
        match self.variables.workdir {
            Some(workdir) if located.inside && !resolved.starts_with(workdir) => Err(ProfileError::Outside {
                place: entry.place.clone(),
                given: entry.text.clone(),
                resolved: resolved.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

fn not_made(entry: &Entry, located: &Located<'_>, source: io::Error) -> ProfileError {
    ProfileError::Create { place: entry.place.clone(), path: located.path.to_path_buf(), source }
}

/// Finds a directory that would be there.
struct Pretended(PathBuf);

impl Resolver for Pretended {
    fn resolve(&self, _path: &Path) -> Result<Resolved, CapabilityError> {
        Ok(Resolved { path: self.0.clone(), kind: PathKind::Directory, identity: None, is_device: false })
    }
}

fn check_socket(entry: &Entry, path: &Path, resolved: &Path) -> Result<(), ProfileError> {
    let place = || entry.place.clone();
    if path.as_os_str().as_bytes().len() > platform::LONGEST_SOCKET {
        let (key, value) = ("unix".to_owned(), entry.text.clone());
        let expected = "paths that are no longer than the address of a unix socket (107 bytes, on macOS 103)";
        return Err(ProfileError::Value { place: place(), key, value, expected });
    }
    let is_socket = fs::metadata(resolved).is_ok_and(|found| found.file_type().is_socket());
    if is_socket { Ok(()) } else { Err(ProfileError::NotASocket { place: place(), path: path.to_owned() }) }
}

fn is_missing(error: &CapabilityError) -> bool {
    matches!(error, CapabilityError::NotFound { .. } | CapabilityError::DanglingLink { .. })
}

/// Not there, or out of reach: of no use to the command either.
fn may_be_left_out(error: &CapabilityError) -> bool {
    match error {
        CapabilityError::NotADirectory { .. } => true,
        CapabilityError::Resolve { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
        _ => is_missing(error),
    }
}

fn pattern(entry: &Entry) -> ProfileError {
    ProfileError::Pattern { place: entry.place.clone(), given: entry.text.clone() }
}

/// The place of a grant by `[workdir]`.
pub(super) fn working_directory(
    workdir: &Path,
    mode: AccessMode,
    place: &Place,
    resolver: &CachedResolver,
) -> Result<FsCapability, ProfileError> {
    let granted = FsCapability::resolve(workdir, mode, resolver);
    let granted =
        granted.map_err(|source| ProfileError::Grant { place: place.clone(), key: "workdir access", source })?;
    Ok(granted.with_source(place.source()))
}
