//! Starting a program whose calls are served.

use super::Supervisor;
use super::first::{First, Served};
use crate::launch::withhold;
use crate::observe::Observer;
use crate::policy::Policy;
use crate::privileges::Privileges;
use crate::restrict::Step;
use crate::sys;
use nono_core::CapabilitySet;
use nono_seccomp::{ListenError, Listener};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::sync::Arc;

/// Why a program was not started under supervision.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the fields")]
pub enum SpawnError {
    /// The policy was not prepared for it.
    #[error("this policy has nothing to serve; prepare it with Linux::supervised")]
    NotSupervised,
    /// There is no way to hand the listener over.
    #[error("cannot make a pair of sockets for the listener")]
    Socket { source: io::Error },
    /// Another supervisor is there already: the kernel has one listener for a process.
    #[error(
        "another supervisor serves this process already (a container's, or nono --supervised): there can be but one"
    )]
    AnotherSupervisor,
    /// The kernel refused a step. Nothing of the program has run.
    #[error("{step} failed")]
    Step { step: Step, source: io::Error },
    /// The program could not be executed, or its process could not be made.
    #[error("the program could not be started")]
    Start { source: io::Error },
    /// The listener did not arrive.
    #[error("the listener did not arrive")]
    Listener { source: ListenError },
}

/// A program on a terminal of its own.
#[derive(Debug)]
#[must_use = "a program whose calls are not served waits for ever, and fails when this is dropped"]
#[non_exhaustive]
pub struct OnTerminal {
    /// The leader of its session: it stops when the program stops, continues it when it is continued itself, and ends as
    /// the program ended. To be waited for; signals for the program are not for it.
    pub leader: Child,
    /// The number of the program's process, which is that of its process group too.
    pub program: u32,
    /// Serves the program's calls.
    pub supervisor: Supervisor,
}

/// Starts `command` under `policy`, with a supervisor that has yet to serve its calls.
///
/// # Errors
/// [`SpawnError`]; nothing of the program has run.
pub fn spawn(policy: Policy, command: &mut Command) -> Result<(Child, Supervisor), SpawnError> {
    let mut started = start(policy, command, None)?;
    match started.listener.take().map_or_else(|| Listener::receive(&started.socket), Ok) {
        Ok(listener) => {
            let supervisor = Supervisor::new(listener, started.child.id(), started.known);
            Ok((started.child, supervisor))
        }
        Err(source) => {
            // It runs and nobody could serve it: its first open would wait for ever.
            let _ended = started.child.kill().and_then(|()| started.child.wait());
            Err(SpawnError::Listener { source })
        }
    }
}

/// As [`spawn`], in a new session that `terminal` controls, in the foreground there; the leader of the session is a process
/// between, which alone is restricted in nothing and executes nothing. `terminal` must control no other session.
///
/// The standard streams are what `command` says. If this process ends first, and with it the last that has the other side of
/// the terminal open, the program and the leader are hung up.
///
/// # Errors
/// [`SpawnError`]; nothing of the program has run.
pub fn spawn_on_terminal(policy: Policy, command: &mut Command, terminal: OwnedFd) -> Result<OnTerminal, SpawnError> {
    let mut started = start(policy, command, Some(terminal))?;
    let mut number = started.number.unwrap_or_default();
    // It was written before the exec that `start` has waited for.
    let read = if started.number.is_some() { Ok(()) } else { (&started.socket).read_exact(&mut number) };
    let read = read.map_err(|source| SpawnError::Socket { source });
    let program = u32::from_ne_bytes(number);
    let receive = |socket| Listener::receive(socket).map_err(|source| SpawnError::Listener { source });
    let listener = read.and_then(|()| started.listener.take().map_or_else(|| receive(&started.socket), Ok));
    match listener {
        Ok(listener) => {
            let supervisor = Supervisor::new(listener, program, started.known);
            Ok(OnTerminal { leader: started.child, program, supervisor })
        }
        Err(error) => {
            let program = i32::try_from(program).ok().and_then(Pid::from_raw);
            let _ended = program.map(|program| kill_process(program, Signal::KILL));
            let _ended = started.child.kill().and_then(|()| started.child.wait());
            Err(error)
        }
    }
}

/// A program that runs, and a socket with its listener.
struct Started {
    child: Child,
    socket: UnixStream,
    /// Where its first calls had to be served already.
    listener: Option<Listener>,
    /// The program's, where it was read with that.
    number: Option<[u8; 4]>,
    known: Known,
}

/// What a supervisor knows of a program.
pub(super) struct Known {
    pub(super) grants: CapabilitySet,
    /// What the supervisor gives up.
    pub(super) privileges: Privileges,
    /// Whether it has a mount namespace of its own.
    pub(super) in_namespace: bool,
    pub(super) observer: Option<Arc<Observer>>,
}

fn start(policy: Policy, command: &mut Command, terminal: Option<OwnedFd>) -> Result<Started, SpawnError> {
    withhold(command, &policy);
    let Policy { restriction, supervised, observer, .. } = policy;
    let Some(grants) = supervised else { return Err(SpawnError::NotSupervised) };
    let (privileges, in_namespace) = (restriction.privileges, restriction.namespace.is_some());
    let (here, there) = UnixStream::pair().map_err(|source| SpawnError::Socket { source })?;
    // On a terminal of its own the program's number comes before the listener.
    let announced = terminal.is_some();
    let first = observer.clone().map(|observer| First::serve(&here, observer, announced)).transpose();
    let first = first.map_err(|source| SpawnError::Socket { source })?;
    let mut child = {
        // The child's end is closed here with the closure that holds it, which lives as long as the command.
        let started = sys::restrict_and_hand_over_before_exec(command, restriction, there, terminal).spawn();
        started.map_err(|source| because(&here, source))?
    };
    let served = match first.map(First::finish) {
        Some(Served { listener: None, .. }) => {
            // It runs and nobody could serve it.
            let _ended = child.kill().and_then(|()| child.wait());
            return Err(SpawnError::Listener { source: ListenError::NothingReceived });
        }
        served => served.unwrap_or_default(),
    };
    let Served { number, listener } = served;
    Ok(Started { child, socket: here, listener, number, known: Known { grants, privileges, in_namespace, observer } })
}

/// The step that failed, which the child has written where the listener would have come; behind its number, if it wrote that.
fn because(mut socket: &UnixStream, source: io::Error) -> SpawnError {
    let mut bytes = [0; 5];
    let read = socket.set_nonblocking(true).and_then(|()| socket.read(&mut bytes));
    let number = match (read, bytes) {
        (Ok(1), [number, ..]) | (Ok(5), [.., number]) => Some(number),
        _ => None,
    };
    match number.and_then(Step::of_number) {
        Some(Step::Filter) if source.raw_os_error() == Some(libc::EBUSY) => SpawnError::AnotherSupervisor,
        Some(step) => SpawnError::Step { step, source },
        None => SpawnError::Start { source },
    }
}
