//! Many children a test: a copy of this process, without executing it again.
#![expect(unsafe_code, reason = "fork has no safe wrapper: it copies one thread of many")]

use super::message_of;
use rustix::process::{Pid, WaitOptions, waitpid};
use std::fs::File;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A copy of this process, at work.
#[derive(Debug)]
#[must_use = "its end is to be waited for"]
pub struct Fork {
    process: Pid,
    said: File,
}

/// Runs `body` in a copy of this process and returns what it returned; its panic's message, if it panicked.
///
/// # Errors
/// What the child said at its end, or how it ended.
///
/// # Panics
/// When this process has more than one thread, or cannot be copied.
pub fn fork(body: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, String> {
    start(body).end()
}

/// Begins to run `body` in a copy of this process.
///
/// # Panics
/// When this process has more than one thread, or cannot be copied.
pub fn start(body: impl FnOnce() -> Vec<u8>) -> Fork {
    let threads = std::fs::read_dir("/proc/self/task").map(Iterator::count);
    assert!(matches!(threads, Ok(1)), "this process has {threads:?} threads");
    let pipe = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC);
    let (reader, writer) = pipe.unwrap_or_else(|errno| super::panicked(&format!("no pipe: {errno}")));
    // SAFETY: this process has one thread (asserted above), so the copy has all of it: no lock is held by a thread that is
    // not there, and anything may be called.
    #[expect(clippy::disallowed_methods, reason = "the one place of tests")]
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        drop(reader);
        let (status, bytes) = match catch_unwind(AssertUnwindSafe(body)) {
            Ok(bytes) => (0, bytes),
            Err(payload) => (1, message_of(payload.as_ref()).into_bytes()),
        };
        let written = File::from(writer).write_all(&bytes);
        // SAFETY: ends the copy without running anything that belongs to the parent.
        unsafe { libc::_exit(if written.is_ok() { status } else { 2 }) };
    }
    let process = Pid::from_raw(pid).unwrap_or_else(|| super::panicked("fork failed"));
    Fork { process, said: File::from(reader) }
}

impl Fork {
    /// Waits for its end.
    ///
    /// # Errors
    /// As [`fork`].
    pub fn end(mut self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = self.said.read_to_end(&mut bytes);
        let ended = loop {
            match waitpid(Some(self.process), WaitOptions::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                ended => break ended,
            }
        };
        match (read, ended.ok().flatten().map(|(_, status)| status)) {
            (Ok(_), Some(status)) if status.exit_status() == Some(0) => Ok(bytes),
            (Ok(_), Some(status)) if status.exit_status() == Some(1) => {
                Err(String::from_utf8(bytes).unwrap_or_default())
            }
            (read, status) => Err(format!("the child ended with {status:?}: {read:?}")),
        }
    }
}

/// Makes this process, of one thread, one of user and group 65534 without capabilities.
///
/// # Errors
/// What the kernel says.
pub fn become_nobody() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
    let (user, group) = (rustix::process::Uid::from_raw(65534), rustix::process::Gid::from_raw(65534));
    set_thread_groups(&[])?;
    set_thread_gid(group)?;
    set_thread_uid(user)?;
    // Else files in /proc/self are root's.
    Ok(set_dumpable_behavior(DumpableBehavior::Dumpable)?)
}

/// Gives this process mounts of its own, which nobody else sees. Takes `CAP_SYS_ADMIN`.
///
/// # Errors
/// What the kernel says.
pub fn own_mounts() -> std::io::Result<()> {
    // SAFETY: the table of descriptors stays as it is.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }?;
    let private = rustix::mount::MountPropagationFlags::PRIVATE | rustix::mount::MountPropagationFlags::REC;
    Ok(rustix::mount::mount_change("/", private)?)
}
