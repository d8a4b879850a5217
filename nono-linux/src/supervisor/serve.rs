//! The threads that serve a listener: one leads, the others follow.
//!
//! The leader receives calls and answers them itself: handing one to another thread costs as much as opening a file. Only
//! where calls come faster than it answers does it leave the lead to another before it opens something. Questions are put by
//! a thread of their own; they hold up nobody. A file system that hangs may hold a thread up: then it loses the lead, and
//! where every thread hangs, another one is started.

use super::broker::{Broker, Pending};
use super::call::{Open, confines};
use super::fast::Granted;
use super::socket::SocketCall;
use crate::observe::Handed;
use nono_core::OpenFlags;
use nono_seccomp::{ListenError, Listener, Notification, Readiness};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many questions may wait; what asks beyond that is refused.
pub(super) const QUESTIONS: usize = 64;
/// How long a thread may be at one call before another one takes its place.
const PATIENCE: Duration = Duration::from_millis(100);
/// How many threads there may be at most.
pub(super) const MOST: usize = 64;
/// After a call that kept another waiting, so many are answered with the lead left to another thread.
const SHARED: u32 = 64;

/// What the threads share.
pub(super) struct Pool<'a> {
    listener: &'a Listener,
    broker: &'a Broker<'a>,
    granted: &'a Granted,
    when_over: &'a (dyn Fn() + Send + Sync),
    state: Mutex<State>,
    /// The lead is free, or all is over.
    free: Condvar,
    /// Something to watch again, or all is over.
    watch: Condvar,
    /// How many calls were received: progress.
    turns: AtomicU64,
    /// The leader waits for a call.
    waiting: AtomicBool,
    /// Nobody watches, for nothing happens.
    unwatched: AtomicBool,
    /// How many calls more are answered with the lead left to another thread.
    shared: AtomicU32,
    /// Whose call was received last, and whether one waited when it was answered.
    last: AtomicU32,
    kept_waiting: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Which term it is, if somebody leads: a leader that lost the lead finds another number.
    leading: Option<u64>,
    terms: u64,
    following: usize,
    threads: usize,
    over: bool,
    failed: Option<ListenError>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(
        listener: &'a Listener,
        broker: &'a Broker<'a>,
        granted: &'a Granted,
        when_over: &'a (dyn Fn() + Send + Sync),
    ) -> Pool<'a> {
        Pool {
            listener,
            broker,
            granted,
            when_over,
            state: Mutex::default(),
            free: Condvar::new(),
            watch: Condvar::new(),
            turns: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
            unwatched: AtomicBool::new(false),
            shared: AtomicU32::new(0),
            last: AtomicU32::new(0),
            kept_waiting: AtomicBool::new(false),
        }
    }

    /// Serves until no process has the filter any more.
    pub(super) fn work(&self, questions: &SyncSender<Pending<'a>>) {
        self.state().threads += 1;
        let _guard = EndOnPanic(self);
        while let Some(term) = self.take_lead() {
            match self.lead(term, questions) {
                Ok(true) => {}
                Ok(false) => self.end(None),
                Err(error) => self.end(Some(error)),
            }
        }
        self.state().threads -= 1;
    }

    /// Receives and answers calls as long as the lead lasts; false if all is over.
    fn lead(&self, term: u64, questions: &SyncSender<Pending<'a>>) -> Result<bool, ListenError> {
        while self.state().leading == Some(term) {
            self.waiting.store(true, Ordering::Relaxed);
            let ready = self.listener.poll(None)?;
            self.waiting.store(false, Ordering::Relaxed);
            if ready == Readiness::Unused {
                return Ok(false);
            }
            // Before it is received: whoever asked may have been killed since, and then a kernel before 6.12 holds this
            // thread up until the next call, for ever if there is none. Another thread finds out that there is none.
            if self.unwatched.load(Ordering::Relaxed) {
                self.wake_the_watch();
            }
            let Some(notification) = self.listener.recv()? else { continue };
            self.turns.fetch_add(1, Ordering::Relaxed);
            let Some((notification, sighting)) = self.watch(notification) else { continue };
            if confines(&notification) {
                settle(self.broker.confine(notification));
                continue;
            }
            if let Some(call) = SocketCall::read(&notification) {
                let waits = call.as_ref().is_ok_and(SocketCall::may_block);
                if waits {
                    self.leave_lead(term);
                }
                settle(self.broker.serve_socket(notification, call));
                if waits {
                    return Ok(true);
                }
                continue;
            }
            match Open::read(&notification) {
                Some(open) if !self.goes_on(&open) => {
                    if self.serve(term, (notification, sighting), open, questions)? {
                        return Ok(true);
                    }
                }
                _ => settle(notification.resume()),
            }
        }
        Ok(true)
    }

    /// Has a call looked at; none if that answered it.
    fn watch(&self, notification: Notification<'a>) -> Option<Handed<'a>> {
        let Some(observer) = self.broker.observer else { return Some((notification, None)) };
        observer.watch(notification).unwrap_or_else(|error| {
            settle::<()>(Err(error));
            None
        })
    }

    fn goes_on(&self, open: &Open) -> bool {
        // What may have to be made is not there for whoever may read. A mode that only drivers know is not ours either.
        let creates = if open.creates() { OpenFlags::CREATE } else { OpenFlags::empty() };
        open.asked().is_none_or(|flags| self.granted.covers(open.path.as_bytes(), flags | creates))
    }

    /// Answers a call that takes longer; whether the lead was left or lost.
    fn serve(
        &self,
        term: u64,
        handed: Handed<'a>,
        open: Open,
        questions: &SyncSender<Pending<'a>>,
    ) -> Result<bool, ListenError> {
        let shared = self.is_shared(handed.0.thread());
        if shared {
            self.leave_lead(term);
        }
        match self.broker.serve(handed, open) {
            Ok(Some(pending)) => enqueue(questions, pending),
            served => settle(served),
        }
        if !shared {
            let waits = self.listener.poll(Some(Instant::now()))? == Readiness::Waiting;
            self.kept_waiting.store(waits, Ordering::Relaxed);
        }
        Ok(shared || self.state().leading != Some(term))
    }

    /// Whether the lead is left for a call of `thread`: another thread's call was answered right before, and this one was
    /// kept waiting by it. A thread that asks again at once has kept nobody waiting.
    fn is_shared(&self, thread: Option<u32>) -> bool {
        let thread = thread.unwrap_or_default();
        let others = self.last.swap(thread, Ordering::Relaxed) != thread;
        if others && self.kept_waiting.swap(false, Ordering::Relaxed) {
            self.shared.store(SHARED, Ordering::Relaxed);
        }
        let shared = self.shared.load(Ordering::Relaxed);
        self.shared.store(shared.saturating_sub(1), Ordering::Relaxed);
        shared > 0
    }

    /// Waits for the lead; none when all is over.
    fn take_lead(&self) -> Option<u64> {
        let mut state = self.state();
        state.following += 1;
        let mut state = self
            .free
            .wait_while(state, |state| state.leading.is_some() && !state.over)
            .unwrap_or_else(PoisonError::into_inner);
        state.following -= 1;
        state.terms = state.terms.wrapping_add(1);
        state.leading = Some(state.terms);
        (!state.over).then_some(state.terms)
    }

    fn leave_lead(&self, term: u64) {
        let mut state = self.state();
        if state.leading == Some(term) {
            state.leading = None;
            drop(state);
            self.free.notify_one();
        }
    }

    pub(super) fn end(&self, failed: Option<ListenError>) {
        let mut state = self.state();
        let first = !std::mem::replace(&mut state.over, true);
        state.failed = state.failed.take().or(failed);
        drop(state);
        self.free.notify_all();
        self.watch.notify_all();
        if first {
            (self.when_over)();
        }
    }

    /// Why it ended, if that was too early.
    pub(super) fn failed(&self) -> Option<ListenError> {
        self.state().failed.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_the_watch(&self) {
        // With the lock: the watch holds it from saying that it sleeps until it does.
        let state = self.state();
        self.unwatched.store(false, Ordering::Relaxed);
        drop(state);
        self.watch.notify_all();
    }

    /// Watches until another thread is needed; false when all is over. Takes the lead from a thread that is held up. Wakes up
    /// now and then while there are calls, and not at all while there are none.
    pub(super) fn needs_another(&self) -> bool {
        let mut state = self.state();
        loop {
            let turns = self.turns.load(Ordering::Relaxed);
            let waited = self.watch.wait_timeout_while(state, PATIENCE, |state| !state.over);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.over {
                return false;
            }
            if self.turns.load(Ordering::Relaxed) != turns {
                continue;
            }
            if self.waiting.load(Ordering::Relaxed) {
                self.unwatched.store(true, Ordering::Relaxed);
                let asleep = |state: &mut State| !state.over && self.unwatched.load(Ordering::Relaxed);
                state = self.watch.wait_while(state, asleep).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.leading = None;
            if state.following > 0 {
                self.free.notify_one();
            } else if state.threads < MOST {
                return true;
            } else {
                // Nobody is left to find out that there is nobody to serve.
                drop(state);
                match self.listener.poll(Some(Instant::now())) {
                    Ok(Readiness::Unused) => self.end(None),
                    Ok(_) => {}
                    Err(error) => self.end(Some(error)),
                }
                state = self.state();
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

/// What goes wrong with one call is that call's: it fails with `EPERM`, and the others are served. Only a listener that
/// receives nothing any more is the end.
pub(super) fn settle<T>(served: Result<T, ListenError>) {
    if let Err(error) = served {
        tracing::warn!(%error, "a call was not answered as it should have been");
    }
}

fn enqueue<'a>(questions: &SyncSender<Pending<'a>>, pending: Pending<'a>) {
    match questions.try_send(pending) {
        Ok(()) => {}
        Err(TrySendError::Full(pending) | TrySendError::Disconnected(pending)) => pending.refuse(),
    }
}
