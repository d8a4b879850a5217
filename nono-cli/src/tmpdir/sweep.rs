//! Removing, at a start, what earlier commands left in a base.
//!
//! A private directory is left over when its leader is gone and nothing in it changed for an hour; for a
//! week, if its leader's pid is of another namespace. It is first condemned, renamed to a name that says
//! so: a removal that runs out of time is itself a change, and would have to wait another hour. One
//! process sweeps at a time; others go on with their start. A sweep that was not interrupted in a
//! removal leaves a mark, and for a minute no other looks (for a second, if there was more to look at),
//! so that starting many commands does not list all their directories each time.

use super::age::{self, Look, Search};
use super::leader::{Leader, Start};
use super::name::{self, Entry, Name};
use super::open;
use super::place::{Base, Kind};
use super::tree::{self, Deadline, LISTING_BYTES, Outcome};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{FileType, FlockOperation, Mode, RawDir, Timespec, Timestamps};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The mark: locked by who sweeps, its time set when a sweep ends. A directory, because a file could be
/// a hard link to one elsewhere, whose time we would then set.
const MARK: &CStr = c".swept";

/// How long after a sweep that did not come to the end there is no other: who starts a thousand commands an hour leaves more
/// than one sweep a minute removes, and 5 ms a second are no burden.
const AGAIN: Duration = Duration::from_secs(1);

/// When a directory is left over, and how long a sweep may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(super) now: SystemTime,
    /// Time for one sweep.
    pub(super) budget: Duration,
    /// How long nothing must have changed if the leader is gone.
    pub(super) unchanged: Duration,
    /// The same, if its pid is of another namespace.
    pub(super) unchanged_elsewhere: Duration,
    /// How long after a sweep there is no other.
    pub(super) pause: Duration,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Private directories removed.
    pub(crate) removed: u32,
    /// Left over, but something in them cannot be removed.
    pub(crate) left: u32,
    /// In use, or changed too recently.
    pub(crate) kept: u32,
    /// The time was over before everything was looked at.
    pub(crate) late: bool,
}

/// What is to be done about a private directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Keep,
    Condemn,
    Late,
}

struct Sweep<'a> {
    base: &'a Base,
    /// Owner of the base, and of every private directory in it.
    owner: u32,
    start: &'a Start,
    limits: &'a Limits,
    deadline: Deadline,
}

impl Limits {
    /// Five milliseconds a start and at most once a minute or, while there is more than that, a second, for what did not change
    /// for an hour.
    pub(crate) fn standard() -> Self {
        let hour = Duration::from_hours(1);
        Self {
            now: SystemTime::now(),
            budget: Duration::from_millis(5),
            unchanged: hour,
            unchanged_elsewhere: 7 * 24 * hour,
            pause: Duration::from_mins(1),
        }
    }

    /// The time `age` ago, in seconds since 1970.
    fn before(&self, age: Duration) -> i64 {
        seconds(self.now).saturating_sub(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
    }
}

/// Removes what is left over in `base`, as seen from the process `start`. Whatever goes wrong, the rest
/// is left for a later start.
pub(super) fn sweep(base: &Base, start: &Start, limits: &Limits) -> Swept {
    let deadline = Deadline::after(limits.budget);
    let Some(turn) = take_turn(base, limits) else { return Swept::default() };
    let Ok(found) = rustix::fs::fstat(&base.handle) else { return Swept::default() };
    let Ok(listing) = open::listable(base.handle.as_fd()) else { return Swept::default() };
    let (swept, interrupted) = Sweep { base, owner: found.st_uid, start, limits, deadline }.run(&listing);
    let ended = match swept.late {
        // The mark may be new: what was interrupted is gone on with at the next start.
        true if interrupted => 0,
        true => limits.before(limits.pause.saturating_sub(AGAIN)),
        false => seconds(limits.now),
    };
    let ended = Timespec { tv_sec: ended, tv_nsec: 0 };
    let _ = rustix::fs::futimens(&turn, &Timestamps { last_access: ended, last_modification: ended });
    swept
}

impl Sweep<'_> {
    /// Goes through the base. Also tells whether a removal was interrupted.
    fn run(&self, listing: &OwnedFd) -> (Swept, bool) {
        let mut swept = Swept::default();
        let mut buffer = [MaybeUninit::uninit(); LISTING_BYTES];
        let mut entries = RawDir::new(listing, &mut buffer);
        while let Some(Ok(entry)) = entries.next() {
            if self.deadline.is_over() {
                swept.late = true;
                break;
            }
            let name = entry.file_name();
            let Some(found) = name::parse(name.to_bytes()) else { continue };
            let outcome = match self.judge(name, found) {
                Verdict::Keep => {
                    swept.kept += 1;
                    continue;
                }
                Verdict::Condemn => condemn(self.base, name.to_bytes(), &self.deadline),
                Verdict::Late => Outcome::Unfinished,
            };
            match outcome {
                Outcome::Gone => swept.removed += 1,
                Outcome::Left => swept.left += 1,
                Outcome::Unfinished => {
                    swept.late = true;
                    return (swept, true);
                }
            }
        }
        (swept, false)
    }

    /// Judges an entry, cheap questions first.
    fn judge(&self, name: &CStr, found: Entry) -> Verdict {
        let Ok(stat) = age::entry(self.base.handle.as_fd(), name) else { return Verdict::Keep };
        let mode = Mode::from_raw_mode(stat.stx_mode.into());
        let directory = FileType::from_raw_mode(stat.stx_mode.into()) == FileType::Directory;
        // A command's own file among ours has our mode and kind of name only by intent.
        let like_ours = self.base.kind == Kind::Own || mode == Mode::RWXU;
        if !directory || stat.stx_uid != self.owner || !like_ours {
            return Verdict::Keep;
        }
        match found {
            Entry::Dying => Verdict::Condemn,
            Entry::Private(leader) => self.judge_age(name, leader, stat.stx_ctime.tv_sec),
        }
    }

    fn judge_age(&self, name: &CStr, leader: Name, changed: i64) -> Verdict {
        if changed > self.limits.before(self.limits.unchanged) {
            return Verdict::Keep;
        }
        let before = match self.start.leader(leader) {
            Leader::Runs => return Verdict::Keep,
            Leader::Gone => self.limits.before(self.limits.unchanged),
            Leader::Elsewhere => self.limits.before(self.limits.unchanged_elsewhere),
        };
        if changed > before {
            return Verdict::Keep;
        }
        match (Search { before, deadline: &self.deadline }).below(self.base.handle.as_fd(), name) {
            Look::Unchanged => Verdict::Condemn,
            Look::Changed => Verdict::Keep,
            Look::Late => Verdict::Late,
        }
    }
}

/// Gives private directory `name` of `base` the name of a dying one, and removes it as far as the time
/// goes.
pub(super) fn condemn(base: &Base, name: &[u8], deadline: &Deadline) -> Outcome {
    let Ok(dying) = CString::new(name::dying(name)) else { return Outcome::Left };
    let base = base.handle.as_fd();
    if dying.to_bytes() != name {
        let mut renamed = rustix::fs::renameat(base, name, base, dying.as_c_str());
        if matches!(renamed, Err(Errno::NOTEMPTY | Errno::EXIST)) {
            // Another spelling of the same name was condemned before.
            match tree::remove(base, &dying, deadline) {
                Outcome::Gone => renamed = rustix::fs::renameat(base, name, base, dying.as_c_str()),
                other => return other,
            }
        }
        match renamed {
            Ok(()) => {}
            Err(Errno::NOENT) => return Outcome::Gone,
            Err(_) => return Outcome::Left,
        }
    }
    tree::remove(base, &dying, deadline)
}

/// Locks the mark until the descriptor is closed; `None` if it is somebody else's turn or nobody's.
fn take_turn(base: &Base, limits: &Limits) -> Option<OwnedFd> {
    if base.kind == Kind::Once {
        return None;
    }
    let directory = base.handle.as_fd();
    let (mark, made) = match open::inside(directory, MARK) {
        Err(Errno::NOENT) => {
            rustix::fs::mkdirat(directory, MARK, Mode::RWXU).ok()?;
            (open::inside(directory, MARK).ok()?, true)
        }
        opened => (opened.ok()?, false),
    };
    let last = age_of_mark(&mark)?;
    if !made && last > limits.before(limits.pause) && last <= seconds(limits.now) {
        return None;
    }
    rustix::fs::flock(&mark, FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(mark)
}

fn age_of_mark(mark: &OwnedFd) -> Option<i64> {
    Some(age::entry(mark.as_fd(), c".").ok()?.stx_mtime.tv_sec)
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}
