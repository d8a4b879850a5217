//! Makes one attempt to do what a sandbox must refuse: see `nono_tests::attempt` for the contract.
//!
//! `attempt list`, `attempt run NAME DIR [KEY=VALUE]...`; and for the harness: `attempt victim SECRET` (a process to act
//! on), `attempt on-terminal TTY COMMAND...` and `attempt with-descriptor MODE PATH COMMAND...` (what is inherited).

mod act;
mod party;
mod sys;

// The families.
mod create;
mod fds;
mod fs;
mod ipc;
mod kernel;
#[cfg(target_arch = "x86_64")]
mod legacy;
mod meta;
mod mount;
mod namespace;
mod net;
mod others;
mod process;
mod rename;
mod sockets;
mod tty;
mod unixsock;

use act::{Attempt, Scene, Stop};
use nono_tests::errno;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

const FAMILIES: &[(&str, &[Attempt])] = &[
    ("fs", fs::ATTEMPTS),
    ("create", create::ATTEMPTS),
    ("rename", rename::ATTEMPTS),
    ("meta", meta::ATTEMPTS),
    ("net", net::ATTEMPTS),
    ("sockets", sockets::ATTEMPTS),
    ("unixsock", unixsock::ATTEMPTS),
    ("process", process::ATTEMPTS),
    ("others", others::ATTEMPTS),
    ("kernel", kernel::ATTEMPTS),
    ("namespace", namespace::ATTEMPTS),
    ("mount", mount::ATTEMPTS),
    ("ipc", ipc::ATTEMPTS),
    ("tty", tty::ATTEMPTS),
    ("fds", fds::ATTEMPTS),
    #[cfg(target_arch = "x86_64")]
    ("legacy", legacy::ATTEMPTS),
];

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (verb, rest) = args.split_first().map_or((None, args.as_slice()), |(verb, rest)| (verb.to_str(), rest));
    let outcome = match verb {
        Some("list") => list(),
        Some("run") => run(rest),
        Some("victim") => party::victim(rest),
        Some("on-terminal") => party::on_terminal(rest),
        Some("with-descriptor") => party::with_descriptor(rest),
        Some("remove-queue") => ipc::remove_queue(rest),
        // What an executed copy of this program does: it shows that it ran.
        Some("ran") => return ExitCode::from(42),
        _ => Err(Stop::Unsupported("attempt list | run NAME DIR [KEY=VALUE]...".into())),
    };
    let (line, status) = match outcome {
        Ok(()) => ("done".into(), 0),
        Err(Stop::Refused(errno)) => (format!("errno={}", errno::name(errno)), 1),
        Err(Stop::NoEffect(what)) => (format!("errno=NOEFFECT\n{what}"), 1),
        Err(Stop::Unsupported(why)) => (format!("unsupported={why}"), 2),
    };
    if verb == Some("list") && status == 0 {
        return ExitCode::SUCCESS;
    }
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => ExitCode::from(status),
        Err(_) => ExitCode::from(3),
    }
}

fn list() -> Result<(), Stop> {
    let rows =
        FAMILIES.iter().flat_map(|(family, attempts)| attempts.iter().map(|attempt| attempt.row(family).to_json()));
    writeln!(io::stdout(), "{:#}", rows.collect::<serde_json::Value>())?;
    Ok(())
}

fn run(args: &[OsString]) -> Result<(), Stop> {
    let [name, dir, values @ ..] = args else {
        return Err(Stop::Unsupported("run NAME DIR [KEY=VALUE]...".into()));
    };
    let mut attempts = FAMILIES.iter().flat_map(|(_, attempts)| attempts.iter());
    let Some(attempt) = attempts.find(|attempt| name == attempt.name) else {
        return Err(Stop::Unsupported(format!("there is no attempt {name:?}")));
    };
    (attempt.act)(&Scene::new(dir, values))
}
