//! The thread that carries bytes between the user's terminal and the command's.
//!
//! It waits in poll(2) and nowhere else: all it reads and writes is non-blocking, so that it can be told to stop while a
//! terminal takes nothing. A descriptor is polled only for what could be done next: one that is blocked or hung up would
//! otherwise wake the thread again and again (`POLLHUP` cannot be left out, only the descriptor).

use super::Keys;
use super::ends::Ends;
use super::flow::{Flow, Outcome};
use super::modes::{Modes, is_ours};
use super::shared::{Phase, Shared};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

/// How often nono looks, in the background, whether it was brought to the foreground: a shell says so to jobs that were
/// stopped (SIGCONT), not to those that ran.
const BACKGROUND: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };

/// How long a terminal may take nothing at all before the last output is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// As much is shown of what is left in the pty when it ends. The kernel keeps less (`pty_common_install` in
/// drivers/tty/pty.c limits it to 8 KiB, a reader's buffer has 4); what goes on writing must not keep nono from ending.
const LEFT: usize = 64 * 1024;

/// The user's terminal, as the thread sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terminal {
    /// In raw mode, and may be read.
    Held,
    /// Somebody else's, or nono's for a question. It may be written to.
    Lent,
    /// Hung up: what is printed is lost, so that the command does not wait for nobody.
    Gone,
}

/// The state of the thread.
#[derive(Debug)]
pub(super) struct Pump {
    ends: Arc<Ends>,
    shared: Arc<Shared>,
    modes: Modes,
    keys: Keys,
    terminal: Terminal,
    /// The command's terminal was hung up (vhangup(2)), and all that was printed there is read.
    command_gone: bool,
    /// What was typed.
    typed: Flow,
    /// What was printed.
    printed: Flow,
}

impl Pump {
    pub(super) fn new(ends: Arc<Ends>, shared: Arc<Shared>, modes: Modes, keys: Keys) -> Pump {
        let (typed, printed) = (Flow::new(), Flow::new());
        Pump { ends, shared, modes, keys, terminal: Terminal::Lent, command_gone: false, typed, printed }
    }

    /// Does what is asked, until it is to end.
    pub(super) fn run(mut self) {
        loop {
            let (phase, number) = self.shared.wanted();
            if let Some(number) = number {
                self.enter(phase);
                self.shared.done(number);
            }
            if phase == Phase::End || self.turn(phase).is_err() {
                return;
            }
        }
    }

    fn enter(&mut self, phase: Phase) {
        match phase {
            Phase::Relay => self.claim(),
            Phase::Hold => self.release(),
            Phase::Suspend => {
                self.show_rest(Duration::ZERO);
                self.release();
            }
            Phase::Outlive => {
                self.keys = Keys::Others;
                self.release();
            }
            Phase::End => {
                self.show_rest(PATIENCE);
                self.release();
            }
        }
    }

    fn claim(&mut self) {
        if self.terminal == Terminal::Gone {
            return;
        }
        let held = self.keys == Keys::Command && self.modes.claim(self.ends.terminal.as_fd());
        self.terminal = if held { Terminal::Held } else { Terminal::Lent };
        // Others may have had it since.
        self.ends.copy_size();
    }

    fn release(&mut self) {
        self.modes.release(self.ends.terminal.as_fd());
        if self.terminal == Terminal::Held {
            self.terminal = Terminal::Lent;
        }
    }

    /// Waits for something to do, and does it once. Fails only if the kernel cannot wait.
    fn turn(&mut self, phase: Phase) -> Result<(), Errno> {
        let relay = matches!(phase, Phase::Relay | Phase::Outlive);
        let none = PollFlags::empty();
        let (terminal, master) = if relay { (self.terminal_events(), self.master_events()) } else { (none, none) };
        let background = relay && self.keys == Keys::Command && self.terminal == Terminal::Lent;
        let ends = [
            (self.shared.wake(), PollFlags::IN),
            (self.ends.terminal.as_fd(), terminal),
            (self.ends.master.as_fd(), master),
        ];
        let mut polled: Vec<PollFd<'_>> = ends
            .into_iter()
            .filter(|(_, events)| !events.is_empty())
            .map(|(end, events)| PollFd::from_borrowed_fd(end, events))
            .collect();
        retry_on_intr(|| poll(&mut polled, background.then_some(&BACKGROUND)))?;
        let hung_up = |end: &PollFd<'_>| end.revents().intersects(PollFlags::HUP | PollFlags::ERR);
        let terminal_hung_up = !terminal.is_empty() && polled.get(1).is_some_and(hung_up);
        let command_hung_up = !master.is_empty() && polled.last().is_some_and(hung_up);
        drop(polled);
        self.shared.woken();
        if terminal_hung_up {
            self.terminal = Terminal::Gone;
        }
        if command_hung_up {
            // Nobody reads it. What was printed before is still read, until the kernel says that it was all.
            self.typed.clear();
        }
        if background && is_ours(self.ends.terminal.as_fd()) {
            self.claim();
        }
        // If a question was asked meanwhile, it waits for this turn to end; nothing is carried after that.
        if relay {
            self.carry();
        }
        Ok(())
    }

    /// What to wait for at the user's terminal.
    fn terminal_events(&self) -> PollFlags {
        let mut events = PollFlags::empty();
        let read = self.terminal == Terminal::Held && !self.command_gone && self.typed.is_empty();
        events.set(PollFlags::IN, read);
        events.set(PollFlags::OUT, self.terminal != Terminal::Gone && !self.printed.is_empty());
        events
    }

    /// What to wait for at the command's terminal.
    fn master_events(&self) -> PollFlags {
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, !self.command_gone && self.printed.is_empty());
        events.set(PollFlags::OUT, !self.command_gone && !self.typed.is_empty());
        events
    }

    /// Carries what is there, in both directions.
    fn carry(&mut self) {
        if self.terminal_events().contains(PollFlags::IN) {
            // Asked each time: a shell does not say when it takes the terminal away.
            if !is_ours(self.ends.terminal.as_fd()) {
                self.terminal = Terminal::Lent;
            } else if self.typed.fill(self.ends.terminal.as_fd()) == Outcome::Gone {
                self.terminal = Terminal::Gone;
            }
        }
        if self.typed.pour(self.ends.master.as_fd()) == Outcome::Gone {
            self.command_gone = true;
        }
        if self.master_events().contains(PollFlags::IN) {
            self.take();
        }
        self.show();
    }

    /// Reads what the command has printed.
    fn take(&mut self) -> Outcome {
        let outcome = self.printed.fill(self.ends.master.as_fd());
        if outcome == Outcome::Gone {
            self.command_gone = true;
        }
        outcome
    }

    /// Writes what the command has printed to the user's terminal.
    fn show(&mut self) -> Outcome {
        if self.terminal == Terminal::Gone {
            self.printed.clear();
            return Outcome::Gone;
        }
        let outcome = self.printed.pour(self.ends.terminal.as_fd());
        if outcome == Outcome::Gone {
            self.terminal = Terminal::Gone;
        }
        outcome
    }

    /// Shows what is left in the pty; `patience` is for each time that the terminal takes nothing.
    fn show_rest(&mut self, patience: Duration) {
        let mut left = LEFT;
        loop {
            if self.show() == Outcome::Later {
                if !writable(self.ends.terminal.as_fd(), patience) {
                    return;
                }
            } else {
                match self.take() {
                    Outcome::Done(count) if count <= left => left = left.saturating_sub(count),
                    Outcome::Done(_) | Outcome::Later | Outcome::Gone => return,
                }
            }
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        // However the thread ends.
        self.release();
        self.shared.over();
    }
}

/// Whether the terminal takes something in time, or is gone.
fn writable(terminal: BorrowedFd<'_>, patience: Duration) -> bool {
    let timeout = Timespec::try_from(patience).ok();
    let mut polled = [PollFd::from_borrowed_fd(terminal, PollFlags::OUT)];
    matches!(retry_on_intr(|| poll(&mut polled, timeout.as_ref())), Ok(1))
}
