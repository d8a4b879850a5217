//! Starting a program whose calls are served.

use super::Supervisor;
use crate::backend::Policy;
use crate::launch::withhold;
use crate::restrict::Step;
use crate::sys;
use nono_seccomp::{ListenError, Listener};
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};

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

/// Starts `command` under `policy`, with a supervisor that has yet to serve its calls.
///
/// # Errors
/// [`SpawnError`]; nothing of the program has run.
pub fn spawn(policy: Policy, command: &mut Command) -> Result<(Child, Supervisor), SpawnError> {
    withhold(command, &policy);
    let Policy { restriction, supervised, .. } = policy;
    let Some(grants) = supervised else { return Err(SpawnError::NotSupervised) };
    let privileges = restriction.privileges;
    let (here, there) = UnixStream::pair().map_err(|source| SpawnError::Socket { source })?;
    let mut child = {
        // The child's end is closed here with the closure that holds it, which lives as long as the command.
        let started = sys::restrict_and_hand_over_before_exec(command, restriction, there).spawn();
        started.map_err(|source| because(&here, source))?
    };
    match Listener::receive(&here) {
        Ok(listener) => {
            let supervisor = Supervisor::new(listener, grants, child.id(), privileges);
            Ok((child, supervisor))
        }
        Err(source) => {
            // It runs and nobody could serve it: its first open would wait for ever.
            let _ended = child.kill().and_then(|()| child.wait());
            Err(SpawnError::Listener { source })
        }
    }
}

/// The step that failed, which the child has written where the listener would have come.
fn because(mut socket: &UnixStream, source: io::Error) -> SpawnError {
    let mut byte = [0];
    let read = socket.set_nonblocking(true).and_then(|()| socket.read(&mut byte));
    match (read, byte) {
        (Ok(1), [number]) => match Step::of_number(number) {
            Some(Step::Filter) if source.raw_os_error() == Some(libc::EBUSY) => SpawnError::AnotherSupervisor,
            Some(step) => SpawnError::Step { step, source },
            None => SpawnError::Start { source },
        },
        _ => SpawnError::Start { source },
    }
}
