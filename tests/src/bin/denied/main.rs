//! Ways to get at what is denied below a granted directory: see `tests/deny.rs`. `denied list` prints their names, and what
//! each needs; `denied NAME` tries one in the working directory, and says `ok`, or what the kernel said.
//!
//! In the working directory: `secret` with `file` and `program`, `deep/down/hidden` with `file`, `empty`, `denied.txt`; none of
//! `missing` and `later/on`; and, denied to nobody, `plain.txt`, `kept` with `file`. `OUTSIDER` names a process outside, which
//! has that working directory too, `HANDLE` a file with the handle of `secret/file`.
//!
//! `denied alias NEW COMMAND [ARG]...` binds `secret` to the directory NEW in mounts of its own, and becomes the command;
//! `denied handle` writes the handle of `secret/file`.

mod acts;
mod sys;

use acts::ACTS;
use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["list"] => list(),
        ["alias", new, command @ ..] => alias(new, command),
        ["handle"] => sys::handle("secret/file").and_then(|bytes| io::stdout().write_all(&bytes)),
        [name] => match ACTS.iter().find(|act| act.name == *name) {
            Some(act) => (act.make)(),
            None => Err(io::Error::other("no such act")),
        },
        _ => Err(io::Error::other("denied list | NAME | alias NEW COMMAND | handle")),
    };
    let said = match &done {
        Ok(()) => writeln!(io::stderr(), "ok"),
        Err(error) => writeln!(io::stderr(), "{error}"),
    };
    // Without standard error there is still the status.
    drop(said);
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn list() -> io::Result<()> {
    ACTS.iter().try_for_each(|act| writeln!(io::stdout(), "{}\t{}", act.name, act.needs))
}

fn alias(new: &str, command: &[&str]) -> io::Result<()> {
    sys::new_mounts()?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    std::fs::create_dir_all(new)?;
    mount_bind("secret", new)?;
    let [program, arguments @ ..] = command else { return Err(io::Error::other("which command?")) };
    Err(Command::new(program).args(arguments).exec())
}
