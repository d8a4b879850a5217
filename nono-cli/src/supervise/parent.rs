//! nono as the parent of a command: signals that were sent to it go on to the command, stops and ends are its own.
//!
//! A key (Ctrl-C) reaches the command by itself, for it is in the same process group: only what another process sent
//! (`si_code` at most 0, sigaction(2)) is passed on. On a terminal of its own it is in another session, and nothing reaches
//! it by itself: what the kernel sent goes to the foreground there, and what another process sent to the command.

use super::console::Console;
use super::stop;
use crate::pty::Relaying;
use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, setrlimit, wait, waitpid,
};
use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH,
};

use signal_hook::iterator::exfiltrator::WithRawSiginfo;
use signal_hook::iterator::{Handle, SignalsInfo};
use std::io;
use std::time::{Duration, Instant};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this status.
    Exit(u8),
    /// By this signal.
    Signal(i32),
}

impl Ended {
    /// Whether it ended well, as far as it says.
    pub(crate) fn is_success(self) -> bool {
        self == Ended::Exit(0)
    }
}

/// How long orphans may take to die of SIGKILL; one that waits for a dead file system does not.
const DYING: Duration = Duration::from_secs(2);

/// Whom nono stands in for.
#[derive(Debug)]
pub(crate) struct Charge<'a> {
    /// The child of nono: the command, or the leader of its session.
    pub(crate) child: Pid,
    /// The command.
    pub(crate) command: Pid,
    /// If it is on a terminal of its own.
    pub(crate) console: Option<&'a Console>,
}

/// Signals on their way to the command.
#[derive(Debug)]
pub(crate) struct Parent {
    signals: SignalsInfo<WithRawSiginfo>,
    kill_orphans: bool,
}

impl Parent {
    /// Takes over the signals of this process. To be made before the command is started, so that none is lost.
    pub(crate) fn new(kill_orphans: bool) -> io::Result<Parent> {
        if kill_orphans {
            // What the command leaves becomes a child of nono, and can be found.
            set_child_subreaper(Some(getpid()))?;
        }
        let all = [SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH];
        Ok(Parent { signals: SignalsInfo::new(all)?, kill_orphans })
    }

    /// Ends [`wait`](Self::wait) when it is closed.
    pub(crate) fn handle(&self) -> Handle {
        self.signals.handle()
    }

    /// Stands in for the command until it has ended, and `handle` was closed: nothing is left of it then that could ask for
    /// something. `left_behind` is called when the command has ended before.
    pub(crate) fn wait(mut self, charge: &Charge<'_>, mut left_behind: impl FnMut()) -> io::Result<Ended> {
        let mut ended = None;
        for info in self.signals.forever() {
            match info.si_signo {
                SIGCHLD => match poll(charge.child)? {
                    State::Ended(how) if ended.is_none() => {
                        ended = Some(how);
                        charge.outlive();
                        if self.kill_orphans {
                            kill_descendants();
                        } else {
                            left_behind();
                        }
                    }
                    State::Stopped => charge.stop()?,
                    // One that took longer to die, or left others: before Linux 6.11 a filter is in use until its last
                    // process is reaped.
                    State::Ended(_) | State::Runs if self.kill_orphans && ended.is_some() => drop(has_descendants()),
                    State::Ended(_) | State::Runs => {}
                },
                SIGCONT => charge.go_on(),
                SIGWINCH => charge.resize(),
                // The command has ended, and whoever sent it wants nono to end.
                SIGINT | SIGTERM | SIGHUP | SIGQUIT if ended.is_some() => break,
                number if ended.is_none() => charge.pass(number, info.si_code > 0),
                _ => {}
            }
        }
        match ended {
            Some(how) => Ok(how),
            None => wait_for(charge.child),
        }
    }
}

impl Charge<'_> {
    /// Stops nono as the command was stopped. What continues nono is SIGCONT, and that continues the command: once, for a
    /// second one could come after the command was stopped again.
    fn stop(&self) -> io::Result<()> {
        if let Some(console) = self.console {
            console.interrupt();
            console.relaying(Relaying::suspend);
        }
        // In a session of its own the command can be stopped where nobody would continue it.
        if self.console.is_some() && stop::is_orphaned() {
            self.go_on();
            return Ok(());
        }
        Ok(kill_process(getpid(), Signal::STOP)?)
    }

    fn go_on(&self) {
        if let Some(console) = self.console {
            console.relaying(Relaying::resume);
        }
        send(self.child, SIGCONT);
    }

    fn resize(&self) {
        if let Some(console) = self.console {
            console.relaying(Relaying::resize);
        }
    }

    /// The command has ended.
    fn outlive(&self) {
        if let Some(console) = self.console {
            console.relaying(Relaying::outlive);
        }
    }

    /// Passes a signal on, which the kernel or a process has sent.
    fn pass(&self, number: i32, by_kernel: bool) {
        match (self.console, Signal::from_named_raw(number)) {
            (Some(console), Some(signal)) if by_kernel => console.signal(signal),
            (Some(console), _) => {
                console.interrupt();
                send(self.command, number);
            }
            // It reaches the command by itself, or would stop it alone.
            (None, _) if by_kernel || number == SIGTSTP => {}
            (None, _) => send(self.command, number),
        }
    }
}

enum State {
    Runs,
    Stopped,
    Ended(Ended),
}

fn poll(child: Pid) -> io::Result<State> {
    match waitpid(Some(child), WaitOptions::NOHANG | WaitOptions::UNTRACED) {
        // No news; or it was waited for already.
        Ok(None) | Err(Errno::CHILD) => Ok(State::Runs),
        Ok(Some((_, status))) if status.stopped() => Ok(State::Stopped),
        Ok(Some((_, status))) => Ok(ended(status).map_or(State::Runs, State::Ended)),
        Err(errno) => Err(errno.into()),
    }
}

fn wait_for(child: Pid) -> io::Result<Ended> {
    loop {
        match waitpid(Some(child), WaitOptions::empty()) {
            Ok(Some((_, status))) => {
                if let Some(how) = ended(status) {
                    return Ok(how);
                }
            }
            Ok(None) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn ended(status: rustix::process::WaitStatus) -> Option<Ended> {
    let exit = status.exit_status().and_then(|code| u8::try_from(code & 0xff).ok()).map(Ended::Exit);
    exit.or_else(|| status.terminating_signal().map(Ended::Signal))
}

fn send(child: Pid, number: i32) {
    if let Some(signal) = Signal::from_named_raw(number) {
        // It may have ended; its status will tell.
        let _gone = kill_process(child, signal);
    }
}

/// Ends whatever became a child of this process when the command ended, and their children, as far as they die at once.
fn kill_descendants() {
    let until = Instant::now() + DYING;
    while has_descendants() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Kills and reaps what is a child of this process now; whether any is left. Whether it is, the kernel says: a list that is
/// read while processes die may leave some out (`children` in `proc_pid_task(5)`).
fn has_descendants() -> bool {
    for child in children() {
        let _gone = kill_process(child, Signal::KILL);
    }
    loop {
        // Of any process group: `waitpid` of none is about the one of this process only.
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Err(Errno::CHILD) => return false,
            Ok(None) | Err(_) => return true,
        }
    }
}

/// The children of this process, by all of its threads: `proc_pid_task(5)`. Approvers are not among them: they have ended
/// or are named by their own handle.
fn children() -> Vec<Pid> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let numbers = lists.flat_map(|list| list.split_whitespace().map(str::parse::<i32>).collect::<Vec<_>>());
    numbers.flatten().filter_map(Pid::from_raw).collect()
}

/// Ends this process as the command ended, without a core file. Returns a status if it could not.
pub(crate) fn end_as(how: Ended) -> u8 {
    match how {
        Ended::Exit(status) => status,
        Ended::Signal(number) => {
            let _limited = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
            if let Some(Signal::KILL) = Signal::from_named_raw(number) {
                let _sent = kill_process(getpid(), Signal::KILL);
            }
            let _emulated = signal_hook::low_level::emulate_default_handler(number);
            u8::try_from(number.saturating_add(128)).unwrap_or(u8::MAX)
        }
    }
}
