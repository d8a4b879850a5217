//! The threads that serve a listener: one leads, the others follow.
//!
//! The leader receives calls and lets go on what is granted by the text of its path, alone: that is the most of all calls,
//! and handing them to others would cost more than answering them. With a call that takes longer it becomes a worker, and
//! the next thread leads. Questions are put by a thread of their own, one after the other; they hold up nobody else.

use super::broker::{Broker, Pending};
use super::call::Open;
use super::fast::Granted;
use nono_seccomp::{ListenError, Listener, Notification, Readiness};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many questions may wait; what asks beyond that is refused.
pub(super) const QUESTIONS: usize = 64;
/// How long every worker may be busy before another one is started: a file system may hang.
const PATIENCE: Duration = Duration::from_millis(50);
/// How many threads there may be at most.
const MOST: usize = 16;

/// What the threads share.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    pub(super) listener: &'a Listener,
    pub(super) broker: &'a Broker<'a>,
    pub(super) granted: &'a Granted,
    state: Mutex<State>,
    changed: Condvar,
    /// Nobody leads and nobody waits to: every thread is at work.
    all_busy: Condvar,
}

#[derive(Debug, Default)]
struct State {
    leading: bool,
    /// Threads that wait to lead.
    following: usize,
    /// How often the lead was taken: progress.
    turns: u64,
    threads: usize,
    over: bool,
    failed: Option<ListenError>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(listener: &'a Listener, broker: &'a Broker<'a>, granted: &'a Granted) -> Pool<'a> {
        Pool { listener, broker, granted, state: Mutex::default(), changed: Condvar::new(), all_busy: Condvar::new() }
    }

    /// Serves until no process has the filter any more.
    pub(super) fn work(&self, questions: &SyncSender<Pending<'a>>) {
        self.state().threads += 1;
        let _guard = EndOnPanic(self);
        while self.take_lead() {
            match self.turn(questions) {
                Ok(true) => {}
                Ok(false) => self.end(None),
                Err(error) => self.end(Some(error)),
            }
        }
        self.state().threads -= 1;
    }

    /// Leads, and works on the call that ended it; false if none did.
    fn turn(&self, questions: &SyncSender<Pending<'a>>) -> Result<bool, ListenError> {
        let Some((notification, open)) = self.lead()? else { return Ok(false) };
        // Before the long part: the next one leads meanwhile.
        self.yield_lead();
        if let Some(pending) = self.broker.serve(notification, open)? {
            enqueue(questions, pending);
        }
        Ok(true)
    }

    /// Receives calls and answers those that take no time, until there is one that does; none when all is over.
    fn lead(&self) -> Result<Option<(Notification<'a>, Open)>, ListenError> {
        loop {
            match self.listener.poll(None)? {
                Readiness::Unused => return Ok(None),
                Readiness::DeadlinePassed => continue,
                Readiness::Waiting => {}
            }
            let Some(notification) = self.listener.recv()? else { continue };
            match Open::read(&notification) {
                Some(open) if !self.goes_on(&open) => return Ok(Some((notification, open))),
                _ => drop(notification.resume()?),
            }
        }
    }

    fn goes_on(&self, open: &Open) -> bool {
        // A mode that only drivers know is not ours either.
        open.asked().is_none_or(|flags| self.granted.covers(open.path.as_bytes(), flags))
    }

    /// Waits for the lead; false when all is over.
    fn take_lead(&self) -> bool {
        let mut state = self.state();
        state.following += 1;
        while state.leading && !state.over {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.following -= 1;
        state.leading = true;
        state.turns = state.turns.wrapping_add(1);
        !state.over
    }

    fn yield_lead(&self) {
        let mut state = self.state();
        state.leading = false;
        let next = if state.following > 0 { &self.changed } else { &self.all_busy };
        drop(state);
        next.notify_one();
    }

    pub(super) fn end(&self, failed: Option<ListenError>) {
        let mut state = self.state();
        state.over = true;
        state.failed = state.failed.take().or(failed);
        drop(state);
        self.changed.notify_all();
        self.all_busy.notify_all();
    }

    pub(super) fn failed(&self) -> Option<ListenError> {
        self.state().failed.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until every thread has been at work on one call for a while, so that another thread is needed; false when all
    /// is over. Wakes up only while all are busy.
    pub(super) fn is_stuck(&self) -> bool {
        let mut state = self.state();
        loop {
            let idle =
                |state: &mut State| !state.over && (state.leading || state.following > 0 || state.threads >= MOST);
            state = self.all_busy.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            if state.over {
                return false;
            }
            let turns = state.turns;
            let waited = self.changed.wait_timeout_while(state, PATIENCE, |state| !state.over && state.turns == turns);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if !state.over && state.turns == turns {
                return true;
            }
        }
    }
}

/// A thread that panics while it leads would leave nobody to lead.
struct EndOnPanic<'p, 'a>(&'p Pool<'a>);

impl Drop for EndOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end(None);
        }
    }
}

fn enqueue<'a>(questions: &SyncSender<Pending<'a>>, pending: Pending<'a>) {
    match questions.try_send(pending) {
        Ok(()) => {}
        Err(TrySendError::Full(pending) | TrySendError::Disconnected(pending)) => pending.refuse(),
    }
}
