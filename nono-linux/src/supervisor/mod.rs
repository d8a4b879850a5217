//! Capabilities at run time: a program asks for a file outside its grants, the call waits, someone says yes or no, and the
//! call returns an open descriptor, or `EACCES`.
//!
//! Landlock stays the boundary. A notification that is let go on is answered by the kernel under Landlock, so nothing is lost
//! by a wrong guess there; the supervisor only ever adds, by handing over a descriptor that it opened itself. Connecting and
//! listening, where they are notified, are never let go on: what Landlock has no rule for is done here or not at all. If the
//! supervisor ends, mediated calls fail with `ENOSYS` and nothing opens: it has to live as long as a process has the filter.

mod ask;
mod broker;
pub(crate) mod call;
mod confined;
mod fast;
mod first;
mod judge;
mod launch;
mod look;
mod memory;
pub(crate) mod object;
mod serve;
pub(crate) mod socket;
mod tree;
pub(crate) mod view;

pub use judge::Judges;
pub use launch::{OnTerminal, SpawnError, spawn, spawn_on_terminal};

pub(crate) use call::{CONFINE, CONNECT, LISTEN, MEDIATED};

use crate::observe::Observer;
use crate::privileges::Privileges;
use crate::sys;
use broker::{Broker, Pending};
use fast::Granted;
use judge::{Bench, Ruling};
use launch::Known;
use nono_core::CapabilitySet;
use nono_seccomp::{ListenError, Listener};
use rustix::io::Errno;
use serve::{MOST, Pool, QUESTIONS};
use std::fmt;
use std::io;
use std::num::NonZeroU8;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;
use view::Own;

/// How many threads serve, unless it is said: with one, an open that is looked into holds up the others; more than two are
/// no faster on two processors.
const THREADS: NonZeroU8 = NonZeroU8::new(2).unwrap();

/// Serves the calls of a program that was started by [`spawn`] or [`spawn_on_terminal`].
///
/// # Examples
/// ```no_run
/// use nono_core::{Accepted, AccessMode, Backend, CapabilitySet};
/// use nono_linux::{Judges, Linux, spawn};
/// use std::process::Command;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let grants = CapabilitySet::builder().allow("/usr", AccessMode::Read)?.build()?;
/// let policy = Linux::probe().supervised().prepare(&grants, &Accepted::default())?;
/// let mut command = Command::new("/usr/bin/wc");
/// let (mut child, supervisor) = spawn(policy, command.arg("/srv/data/list"))?;
/// let rules = CapabilitySet::builder().allow("/srv/data", AccessMode::Read)?.build()?;
/// supervisor.serve(&Judges::default().rules(rules), Duration::from_secs(60))?;
/// println!("{}", child.wait()?);
/// # Ok(())
/// # }
/// ```
#[must_use = "a program whose calls are not served waits for ever, and fails when this is dropped"]
pub struct Supervisor {
    listener: Listener,
    grants: CapabilitySet,
    command: u32,
    privileges: Privileges,
    own: Result<Own, Errno>,
    threads: NonZeroU8,
    when_over: Box<dyn Fn() + Send + Sync>,
    observer: Option<Arc<Observer>>,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// Why serving ended before its time. Calls of the program fail with `ENOSYS` when the supervisor is dropped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the fields")]
pub enum ServeError {
    /// What the supervisor needs to know of itself.
    #[error("cannot look at this process's own root or descriptors in /proc")]
    Own { source: io::Error },
    /// A thread of the supervisor must not have more privileges than the program it opens files for.
    #[error("cannot give up the supervisor's privileges")]
    Privileges { source: io::Error },
    /// A thread cannot be started.
    #[error("cannot start a thread of the supervisor")]
    Thread { source: io::Error },
    /// The kernel no longer gives or takes notifications.
    #[error("cannot go on serving")]
    Listen { source: ListenError },
}

impl Supervisor {
    fn new(listener: Listener, command: u32, known: Known) -> Supervisor {
        let Known { grants, privileges, in_namespace, observer } = known;
        // A program that has ended by now, without an open that would have waited, has nothing to ask.
        let own = Some(()).filter(|()| in_namespace).and_then(|()| Own::probe_in_namespace(command).ok());
        let own = own.map_or_else(Own::probe, Ok);
        let when_over = Box::new(|| ());
        // Who looks on holds nobody up.
        let threads = if observer.is_some() { NonZeroU8::MIN } else { THREADS };
        Supervisor { listener, grants, command, privileges, own, threads, when_over, observer }
    }

    /// Serves by so many threads; 2 if it is not said.
    pub fn with_threads(self, threads: NonZeroU8) -> Supervisor {
        Supervisor { threads, ..self }
    }

    /// Calls `notice` when no process has the filter any more. [`serve`](Self::serve) may take longer to return: until a
    /// server has answered, or a file system.
    pub fn when_over(self, notice: impl Fn() + Send + Sync + 'static) -> Supervisor {
        Supervisor { when_over: Box::new(notice), ..self }
    }

    /// Serves until no process has the filter any more: the program has ended, and all that it started. Each question to the
    /// approver is no after `patience`.
    ///
    /// Blocks. The threads that open files have no more privileges than the program. A file system that hangs holds up one
    /// of them, and this at its end.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn serve(&self, judges: &Judges, patience: Duration) -> Result<(), ServeError> {
        let own = self.own.as_ref().map_err(|errno| *errno);
        let broker = own.and_then(|own| Broker::new(own, &self.grants, self.command, Bench::of(judges)));
        let broker = broker.map(|broker| broker.observed(self.observer.as_deref()));
        let broker = broker.map_err(|errno| ServeError::Own { source: errno.into() })?;
        let granted = Granted::of(&self.grants);
        let pool = Pool::new(&self.listener, &broker, &granted, &*self.when_over);
        // Asks the kernel to run target and supervisor in turn: cheaper where there is one of each. Not on every kernel.
        let _faster = self.listener.set_sync_wake_up(true);
        let (sender, questions) = sync_channel(QUESTIONS);
        let answering = &AtomicUsize::new(0);
        thread::scope(|scope| {
            let pool = &pool;
            let work = || {
                let sender = sender.clone();
                let work = move || match self.enter() {
                    Ok(()) => {
                        pool.work(&sender);
                        Ok(())
                    }
                    Err(error) => {
                        pool.end(None);
                        Err(error)
                    }
                };
                thread::Builder::new().name("nono-broker".into()).spawn_scoped(scope, work)
            };
            let asking = judges.asks().map(|approver| {
                let broker = &broker;
                let answer = move |pending, ruling| self.answer(scope, (broker, answering), pending, ruling);
                scope.spawn(move || ask::ask(&broker.bench, &questions, approver, patience, answer))
            });
            let started = (0..self.threads.get()).map(|_| work()).collect::<Result<Vec<_>, _>>();
            let mut workers = started.map_err(|source| {
                pool.end(None);
                ServeError::Thread { source }
            })?;
            while pool.needs_another() {
                // One that cannot be started now is needed again a moment later.
                workers.extend(work());
            }
            for worker in workers {
                worker.join().unwrap_or(Ok(()))?;
            }
            drop(sender);
            // An approver that panicked has answered nothing: its questions were refused.
            let _asked = asking.map(ScopedJoinHandle::join);
            Ok(())
        })?;
        pool.failed().map_or(Ok(()), |source| Err(ServeError::Listen { source }))
    }

    /// Answers a question that was ruled, by a thread of its own: opening may take long, and answers come no faster than
    /// threads start.
    fn answer<'scope, 'l: 'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        (broker, answering): (&'scope Broker<'_>, &'scope AtomicUsize),
        pending: Pending<'l>,
        ruling: Ruling<'scope>,
    ) {
        if answering.fetch_add(1, Ordering::Relaxed) >= MOST {
            answering.fetch_sub(1, Ordering::Relaxed);
            return pending.refuse();
        }
        let late = move || {
            // Without it the call fails, as its notification is dropped.
            serve::settle(self.enter().map_or(Ok(()), |()| broker.answer_late(pending, ruling)));
            answering.fetch_sub(1, Ordering::Relaxed);
        };
        // Likewise where no thread can be started.
        let _started = thread::Builder::new().name("nono-answer".into()).spawn_scoped(scope, late);
    }

    /// Makes a thread fit to open files for the program: no privileges that it lacks, a umask of its own, which is none, and no
    /// signals, which could interrupt an answer on its way.
    fn enter(&self) -> Result<(), ServeError> {
        sys::block_signals().map_err(|source| ServeError::Thread { source })?;
        self.privileges.drop().map_err(|errno| ServeError::Privileges { source: errno.into() })?;
        sys::unshare_file_system_state().map_err(|source| ServeError::Own { source })?;
        rustix::process::umask(rustix::fs::Mode::empty());
        Ok(())
    }
}
