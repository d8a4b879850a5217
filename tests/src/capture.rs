//! How does one run a program, keep all it says, and be sure that it is gone afterwards?
//!
//! Both pipes are read at once (a full pipe would stop the program), a deadline ends the whole process group, and a
//! descendant that keeps a pipe open after the program has ended is given a short grace, not the whole deadline.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long descendants may keep the pipes open once the program itself has ended.
const GRACE: Duration = Duration::from_millis(500);

/// What a program said and how it ended.
#[derive(Debug)]
pub struct Captured {
    /// How it ended; after a deadline: killed.
    pub status: ExitStatus,
    /// All it wrote to descriptor 1.
    pub stdout: Vec<u8>,
    /// All it wrote to descriptor 2.
    pub stderr: Vec<u8>,
    /// Whether the deadline ended it.
    pub timed_out: bool,
}

/// Whether the program is made the leader of a process group of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Yes: descendants that stay in the group end with it.
    Own,
    /// No: it will start a session itself, which a group leader may not.
    LeftToProgram,
}

/// Runs `command` with `input` on its standard input (unless that was set already and `input` is `None`) until it ends
/// or `deadline` has passed, then kills what is left of its process group.
///
/// # Errors
/// What starting it, or reading from it, gave.
pub fn run(command: &mut Command, input: Option<&[u8]>, group: Group, deadline: Duration) -> io::Result<Captured> {
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    if group == Group::Own {
        command.process_group(0);
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let until = Instant::now() + deadline;
    let stdin = child.stdin.take();
    let pid = Pid::from_child(&child);
    std::thread::scope(|scope| {
        if let (Some(mut pipe), Some(bytes)) = (stdin, input) {
            // A program that does not read all of its input is no failure of the test.
            scope.spawn(move || drop(pipe.write_all(bytes)));
        }
        let outcome = collect(&mut child, pid, until);
        end(pid);
        outcome
    })
}

/// Kills the group of `pid`, which may be gone already: then there is nothing to do.
fn end(pid: Pid) {
    let _ = kill_process_group(pid, Signal::KILL);
}

fn collect(child: &mut Child, pid: Pid, until: Instant) -> io::Result<Captured> {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (gone, announce) = io::pipe()?;
    std::thread::scope(|scope| {
        let waiter = scope.spawn(move || {
            let status = child.wait();
            drop(announce);
            status
        });
        let (mut limit, mut ended, mut timed_out) = (until, false, false);
        let mut failure = None;
        while !(ended && out.is_none() && err.is_none()) {
            let ready =
                match wait_for([out.as_ref().map(AsFd::as_fd), err.as_ref().map(AsFd::as_fd)], ended, &gone, limit) {
                    Ok(ready) => ready,
                    Err(error) => {
                        failure = Some(error);
                        break;
                    }
                };
            match ready {
                None if ended => break,
                None => {
                    timed_out = true;
                    end(pid);
                    let _ = kill_process(pid, Signal::KILL);
                    limit = Instant::now() + GRACE;
                    ended = true;
                }
                Some(ready) => {
                    read_some(&mut out, &mut stdout, ready[0]);
                    read_some(&mut err, &mut stderr, ready[1]);
                    if ready[2] && !ended {
                        ended = true;
                        limit = Instant::now() + GRACE;
                    }
                }
            }
        }
        if failure.is_some() {
            let _ = kill_process(pid, Signal::KILL);
        }
        let status = waiter.join().map_err(|_panic| io::Error::other("the waiting thread panicked"))??;
        failure.map_or(Ok(Captured { status, stdout, stderr, timed_out }), Err)
    })
}

/// Which of stdout, stderr and "has ended" have news; `None` when `limit` passed first.
fn wait_for(
    pipes: [Option<std::os::fd::BorrowedFd<'_>>; 2],
    ended: bool,
    gone: &io::PipeReader,
    limit: Instant,
) -> io::Result<Option<[bool; 3]>> {
    let watched = [pipes[0], pipes[1], (!ended).then(|| gone.as_fd())];
    let mut fds: Vec<(usize, PollFd<'_>)> = (0_usize..)
        .zip(watched)
        .filter_map(|(place, fd)| Some((place, PollFd::from_borrowed_fd(fd?, PollFlags::IN))))
        .collect();
    let mut polled: Vec<PollFd<'_>> = fds.iter().map(|(_, fd)| fd.clone()).collect();
    let left = limit.saturating_duration_since(Instant::now());
    let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut polled, Some(&timeout)) {
        Ok(0) => return Ok(None),
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok(Some([false; 3])),
        Err(errno) => return Err(errno.into()),
    }
    let mut ready = [false; 3];
    for ((place, _), fd) in fds.drain(..).zip(&polled) {
        if let Some(slot) = ready.get_mut(place) {
            *slot = !fd.revents().is_empty();
        }
    }
    Ok(Some(ready))
}

/// Reads what is there; end of file (or an error, which means the same here) closes the pipe.
fn read_some<R: Read>(pipe: &mut Option<R>, into: &mut Vec<u8>, ready: bool) {
    let Some(open) = pipe.as_mut().filter(|_| ready) else { return };
    let mut block = [0; 16384];
    match open.read(&mut block) {
        Ok(0) | Err(_) => *pipe = None,
        Ok(length) => into.extend(block.iter().take(length)),
    }
}

/// Bytes as text: what is not UTF-8 is escaped, so that nothing is lost.
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command
    }

    #[test]
    fn both_streams_and_the_status_are_kept() {
        let ran =
            run(&mut shell("cat; echo two >&2; exit 3"), Some(b"one"), Group::Own, Duration::from_secs(20)).unwrap();
        assert_eq!((ran.status.code(), text(&ran.stdout), text(&ran.stderr)), (Some(3), "one".into(), "two\n".into()));
    }

    #[test]
    fn a_deadline_ends_the_whole_group() {
        let started = Instant::now();
        let ran = run(&mut shell("sleep 60 & echo $!; wait"), None, Group::Own, Duration::from_millis(300)).unwrap();
        assert!(ran.timed_out && started.elapsed() < Duration::from_secs(20), "{ran:?}");
        let sleeper = Pid::from_raw(text(&ran.stdout).trim().parse().unwrap()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while rustix::process::test_kill_process(sleeper).is_ok() && !is_zombie(sleeper) {
            assert!(Instant::now() < deadline, "{sleeper:?} is still there");
            std::thread::yield_now();
        }
    }

    fn is_zombie(pid: Pid) -> bool {
        std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).is_ok_and(|stat| stat.contains(") Z "))
    }

    #[test]
    fn a_descendant_that_holds_the_pipe_does_not_hold_the_test() {
        let started = Instant::now();
        let ran = run(&mut shell("sleep 60 & echo done"), None, Group::Own, Duration::from_secs(50)).unwrap();
        assert!(!ran.timed_out && started.elapsed() < Duration::from_secs(20), "{ran:?}");
    }

    #[test]
    fn text_loses_nothing() {
        assert_eq!(text(b"a\xffb"), "a\\xffb");
    }
}
