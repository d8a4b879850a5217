//! The first calls of a program whose `execve(2)` is notified.
//!
//! `std::process::Command` waits in the parent until the child has executed the program (or could not). Where that call is
//! itself notified, somebody has to answer it before, or both wait for ever (kernel.md 3.2): a thread that is there before
//! the fork, and hands the listener on when the program runs.

use super::call::Open;
use super::serve::settle;
use crate::observe::Observer;
use nono_seccomp::{ListenError, Listener, Notification};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// How long the parent may take to learn that the program runs, before its next call is answered here too. A program that the
/// kernel does not know how to execute is handed to a shell by a second call, of which the parent learns nothing.
const GRACE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// How long a number may be on its way that is written whole.
const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// A program that was served until it ran, or did not.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// The number of its process, if that was to be told.
    pub(super) number: Option<[u8; 4]>,
    /// None if it did not come.
    pub(super) listener: Option<Listener>,
}

/// A thread that serves them.
#[derive(Debug)]
pub(super) struct First {
    /// Closed when the program runs, or will not.
    running: UnixStream,
    thread: JoinHandle<Served>,
}

impl First {
    /// Waits for the listener on `socket`, and before it, if it is `announced`, for the number of the program's process.
    pub(super) fn serve(socket: &UnixStream, observer: Arc<Observer>, announced: bool) -> io::Result<First> {
        let (running, over) = UnixStream::pair()?;
        let socket = socket.try_clone()?;
        let work = move || {
            let number = if announced { Some(number(&socket, &over)) } else { None };
            match number {
                Some(None) => Served::default(),
                number => Served { number: number.flatten(), listener: serve(&socket, &over, &observer) },
            }
        };
        Ok(First { running, thread: thread::Builder::new().name("nono-first".into()).spawn(work)? })
    }

    /// Takes the listener over.
    pub(super) fn finish(self) -> Served {
        drop(self.running);
        self.thread.join().unwrap_or_default()
    }
}

/// The number of the program's process, in four bytes. What is shorter is the step that failed, and left to the parent.
fn number(socket: &UnixStream, over: &UnixStream) -> Option<[u8; 4]> {
    let mut number = [0; 4];
    loop {
        let _waited = wait(&[socket, over], None);
        let (read, _) = recv(socket, &mut number, RecvFlags::PEEK | RecvFlags::DONTWAIT).ok()?;
        if read == number.len() {
            return recv(socket, &mut number, RecvFlags::DONTWAIT).ok().map(|_| number);
        }
        if wait(&[over], Some(&MOMENT)) {
            return None;
        }
    }
}

fn serve(socket: &UnixStream, over: &UnixStream, observer: &Observer) -> Option<Listener> {
    let _waited = wait(&[socket, over], None);
    // Zero comes with the listener; a step that failed has a number, which is for the parent to read.
    let mut byte = [1];
    let (read, _) = recv(socket, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT).ok()?;
    if read == 0 || byte != [0] {
        return None;
    }
    let listener = Listener::receive(socket).ok()?;
    let mut process = None;
    loop {
        if process.is_some() && wait(&[over], Some(&GRACE)) {
            return Some(listener);
        }
        // The parent is slow to learn it. What a supervisor acts on is not to be answered here.
        if process.is_some_and(is_another_program) {
            let _waited = wait(&[over], None);
            return Some(listener);
        }
        let _waited = wait(&[over, &listener], None);
        if wait(&[over], Some(&Timespec::default())) {
            return Some(listener);
        }
        // It died; `poll` tells so that `recv` is not waited in for ever.
        if !matches!(listener.poll(None), Ok(nono_seccomp::Readiness::Waiting)) {
            return Some(listener);
        }
        settle(listener.recv().and_then(|call| {
            let Some(call) = call else { return Ok(()) };
            process = call.thread().or(process);
            observer.watch(call)?.map_or(Ok(()), |(call, _)| leave_to_the_kernel(call))
        }));
    }
}

/// What a supervisor acts on, where none is there yet: it was not seen that the program runs. An open is no more than what
/// Landlock grants. Other calls are none that may go on by themselves, and fail.
fn leave_to_the_kernel(call: Notification<'_>) -> Result<(), ListenError> {
    if Open::read(&call).is_some() { call.resume().map(drop) } else { Ok(()) }
}

/// Whether a process that was forked off this one executes something else by now; no if that cannot be found out.
fn is_another_program(process: u32) -> bool {
    let program = |process: &str| std::fs::metadata(format!("/proc/{process}/exe")).map(|it| (it.dev(), it.ino()));
    matches!((program("self"), program(&process.to_string())), (Ok(own), Ok(other)) if own != other)
}

/// Whether one of these is ready or closed before the time is over.
fn wait(descriptors: &[&dyn AsFd], timeout: Option<&Timespec>) -> bool {
    let mut all: Vec<_> = descriptors.iter().map(|one| PollFd::from_borrowed_fd(one.as_fd(), PollFlags::IN)).collect();
    loop {
        match poll(&mut all, timeout) {
            Ok(ready) => return ready > 0,
            Err(Errno::INTR) => {}
            Err(_) => return true,
        }
    }
}
