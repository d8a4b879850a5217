//! An interactive shell on a terminal of its own, typed at and read like a person would.
//!
//! What is waited for must not be in what was typed, since the terminal shows that too: `echo [$?]` for `[0]`.

use crate::capture::text;
use crate::jail::{Jail, User};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetpgrp, tcsetwinsize};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// What the shell asks with. It is typed as `$((6*7))`.
const PROMPT: &str = "42ready> ";

/// How long anything may take to show.
const PATIENCE: Duration = Duration::from_secs(30);

/// `bash -i` outside of the sandbox, in which `nono` is the command under test. All of its jobs end with it.
#[derive(Debug)]
pub struct Terminal {
    shell: Child,
    master: OwnedFd,
    /// What was said and not yet expected.
    unread: String,
}

impl Terminal {
    /// Starts the shell, and waits for its first prompt.
    ///
    /// # Panics
    /// When there is no terminal, or no prompt.
    pub fn new(jail: &Jail, user: User) -> Self {
        let started = Self::start(jail, user);
        let mut terminal = started.unwrap_or_else(|error| fail(&format!("cannot start a shell: {error}")));
        terminal.type_line("PS1='$((6*7))ready> '");
        terminal.prompt();
        terminal
    }

    fn start(jail: &Jail, user: User) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = PathBuf::from(OsStr::new(ptsname(&master, Vec::new())?.to_str().map_err(io::Error::other)?));
        user.own(&name)?;
        tcsetwinsize(&master, size(24, 80))?;
        let nono = PathBuf::from(jail.args([""; 0]).command().get_program());
        let dir = nono.parent().unwrap_or(Path::new("/"));
        let mut path = dir.as_os_str().to_owned();
        path.push(":/usr/local/bin:/usr/bin:/bin");
        let slave = || std::fs::File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open(&name);
        // Its standard input becomes the terminal that controls it.
        let run = jail.program(bin("attempt")).cmd(["on-terminal".as_ref(), name.as_os_str()]);
        let run = run.cmd(["bash", "--noprofile", "--norc", "--noediting", "-i"]);
        let mut command = run.env("PATH", path).env("TERM", "xterm").env("PS1", "").command();
        command.stdin(Stdio::null()).stdout(slave()?).stderr(slave()?);
        Ok(Self { shell: command.spawn()?, master, unread: String::new() })
    }

    /// Types a line.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn type_line(&mut self, line: &str) {
        self.press(&format!("{line}\n"));
    }

    /// Types these keys: `\x03` for Ctrl-C.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn press(&mut self, keys: &str) {
        let mut rest = keys.as_bytes();
        while !rest.is_empty() {
            match rustix::io::write(&self.master, rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) => fail(&format!("cannot type {keys:?}: {error}")),
            }
        }
    }

    /// Waits for `words`, and returns what was shown before them.
    ///
    /// # Panics
    /// When they do not come.
    #[track_caller]
    pub fn expect(&mut self, words: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some((before, after)) = self.unread.split_once(words) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.unread = after;
                return before;
            }
            if !self.read(until) {
                fail(&format!("wanted on the terminal {words:?}, and there is\n---\n{}\n---", self.unread));
            }
        }
    }

    /// Waits for the prompt, and returns what was shown before it.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn prompt(&mut self) -> String {
        self.expect(PROMPT)
    }

    /// Runs a command to its end, and returns what was shown, the command itself included.
    ///
    /// # Panics
    /// When no prompt follows.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> String {
        self.type_line(line);
        self.prompt()
    }

    /// The exit status of the last command.
    ///
    /// # Panics
    /// When the shell does not say it.
    #[track_caller]
    pub fn status(&mut self) -> i32 {
        self.type_line("echo [status:$?]");
        self.expect("\n[status:");
        let status = self.expect("]").parse();
        self.prompt();
        status.unwrap_or_else(|error| fail(&format!("no status: {error}")))
    }

    /// Makes the window so large.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn resize(&self, rows: u16, columns: u16) {
        tcsetwinsize(&self.master, size(rows, columns))
            .unwrap_or_else(|error| fail(&format!("cannot resize: {error}")));
    }

    /// The number of the shell, which leads the session.
    pub fn shell(&self) -> u32 {
        self.shell.id()
    }

    /// Reads what is there; whether anything came in time.
    fn read(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(left) else { return false };
        if !matches!(poll(&mut [PollFd::new(&self.master, PollFlags::IN)], Some(&timeout)), Ok(1)) {
            return false;
        }
        let mut block = [0; 4096];
        // An error: no process has the terminal open any more.
        let count = rustix::io::read(&self.master, &mut block).unwrap_or(0);
        self.unread.push_str(&text(block.get(..count).unwrap_or_default()));
        count > 0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The job in the foreground; those that are stopped or in the background end when the terminal hangs up.
        if let Ok(group) = tcgetpgrp(&self.master)
            && group != Pid::from_child(&self.shell)
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = kill_process_group(Pid::from_child(&self.shell), Signal::HUP);
        let until = Instant::now() + Duration::from_secs(5);
        while self.read(until) {}
        drop(self.shell.kill());
        drop(self.shell.wait());
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// A program of these tests.
fn bin(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("NONO_TEST_BIN_DIR").unwrap_or_default()).join(name)
}

#[expect(clippy::panic, reason = "this is how a test fails")]
#[track_caller]
fn fail(message: &str) -> ! {
    panic!("{message}")
}
