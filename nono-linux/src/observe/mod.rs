//! Learn and explain: records what a program asks for, and what the model says of it.
//!
//! Every call by a path or an address that can be refused is notified, looked at, and let go on: the kernel answers it, under
//! Landlock. Nothing is decided here and no outcome changes. (What the filter refuses by itself is notified too, and is
//! answered as the filter would have: from the same rules and the same registers. If the observer ends, it fails with
//! `ENOSYS`, and nothing opens.) So what is read of a program's memory may be changed by the program meanwhile, and what is
//! remembered of paths may be out of date: a report is wrong then, and nothing else.
//!
//! A call that makes or moves something is looked into before it goes on, for afterwards what it names is something else. An
//! open of what is there is let go on first, as soon as its path is copied and it is known where that starts: what it costs
//! is two system calls then, and the look happens while the program works. The report may be about what took the place of the
//! object in between, or name a program that was executed right after.
//!
//! Where a supervisor acts on a call, it is counted as refused first, and taken back if the supervisor gives what was asked for
//! (`Sighting`). A file system that hangs holds up who looks, and no other call: those are answered unseen meanwhile.

mod call;
mod exclusive;
mod record;
mod refusal;
mod request;
mod sight;
mod socket;

pub use record::{Observations, Refused, What};
pub use refusal::RefusedCall;

pub(crate) use call::CALLS;

use crate::abi::Kernel;
use crate::filter::Filtering;
use call::Asked;
use exclusive::Exclusive;
use nono_core::{Accepted, CapabilitySet, Decision, FsAccess, NetworkMode, OpenFlags, Request, Rule, decide};
use nono_seccomp::{Action, BuildError, Errno as Answer, ListenError, Notification};
use record::Record;
use refusal::Verdicts;
use request::{Meaning, Pinned, is_permitted};
use rustix::io::Errno;
use sight::Sight;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Looks at the calls of a program, as [`Linux::observed`](crate::Linux::observed) has it; made with the policy.
pub struct Observer {
    set: CapabilitySet,
    names: RandomState,
    /// Whether what the filter refuses fails.
    refuses: bool,
    verdicts: Verdicts,
    sight: Exclusive<Sight>,
    record: Mutex<Record>,
}

/// A call that was counted as refused, and that a supervisor may yet give.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighting {
    thread: u32,
    at: usize,
}

/// A call that a supervisor acts on, and what was seen of it.
pub(crate) type Handed<'l> = (Notification<'l>, Option<Sighting>);

/// Whose calls are looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answering {
    /// Those of programs with a mount namespace of their own.
    pub(crate) namespaced: bool,
    /// Those of programs that are restricted: what their filter refuses fails. Of others nothing does.
    pub(crate) refuses: bool,
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("set", &self.set).finish_non_exhaustive()
    }
}

/// Why there is no observer.
#[derive(Debug)]
pub(crate) enum ObserverError {
    /// `/proc/self/fd` cannot be opened.
    Own(Errno),
    Filter(BuildError),
}

impl Observer {
    /// Of a program with `set` and `filtering`.
    pub(crate) fn new(
        set: &CapabilitySet,
        (kernel, accepted): (&Kernel, &Accepted),
        filtering: &Filtering,
        answering: Answering,
    ) -> Result<Observer, ObserverError> {
        let verdicts = Verdicts::new(set, kernel, accepted, filtering).map_err(ObserverError::Filter)?;
        let sight = Sight::new(answering.namespaced).map_err(ObserverError::Own)?;
        let (sight, record) = (Exclusive::new(sight), Mutex::default());
        let (set, names, refuses) = (set.clone(), RandomState::new(), answering.refuses);
        Ok(Observer { set, names, refuses, verdicts, sight, record })
    }

    /// What was seen so far.
    pub fn observations(&self) -> Observations {
        self.record().observations()
    }

    /// Looks at a call and lets it go on, or fail as the filter has it. Gives it back if a supervisor acts on it.
    pub(crate) fn watch<'l>(&self, notification: Notification<'l>) -> Result<Option<Handed<'l>>, ListenError> {
        match self.verdicts.of(notification.call()) {
            Action::Errno(number) => {
                let errno = Answer::new(i32::from(number)).unwrap_or(Answer::EPERM);
                self.look(|sight| self.see_refused(sight, &notification, errno));
                if self.refuses { notification.fail(errno) } else { notification.resume() }.map(|_| None)
            }
            Action::Notify => {
                let look =
                    |sight: &mut Sight| self.pin(sight, &notification).and_then(|pinned| self.see(sight, pinned));
                let sighting = self.look(look).flatten();
                Ok(Some((notification, sighting)))
            }
            _ => self.see_and_resume(notification).map(|()| None),
        }
    }

    /// A supervisor gave what was counted as refused.
    pub(crate) fn given(&self, Sighting { thread, at }: Sighting) {
        self.record().given(thread, at);
    }

    /// Looks by `act`, unless another thread is held up by what it looks at: then nothing is seen of a call.
    fn look<T>(&self, act: impl FnOnce(&mut Sight) -> T) -> Option<T> {
        let seen = self.sight.with(act);
        if seen.is_none() {
            self.record().unknown();
        }
        seen
    }

    fn see_and_resume(&self, notification: Notification<'_>) -> Result<(), ListenError> {
        let mut waiting = Some(notification);
        let resumed = self.look(|sight| {
            let Some((pinned, at_leisure)) = waiting.as_ref().and_then(|call| self.read(sight, call)) else {
                return Ok(());
            };
            if let Some(notification) = waiting.take_if(|_| at_leisure) {
                notification.resume()?;
            }
            self.see(sight, pinned);
            Ok(())
        });
        resumed.unwrap_or(Ok(()))?;
        waiting.map_or(Ok(()), |notification| notification.resume().map(drop))
    }

    /// A call that fails whatever it is about. Where it is about a path or a port, that is what is told.
    fn see_refused(&self, sight: &mut Sight, notification: &Notification<'_>, errno: Answer) {
        if let Some(pinned) = self.pin(sight, notification) {
            self.see(sight, pinned);
            return;
        }
        let Some(thread) = sight.meet(notification) else { return self.record().unknown() };
        let told = self.verdicts.told(notification.call(), errno);
        let who = sight.introduce(thread);
        self.record().refused(thread, who, What::Call(told), None);
    }

    fn pin(&self, sight: &mut Sight, notification: &Notification<'_>) -> Option<Pinned> {
        self.read(sight, notification).map(|(pinned, _)| pinned)
    }

    /// Copies what a call is about, and tells whether the rest may be found out when it has gone on.
    fn read(&self, sight: &mut Sight, notification: &Notification<'_>) -> Option<(Pinned, bool)> {
        let asked = Asked::read(notification)?;
        let Some(thread) = sight.meet(notification) else {
            self.record().unknown();
            return None;
        };
        match asked {
            Asked::ChangeDirectory => {
                sight.forget_directories_of_threads();
                return None;
            }
            Asked::Execute(..) => {
                // Before it is another program: who asks is the one that executes.
                let _known = sight.introduce(thread);
            }
            _ => {}
        }
        let at_leisure = asked.changes_nothing();
        let pinned = Pinned::new(sight, thread, asked).ok();
        if pinned.is_none() {
            self.record().unknown();
        }
        // What is there of a process goes with it.
        let of_process = |pinned: &Pinned| pinned.first_name().is_some_and(|name| name.starts_with(b"/proc/"));
        pinned.map(|pinned| {
            let at_leisure = at_leisure && !of_process(&pinned);
            (pinned, at_leisure)
        })
    }

    /// Finds out what a call is about, and what the model says to it; where it is about an open that is refused, where that is
    /// counted.
    fn see(&self, sight: &mut Sight, pinned: Pinned) -> Option<Sighting> {
        let (thread, executes) = (pinned.thread, pinned.executes());
        let name = self.names.hash_one(pinned.first_name());
        let mut counted = None;
        match pinned.meaning(sight, &self.set) {
            Meaning::Asks(requests, around) => {
                counted = self.judge(sight, thread, &requests, around);
                if requests.iter().any(changes_ways) {
                    sight.forget_ways();
                }
            }
            Meaning::AnyPort => self.see_port(sight, thread, What::AnyPort),
            Meaning::Listens(port) => {
                let bind = port.map(|port| Request::Bind { port });
                let allowed = |request: &Request| decide(&self.set, request).is_allowed();
                // A port that was asked for by its number was told of when it was.
                let told = |request: Request| self.record().knows(&What::Request(request));
                if !bind.as_ref().is_some_and(allowed) && !bind.is_some_and(told) {
                    self.see_port(sight, thread, What::Listen);
                }
            }
            Meaning::Missing => self.record().missing(name),
            Meaning::Nothing => {}
            Meaning::Unknown => self.record().unknown(),
        }
        if executes {
            sight.forget_program(thread);
        }
        counted.map(|at| Sighting { thread, at })
    }

    /// What only an open network allows.
    fn see_port(&self, sight: &mut Sight, thread: u32, what: What) {
        if *self.set.network() != NetworkMode::AllowAll {
            let who = sight.introduce(thread);
            self.record().refused(thread, who, what, None);
        }
    }

    fn judge(&self, sight: &mut Sight, thread: u32, requests: &[Request], around: FsAccess) -> Option<usize> {
        // Most files are in a directory whose rights are known; a grant of the file alone could but add to them.
        let plain = matches!(requests, [Request::Open { flags, .. }] if around.contains(needed(*flags)));
        if plain && !self.record().waits_for(thread) {
            return None;
        }
        let (mut refused, mut counted) = (false, None);
        for request in requests {
            let Decision::Denied(denial) = decide(&self.set, request) else { continue };
            refused = true;
            // What is denied may be covered by something that nobody may touch.
            if matches!(denial.rule, Rule::Denied { .. }) || is_permitted(sight, thread, request) {
                let who = sight.introduce(thread);
                counted = self.record().refused(thread, who, What::Request(request.clone()), Some(denial));
            }
        }
        if let (false, Some(request)) = (refused, requests.first()) {
            self.record().allowed(thread, request);
        }
        counted
    }

    /// A thread that panicked while it looked has forgotten a call; what it knew before is whole.
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What opening a file that is no directory takes.
fn needed(flags: OpenFlags) -> FsAccess {
    [
        (OpenFlags::READ, FsAccess::READ_FILE),
        (OpenFlags::WRITE, FsAccess::WRITE_FILE),
        (OpenFlags::TRUNCATE, FsAccess::TRUNCATE),
        (OpenFlags::CREATE, FsAccess::MAKE_REG),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .map(|(_, access)| access)
    .collect()
}

/// Whether names that lead through what is made, moved or removed lead elsewhere then.
fn changes_ways(request: &Request) -> bool {
    use nono_core::NodeKind::{Directory, Symlink};
    match request {
        Request::Make { kind, .. } | Request::Remove { kind, .. } => matches!(kind, Directory | Symlink),
        Request::Rename { kind, replaces, .. } => {
            matches!(kind, Directory | Symlink) || matches!(replaces, Some(Directory | Symlink))
        }
        _ => false,
    }
}
