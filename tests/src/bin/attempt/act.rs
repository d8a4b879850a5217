//! What an attempt is written with: its row, the place it acts in, and how it can end.

use nono_tests::attempt::{Guarantee, Party, Promise, Proof, Row};
use rustix::io::Errno;
use std::ffi::{CString, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// One attempt: what the harness must know, and the act.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    pub(crate) name: &'static str,
    guarantees: &'static [Guarantee],
    promise: Promise,
    root: bool,
    party: Party,
    proof: Proof,
    absent: &'static [&'static str],
    refusals: &'static [&'static str],
    pub(crate) act: fn(&Scene) -> Act,
}

/// How an attempt ends.
pub(crate) type Act = Result<(), Stop>;

/// Why an attempt did not succeed.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The kernel (or a filter) said no.
    Refused(Errno),
    /// The call succeeded, the effect did not come.
    NoEffect(String),
    /// There is nothing of the kind here.
    Unsupported(String),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Refused(errno)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Errno::from_io_error(&error).map_or_else(|| Self::NoEffect(error.to_string()), Self::Refused)
    }
}

impl Attempt {
    /// A row that must be refused, needs nobody, and is its own witness.
    pub(crate) const fn new(name: &'static str, guarantees: &'static [Guarantee], act: fn(&Scene) -> Act) -> Self {
        let (party, proof, promise) = (Party::Nobody, Proof::Word, Promise::Refused);
        Self { name, guarantees, promise, root: false, party, proof, absent: &[], refusals: &[], act }
    }

    /// Only root can do it outside.
    pub(crate) const fn root(mut self) -> Self {
        self.root = true;
        self
    }

    /// Needs this outside party.
    pub(crate) const fn with(mut self, party: Party) -> Self {
        self.party = party;
        self
    }

    /// Shows in this way.
    pub(crate) const fn proof(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }

    /// Is not possible on a kernel that answers one of these outside.
    pub(crate) const fn absent(mut self, errnos: &'static [&'static str]) -> Self {
        self.absent = errnos;
        self
    }

    /// These errors too are a refusal.
    pub(crate) const fn refusals(mut self, errnos: &'static [&'static str]) -> Self {
        self.refusals = errnos;
        self
    }

    /// Must work inside, or is nobody's promise.
    pub(crate) const fn promise(mut self, promise: Promise) -> Self {
        self.promise = promise;
        self
    }

    /// For the harness.
    pub(crate) fn row(&self, family: &str) -> Row {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Row {
            name: self.name.to_owned(),
            family: family.to_owned(),
            guarantees: self.guarantees.to_vec(),
            promise: self.promise,
            root: self.root,
            party: self.party,
            proof: self.proof,
            absent: owned(self.absent),
            refusals: owned(self.refusals),
        }
    }
}

/// Where an attempt acts: the directory outside the grants, the working directory, and the party's values.
#[derive(Debug)]
pub(crate) struct Scene {
    dir: PathBuf,
    values: Vec<String>,
}

impl Scene {
    pub(crate) fn new(dir: &OsString, values: &[OsString]) -> Self {
        Self { dir: dir.into(), values: values.iter().filter_map(|value| value.to_str().map(str::to_owned)).collect() }
    }

    /// A file outside the grants.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The directory outside the grants.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the harness told about the party.
    pub(crate) fn value(&self, key: &str) -> Result<&str, Stop> {
        let found = self.values.iter().find_map(|value| value.strip_prefix(key)?.strip_prefix('='));
        found.ok_or_else(|| Stop::Unsupported(format!("the harness gave no {key}")))
    }

    /// The same as a number.
    pub(crate) fn number<T: std::str::FromStr>(&self, key: &str) -> Result<T, Stop> {
        self.value(key)?.parse().map_err(|_wrong| Stop::Unsupported(format!("{key} is no number")))
    }

    /// What to send, so that its arrival shows.
    pub(crate) fn token(&self) -> Result<&[u8], Stop> {
        self.value("token").map(str::as_bytes)
    }

    /// Prints what was read: the harness looks for the secret in it.
    #[expect(clippy::unused_self, reason = "it belongs to the scene: an attempt shows what it found there")]
    pub(crate) fn reveal(&self, bytes: &[u8]) -> Act {
        io::stdout().write_all(bytes)?;
        io::stdout().write_all(b"\n")?;
        Ok(())
    }
}

/// A path for a system call.
pub(crate) fn c_path(path: impl Into<PathBuf>) -> Result<CString, Stop> {
    CString::new(path.into().into_os_string().into_vec()).map_err(|_nul| Stop::Unsupported("a NUL in a path".into()))
}

/// Requires an effect.
pub(crate) fn effect(seen: bool, what: &str) -> Act {
    if seen { Ok(()) } else { Err(Stop::NoEffect(what.to_owned())) }
}

/// For a call that would do harm if its arguments were right: any of these errors shows that it came through.
pub(crate) fn reached<T>(answer: &Result<T, Errno>, came_through: &[Errno]) -> Act {
    match answer {
        Err(errno) if !came_through.contains(errno) => Err((*errno).into()),
        _ => Ok(()),
    }
}
