//! Relays between two real ptys: one plays the user's terminal, the other is the command's.

mod jobs;
mod questions;

use super::{Keys, PtyError, Relay, Relaying};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{
    LocalModes, OptionalActions, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};
use std::os::fd::{AsFd, OwnedFd};

/// How long anything may take.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// The user at a terminal.
struct User {
    /// What the user types to and looks at.
    keyboard: OwnedFd,
    /// The terminal, as programs have it open.
    terminal: OwnedFd,
}

impl User {
    fn new() -> User {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let keyboard = openpt(flags).unwrap();
        unlockpt(&keyboard).unwrap();
        tcsetwinsize(&keyboard, size(24, 80)).unwrap();
        let terminal = ioctl_tiocgptpeer(&keyboard, flags).unwrap();
        User { keyboard, terminal }
    }

    /// The terminal, opened once more: not a duplicate.
    fn tty(&self) -> OwnedFd {
        ioctl_tiocgptpeer(&self.keyboard, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap()
    }

    /// A relay that has not begun, and the command's terminal.
    fn relay(&self) -> (Relay, OwnedFd) {
        let relay = Relay::open(self.tty()).unwrap();
        let command = relay.slave().unwrap();
        (relay, command)
    }

    /// A relay at work, and the command's terminal.
    fn relaying(&self) -> (Relaying, OwnedFd) {
        let (relay, command) = self.relay();
        (relay.start(Keys::Command).unwrap(), command)
    }

    fn types(&self, keys: &str) {
        say(&self.keyboard, keys);
    }

    /// Waits until this is on the screen, and returns what came before it.
    #[track_caller]
    fn sees(&self, words: &str) -> String {
        hear(&self.keyboard, words)
    }

    fn modes(&self) -> Termios {
        tcgetattr(&self.terminal).unwrap()
    }

    fn is_raw(&self) -> bool {
        !self.modes().local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Makes the terminal take nothing more. Returns how much is on it.
    fn stop(&self) -> usize {
        let terminal = self.tty();
        let mut modes = self.modes();
        modes.make_raw();
        let own = self.modes();
        tcsetattr(&terminal, OptionalActions::Now, &modes).unwrap();
        ioctl_fionbio(&terminal, true).unwrap();
        let mut filled = 0;
        while let Ok(count) = rustix::io::write(&terminal, b".") {
            filled += count;
        }
        tcsetattr(&terminal, OptionalActions::Now, &own).unwrap();
        filled
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn same(one: &Termios, other: &Termios) -> bool {
    (one.input_modes, one.output_modes, one.control_modes, one.local_modes)
        == (other.input_modes, other.output_modes, other.control_modes, other.local_modes)
}

fn say(to: &OwnedFd, words: &str) {
    let mut rest = words.as_bytes();
    while !rest.is_empty() {
        rest = &rest[rustix::io::write(to, rest).unwrap()..];
    }
}

/// Reads until there is `words`, byte by byte so that nothing behind it is lost; returns what was before.
#[track_caller]
fn hear(from: &OwnedFd, words: &str) -> String {
    let mut heard = String::new();
    loop {
        let ready = poll(&mut [PollFd::new(from, PollFlags::IN)], Some(&PATIENCE)).unwrap();
        assert_eq!(ready, 1, "wanted {words:?}, and there is {heard:?}");
        let mut byte = [0];
        match rustix::io::read(from, &mut byte) {
            Ok(1) => heard.push(char::from(byte[0])),
            other => panic!("wanted {words:?}, and after {heard:?} there is {other:?}"),
        }
        if let Some(before) = heard.strip_suffix(words) {
            return before.to_owned();
        }
    }
}

/// Whether there is nothing to be read now.
fn is_silent(end: &OwnedFd) -> bool {
    poll(&mut [PollFd::new(end, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) == Ok(0)
}

/// Puts a terminal into raw mode, as an editor does.
fn make_raw(terminal: &OwnedFd) {
    let mut modes = tcgetattr(terminal).unwrap();
    modes.make_raw();
    tcsetattr(terminal, OptionalActions::Now, &modes).unwrap();
}

#[test]
fn the_command_finds_the_terminal_of_its_user() {
    let user = User::new();
    let mut modes = user.modes();
    modes.local_modes.remove(LocalModes::ECHOCTL);
    tcsetattr(&user.terminal, OptionalActions::Now, &modes).unwrap();
    let (relay, command) = user.relay();
    assert!(same(&tcgetattr(&command).unwrap(), &modes));
    let found = tcgetwinsize(&command).unwrap();
    assert_eq!((found.ws_row, found.ws_col), (24, 80));
    assert!(same(&user.modes(), &modes), "nothing has begun");
    let relaying = relay.start(Keys::Command).unwrap();
    assert!(user.is_raw());
    assert!(same(&tcgetattr(&command).unwrap(), &modes));
    relaying.finish();
    assert!(same(&user.modes(), &modes));
}

#[test]
fn only_a_terminal_is_relayed_to() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let Err(PtyError::NoTerminal { source }) = Relay::open(reader.into()) else { panic!("a pipe is no terminal") };
    assert_eq!(source.raw_os_error(), Some(Errno::NOTTY.raw_os_error()));
}

#[test]
fn lines_and_keys_reach_the_command() {
    let user = User::new();
    let (_relaying, command) = user.relaying();
    // The command's terminal edits the line and echoes it; the user's does neither.
    user.types("wordz\x7fs\r");
    assert_eq!(hear(&command, "\n"), "words");
    assert_eq!(user.sees("\n"), "wordz\x08 \x08s\r");
    make_raw(&command);
    user.types("\x03\x1a\x11\x13\r\x04\x7f\u{e9}.");
    assert_eq!(hear(&command, "."), "\x03\x1a\x11\x13\r\x04\x7f\u{c3}\u{a9}");
}

#[test]
fn keys_of_others_are_left_to_them() {
    let user = User::new();
    let before = user.modes();
    let (relay, command) = user.relay();
    let relaying = relay.start(Keys::Others).unwrap();
    assert!(same(&user.modes(), &before));
    user.types("for less\n");
    user.sees("less\r\n");
    say(&command, "shown");
    user.sees("shown");
    relaying.suspend();
    relaying.resume();
    assert_eq!(hear(&user.terminal, "\n"), "for less");
    let paused = relaying.pause();
    say(&command, "later");
    say(&user.terminal, "allow? ");
    assert!(!user.sees("allow? ").contains("later"));
    drop(paused);
    user.sees("later");
    relaying.finish();
    assert!(same(&user.modes(), &before));
}

#[test]
fn all_that_is_printed_is_shown() {
    let user = User::new();
    let (relaying, command) = user.relaying();
    let lines: Vec<_> = (0..20_000).map(|number| format!("line {number}\n")).collect();
    let lines = lines.concat();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            say(&command, &lines);
            say(&command, "END");
            relaying.finish();
        });
        assert_eq!(user.sees("END"), lines.replace('\n', "\r\n"));
    });
}

#[test]
fn what_was_printed_last_is_shown() {
    for _ in 0..50 {
        let user = User::new();
        let before = user.modes();
        let (relaying, command) = user.relaying();
        say(&command, &"x".repeat(3000));
        say(&command, "END");
        drop(command);
        relaying.finish();
        assert!(same(&user.modes(), &before));
        assert_eq!(user.sees("END").len(), 3000);
    }
}

#[test]
fn what_goes_on_printing_is_hung_up_on() {
    let user = User::new();
    let (relaying, command) = user.relaying();
    std::thread::scope(|scope| {
        let endless = scope.spawn(|| {
            loop {
                if let Err(error) = rustix::io::write(&command, b"and on ") {
                    break error;
                }
            }
        });
        scope.spawn(|| user.sees("THE END"));
        relaying.finish();
        assert_eq!(endless.join().unwrap(), Errno::IO);
        say(&user.terminal, "THE END");
    });
}

#[test]
fn a_command_that_reads_nothing_can_print() {
    let user = User::new();
    let (relaying, command) = user.relaying();
    make_raw(&command);
    // More than both terminals keep.
    ioctl_fionbio(&user.keyboard, true).unwrap();
    let mut waits = 0;
    while waits < 3 {
        match rustix::io::write(&user.keyboard, &[b'k'; 512]) {
            Ok(_) => waits = 0,
            Err(Errno::AGAIN) => {
                // Until the thread has carried all it can.
                relaying.resume();
                waits += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    say(&command, "still here");
    user.sees("still here");
    relaying.finish();
}

#[test]
fn a_resize_reaches_the_command() {
    let user = User::new();
    let (relaying, command) = user.relaying();
    tcsetwinsize(&user.keyboard, size(33, 99)).unwrap();
    relaying.resize();
    let found = tcgetwinsize(&command).unwrap();
    assert_eq!((found.ws_row, found.ws_col), (33, 99));
}

#[test]
fn a_command_can_open_its_terminal_again() {
    let user = User::new();
    let (_relaying, command) = user.relaying();
    let name = rustix::termios::ttyname(&command, Vec::new()).unwrap();
    drop(command);
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let again = rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty()).unwrap();
    say(&again, "again");
    user.sees("again");
}

#[test]
fn a_command_ends_though_its_user_has_gone() {
    let user = User::new();
    let (relaying, command) = user.relaying();
    let User { keyboard, terminal } = user;
    drop((keyboard, terminal));
    // More than a pty keeps: somebody takes it.
    say(&command, &"x".repeat(100_000));
    drop(relaying.pause());
    relaying.finish();
    // And it is hung up on.
    assert_eq!(rustix::io::write(command.as_fd(), b"x"), Err(Errno::IO));
}
