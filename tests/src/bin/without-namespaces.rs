//! `without-namespaces HOW COMMAND [ARG]...`: runs a command on a machine that has no namespaces to give. HOW is an errno of
//! `unshare(2)` (`EPERM` as in a container, `ENOSPC` as where they are switched off, `ENOSYS`), or `mount`: they can be made,
//! and nothing can be mounted in them, as with `AppArmor`.

use nono_seccomp::{Arch, Errno, InstallFlags, Program, Syscall, set_no_new_privs};
use std::error::Error;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let Err(error) = run();
    #[expect(clippy::print_stderr, reason = "how a test program fails")]
    {
        eprintln!("without-namespaces: {error}");
    }
    ExitCode::from(70)
}

fn run() -> Result<std::convert::Infallible, Box<dyn Error>> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [how, command, arguments @ ..] = words.as_slice() else {
        return Err("how, and which command?".into());
    };
    let (calls, errno): (&[&str], _) = match how.to_str() {
        Some("EPERM") => (&["unshare"], libc::EPERM),
        Some("ENOSPC") => (&["unshare"], libc::ENOSPC),
        Some("ENOSYS") => (&["unshare"], libc::ENOSYS),
        Some("mount") => (&["mount", "fsopen", "move_mount", "open_tree"], libc::EPERM),
        _ => return Err("the errno is EPERM, ENOSPC or ENOSYS; or mount".into()),
    };
    let arch = Arch::NATIVE.ok_or("no filters for this machine")?;
    let mut program = Program::new(arch, nono_seccomp::Action::Allow);
    for name in calls {
        let call = Syscall::named(arch, name).ok_or("an unknown call")?;
        program.on(call, Errno::new(errno).ok_or("no errno")?.into())?;
    }
    set_no_new_privs()?;
    program.assemble()?.install(InstallFlags::empty())?;
    Err(Command::new(command).args(arguments).exec().into())
}
