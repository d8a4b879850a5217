//! The first calls of a program whose `execve(2)` is notified.
//!
//! `std::process::Command` waits in the parent until the child has executed the program (or could not). Where that call is
//! itself notified, somebody has to answer it before, or both wait for ever (kernel.md 3.2): a thread that is there before
//! the fork, and hands the listener on when the program runs.

use super::serve::settle;
use crate::observe::Observer;
use nono_seccomp::Listener;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// How long the parent may take to learn that the program runs, before its next call is answered here too. A program that the
/// kernel does not know how to execute is handed to a shell by a second call, of which the parent learns nothing.
const GRACE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// A thread that serves them.
#[derive(Debug)]
pub(super) struct First {
    /// Closed when the program runs, or will not.
    running: UnixStream,
    thread: JoinHandle<Option<Listener>>,
}

impl First {
    /// Waits for the listener on `socket`.
    pub(super) fn serve(socket: &UnixStream, observer: Arc<Observer>) -> io::Result<First> {
        let (running, over) = UnixStream::pair()?;
        let socket = socket.try_clone()?;
        let work = move || serve(&socket, &over, &observer);
        Ok(First { running, thread: thread::Builder::new().name("nono-first".into()).spawn(work)? })
    }

    /// Takes the listener over: none if it did not come.
    pub(super) fn finish(self) -> Option<Listener> {
        drop(self.running);
        self.thread.join().ok().flatten()
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
    let mut executed = false;
    loop {
        if executed && wait(&[over], Some(&GRACE)) {
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
        // What a supervisor acts on comes after the program's libraries are opened, and by then somebody took over.
        settle(listener.recv().and_then(|call| call.map_or(Ok(()), |call| observer.watch(call).map(drop))));
        executed = true;
    }
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
