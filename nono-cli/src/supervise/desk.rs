//! Before the command starts: the user's terminal is found, and another one made for the command.

use super::SuperviseError;
use super::console::Console;
use super::reach;
use crate::args::Run;
use crate::pty::{Keys, PtyError, Relay};
use nono_core::FsCapability;
use rustix::fs::{FileType, Mode, OFlags, fstat};
use rustix::stdio;
use rustix::termios::{isatty, ttyname};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Where nono will ask, and where the command will run. The user's terminal is as it was.
#[derive(Debug)]
pub(crate) struct Desk {
    relay: Relay,
    console: Arc<Console>,
    /// The command's end; none where it has no name here.
    path: Option<PathBuf>,
}

impl Desk {
    /// Opens the terminal if it is to be asked on. Without one that is an error, unless there are rules to decide.
    ///
    /// To be asked before anything else is opened: descriptors are looked at by their numbers.
    pub(crate) fn open(run: &Run) -> Result<Option<Desk>, SuperviseError> {
        if !run.supervision.supervised || run.supervision.approve.is_some() {
            return Ok(None);
        }
        let terminals = open_terminal().and_then(|one| Ok((one, open_terminal()?)));
        let Ok((relayed, asked)) = terminals else {
            return if run.supervision.has_rules() { Ok(None) } else { Err(SuperviseError::NoTerminal) };
        };
        reach::check_descriptors(run)?;
        let relay = Relay::open(relayed).map_err(|source| SuperviseError::Pty { source })?;
        let make = |call| move |source| SuperviseError::Pty { source: PtyError::Make { call, source } };
        let slave = relay.slave().map_err(make("dup"))?;
        let path = ttyname(&slave, Vec::new()).ok().map(|name| OsStr::from_bytes(name.as_bytes()).into());
        let console = Arc::new(Console::new(asked, run.supervision.approve_rules.is_some()).map_err(make("eventfd"))?);
        Ok(Some(Desk { relay, console, path }))
    }

    /// Refuses grants that would let the command reach the user's terminal.
    #[expect(clippy::unused_self, reason = "a matter of runs that have one")]
    pub(crate) fn check(&self, grants: &[FsCapability]) -> Result<(), SuperviseError> {
        reach::check_grants(grants)
    }

    /// The path of the command's own terminal.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Where questions are asked.
    pub(super) fn console(&self) -> &Arc<Console> {
        &self.console
    }

    /// Puts the command's terminal in place of each standard stream that is a terminal, and returns it once more.
    pub(super) fn furnish(&self, command: &mut Command) -> io::Result<OwnedFd> {
        let slave = || self.relay.slave();
        if isatty(stdio::stdin()) {
            command.stdin(Stdio::from(slave()?));
        }
        if isatty(stdio::stdout()) {
            command.stdout(Stdio::from(slave()?));
        }
        if isatty(stdio::stderr()) {
            command.stderr(Stdio::from(slave()?));
        }
        slave()
    }

    /// The command runs.
    pub(super) fn begin(self) -> io::Result<()> {
        self.console.begin(self.relay, keys())
    }
}

/// Whom keys are for. In a pipeline, what reads the command's output may read them: a pager.
fn keys() -> Keys {
    let output = fstat(stdio::stdout()).map(|found| FileType::from_raw_mode(found.st_mode));
    let piped = matches!(output, Ok(FileType::Fifo | FileType::Socket));
    if isatty(stdio::stdin()) && !piped { Keys::Command } else { Keys::Others }
}

/// The terminal that controls nono, opened for this one use.
fn open_terminal() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::open("/dev/tty", flags, Mode::empty())?)
}
