//! The outside parties that are processes: a victim, and what starts a command with something inherited.

use crate::act::{Act, Stop};
use rustix::fs::{Mode, OFlags};
use rustix::io::{FdFlags, dup2, fcntl_setfd};
use rustix::process::{Signal, set_parent_process_death_signal, setsid};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Holds the secret in memory, and in a descriptor, until standard input ends. Prints where: `memory=`, `length=`, `fd=`,
/// `scratch=` (two words that nobody needs).
pub(crate) fn victim(args: &[OsString]) -> Act {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let secret = args.first().map(|arg| arg.as_encoded_bytes().to_vec()).unwrap_or_default();
    let scratch = vec![0_u64; 2];
    let file = std::fs::File::open("secret")?;
    let (at, length) = (secret.as_ptr().expose_provenance(), secret.len());
    let scratch_at = scratch.as_ptr().expose_provenance();
    writeln!(io::stdout(), "memory={at} length={length} fd={} scratch={scratch_at}", file.as_raw_fd())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    // Used to the end, so that both are where they were said to be.
    std::hint::black_box((secret, scratch, file));
    Ok(())
}

/// Makes TTY the controlling terminal and standard input of COMMAND.
pub(crate) fn on_terminal(args: &[OsString]) -> Act {
    let [tty, command @ ..] = args else { return Err(Stop::Unsupported("on-terminal TTY COMMAND...".into())) };
    setsid()?;
    let terminal = rustix::fs::open(tty, OFlags::RDWR, Mode::empty())?;
    rustix::stdio::dup2_stdin(&terminal)?;
    drop(terminal);
    execute(command)
}

/// Starts COMMAND with descriptor 7 open as MODE says, and one copy of it at 3.
pub(crate) fn with_descriptor(args: &[OsString]) -> Act {
    let [mode, path, command @ ..] = args else {
        return Err(Stop::Unsupported("with-descriptor MODE PATH COMMAND...".into()));
    };
    let open = |flags| rustix::fs::open(path, flags, Mode::empty());
    let descriptor: OwnedFd = match mode.to_str() {
        Some("read") => open(OFlags::RDONLY)?,
        Some("write") => open(OFlags::WRONLY)?,
        Some("directory") => open(OFlags::RDONLY | OFlags::DIRECTORY)?,
        _ => std::net::TcpListener::bind("127.0.0.1:0")?.into(),
    };
    // 7 is what attempts look for. Copies are made upwards from the first free one until it is reached.
    let mut copies = vec![descriptor];
    while copies.last().is_some_and(|copy| copy.as_raw_fd() < 7) {
        let next = copies.last().map(|copy| rustix::io::dup(copy.as_fd())).transpose()?;
        copies.extend(next);
    }
    let mut last = copies.pop().ok_or(Stop::Unsupported("no descriptor".into()))?;
    if last.as_raw_fd() != 7 {
        return Err(Stop::Unsupported("descriptor 7 is taken".into()));
    }
    let source = copies.first().map_or(last.as_fd(), AsFd::as_fd).try_clone_to_owned()?;
    dup2(source, &mut last)?;
    fcntl_setfd(&last, FdFlags::empty())?;
    let ended = execute(command);
    drop(last);
    ended
}

fn execute(command: &[OsString]) -> Act {
    let (program, args) = command.split_first().ok_or(Stop::Unsupported("no command".into()))?;
    Err(Command::new::<&OsStr>(program).args(args).exec().into())
}
