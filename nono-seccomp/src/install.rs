//! Installing a filter in the calling thread, or in all threads of its process.
//!
//! Between fork and exec a child may only make async-signal-safe calls: another thread of the parent may have held the
//! allocator's lock when it forked. Everything here is for that place: no function allocates, locks or panics, and the
//! errors hold numbers. The filter is assembled before the fork.

use crate::sys::{self, uapi};
use crate::{Filter, InstallError, Listener};
use std::io;

bitflags::bitflags! {
    /// How a filter is installed (`SECCOMP_FILTER_FLAG_*`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct InstallFlags: u32 {
        /// In all threads of the process, or in none (3.17).
        const TSYNC = uapi::FLAG_TSYNC;
        /// Answers other than [`Action::Allow`](crate::Action::Allow) are logged, if the administrator asks for it (4.14).
        const LOG = uapi::FLAG_LOG;
        /// Without the mitigation of speculative store bypass, which filters once turned on (4.17).
        const SPEC_ALLOW = uapi::FLAG_SPEC_ALLOW;
        /// With `TSYNC`: another thread's filters are an error number (5.7). Added where a listener needs it.
        const TSYNC_ESRCH = uapi::FLAG_TSYNC_ESRCH;
        /// With a listener: a call that was received waits through signals that do not kill (5.19). Without it a
        /// signal ends the wait, and the call is made again: an answer may be lost, and a slow one never arrives.
        const WAIT_KILLABLE_RECV = uapi::FLAG_WAIT_KILLABLE_RECV;
    }
}

/// Gives up for good what an executed file could add to this thread's privileges, as an unprivileged filter requires.
///
/// Async-signal-safe. Inherited by children; cannot be undone.
///
/// # Errors
/// [`InstallError::Call`], on kernels before 3.5 only.
pub fn set_no_new_privs() -> Result<(), InstallError> {
    sys::set_no_new_privs().map_err(|source| InstallError::Call { call: "prctl(PR_SET_NO_NEW_PRIVS)", source })
}

impl Filter {
    /// Installs the filter in the calling thread; children inherit it. Cannot be undone.
    ///
    /// Async-signal-safe: allocates nothing and takes no lock, so it may be called between fork and exec.
    ///
    /// # Errors
    /// Each cause is a variant of [`InstallError`]; [`InstallError::NotPrivileged`] without [`set_no_new_privs`].
    pub fn install(&self, flags: InstallFlags) -> Result<(), InstallError> {
        match sys::install(flags.bits(), self.instructions()) {
            Ok(0) => Ok(()),
            Ok(thread) => Err(InstallError::ThreadDiverged { thread: u32::try_from(thread).ok() }),
            Err(source) => Err(classify(flags.bits(), source)),
        }
    }

    /// Installs the filter as [`install`](Self::install) does, and returns the listener that its
    /// [`Action::Notify`](crate::Action::Notify) calls wait for. The descriptor is closed on exec.
    ///
    /// Async-signal-safe. The listener must reach the process that serves it ([`Listener::send`]) and be closed in the
    /// target before untrusted code runs: who holds it can answer. Until it is served, calls to be notified block: none
    /// may be needed to hand it over.
    ///
    /// # Errors
    /// Each cause is a variant of [`InstallError`]; [`InstallError::AlreadyListening`] if an earlier filter has one.
    pub fn install_with_listener(&self, flags: InstallFlags) -> Result<Listener, InstallError> {
        // Both flags need it: without, the kernel could not say which of a thread and a descriptor it returned.
        let esrch = if flags.contains(InstallFlags::TSYNC) { InstallFlags::TSYNC_ESRCH } else { InstallFlags::empty() };
        let bits = (flags | esrch).bits() | uapi::FLAG_NEW_LISTENER;
        match sys::install_with_listener(bits, self.instructions()) {
            Ok(descriptor) => Ok(Listener::new_unchecked(descriptor)),
            Err(source) => Err(classify(bits, source)),
        }
    }
}

/// Whether the kernel knows these flags: `Ok` also if it would refuse them together.
pub(crate) fn knows_flags(flags: u32) -> Result<bool, io::Error> {
    let answer = sys::probe_flags(flags);
    match answer.raw_os_error() {
        // EACCES: the kernel asked for privileges before it looked at the program, so it knew the flags.
        Some(libc::EFAULT | libc::EACCES) => Ok(true),
        Some(libc::EINVAL) => Ok(false),
        _ => Err(answer),
    }
}

/// What an error number means, which for `EINVAL` takes more questions to the kernel.
fn classify(flags: u32, source: io::Error) -> InstallError {
    match source.raw_os_error() {
        Some(libc::ENOSYS) => InstallError::Unsupported { source },
        Some(libc::EBUSY) => InstallError::AlreadyListening { source },
        Some(libc::EACCES) => InstallError::NotPrivileged { source },
        Some(libc::EPERM) => InstallError::Blocked { source },
        Some(libc::ESRCH) => InstallError::ThreadDiverged { thread: None },
        Some(libc::ENOMEM) => InstallError::NoRoom { source },
        Some(libc::EINVAL) => classify_invalid(flags, source),
        _ => InstallError::Call { call: "seccomp(SECCOMP_SET_MODE_FILTER)", source },
    }
}

fn classify_invalid(flags: u32, source: io::Error) -> InstallError {
    let unknown = |flags| matches!(knows_flags(flags), Ok(false));
    if unknown(0) {
        return InstallError::Unsupported { source };
    }
    if flags & uapi::FLAG_NEW_LISTENER != 0 && unknown(uapi::FLAG_NEW_LISTENER) {
        return InstallError::NoNotification { source };
    }
    let unknown: InstallFlags = InstallFlags::from_bits_retain(flags & !uapi::FLAG_NEW_LISTENER)
        .iter()
        .filter(|flag| unknown(companions(*flag)))
        .collect();
    if unknown.is_empty() {
        InstallError::Refused { source }
    } else {
        InstallError::UnknownFlags { flags: unknown, source }
    }
}

/// A flag with those without which the kernel refuses it.
pub(crate) const fn companions(flag: InstallFlags) -> u32 {
    match flag {
        InstallFlags::WAIT_KILLABLE_RECV => flag.bits() | uapi::FLAG_NEW_LISTENER,
        InstallFlags::TSYNC_ESRCH => flag.bits() | uapi::FLAG_TSYNC,
        _ => flag.bits(),
    }
}
