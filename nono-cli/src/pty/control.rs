//! What the supervisor asks of a relay at work.

use super::ends::Ends;
use super::modes::is_ours;
use super::shared::Shared;
use rustix::process::{Signal, kill_process_group};
use rustix::termios::{QueueSelector, tcflush, tcgetpgrp};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Makes a question legible whatever the command has printed before it, which may have been meant to hide it behind a
/// question of its own (`console_codes(4)`, xterm's ctlseqs; what a terminal does not know it skips).
const LEGIBLE: [&[u8]; 6] = [
    // An escape sequence that was begun is ended, and VT52's, which are others, are left.
    b"\x18\x1b<",
    // Text goes to the screen: not to a printer (MC), nor to the status line (DECSASD), nor is it held back (2026).
    b"\x1b[4i\x1b[0$}\x1b[?2026l",
    // All of the screen scrolls (DECLRMM, DECSTBM); the cursor stays where it is.
    b"\x1b7\x1b[?69l\x1b[r\x1b8",
    // Plain characters, in letters instead of line drawing, that wrap and are not inserted; a cursor is seen.
    b"\x1b[0m\x0f\x1b(B\x1b[?7h\x1b[4l\x1b[?25h",
    // Colours that differ: the palette, foreground and background of the user's settings.
    b"\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\",
    // Nothing stands beside or below it.
    b"\r\n\x1b[J",
];

/// A relay at work. Dropping it is [`finish`](Relaying::finish).
#[derive(Debug)]
#[must_use = "the relay ends when this is dropped"]
pub(crate) struct Relaying {
    ends: Arc<Ends>,
    shared: Arc<Shared>,
    /// Until it was waited for.
    thread: Option<JoinHandle<()>>,
}

/// While it lives, the command is cut off from the user's terminal, so that nono can ask something there.
#[derive(Debug)]
#[must_use = "the relay goes on when this is dropped"]
pub(crate) struct Paused<'a> {
    relaying: &'a Relaying,
}

impl Relaying {
    pub(super) fn new(ends: Arc<Ends>, shared: Arc<Shared>, thread: JoinHandle<()>) -> Relaying {
        shared.begun();
        Relaying { ends, shared, thread: Some(thread) }
    }

    /// Cuts the command off for a question, and puts the terminal back into its own modes.
    ///
    /// From here on no key reaches the command, and nothing that it prints reaches the terminal: that stays in the pty,
    /// whose buffer is small, so a command that prints a lot waits. What was typed before and not read is thrown away:
    /// a key that was meant for the program must not answer the question. Returns without waiting for the command or
    /// the terminal.
    ///
    /// # Security
    /// Who asks must read a whole line and compare all of it. A terminal *types* the answers to what the command printed
    /// (`\x1b[6n` is answered by `\x1b[1;1R`, ECMA-48), and one of them can arrive after the flush.
    pub(crate) fn pause(&self) -> Paused<'_> {
        self.shared.pause();
        let terminal = self.ends.terminal.as_fd();
        if is_ours(terminal) {
            // A terminal that takes nothing now does not show the question either.
            let _written = rustix::io::write(terminal, &LEGIBLE.concat());
            // Last, and in the terminal's own modes already: nothing typed before this is left. Fails only for a
            // terminal that is gone.
            let _flushed = tcflush(terminal, QueueSelector::IFlush);
        }
        Paused { relaying: self }
    }

    /// The user's terminal has another size (SIGWINCH): so has the command's.
    pub(crate) fn resize(&self) {
        self.ends.copy_size();
    }

    /// The command was stopped, and nono is about to stop itself: shows what was printed so far, as far as the terminal
    /// takes it, and leaves the terminal in its own modes. What was typed ahead stays, for the shell.
    pub(crate) fn suspend(&self) {
        self.shared.suspend();
    }

    /// nono was continued (SIGCONT), in the foreground or not: goes on, with the size that the terminal has now. Also
    /// after a SIGCONT without [`suspend`](Relaying::suspend).
    pub(crate) fn resume(&self) {
        self.shared.resume();
    }

    /// Sends what a key of the user's terminal means (`^C`: SIGINT) to the foreground of the command's.
    pub(crate) fn signal(&self, signal: Signal) {
        // None in the foreground, or gone: then there is nobody to tell.
        let _sent = tcgetpgrp(&self.ends.master).and_then(|group| kill_process_group(group, signal));
    }

    /// The command has ended, and what it left running may still print: that is shown, and keys are nobody's any more, so
    /// that `^C` is a signal for nono.
    pub(crate) fn outlive(&self) {
        self.shared.outlive();
    }

    /// The command has ended: shows what it has printed last, puts the terminal's modes back, and hangs up on what the
    /// command left running on its terminal.
    ///
    /// Waits for a terminal that is slow, but not for one that takes nothing at all.
    pub(crate) fn finish(self) {
        drop(self);
    }
}

impl Drop for Relaying {
    fn drop(&mut self) {
        self.shared.end();
        if let Some(thread) = self.thread.take() {
            // Where a panic does not end the process: the modes were put back while the stack was unwound.
            let _panicked = thread.join();
        }
    }
}

impl Paused<'_> {
    /// Whether nono is in the terminal's foreground. If not, reading the answer would stop it (SIGTTIN).
    pub(crate) fn is_in_foreground(&self) -> bool {
        is_ours(self.relaying.ends.terminal.as_fd())
    }
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.relaying.shared.unpause();
    }
}
