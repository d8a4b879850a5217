//! `fault list COMMAND [ARG]...`: runs a command and prints each system call that it makes before it executes another
//! program: how often it was made by then, and its name. `fault NUMBER NAME ERRNO COMMAND [ARG]...`: the same, and the call of this name and number
//! fails. The status is the command's; 71 if it was not made, 72 if a process is left.
//!
//! All calls are notified (`seccomp_unotify(2)`), failed or let go on: so every call of every process is seen, whatever it
//! does between fork and exec.

use nono_seccomp::{Action, Arch, Errno, Features, Listener, Program, Readiness, set_no_new_privs};
use rustix::process::{WaitOptions, set_child_subreaper, wait};
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};
use std::sync::{Arc, OnceLock};
use std::thread;

type Failure = Box<dyn Error + Send + Sync>;

/// The call that fails.
struct Fault {
    number: usize,
    name: String,
    errno: Errno,
}

fn main() -> ExitCode {
    match run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "how a test program fails")]
            {
                eprintln!("fault: {error}");
            }
            ExitCode::from(70)
        }
    }
}

fn run() -> Result<u8, Failure> {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let text = |word: &OsString| word.to_str().unwrap_or_default().to_owned();
    let (fault, command) = match words.as_slice() {
        [how, command @ ..] if how == "list" => (None, command),
        [number, name, errno, command @ ..] => {
            let errno = Errno::new(text(errno).parse()?).ok_or("no errno")?;
            (Some(Fault { number: text(number).parse()?, name: text(name), errno }), command)
        }
        _ => return Err("list, or a number, a name and an errno; and which command?".into()),
    };
    let (program, arguments) = command.split_first().ok_or("which command?")?;
    let mut command = Command::new(program);
    command.args(arguments);
    // What outlives its parent comes to this process.
    set_child_subreaper(Some(rustix::process::getpid()))?;
    let (status, hit) = watched(command, fault.as_ref())?;
    let left = wait(WaitOptions::NOHANG);
    Ok(match (hit, left) {
        (false, _) => 71,
        (true, Err(rustix::io::Errno::CHILD)) => status,
        (true, _) => 72,
    })
}

/// Runs a command with all its calls watched. Its status, and whether the call that is to fail was made.
fn watched(mut command: Command, fault: Option<&Fault>) -> Result<(u8, bool), Failure> {
    let arch = Arch::NATIVE.ok_or("no filters for this machine")?;
    let filter = Program::new(arch, Action::Notify).assemble()?;
    let flags = Features::probe()?.listener_flags();
    // Handed over without a system call: from the moment it is installed on, every call of that thread waits.
    let shared = Arc::new(OnceLock::new());
    let place = Arc::clone(&shared);
    let starter = thread::spawn(move || -> Result<_, Failure> {
        set_no_new_privs()?;
        let own = rustix::thread::gettid();
        let listener = filter.install_with_listener(flags)?;
        if place.set((listener, own)).is_err() {
            return Err("two listeners".into());
        }
        let status = command.status()?;
        let killed = || status.signal().map_or(255, |signal| 128 + signal);
        Ok(u8::try_from(status.code().unwrap_or_else(killed))?)
    });
    let (listener, own) = loop {
        if let Some(found) = shared.get() {
            break found;
        }
        if starter.is_finished() {
            return Err("the filter was not installed".into());
        }
        thread::yield_now();
    };
    let hit = serve(listener, u32::try_from(own.as_raw_nonzero().get())?, fault)?;
    Ok((starter.join().map_err(|_panic| "the starting thread panicked")??, hit))
}

/// Where a command is on its way.
#[derive(PartialEq, Eq)]
enum Stage {
    NotStarted,
    Itself,
    Another,
}

fn serve(listener: &Listener, starter: u32, fault: Option<&Fault>) -> Result<bool, Failure> {
    let arch = Arch::NATIVE.ok_or("no filters for this machine")?;
    let (mut stage, mut hit) = (Stage::NotStarted, fault.is_none());
    // By their names: how often memory is asked for, and who of two processes is first, differs from run to run.
    let mut numbers = BTreeMap::<String, usize>::new();
    while listener.poll(None)? != Readiness::Unused {
        let Some(notification) = listener.recv()? else { continue };
        let name = notification.call().syscall().name(arch).unwrap_or("unknown");
        let counts = stage == Stage::Itself && notification.thread() != Some(starter);
        match (&stage, name) {
            (Stage::NotStarted, "execve") => stage = Stage::Itself,
            (Stage::Itself, "execve" | "execveat") => stage = Stage::Another,
            _ if counts => {
                let number = numbers.entry(name.to_owned()).or_default();
                *number += 1;
                if hits(fault, *number, name, &mut hit) {
                    notification.fail(fault.map_or(Errno::EPERM, |fault| fault.errno))?;
                    continue;
                }
            }
            _ => {}
        }
        notification.resume()?;
    }
    Ok(hit)
}

/// Whether this is the call that fails. Without one, calls are listed.
fn hits(fault: Option<&Fault>, number: usize, name: &str, hit: &mut bool) -> bool {
    let Some(fault) = fault else {
        #[expect(clippy::print_stderr, reason = "this is what it is asked for")]
        {
            eprintln!("{number} {name}");
        }
        return false;
    };
    let is = number == fault.number && name == fault.name;
    *hit |= is;
    is
}
