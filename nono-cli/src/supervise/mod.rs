//! `nono run --supervised`: nono stays as the parent of the command, and what is outside the grants is asked for.

mod approver;
mod audit;
mod parent;
mod rules;
mod wire;

pub(crate) use parent::{Ended, end_as};

use crate::args::Supervision;
use crate::platform::{Judges, Policy, ServeError, SpawnError, spawn};
use crate::{home, protected, terminal};
use approver::LineApprover;
use audit::{Audit, AuditError};
use nono_core::CapabilitySet;
use parent::Parent;
use rules::RulesError;
use rustix::process::Pid;
use std::ffi::OsString;
use std::io;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Why a command could not be run under supervision.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SuperviseError {
    /// A flag that needs another.
    #[error("{flag} is for supervised runs; add --supervised, --approve or --approve-rules")]
    Idle { flag: &'static str },
    /// Nobody to ask.
    #[error("--supervised: there is no terminal to ask on; use --approve CMD or --approve-rules FILE")]
    NoTerminal,
    /// Rules.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// `--approve`.
    #[error("--approve: cannot start {given:?}")]
    Approver { given: OsString, source: io::Error },
    /// `--audit`.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Signals cannot be passed on.
    #[error("cannot take over the signals of this process")]
    Signals { source: io::Error },
    /// A thread to serve the command cannot be started. The command was ended.
    #[error("cannot start a thread; the command was ended")]
    Thread { source: io::Error },
    /// The sandbox could not be set up.
    #[error("cannot set up the sandbox")]
    Spawn { source: SpawnError },
    /// The command cannot be waited for.
    #[error("cannot wait for the command")]
    Wait { source: io::Error },
}

/// How long what a command left behind may run without a word about it.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// A command that is ready to be started.
pub(crate) struct Session<'a> {
    pub(crate) policy: Policy,
    pub(crate) command: &'a mut Command,
    pub(crate) judges: Judges,
    pub(crate) options: &'a Supervision,
    pub(crate) quiet: bool,
}

/// Everyone who has a say, made before anything is started.
pub(crate) fn judges(options: &Supervision, grants: &CapabilitySet) -> Result<Judges, SuperviseError> {
    let mut reserved = protected::all(&home::homes());
    reserved.extend(std::env::current_exe().ok());
    let mut judges = Judges::default();
    if let Some(path) = &options.approve_rules {
        judges = judges.rules(rules::read(path)?);
        reserved.extend(path.canonicalize().ok());
    }
    if let Some(path) = &options.audit {
        let (audit, resolved) = Audit::open(path, grants)?;
        judges = judges.recorder(Box::new(audit));
        reserved.push(resolved);
    }
    if let Some(given) = &options.approve {
        let started = LineApprover::start(given);
        let approver = started.map_err(|source| SuperviseError::Approver { given: given.clone(), source })?;
        judges = judges.approver(Box::new(approver));
    } else if options.supervised && options.approve_rules.is_none() {
        return Err(SuperviseError::NoTerminal);
    }
    Ok(judges.reserve(reserved))
}

/// Starts the command, serves it, and tells how it ended.
pub(crate) fn run(session: Session<'_>) -> Result<Ended, SuperviseError> {
    let Session { policy, command, judges, options, quiet } = session;
    let parent = Parent::new(options.kill_orphans).map_err(|source| SuperviseError::Signals { source })?;
    let (child, supervisor) = spawn(policy, command).map_err(|source| SuperviseError::Spawn { source })?;
    let pid = Pid::from_child(&child);
    let (handle, patience) = (parent.handle(), Duration::from_secs(options.approve_timeout.into()));
    let over = handle.clone();
    let supervisor = supervisor.with_threads(options.broker_threads).when_over(move || over.close());
    let serve = move || {
        if let Err(error) = supervisor.serve(&judges, patience) {
            report(&error, pid);
        }
        handle.close();
    };
    if let Err(source) = thread::Builder::new().name("nono-supervisor".into()).spawn(serve) {
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        return Err(SuperviseError::Thread { source });
    }
    parent.wait(pid, || note_left_behind(quiet)).map_err(|source| SuperviseError::Wait { source })
}

/// The command has ended. What it left may need a moment to end too; if it does not, the user learns what nono waits for.
fn note_left_behind(quiet: bool) {
    let _noted = thread::Builder::new().spawn(move || {
        thread::sleep(LEFT_BEHIND);
        if !quiet {
            terminal::note("the command has ended; nono serves what it left running (--kill-orphans ends that)");
        }
    });
}

/// Without a supervisor the command's opens fail with ENOSYS: it is better ended than broken.
fn report(error: &ServeError, child: Pid) {
    terminal::error(error, Some("the command was ended"));
    let _gone = rustix::process::kill_process(child, rustix::process::Signal::KILL);
}
