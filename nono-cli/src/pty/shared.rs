//! What was asked of the relaying thread, and what it has done: the thread alone sets the terminal's modes.

use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What the thread is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Carry bytes both ways.
    Relay,
    /// Carry nothing; the terminal is nono's, in its own modes.
    Hold,
    /// Carry nothing; the terminal is about to be somebody else's.
    Suspend,
    /// Carry what is printed; the keys are nobody's any more, and the terminal has its own modes.
    Outlive,
    /// Show what is left, and end.
    End,
}

/// What goes before any question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Going,
    Suspended,
    Ending,
}

#[derive(Debug)]
struct State {
    course: Course,
    /// How many questions are open.
    pauses: usize,
    /// Counts what was asked.
    asked: u64,
    /// The last that was done.
    done: u64,
    /// The thread has ended.
    over: bool,
    /// The command has ended.
    outlived: bool,
}

impl State {
    fn phase(&self) -> Phase {
        match self.course {
            Course::Ending => Phase::End,
            Course::Suspended => Phase::Suspend,
            Course::Going if self.pauses > 0 => Phase::Hold,
            Course::Going if self.outlived => Phase::Outlive,
            Course::Going => Phase::Relay,
        }
    }
}

/// Between the thread and those who control it.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Readable when something was asked.
    wake: OwnedFd,
}

impl Shared {
    pub(super) fn new() -> io::Result<Shared> {
        let state = State { course: Course::Going, pauses: 0, asked: 1, done: 0, over: false, outlived: false };
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Shared { state: Mutex::new(state), changed: Condvar::new(), wake })
    }

    /// One more question is open.
    pub(super) fn pause(&self) {
        self.ask(|state| state.pauses = state.pauses.saturating_add(1));
    }

    /// One question less.
    pub(super) fn unpause(&self) {
        self.ask(|state| state.pauses = state.pauses.saturating_sub(1));
    }

    pub(super) fn suspend(&self) {
        self.ask(|state| state.course = Course::Suspended);
    }

    pub(super) fn resume(&self) {
        self.ask(|state| state.course = Course::Going);
    }

    pub(super) fn outlive(&self) {
        self.ask(|state| state.outlived = true);
    }

    /// The last that is asked.
    pub(super) fn end(&self) {
        self.ask(|state| state.course = Course::Ending);
    }

    /// Waits until the thread has begun.
    pub(super) fn begun(&self) {
        self.ask(|_| ());
    }

    /// Changes what is wanted, and waits until the thread has done it or ended. It never blocks but for a moment.
    fn ask(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        state.asked = state.asked.saturating_add(1);
        let mine = state.asked;
        // Fails only when the counter is full (eventfd(2)), and then it is readable all the more.
        let _woken = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        while !state.over && state.done < mine {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// For the thread: what is wanted, with its number if that is not done yet.
    pub(super) fn wanted(&self) -> (Phase, Option<u64>) {
        let state = self.lock();
        (state.phase(), Some(state.asked).filter(|asked| *asked != state.done))
    }

    /// For the thread: what has this number is done.
    pub(super) fn done(&self, number: u64) {
        self.lock().done = number;
        self.changed.notify_all();
    }

    /// For the thread: nobody needs to wait for it any more.
    pub(super) fn over(&self) {
        self.lock().over = true;
        self.changed.notify_all();
    }

    /// For the thread: to be polled for reading.
    pub(super) fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// For the thread: not readable any more, until something is asked again.
    pub(super) fn woken(&self) {
        // EAGAIN: nothing was asked.
        let _count = rustix::io::read(&self.wake, &mut [0; 8]);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of the state is complete, whoever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
