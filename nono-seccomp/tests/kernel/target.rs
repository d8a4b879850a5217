//! A thread that is filtered, and the listener that serves it.

use crate::child::features;
use nono_seccomp::{Action, Arch, Filter, Listener, Notification, Program, Readiness, Syscall, set_no_new_privs};
use std::sync::mpsc::channel;
use std::thread;

/// The names by which libraries create a directory, and open a file.
pub(crate) const MKDIR: &[&str] = &["mkdir", "mkdirat"];
pub(crate) const OPEN: &[&str] = &["open", "openat", "openat2"];

/// A filter that answers `action` to these calls, where the architecture has them, and allows all others.
pub(crate) fn filter(names: &[&str], action: Action) -> Filter {
    let arch = Arch::NATIVE.expect("tests run where filters do");
    let mut program = Program::new(arch, Action::Allow);
    for syscall in names.iter().filter_map(|name| Syscall::named(arch, name)) {
        program.on(syscall, action).unwrap();
    }
    program.assemble().unwrap()
}

/// Runs `act` in a thread where these calls are notified, and `serve` with its listener. Returns what `act` did.
pub(crate) fn notified<T: Send>(names: &[&str], act: impl FnOnce() -> T + Send, serve: impl FnOnce(&Listener)) -> T {
    let filter = filter(names, Action::Notify);
    let flags = features().listener_flags();
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let target = scope.spawn(move || {
            set_no_new_privs().unwrap();
            sender.send(filter.install_with_listener(flags).unwrap()).unwrap();
            act()
        });
        let listener = receiver.recv().unwrap();
        serve(&listener);
        target.join().unwrap()
    })
}

/// Passes every call to `answer` until no thread has the filter any more. Returns how many there were.
pub(crate) fn serve_all(listener: &Listener, mut answer: impl FnMut(Notification<'_>)) -> usize {
    let mut count = 0;
    while listener.poll(None).unwrap() == Readiness::Waiting {
        if let Some(notification) = listener.recv().unwrap() {
            count += 1;
            answer(notification);
        }
    }
    count
}

/// Where the path of this call is, for the calls of [`MKDIR`] and [`OPEN`].
pub(crate) fn path_address(notification: &Notification<'_>) -> u64 {
    let call = notification.call();
    let name = call.syscall().name(Arch::NATIVE.unwrap()).unwrap();
    call.arguments[usize::from(name.contains("at"))]
}

/// The path of this call.
pub(crate) fn path(notification: &Notification<'_>) -> Vec<u8> {
    notification.target().path(path_address(notification)).unwrap().into_bytes()
}
