//! `nono run --supervised`: nono stays as the parent of the command, and what is outside the grants is asked for.
//!
//! ```text
//! rules      --approve-rules                       desk      the terminals, before the command starts
//! approver   --approve, in lines of wire           reach     what would open the user's terminal to the command
//! audit      --audit                               console   the terminals meanwhile, and who asks there
//! parent     signals, stops and the end            question  what is shown, and what is taken for an answer
//! abandon    the end by a panic
//! ```

mod abandon;
mod approver;
mod audit;
mod console;
mod desk;
mod keep;
mod parent;
pub(crate) mod question;
mod reach;
mod rules;
mod stop;
pub(crate) mod wire;

pub(crate) use abandon::abandon;
pub(crate) use desk::Desk;
pub(crate) use parent::{Ended, end_as};

use crate::args::Supervision;
use crate::platform::{Judges, OnTerminal, Policy, ServeError, SpawnError, Supervisor, spawn, spawn_on_terminal};
use crate::protected::Protected;
use crate::pty::PtyError;
use crate::terminal;
use abandon::Begun;
use approver::LineApprover;
use audit::{Audit, AuditError};
use console::{Console, TerminalApprover};
use keep::Change;
use nono_core::CapabilitySet;
use parent::{Charge, Parent};
use rules::RulesError;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
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
    /// No terminal for the command.
    #[error("--supervised")]
    Pty { source: PtyError },
    /// A grant that would let the command answer itself.
    #[error(
        "{granted:?} is granted and holds the terminal that nono asks on; grant what is needed in it by name, or use \
         --approve CMD"
    )]
    TerminalGranted { granted: PathBuf },
    /// A descriptor by which it could.
    #[error("descriptor {descriptor} is a terminal, which a command that is asked about on one may not inherit")]
    TerminalPassed { descriptor: u32 },
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
    pub(crate) grants: &'a CapabilitySet,
    /// If it is asked about on the terminal.
    pub(crate) desk: Option<Desk>,
}

/// Everyone who has a say, made before anything is started; and the program of an approver, which ends when it is dropped.
pub(crate) fn judges(
    options: &Supervision,
    grants: &CapabilitySet,
    desk: Option<&Desk>,
) -> Result<(Judges, Option<approver::Started>), SuperviseError> {
    let mut reserved = Protected::here().all();
    reserved.extend(std::env::current_exe().ok());
    let (mut judges, mut program) = (Judges::default(), None);
    let written = options.approve_rules.as_deref().map(rules::read).transpose()?;
    reserved.extend(options.approve_rules.as_ref().and_then(|path| path.canonicalize().ok()));
    if let Some(joined) = rules::join(written.into_iter().chain(options.rules.clone()))? {
        judges = judges.rules(joined.set);
        reserved.extend(joined.unasked);
    }
    if let Some(path) = &options.audit {
        let (audit, resolved) = Audit::open(path, grants)?;
        judges = judges.recorder(Box::new(audit));
        reserved.push(resolved);
    }
    if let Some(given) = &options.approve {
        let started = LineApprover::start(given);
        let (approver, started) =
            started.map_err(|source| SuperviseError::Approver { given: given.clone(), source })?;
        program = started;
        judges = judges.approver(Box::new(approver));
    } else if let Some(desk) = desk {
        judges = judges.approver(Box::new(TerminalApprover(Arc::clone(desk.console()))));
    }
    Ok((judges.reserve(reserved), program))
}

/// Starts the command, serves it, and tells how it ended. The user's terminal is as it was then, in any case.
pub(crate) fn run(session: Session<'_>) -> Result<Ended, SuperviseError> {
    let Session { policy, command, judges, options, quiet, grants, desk } = session;
    let parent = Parent::new(options.kill_orphans).map_err(|source| SuperviseError::Signals { source })?;
    let console = desk.as_ref().map(|desk| Arc::clone(desk.console()));
    let _finish = Finish(console.as_deref());
    let Started { child, command, supervisor } = match &desk {
        Some(desk) => on_terminal(policy, command, desk)?,
        None => Started::of(spawn(policy, command).map_err(|source| SuperviseError::Spawn { source })?),
    };
    let _begun = Begun::new(command);
    let thread_failed = |source| {
        let _gone = kill_process(command, Signal::KILL);
        SuperviseError::Thread { source }
    };
    desk.map_or(Ok(()), Desk::begin).map_err(thread_failed)?;
    let (handle, patience) = (parent.handle(), options.patience());
    let told = console.clone();
    let over = handle.clone();
    let supervisor = match options.broker_threads {
        Some(threads) => supervisor.with_threads(threads),
        None => supervisor,
    };
    let supervisor = supervisor.when_over(move || over.close());
    let serve = move || {
        if let Err(error) = supervisor.serve(&judges, patience) {
            report(&error, command, told.as_deref());
        }
        handle.close();
    };
    thread::Builder::new().name("nono-supervisor".into()).spawn(serve).map_err(thread_failed)?;
    let charge = Charge { child, command, console: console.as_deref() };
    let ended = parent.wait(&charge, || note_left_behind(quiet)).map_err(|source| SuperviseError::Wait { source })?;
    if let (Some(console), Some(rules)) = (&console, &options.approve_rules) {
        console.finish();
        keep(console, rules, patience, grants);
    }
    Ok(ended)
}

/// Offers to write down what was answered by "always". The command has ended, whatever becomes of it.
fn keep(console: &Console, rules: &Path, patience: Duration, grants: &CapabilitySet) {
    let kept = console.kept();
    if kept.is_empty() {
        return;
    }
    let written = Change::of(rules, &kept).and_then(|change| match change {
        Some(change) if console.confirm(&change.shown(), patience) => change.write(grants),
        _ => Ok(()),
    });
    if let Err(error) = written {
        terminal::error(&error, None);
    }
}

/// A command that runs.
struct Started {
    /// What is to be waited for: the command, or the leader of its session.
    child: Pid,
    command: Pid,
    supervisor: Supervisor,
}

impl Started {
    fn of((child, supervisor): (std::process::Child, Supervisor)) -> Started {
        let child = Pid::from_child(&child);
        Started { child, command: child, supervisor }
    }
}

fn on_terminal(policy: Policy, command: &mut Command, desk: &Desk) -> Result<Started, SuperviseError> {
    let furnished = desk.furnish(command);
    let slave = furnished.map_err(|source| SuperviseError::Pty { source: PtyError::Make { call: "dup", source } })?;
    let started = spawn_on_terminal(policy, command, slave);
    let OnTerminal { leader, program, supervisor, .. } = started.map_err(|source| SuperviseError::Spawn { source })?;
    let child = Pid::from_child(&leader);
    let command = i32::try_from(program).ok().and_then(Pid::from_raw).unwrap_or(child);
    Ok(Started { child, command, supervisor })
}

/// Puts the terminal back when the run is over, whatever the reason.
struct Finish<'a>(Option<&'a Console>);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        if let Some(console) = self.0 {
            console.finish();
        }
    }
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
fn report(error: &ServeError, command: Pid, console: Option<&Console>) {
    let say = || terminal::error(error, Some("the command was ended"));
    // In the terminal's own modes.
    let said = console.and_then(|console| console.relaying(|relaying| drop((relaying.pause(), say()))));
    said.unwrap_or_else(say);
    let _gone = kill_process(command, Signal::KILL);
}
