//! Linux: the backend, and what else the command has to know of the system.

use crate::error::CliError;
use crate::listing::ByListing;
use crate::look::ByHandle;
use nono_core::CachedResolver;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RawDir, StatxAttributes, StatxFlags, openat, readlinkat, rmdir, statx, unlink,
};
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, no_new_privs, set_capabilities};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;

#[cfg(target_os = "linux")]
pub(crate) use nono_linux::{
    ApplyError, Capability, CommandExt, ExecError, Judges, Linux as Sandbox, Namespaces, NoNamespace, OnTerminal,
    Policy, PrepareError, ServeError, SpawnError, Supervisor, Trial, UnknownCapability, exec, spawn, spawn_on_terminal,
    withheld_variables,
};

#[cfg(target_os = "linux")]
pub(crate) use nono_linux::observe::{Observations, Observer, Refused, RefusedCall, What};

#[cfg(not(target_os = "linux"))]
compile_error!("nono runs on Linux and macOS only");

/// The system group.
pub(crate) const SYSTEM: &str = include_str!("../data/system-linux.txt");
/// Protected paths.
pub(crate) const PROTECTED: &str = include_str!("../data/protected-linux.txt");
/// Where the homes of all users are, if the user database is no file.
pub(crate) const HOMES: Option<&str> = None;
/// Where open descriptors are listed.
pub(crate) const DESCRIPTORS: &str = "/proc/self/fd";
/// The longest path that `sockaddr_un` holds with the NUL behind it (unix(7)).
pub(crate) const LONGEST_SOCKET: usize = 107;
/// Opens a directory, to which it need not be readable.
pub(crate) const HANDLE: OFlags = OFlags::PATH;

/// Resolves paths, of which few are in one directory.
pub(crate) fn resolver() -> CachedResolver {
    CachedResolver::looking_by(ByHandle::default())
}

/// Resolves paths, of which there may be thousands.
pub(crate) fn resolver_of_many() -> CachedResolver {
    CachedResolver::looking_by(ByListing::identified())
}

/// Resolves paths of which nothing is opened afterwards: which objects they name is not told of all.
pub(crate) fn resolver_for_questions() -> CachedResolver {
    CachedResolver::looking_by(ByListing::default())
}

/// Tells `each` the names in `directory`, "." and ".." included, with what each is and the number of its inode, until it
/// breaks. By a small buffer on the stack: that of the C library is of 32 KB, which costs a start more than the list does.
pub(crate) fn list(directory: &Path, mut each: impl FnMut(&[u8], FileType, u64) -> ControlFlow<()>) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = openat(CWD, directory, flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(open, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if each(entry.file_name().to_bytes(), entry.file_type(), entry.ino()).is_break() {
            break;
        }
    }
    Ok(())
}

/// Whether directories of the file system with the number `device` may be found by several ways: where it is mounted more than
/// once, or in part. Yes where it cannot be told (`proc_pid_mountinfo(5)`).
pub(crate) fn may_be_mounted_twice(device: u64) -> bool {
    let wanted = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let mut mounts = String::with_capacity(8192);
    let read = std::fs::File::open("/proc/self/mountinfo").and_then(|mut file| file.read_to_string(&mut mounts));
    if read.is_err() {
        return true;
    }
    let mut roots = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(2);
        (fields.next()? == wanted).then(|| fields.next())
    });
    roots.next() != Some(Some("/")) || roots.next().is_some()
}

/// A command that starts `program`; the policy is applied when it is executed.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn command(_policy: &Policy, program: &OsStr) -> Result<Command, CliError> {
    Ok(Command::new(program))
}

/// What went wrong in a helper of this program's, if the arguments are meant for one. There are none here.
pub(crate) fn helper(_arguments: &[OsString]) -> Option<CliError> {
    None
}

/// Gives the command a `/dev/shm` of its own, or tells why it gets none.
pub(crate) fn private_shared_memory(sandbox: Sandbox) -> (Sandbox, Option<String>) {
    match sandbox.namespaces() {
        Namespaces::Refused(why) => {
            (sandbox, Some(format!("no /dev/shm of its own ({why}); --allow /dev/shm gives everybody's")))
        }
        _ => (sandbox.private_shared_memory(), None),
    }
}

/// The policy in the words of the system. Here reports say it all.
pub(crate) fn verbatim(_policy: &Policy) -> Option<&str> {
    None
}

/// The path of what is open.
pub(crate) fn path_of(open: impl AsFd) -> io::Result<PathBuf> {
    let link = format!("{DESCRIPTORS}/{}", open.as_fd().as_raw_fd());
    Ok(OsString::from_vec(readlinkat(CWD, link, Vec::new())?.into_bytes()).into())
}

/// Bytes that nobody can foresee.
pub(crate) fn random() -> io::Result<[u8; 8]> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(bytes)
}

/// Whether this process is restricted for good: what every sandbox of this kernel's sets first (`prctl(2)`,
/// `PR_SET_NO_NEW_PRIVS`).
pub(crate) fn is_restricted() -> bool {
    no_new_privs().unwrap_or(true)
}

/// Asks the kernel, without executing it, whether `program` may be executed.
pub(crate) fn may_execute(program: &Path) -> io::Result<()> {
    nono_linux::may_execute(program)
}

/// Looks at files with the privileges that a command has: root's are given up.
pub(crate) fn with_privileges_of_command<T>(overrides: bool, look: impl FnOnce() -> T) -> io::Result<T> {
    let held = capabilities(None)?;
    let mut files = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH | CapabilitySet::FOWNER;
    if overrides {
        files.remove(CapabilitySet::DAC_OVERRIDE);
    }
    if !held.effective.intersects(files) {
        return Ok(look());
    }
    set_capabilities(None, CapabilitySets { effective: held.effective.difference(files), ..held })?;
    let seen = look();
    set_capabilities(None, held)?;
    Ok(seen)
}

/// The mount that `path` is on: a number.
pub(crate) fn mount_number(path: &Path) -> io::Result<u64> {
    Ok(statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, StatxFlags::MNT_ID)?.stx_mnt_id)
}

/// Whether something is mounted at `path`.
pub(crate) fn is_mount_point(path: &Path) -> io::Result<bool> {
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, StatxFlags::TYPE)?;
    Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Tries to remove what is at `path`, by the call that is for another kind of object and removes nothing.
pub(crate) fn try_to_remove(path: &Path, is_directory: bool) -> io::Result<()> {
    let (tried, for_that_alone) =
        if is_directory { (unlink(path), Errno::ISDIR) } else { (rmdir(path), Errno::NOTDIR) };
    match tried {
        Err(errno) if errno == for_that_alone => Ok(()),
        other => Ok(other?),
    }
}
