//! A session of its own for the program, and the process that leads it.
//!
//! A program that led its session itself would be in an orphaned process group, whose members the kernel does not let
//! SIGTSTP stop (setpgid(2)): Ctrl-Z would do nothing. So between it and the supervisor there is a process that does what
//! a shell does for its only job: it stops when the program stops, continues it, and ends as the program ended.
//!
//! # Safety
//! All of this runs between fork and exec, in a process of one thread that may hold a lock of another thread for ever. Made
//! here: `setsid(2)`, `ioctl(2)` (`TIOCSCTTY`, `TIOCSPGRP`), `fork(3)`, `setpgid(2)`, `signal(2)`, `getpid(2)`, `write(2)`
//! in both halves; in the leader also `dup2(2)`, `close_range(2)`, `waitpid(2)`, `kill(2)`, `setrlimit(2)` and `_exit(2)`.
//! All are async-signal-safe (signal-safety(7)) but for `fork`, which newer POSIX leaves out because of handlers that
//! `pthread_atfork(3)` has; the C library's own locks were put in order by the fork before.
#![expect(unsafe_code, reason = "fork, signal dispositions and _exit")]

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getpgrp, getpid, ioctl_tiocsctty, kill_process,
    kill_process_group, setpgid, setrlimit, setsid, waitpid,
};
use rustix::stdio::{dup2_stdin, stdin};
use rustix::termios::tcsetpgrp;
use std::io;
use std::os::fd::BorrowedFd;

/// The highest signal of Linux (signal(7)).
const LAST_SIGNAL: libc::c_int = 64;

/// Parts a forked child: one half becomes the leader of a new session, which `terminal` controls, and never returns; the
/// other is in the foreground of that terminal, in a process group of its own, and goes on. Async-signal-safe.
pub(super) fn part(terminal: BorrowedFd<'_>) -> io::Result<Pid> {
    setsid()?;
    ioctl_tiocsctty(terminal)?;
    let leader = getpgrp();
    // SAFETY: this process has one thread, which goes on in both halves. Everything either does next is in the list at the
    // top of this module or of its parent's, so no lock that another thread held is waited for.
    #[expect(clippy::disallowed_methods, reason = "the one place that parts a forked child again")]
    let forked = unsafe { libc::fork() };
    match Pid::from_raw(forked) {
        None => {
            setpgid(None, None)?;
            let before = disposition(libc::SIGTTOU, libc::SIG_IGN);
            let put = tcsetpgrp(terminal, getpid());
            disposition(libc::SIGTTOU, before);
            put?;
            Ok(getpid())
        }
        Some(program) if forked > 0 => lead(terminal, leader, program),
        Some(_) => Err(io::Error::last_os_error()),
    }
}

/// Stands between the program and the supervisor until the program has ended.
fn lead(terminal: BorrowedFd<'_>, own: Pid, program: Pid) -> ! {
    for signal in 1..=LAST_SIGNAL {
        // Handlers of the supervisor's would take signals for it.
        disposition(signal, libc::SIG_DFL);
    }
    disposition(libc::SIGTTOU, libc::SIG_IGN);
    if dup2_stdin(terminal).is_err() {
        end(1);
    }
    // The pipe by which std learns of the exec, and whatever else waits for its other end to be closed.
    close_all_above_stdin();
    loop {
        match waitpid(Some(program), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => {
                let _stopped = kill_process(own, Signal::STOP);
                // Continued. What fails here fails because the program is gone, which the next turn finds.
                let _foreground = tcsetpgrp(stdin(), program);
                let _continued = kill_process_group(program, Signal::CONT);
            }
            Ok(Some((_, status))) => end_as(status, own),
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => end(1),
        }
    }
}

/// Ends as the program has ended.
fn end_as(status: WaitStatus, own: Pid) -> ! {
    // When a leader ends, the foreground is hung up (credentials(7)); what the program has left there stays.
    let _foreground = tcsetpgrp(stdin(), own);
    if let Some(signal) = status.terminating_signal().and_then(Signal::from_named_raw) {
        let _limited = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
        let _sent = kill_process(own, signal);
    }
    end(status.exit_status().unwrap_or(1))
}

/// Sets what a signal does, and returns what it did: `signal(2)`.
fn disposition(signal: libc::c_int, action: libc::sighandler_t) -> libc::sighandler_t {
    // SAFETY: the action is no function, or one that was there before; a number that is no signal is EINVAL.
    unsafe { libc::signal(signal, action) }
}

/// Closes every descriptor but 0: `close_range(2)`.
fn close_all_above_stdin() {
    // SAFETY: the call takes three integers and no memory. Values of this process that own descriptors are never used or
    // dropped any more: the caller does not return, and uses descriptor 0 alone.
    unsafe { libc::syscall(libc::SYS_close_range, 1, libc::c_uint::MAX, 0) };
}

/// Ends this process, and runs nothing of what was registered for that.
fn end(status: libc::c_int) -> ! {
    // SAFETY: the call takes an integer and does not return.
    unsafe { libc::_exit(status) }
}
