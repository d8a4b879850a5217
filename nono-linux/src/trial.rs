//! Calls that show whether something is closed, and do nothing where it is open: their arguments get nowhere, so the error
//! tells whether the kernel looked at them.

use crate::sys;
use nono_seccomp::{Arch, Syscall};
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Asks the kernel whether this process may execute `program`, and executes nothing. Of what the program is executed by, an
/// interpreter or a loader, it is not asked.
///
/// # Errors
/// Why not; [`io::ErrorKind::Unsupported`] below Linux 6.14, where it cannot be asked.
pub fn may_execute(program: &Path) -> io::Result<()> {
    let name = CString::new(program.as_os_str().as_bytes())?;
    match sys::execute_check(&name) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Err(io::ErrorKind::Unsupported.into()),
        asked => asked,
    }
}

/// What a program may try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as what is tried")]
pub enum Trial {
    TypeIntoTerminal,
    NewNamespace,
    OtherPersonality,
    SharedMemory,
    RemoveAttribute,
    NetlinkSocket,
    ListenUnbound,
}

/// No process has this number (`pid_max` is at most 2^22), and no object of System V IPC.
const NOBODY: u64 = 0x7fff_fff0;
/// No descriptor.
const NONE: u64 = u64::MAX;

impl Trial {
    /// Makes the call.
    ///
    /// # Errors
    /// It was refused before the kernel looked at its arguments.
    pub fn make(self) -> io::Result<()> {
        let (name, arguments, reached): (&str, [u64; 3], &[i32]) = match self {
            Trial::TypeIntoTerminal => ("ioctl", [NONE, 0x5412, 0], &[libc::EBADF]),
            // With a bit that is no flag of the call.
            Trial::NewNamespace => ("unshare", [0x1000_0001, 0, 0], &[libc::EINVAL]),
            // Done, for this process and what it starts; no harm.
            Trial::OtherPersonality => ("personality", [0x0004_0000, 0, 0], &[]),
            Trial::SharedMemory => ("shmctl", [NOBODY, 2, 0], &[libc::EINVAL, libc::EIDRM]),
            Trial::RemoveAttribute => ("fremovexattr", [NONE, 0, 0], &[libc::EBADF, libc::EFAULT]),
            Trial::NetlinkSocket => ("socket", [16, 3, 16], &[]),
            Trial::ListenUnbound => ("listen", [NONE, 1, 0], &[libc::EBADF]),
        };
        let missing = || io::Error::from(io::ErrorKind::Unsupported);
        let syscall = Syscall::named(Arch::NATIVE.ok_or_else(missing)?, name).ok_or_else(missing)?;
        match sys::call_without_memory(syscall.number(), arguments) {
            Err(error) if !error.raw_os_error().is_some_and(|errno| reached.contains(&errno)) => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_reached() {
        // Not the personality: it would stay.
        for trial in [Trial::TypeIntoTerminal, Trial::NewNamespace, Trial::RemoveAttribute, Trial::ListenUnbound] {
            trial.make().unwrap_or_else(|error| panic!("{trial:?}: {error}"));
        }
    }
}
