//! Judges every file that a command opens: `cargo run --example mediate -- cat /etc/hostname /etc/hosts`.
//!
//! Files with `hosts` in their path are answered with another file; the rest goes on as if nothing had happened.

use nono_seccomp::{Action, Arch, Features, InjectFlags, Listener, Program, Readiness, Syscall, set_no_new_privs};
use std::{env, error::Error, fs::File, os::fd::AsFd, process::Command, sync::mpsc, thread};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arch = Arch::NATIVE.ok_or("no filters for this machine")?;
    let mut program = Program::new(arch, Action::Allow);
    program.on(Syscall::named(arch, "openat").ok_or("no openat")?, Action::Notify)?;
    let filter = program.assemble()?;
    let flags = Features::probe()?.listener_flags();

    // Children inherit a filter: the thread that installs it starts the command, this one serves.
    let (sender, receiver) = mpsc::channel();
    let starter = thread::spawn(move || -> Result<_, Failure> {
        set_no_new_privs()?;
        sender.send(filter.install_with_listener(flags)?)?;
        let words: Vec<_> = env::args_os().skip(1).collect();
        let (name, arguments) = words.split_first().ok_or("which command?")?;
        Ok(Command::new(name).args(arguments).status()?)
    });
    if let Ok(listener) = receiver.recv() {
        serve(&listener)?;
    }
    let status = starter.join().map_err(|_panic| "the starting thread panicked")??;
    if status.success() { Ok(()) } else { Err(status.to_string().into()) }
}

fn serve(listener: &Listener) -> Result<(), Failure> {
    let substitute = File::open("/dev/null")?;
    while listener.poll(None)? == Readiness::Waiting {
        let Some(notification) = listener.recv()? else { continue };
        let [_, path, open_flags, ..] = notification.call().arguments;
        match notification.target().path(path) {
            Ok(path) if path.to_bytes().windows(5).any(|part| part == b"hosts") => {
                notification.inject(substitute.as_fd(), InjectFlags::mirroring(open_flags))?
            }
            _ => notification.resume()?,
        };
    }
    Ok(())
}
