//! `without-landlock ERRNO COMMAND [ARG]...`: runs a command under a filter that answers every Landlock call with an error,
//! as a kernel without Landlock or a container does.

use nono_seccomp::{Arch, Errno, InstallFlags, Program, Syscall, set_no_new_privs};
use std::error::Error;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let Err(error) = run();
    #[expect(clippy::print_stderr, reason = "how a test program fails")]
    {
        eprintln!("without-landlock: {error}");
    }
    ExitCode::from(70)
}

fn run() -> Result<std::convert::Infallible, Box<dyn Error>> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [errno, command, arguments @ ..] = words.as_slice() else {
        return Err("which errno, and which command?".into());
    };
    let errno = match errno.to_str() {
        Some("ENOSYS") => libc::ENOSYS,
        Some("EPERM") => libc::EPERM,
        Some("EOPNOTSUPP") => libc::EOPNOTSUPP,
        _ => return Err("the errno is ENOSYS, EPERM or EOPNOTSUPP".into()),
    };
    let arch = Arch::NATIVE.ok_or("no filters for this machine")?;
    let mut program = Program::new(arch, nono_seccomp::Action::Allow);
    for name in ["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"] {
        let call = Syscall::named(arch, name).ok_or("no Landlock calls")?;
        program.on(call, Errno::new(errno).ok_or("no errno")?.into())?;
    }
    set_no_new_privs()?;
    program.assemble()?.install(InstallFlags::empty())?;
    Err(Command::new(command).args(arguments).exec().into())
}
