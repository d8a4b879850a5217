//! Where the command puts its temporary files: a directory of its own, `/tmp/nono-USER/PID-RANDOM`, and what happens to it
//! afterwards.
//!
//! nono becomes the command, so a later start removes the directory: when no process has that number and nothing changed in
//! the directory itself for an hour. What is in it was made by programs that are not trusted. So it is removed by
//! descriptor, links are removed and not followed, and what takes too long or goes too deep is left for later.

use crate::platform;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, mkdirat, openat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Pid, geteuid, getpid, test_kill_process};
use std::env;
use std::ffi::{CStr, CString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How many directories lie in each other that are removed: each level has a descriptor.
const LEVELS: u32 = 32;

/// `open(2)` of a directory, and nothing that a link leads to.
const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The process a directory is made for, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pid: u32,
    now: SystemTime,
}

impl Start {
    pub(crate) fn probe() -> Start {
        Start { pid: getpid().as_raw_nonzero().get().unsigned_abs(), now: SystemTime::now() }
    }
}

/// Directories that may hold one, the best first.
#[derive(Debug)]
pub(crate) struct Places(Vec<PathBuf>);

impl Places {
    /// `/tmp`, whose name is short (the address of a socket has 103 bytes), and the user's own directory of the system,
    /// which is not.
    pub(crate) fn from_environment() -> Places {
        let own = env::var_os("TMPDIR").map(PathBuf::from).filter(|path| path.is_absolute());
        Places([PathBuf::from("/tmp")].into_iter().chain(own).collect())
    }
}

/// Why a place was passed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// Somebody else's, or open to others.
    #[error("{path:?} belongs to user {owner}, or others may write to it (mode {:04o})", mode.as_raw_mode())]
    Foreign { path: PathBuf, owner: u32, mode: Mode },
    /// The system's word.
    #[error("cannot use {path:?} ({source})")]
    Unusable { path: PathBuf, source: io::Error },
}

impl PlaceError {
    /// Whether somebody else could be at work.
    pub(crate) fn is_suspicious(&self) -> bool {
        matches!(self, PlaceError::Foreign { .. })
    }
}

/// Why there is no private temporary directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TmpError {
    /// No place would do.
    #[error("no private temporary directory: {}; set TMPDIR to a directory of yours", Listed(passed_over))]
    NoPlace {
        /// Each place and what is wrong with it.
        passed_over: Vec<PlaceError>,
    },
}

struct Listed<'a>(&'a [PlaceError]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, one)| write!(out, "{}{one}", if at == 0 { "" } else { ", " }))
    }
}

/// A private temporary directory of this process.
#[derive(Debug)]
pub(crate) struct PrivateTmp {
    base: OwnedFd,
    name: CString,
    path: PathBuf,
    start: Start,
    passed_over: Vec<PlaceError>,
}

/// How much is looked at and removed of what others left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    budget: Duration,
    unchanged: Duration,
}

impl Limits {
    /// Five milliseconds, for what did not change for an hour.
    pub(crate) fn standard() -> Limits {
        Limits { budget: Duration::from_millis(5), unchanged: Duration::from_hours(1) }
    }
}

/// Makes the directory of `start`, mode 0700, in the first place that will do.
pub(crate) fn create(start: &Start, places: &Places) -> Result<PrivateTmp, TmpError> {
    let mut passed_over = Vec::new();
    for place in &places.0 {
        match make(start, place) {
            Ok((base, name, path)) => return Ok(PrivateTmp { base, name, path, start: *start, passed_over }),
            Err(reason) => passed_over.push(reason),
        }
    }
    Err(TmpError::NoPlace { passed_over })
}

fn make(start: &Start, place: &Path) -> Result<(OwnedFd, CString, PathBuf), PlaceError> {
    let user = geteuid().as_raw();
    let path = place.join(format!("nono-{user}"));
    let unusable = |source: io::Error| PlaceError::Unusable { path: path.clone(), source };
    match mkdirat(CWD, &path, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(unusable(errno.into())),
    }
    // In /tmp anybody can be first to take the name.
    let base = openat(CWD, &path, DIRECTORY, Mode::empty()).map_err(|errno| unusable(errno.into()))?;
    let found = fstat(&base).map_err(|errno| unusable(errno.into()))?;
    let mode = Mode::from_raw_mode(found.st_mode);
    if found.st_uid != user || mode.intersects(Mode::WGRP | Mode::WOTH) {
        return Err(PlaceError::Foreign { path, owner: found.st_uid, mode });
    }
    let random = u64::from_ne_bytes(platform::random().map_err(unusable)?) & 0xff_ffff;
    let name = format!("{}-{random:06x}", start.pid);
    mkdirat(&base, &name, Mode::RWXU).map_err(|errno| unusable(errno.into()))?;
    let path = path.join(&name);
    let name = CString::new(name).map_err(|error| PlaceError::Unusable { path: path.clone(), source: error.into() })?;
    Ok((base, name, path))
}

impl PrivateTmp {
    /// Never: sandboxes are not nested here.
    #[expect(clippy::unused_self, reason = "elsewhere some are")]
    pub(crate) fn is_shared(&self) -> bool {
        false
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The variables of the command, and the directory as their value.
    pub(crate) fn variables(&self) -> [(&'static str, &Path); 3] {
        ["TMPDIR", "TMP", "TEMP"].map(|variable| (variable, self.path()))
    }

    /// Better places that could not be used, and why.
    pub(crate) fn passed_over(&self) -> &[PlaceError] {
        &self.passed_over
    }

    /// Removes what commands that have ended left beside this directory, as far as that goes; how many directories are gone.
    /// Never fails.
    pub(crate) fn sweep_beside(&self, limits: &Limits) -> usize {
        let mut gone = 0;
        let Some(end) = Instant::now().checked_add(limits.budget) else { return gone };
        let Ok(listing) = Dir::read_from(&self.base) else { return gone };
        let over = |name: &CStr| is_left_over(name, &self.base, self.start.now, limits.unchanged);
        for entry in listing.flatten().filter(|entry| over(entry.file_name())) {
            if Instant::now() >= end {
                break;
            }
            gone += usize::from(remove(self.base.as_fd(), entry.file_name(), end, LEVELS));
        }
        gone
    }

    /// Removes the directory and all below, as far as `budget` goes; whether it is gone.
    pub(crate) fn remove(self, budget: Duration) -> bool {
        Instant::now().checked_add(budget).is_some_and(|end| remove(self.base.as_fd(), &self.name, end, LEVELS))
    }
}

/// Whether a directory is one of ours, of a process that is gone, and unchanged for a while.
fn is_left_over(name: &CStr, base: &OwnedFd, now: SystemTime, unchanged: Duration) -> bool {
    let number = name.to_str().ok().and_then(|name| name.split_once('-')).and_then(|(pid, _)| pid.parse().ok());
    let Some(pid) = number.and_then(Pid::from_raw) else { return false };
    if test_kill_process(pid) != Err(Errno::SRCH) {
        return false;
    }
    let Ok(found) = statat(base, name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
    let changed = u64::try_from(found.st_ctime).unwrap_or(u64::MAX);
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    changed.checked_add(unchanged.as_secs()).is_some_and(|until| until < now)
}

/// Removes `name` of `parent`, whatever it is; what cannot be removed in time stays. Whether it is gone.
fn remove(parent: BorrowedFd<'_>, name: &CStr, end: Instant, levels: u32) -> bool {
    let kind = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map(|found| FileType::from_raw_mode(found.st_mode));
    if kind != Ok(FileType::Directory) {
        return unlinkat(parent, name, AtFlags::empty()).is_ok();
    }
    let gone = || unlinkat(parent, name, AtFlags::REMOVEDIR).is_ok();
    if gone() {
        return true;
    }
    let Some(below) = levels.checked_sub(1) else { return false };
    let Ok(directory) = openat(parent, name, DIRECTORY, Mode::empty()) else { return false };
    let Ok(listing) = Dir::read_from(&directory) else { return false };
    for entry in listing.flatten().filter(|entry| ![c".", c".."].contains(&entry.file_name())) {
        if Instant::now() >= end {
            return false;
        }
        remove(directory.as_fd(), entry.file_name(), end, below);
    }
    gone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn place() -> (tempfile::TempDir, Places) {
        let directory = tempfile::tempdir().unwrap();
        let places = Places(vec![directory.path().to_owned()]);
        (directory, places)
    }

    fn with_pid(pid: u32, places: &Places) -> PrivateTmp {
        create(&Start { pid, now: SystemTime::now() + Duration::from_secs(2) }, places).unwrap()
    }

    #[test]
    fn it_is_private_and_has_a_short_name() {
        let (_directory, places) = place();
        let tmp = create(&Start::probe(), &places).unwrap();
        assert_eq!(fs::metadata(tmp.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let standard = Path::new("/tmp").join(tmp.path().strip_prefix(&places.0[0]).unwrap());
        assert!(standard.as_os_str().len() <= 40, "{standard:?}");
        assert!(tmp.variables().iter().all(|(_, value)| *value == tmp.path()));
    }

    #[test]
    fn what_others_made_or_may_write_to_is_not_used() {
        let (directory, places) = place();
        let base = directory.path().join(format!("nono-{}", geteuid().as_raw()));
        symlink("/", &base).unwrap();
        let error = create(&Start::probe(), &places).unwrap_err();
        assert!(error.to_string().contains("cannot use"), "{error}");
        fs::remove_file(&base).unwrap();
        fs::create_dir(&base).unwrap();
        fs::set_permissions(&base, fs::Permissions::from_mode(0o777)).unwrap();
        let TmpError::NoPlace { passed_over } = create(&Start::probe(), &places).unwrap_err();
        assert!(passed_over[0].is_suspicious(), "{passed_over:?}");
        // The next place is taken, and the first one is told.
        let (_other, more) = place();
        let both = Places(places.0.iter().chain(&more.0).cloned().collect());
        let made = create(&Start::probe(), &both).unwrap();
        assert!(made.path().starts_with(&more.0[0]));
        assert_eq!(made.passed_over().len(), 1);
    }

    #[test]
    fn only_what_ended_commands_left_is_removed_and_no_link_is_followed() {
        let (directory, places) = place();
        let precious = directory.path().join("precious");
        fs::write(&precious, "mine").unwrap();
        // The largest number that no process has here or on macOS (99,998 there).
        let gone = with_pid(1 << 30, &places);
        fs::create_dir_all(gone.path().join("a/b/c")).unwrap();
        fs::write(gone.path().join("a/b/c/file"), "").unwrap();
        symlink(&precious, gone.path().join("link")).unwrap();
        symlink(directory.path(), gone.path().join("a/up")).unwrap();
        let running = with_pid(Start::probe().pid, &places);
        let limits = |unchanged| Limits { budget: Duration::from_mins(1), unchanged };
        assert_eq!(running.sweep_beside(&limits(Duration::from_hours(1))), 0, "changed a moment ago");
        assert_eq!(running.sweep_beside(&limits(Duration::ZERO)), 1);
        assert!(fs::symlink_metadata(gone.path()).is_err());
        assert!(fs::metadata(running.path()).is_ok());
        assert_eq!(fs::read(&precious).unwrap(), b"mine");
        assert!(running.remove(Duration::from_mins(1)));
    }

    #[test]
    fn what_goes_too_deep_or_takes_too_long_is_left() {
        let (_directory, places) = place();
        let tmp = with_pid(1 << 30, &places);
        let mut deep = tmp.path().to_owned();
        (0..100).for_each(|_| deep.push("d"));
        fs::create_dir_all(&deep).unwrap();
        assert!(!tmp.remove(Duration::from_mins(1)));
        let late = with_pid(1 << 30, &places);
        (0..100).for_each(|name| fs::write(late.path().join(name.to_string()), "").unwrap());
        assert!(!late.remove(Duration::ZERO));
    }
}
