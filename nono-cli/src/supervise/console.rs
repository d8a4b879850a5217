//! The two terminals of a run that is asked about on one of them: the command's, and the user's, where nono asks.

use super::keep::Kept;
use super::question;
use crate::pty::{Keys, Paused, Relay, Relaying};
use nono_core::{Approval, Approver, Patience, Question};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Signal, getpgrp};
use rustix::termios::{QueueSelector, tcflush, tcgetpgrp};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long a question is shown before it can be answered: what a person types into the program at that moment is no
/// answer, and the program may have chosen the moment.
const SETTLE: Duration = Duration::from_millis(500);
/// How long the terminal may take to show what became of a question.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// The longest line that is read.
const LONGEST: usize = 1024;

/// The user's terminal while the command runs.
#[derive(Debug)]
pub(crate) struct Console {
    /// Opened for questions; non-blocking.
    terminal: OwnedFd,
    /// From the start of the command to its end.
    relaying: RwLock<Option<Relaying>>,
    /// Readable when an open question is to be given up.
    interrupted: OwnedFd,
    closing: AtomicBool,
    /// What was answered by "always"; none where that cannot be kept.
    kept: Option<Mutex<Vec<Kept>>>,
}

/// What came instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// Nothing for too long, or nobody wants to know any more.
    Over,
    /// A key or a signal that is for the command.
    Interrupted,
}

impl Console {
    /// `terminal` must have been opened for this, and be non-blocking. `keeps`: an answer may be for always.
    pub(crate) fn new(terminal: OwnedFd, keeps: bool) -> io::Result<Console> {
        let interrupted = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let (relaying, closing, kept) = (RwLock::new(None), AtomicBool::new(false), keeps.then(Mutex::default));
        Ok(Console { terminal, relaying, interrupted, closing, kept })
    }

    /// The command runs: relays until [`finish`](Self::finish).
    pub(crate) fn begin(&self, relay: Relay, keys: Keys) -> io::Result<()> {
        let relaying = relay.start(keys)?;
        *self.relaying.write().unwrap_or_else(PoisonError::into_inner) = Some(relaying);
        Ok(())
    }

    /// Does something with the relay, if there is one.
    pub(crate) fn relaying<T>(&self, act: impl FnOnce(&Relaying) -> T) -> Option<T> {
        // A thread that panicked while it used the relay has changed nothing of where it is.
        self.relaying.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(act)
    }

    /// Takes an open question for answered by no.
    pub(crate) fn interrupt(&self) {
        // Fails only when the counter is full, and then it is readable all the more.
        let _told = rustix::io::write(&self.interrupted, &1_u64.to_ne_bytes());
    }

    /// Sends what a key means to the command, for which an open question is none any more.
    pub(crate) fn signal(&self, signal: Signal) {
        self.relaying(|relaying| relaying.signal(signal));
        self.interrupt();
    }

    /// Asks no more, shows what was printed last, and puts the terminal's modes back.
    pub(crate) fn finish(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.interrupt();
        let relaying = self.relaying.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(relaying) = relaying {
            relaying.finish();
        }
    }

    fn question(&self, paused: &Paused<'_>, question: &Question, patience: &Patience<'_>) -> Approval {
        let since = Instant::now();
        self.calm();
        self.show(&question::text(question), patience);
        if !paused.is_in_foreground() {
            self.show("      nono is in the background and cannot ask: no\n", patience);
            return Approval::Deny;
        }
        let reply = match self.wait(patience, Some(since + SETTLE)) {
            Ok(()) => {
                // Fails only for a terminal that is gone.
                let _flushed = tcflush(&self.terminal, QueueSelector::IFlush);
                let keeps = self.kept.is_some() && Kept::of(question).is_some();
                let prompt = if keeps { question::LASTING_PROMPT } else { question::PROMPT };
                self.show(prompt, patience);
                self.line(patience, || paused.is_in_foreground())
            }
            Err(silence) => Err(silence),
        };
        let said = match reply {
            Ok(line) if question::is_always(&line) && self.keep(question) => return Approval::File,
            Ok(line) => match question::answer(&line) {
                Some(approval) => return approval,
                None => "      not understood: no\n".to_owned(),
            },
            Err(Silence::Over) => {
                format!("\n      no answer in {} s: no\n", since.elapsed().as_secs_f64().round())
            }
            Err(Silence::Interrupted) => "\n      interrupted: no\n".to_owned(),
        };
        self.show(&said, &Patience::new(Instant::now() + LAST_WORDS, &|| true));
        Approval::Deny
    }

    /// Remembers an answer for the end; false where it cannot be.
    fn keep(&self, question: &Question) -> bool {
        let kept = self.kept.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner));
        kept.zip(Kept::of(question)).map(|(mut kept, one)| kept.push(one)).is_some()
    }

    /// What was answered by "always" so far.
    pub(super) fn kept(&self) -> Vec<Kept> {
        let kept = self.kept.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clone());
        kept.unwrap_or_default()
    }

    /// Shows `text` and asks whether it is right, when the command has ended and the terminal is the user's again.
    pub(super) fn confirm(&self, text: &str, patience: Duration) -> bool {
        let own = || matches!(tcgetpgrp(&self.terminal), Ok(group) if group == getpgrp());
        let wanted = || true;
        let patience = Patience::new(Instant::now() + patience, &wanted);
        self.closing.store(false, Ordering::SeqCst);
        self.calm();
        if !own() {
            return false;
        }
        // What was typed for the command is no answer. It fails for a terminal that is gone alone.
        let _flushed = tcflush(&self.terminal, QueueSelector::IFlush);
        self.show(text, &patience);
        self.show(question::KEEP_PROMPT, &patience);
        let said = self.line(&patience, own);
        self.closing.store(true, Ordering::SeqCst);
        said.is_ok_and(|line| question::is_yes(&line))
    }

    /// Reads a line, as long as nono is in the foreground.
    fn line(&self, patience: &Patience<'_>, in_foreground: impl Fn() -> bool) -> Result<Vec<u8>, Silence> {
        let mut line = Vec::new();
        loop {
            self.wait(patience, None)?;
            // It would stop nono (SIGTTIN).
            if !in_foreground() {
                return Err(Silence::Interrupted);
            }
            let mut block = [0; 256];
            match retry_on_intr(|| rustix::io::read(&self.terminal, &mut block)) {
                Err(Errno::AGAIN) => {}
                // The end of input, typed (`^D`), or a terminal that is gone: no line.
                Ok(0) | Err(_) => return Ok(Vec::new()),
                Ok(count) => line.extend_from_slice(block.get(..count).unwrap_or_default()),
            }
            // A program that shares the terminal (a pager) may have switched off that Enter is a new line.
            if let Some(end) = line.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                line.truncate(end);
                return Ok(line);
            }
            if line.len() > LONGEST {
                return Ok(line);
            }
        }
    }

    /// Waits for `time`, or for something to read, as long as there is reason to.
    fn wait(&self, patience: &Patience<'_>, time: Option<Instant>) -> Result<(), Silence> {
        loop {
            let now = Instant::now();
            if patience.is_over() {
                return Err(Silence::Over);
            }
            if time.is_some_and(|time| now >= time) {
                return Ok(());
            }
            let mut ends = [PollFd::new(&self.interrupted, PollFlags::IN), PollFd::new(&self.terminal, PollFlags::IN)];
            let left = time.map_or(Duration::MAX, |time| time.saturating_duration_since(now));
            let left = Timespec::try_from(left.min(patience.next_look())).ok();
            let polled = if time.is_none() { &mut ends[..] } else { &mut ends[..1] };
            retry_on_intr(|| poll(polled, left.as_ref())).map_err(|_errno| Silence::Interrupted)?;
            let [interrupted, typed] = ends.map(|end| !end.revents().is_empty());
            if interrupted || self.closing.load(Ordering::SeqCst) {
                return Err(Silence::Interrupted);
            }
            if typed {
                return Ok(());
            }
        }
    }

    /// What was said before the question is not about it.
    fn calm(&self) {
        if !self.closing.load(Ordering::SeqCst) {
            // EAGAIN: nothing was said.
            let _count = rustix::io::read(&self.interrupted, &mut [0; 8]);
        }
    }

    /// Writes as much as the terminal takes in time.
    fn show(&self, text: &str, patience: &Patience<'_>) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match retry_on_intr(|| rustix::io::write(&self.terminal, rest)) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::AGAIN) if !patience.is_over() => {
                    let left = Timespec::try_from(patience.next_look()).ok();
                    let polled = &mut [PollFd::new(&self.terminal, PollFlags::OUT)];
                    // It fails for a signal alone, and the time is looked at again.
                    let _polled = poll(polled, left.as_ref());
                }
                Err(_) => return,
            }
        }
    }
}

/// Asks the user. The command is cut off from the terminal meanwhile.
#[derive(Debug)]
pub(crate) struct TerminalApprover(pub(crate) std::sync::Arc<Console>);

impl Approver for TerminalApprover {
    fn name(&self) -> &'static str {
        "terminal"
    }

    fn ask(&self, question: &Question, patience: &Patience<'_>) -> Approval {
        let asked = self.0.relaying(|relaying| self.0.question(&relaying.pause(), question, patience));
        asked.unwrap_or(Approval::Deny)
    }
}
