//! macOS: the backend, and what else the command has to know of the system.
//!
//! Compiled on other systems too, for tests, by `--cfg seatbelt`: all but the call that applies a profile.

use crate::error::CliError;
use crate::program;
use nono_core::{Accepted, Backend, CachedResolver, CapabilitySet, Enforcement, Foresight, Prepared, Support};
use nono_macos::{Handover, Seatbelt};
use rustix::fs::{FileType, OFlags};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;

pub(crate) use nono_macos::{ApplyError, ExecError, withheld_variables};

/// The system group.
pub(crate) const SYSTEM: &str = include_str!("../../data/system-macos.txt");
/// Protected paths.
pub(crate) const PROTECTED: &str = include_str!("../../data/protected-macos.txt");
/// Where the homes of all users are: the user database is a service.
pub(crate) const HOMES: Option<&str> = Some("/Users");
/// Where open descriptors are listed: fd(4).
pub(crate) const DESCRIPTORS: &str = "/dev/fd";
/// The longest path that `sockaddr_un` holds with the NUL behind it (unix(4)).
pub(crate) const LONGEST_SOCKET: usize = 103;
/// Opens a directory.
pub(crate) const HANDLE: OFlags = OFlags::RDONLY;

/// Tells `each` the names in `directory`, with what each is and the number of its inode, until it breaks.
pub(crate) fn list(directory: &Path, mut each: impl FnMut(&[u8], FileType, u64) -> ControlFlow<()>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type().map_or(FileType::Unknown, |kind| match kind {
            kind if kind.is_dir() => FileType::Directory,
            kind if kind.is_symlink() => FileType::Symlink,
            kind if kind.is_file() => FileType::RegularFile,
            _ => FileType::Unknown,
        });
        if each(entry.file_name().as_bytes(), kind, entry.ino()).is_break() {
            break;
        }
    }
    Ok(())
}

/// Set for a helper that is to restrict nothing. Only for tests on systems that have no Seatbelt.
const PRETEND: &str = "NONO_TEST_PRETEND";

/// Seatbelt, and what a command inherits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sandbox {
    passed: Vec<u32>,
    /// One of them that was not open when it was named.
    not_open: Option<u32>,
}

/// Why a policy cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    /// Seatbelt.
    #[error(transparent)]
    Seatbelt(#[from] nono_macos::PrepareError),
    /// A descriptor was to be passed that is not open.
    #[error("descriptor {descriptor} cannot be passed: it is not open")]
    NotOpen { descriptor: u32 },
}

/// None: macOS has no capabilities(7).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Capability {}

/// Any name of one.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is a capability of Linux; macOS has none, and root keeps its privileges within what is granted")]
pub(crate) struct UnknownCapability {
    name: String,
}

impl FromStr for Capability {
    type Err = UnknownCapability;
    fn from_str(name: &str) -> Result<Capability, UnknownCapability> {
        Err(UnknownCapability { name: name.to_owned() })
    }
}

impl Sandbox {
    pub(crate) fn probe() -> Sandbox {
        Sandbox::default()
    }

    /// Nothing to be done: what is open is opened again in `/dev/fd`, which every profile allows.
    pub(crate) fn inherit_standard_streams(self) -> Sandbox {
        self
    }

    /// Lets the command inherit these descriptors, which have to be open now.
    pub(crate) fn pass_descriptors(mut self, numbers: impl IntoIterator<Item = u32>) -> Sandbox {
        for number in numbers {
            if fs::symlink_metadata(format!("{DESCRIPTORS}/{number}")).is_err() {
                self.not_open = Some(number);
            }
            self.passed.push(number);
        }
        self
    }

    /// Nothing to be done: supervised runs are refused before.
    pub(crate) fn supervised(self) -> Sandbox {
        self
    }

    /// Nothing to be done: profiles tell this machine's ports from others'.
    pub(crate) fn connecting_on_behalf(self) -> Sandbox {
        self
    }

    /// There are none.
    pub(crate) fn keep_capabilities(self, _none: Vec<Capability>) -> Sandbox {
        self
    }

    /// Nothing to be asked beforehand.
    pub(crate) fn settled(self) -> Sandbox {
        self
    }

    /// What the system offers.
    pub(crate) fn kernel(&self) -> &Sandbox {
        self
    }

    /// Name lookups are never by TCP: alone they are refused.
    #[expect(clippy::unused_self, reason = "elsewhere it depends on the kernel")]
    pub(crate) fn has_udp_by_port(&self) -> bool {
        true
    }

    /// Profiles tell one unix socket from another.
    #[expect(clippy::unused_self, reason = "elsewhere it depends on the kernel")]
    pub(crate) fn has_unix_by_path(&self) -> bool {
        true
    }
}

impl Backend for Sandbox {
    type Prepared = Policy;
    type Error = PrepareError;

    fn support(&self) -> Support {
        Seatbelt.support()
    }

    fn prepare(&self, set: &CapabilitySet, accepted: &Accepted) -> Result<Policy, PrepareError> {
        if let Some(descriptor) = self.not_open {
            return Err(PrepareError::NotOpen { descriptor });
        }
        let policy = Seatbelt.prepare(set, accepted)?;
        Ok(Policy(policy.pass_descriptors(self.passed.iter().copied())))
    }

    fn foresee(&self, set: &Arc<CapabilitySet>, accepted: &Accepted) -> Result<Foresight, PrepareError> {
        Ok(Seatbelt.foresee(set, accepted)?)
    }
}

/// A profile, ready to be applied.
#[derive(Debug)]
pub(crate) struct Policy(nono_macos::Policy);

impl Policy {
    /// Never: nothing of macOS asks nono about files.
    #[expect(clippy::unused_self, reason = "elsewhere some are")]
    pub(crate) fn is_supervised(&self) -> bool {
        false
    }
}

impl Prepared for Policy {
    type Error = ApplyError;

    fn enforcement(&self) -> &Enforcement {
        self.0.enforcement()
    }

    fn apply(self) -> Result<(), ApplyError> {
        self.0.apply()
    }
}

/// Elsewhere, why a supervised program was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpawnError {
    #[expect(dead_code, reason = "the same variants as elsewhere")]
    #[error("the program could not be executed")]
    Start { source: io::Error },
}

/// A command that starts `program` under the policy, by this program as the helper.
pub(crate) fn command(policy: &Policy, program: &OsStr) -> Result<Command, CliError> {
    let helper = std::env::current_exe();
    let helper = helper.map_err(|source| ApplyError::Helper { helper: "nono".into(), source });
    let helper = helper.map_err(|source| CliError::Apply { source })?;
    Ok(nono_macos::sandboxed(program, &policy.0, &helper))
}

/// Becomes the helper, which becomes the command.
pub(crate) fn exec(_policy: Policy, command: &mut Command) -> ExecError {
    nono_macos::exec(command)
}

/// If the arguments are meant for a helper: applies the profile and becomes the command; what went wrong otherwise.
pub(crate) fn helper(arguments: &[OsString]) -> Option<CliError> {
    let handover = match Handover::read(arguments.iter().cloned()) {
        Ok(handover) => handover?,
        Err(error) => return Some(CliError::Apply { source: error.into() }),
    };
    let program = handover.program().to_owned();
    let pretends = !cfg!(target_os = "macos") && std::env::var_os(PRETEND).is_some();
    let source = match if pretends { handover.exec_after(|_profile| Ok(())) } else { handover.exec() } {
        ExecError::Apply(source) => return Some(CliError::Apply { source }),
        ExecError::Exec { source } => source,
        other => io::Error::other(other),
    };
    Some(CliError::Exec { hint: program::exec_hint(&program, &source), program, source })
}

/// There is none: shared memory and semaphores are names that the kernel keeps.
pub(crate) fn private_shared_memory(sandbox: Sandbox) -> (Sandbox, Option<String>) {
    (sandbox, Some("no shared memory of its own, which macOS has for no program".to_owned()))
}

/// The profile.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
pub(crate) fn verbatim(policy: &Policy) -> Option<&str> {
    Some(policy.0.profile())
}

/// The path of what is open.
#[cfg(target_os = "macos")]
pub(crate) fn path_of(open: impl AsFd) -> io::Result<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Ok(OsString::from_vec(rustix::fs::getpath(open)?.into_bytes()).into())
}

/// The path of what is open.
#[cfg(not(target_os = "macos"))]
pub(crate) fn path_of(open: impl AsFd) -> io::Result<PathBuf> {
    use std::os::fd::AsRawFd;
    fs::read_link(format!("{DESCRIPTORS}/{}", open.as_fd().as_raw_fd()))
}

/// Bytes that nobody can foresee: random(4).
pub(crate) fn random() -> io::Result<[u8; 8]> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Never known: no call tells whether this process is in a sandbox. What is tried tells what it may do.
pub(crate) fn is_restricted() -> bool {
    true
}

/// Resolves paths.
pub(crate) fn resolver() -> CachedResolver {
    CachedResolver::default()
}

/// The same: there is no shorter way here.
pub(crate) fn resolver_of_many() -> CachedResolver {
    resolver()
}

/// The same.
pub(crate) fn resolver_for_questions() -> CachedResolver {
    resolver()
}

/// Whether directories of the file system with the number `device` may be found by several ways: taken for granted.
pub(crate) fn may_be_mounted_twice(_device: u64) -> bool {
    true
}

/// Not to be told without executing it.
pub(crate) fn may_execute(_program: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A command keeps what privileges there are.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn with_privileges_of_command<T>(_overrides: bool, look: impl FnOnce() -> T) -> io::Result<T> {
    Ok(look())
}

/// The file system that `path` is on: a number.
pub(crate) fn mount_number(path: &Path) -> io::Result<u64> {
    Ok(fs::symlink_metadata(path)?.dev())
}

/// Whether another file system begins at `path`.
pub(crate) fn is_mount_point(path: &Path) -> io::Result<bool> {
    let Some(parent) = path.parent() else { return Ok(true) };
    Ok(fs::symlink_metadata(path)?.dev() != fs::symlink_metadata(parent)?.dev())
}

/// Tries to remove what is at `path`, by moving it to itself, which does nothing: rename(2).
pub(crate) fn try_to_remove(path: &Path, _is_directory: bool) -> io::Result<()> {
    fs::rename(path, path)
}
