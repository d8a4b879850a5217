//! Making a private temporary directory, and removing it where nono outlives the command.

use super::leader::Start;
use super::name::Name;
use super::open;
use super::place::{self, Base, Kind, OUTER_VARIABLE, PlaceError, Places};
use super::sweep::{self, Limits, Swept};
use super::tree::{Deadline, Outcome};
use rustix::fd::AsFd;
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest path of a private directory. A socket's address has 108 bytes, and ends in a zero byte:
/// programs have 66 for what they put below.
pub(super) const MAX_LEN_BYTES: usize = 40;

/// A private temporary directory of this process.
///
/// Dropping it leaves the directory to the command and to later starts.
#[derive(Debug)]
#[must_use = "the command has no temporary directory until its variables name this one"]
pub(crate) struct PrivateTmp {
    base: Base,
    /// `None`: the base itself, which is the private directory of an outer sandbox.
    name: Option<String>,
    start: Start,
    path: PathBuf,
    passed_over: Vec<PlaceError>,
}

/// Why there is no private temporary directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TmpError {
    /// No place would do.
    #[error(
        "no private temporary directory: {}; set TMPDIR to a directory of yours with a path of at most {room_bytes} bytes",
        Listed(passed_over)
    )]
    NoPlace {
        /// Each place and what is wrong with it, in the order in which they were tried.
        passed_over: Vec<PlaceError>,
        /// Longest `TMPDIR` that leaves enough bytes.
        room_bytes: usize,
    },
}

struct Listed<'a>(&'a [PlaceError]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, reason) in self.0.iter().enumerate() {
            write!(out, "{}{reason}", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// Makes the private directory of the process `start`, mode 0700, in the first place that will do. Sandboxes nested so
/// deep that no name would fit share the directory of the one around them: it is no less private from all others.
///
/// # Errors
/// [`TmpError::NoPlace`], with every place that was tried.
pub(crate) fn create(start: &Start, places: &Places) -> Result<PrivateTmp, TmpError> {
    let mut passed_over = Vec::new();
    for place in places.in_order() {
        let made = places.open(&place).and_then(|base| {
            let made = make(&base, start);
            if made.is_err() && base.kind == Kind::Once {
                discard(&base);
            }
            made.map(|name| (base, name))
        });
        match made {
            Ok((base, name)) => {
                let path = base.path.join(&name);
                return Ok(PrivateTmp { base, name: Some(name), start: *start, path, passed_over });
            }
            Err(reason) => passed_over.push(reason),
        }
    }
    if let Some(base) = places.outer_to_share() {
        return Ok(PrivateTmp { path: base.path.clone(), base, name: None, start: *start, passed_over });
    }
    Err(TmpError::NoPlace { passed_over, room_bytes: places.room_bytes() })
}

/// Makes the directory. A name that is there already is a dead leader's (its pid is now ours, and the
/// bits kept of its start time are the same): it has further spellings.
fn make(base: &Base, start: &Start) -> Result<String, PlaceError> {
    for name in Name::of(start).spellings() {
        let path = || base.path.join(&name);
        match rustix::fs::mkdirat(&base.handle, &name, Mode::RWXU) {
            Ok(()) => {}
            Err(Errno::EXIST) => continue,
            Err(errno) => return Err(place::cannot_make(&path(), errno)),
        }
        return match complete(base, &name) {
            Ok(()) => Ok(name),
            Err(errno) => Err(place::cannot_make(&path(), errno)),
        };
    }
    Err(PlaceError::Taken { path: base.path.clone() })
}

/// Gives the new directory mode 0700 exactly, whatever the umask and the base's set-group-id bit did.
fn complete(base: &Base, name: &str) -> rustix::io::Result<()> {
    let handle = open::handle(base.handle.as_fd(), name)?;
    if Mode::from_raw_mode(rustix::fs::fstat(&handle)?.st_mode) == Mode::RWXU {
        return Ok(());
    }
    open::unlock(handle.as_fd())
}

impl PrivateTmp {
    /// Whether it is the one of the sandbox around this one.
    pub(crate) fn is_shared(&self) -> bool {
        self.name.is_none()
    }

    /// Its absolute path, at most 40 bytes.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The variables of the command, and the directory as their value.
    pub(crate) fn variables(&self) -> [(&'static str, &Path); 4] {
        ["TMPDIR", "TMP", "TEMP", OUTER_VARIABLE].map(|variable| (variable, self.path()))
    }

    /// Better places that could not be used and why, for a note to the user: a base in /tmp that
    /// belongs to somebody else is one they want to hear of.
    pub(crate) fn passed_over(&self) -> &[PlaceError] {
        &self.passed_over
    }

    /// Removes what dead leaders left beside this directory. Never fails; see [`sweep::sweep`].
    pub(crate) fn sweep_beside(&self, limits: &Limits) -> Swept {
        sweep::sweep(&self.base, &self.start, limits)
    }

    /// Removes the directory and all below, as far as `budget` goes; what is left then is removed by
    /// later starts without waiting an hour. One that is shared stays.
    pub(crate) fn remove(self, budget: Duration) -> Outcome {
        let Some(name) = &self.name else { return Outcome::Left };
        let outcome = sweep::condemn(&self.base, name.as_bytes(), &Deadline::after(budget));
        if self.base.kind == Kind::Once && outcome == Outcome::Gone {
            discard(&self.base);
        }
        outcome
    }
}

/// Removes a base that was made for this start alone. By its path, which is safe: the name is ours, in
/// a directory where others cannot replace it, and only an empty directory is removed.
fn discard(base: &Base) {
    let _ = rustix::fs::unlinkat(rustix::fs::CWD, &base.path, AtFlags::REMOVEDIR);
}
