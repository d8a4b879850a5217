//! Terminals that control processes: the foreground, and the end of a session.
//!
//! What needs a session of its own is done by this test program, executed again with a variable that says its part.

use super::super::put_back;
use super::{Keys, User, hear, same, say};
use rustix::process::{Pid, getpgid, getppid, ioctl_tiocsctty, setsid};
use rustix::termios::tcsetpgrp;
use std::env;
use std::io::{Write, stderr, stdin};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

const PART: &str = "NONO_TEST_PART";

/// This test once more, in another part.
fn again(test: &str, part: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--nocapture", "--exact", &format!("pty::tests::jobs::{test}")])
        .env(PART, part)
        .stdout(Stdio::null());
    command
}

fn part() -> String {
    env::var(PART).unwrap_or_default()
}

#[test]
fn what_a_session_printed_last_is_shown() {
    const TEST: &str = "what_a_session_printed_last_is_shown";
    if part() == "leader" {
        setsid().unwrap();
        ioctl_tiocsctty(stdin()).unwrap();
        say(&stdin().as_fd().try_clone_to_owned().unwrap(), &format!("{}END", "x".repeat(3000)));
        return;
    }
    let user = User::new();
    let (relay, command) = user.relay();
    drop(command);
    let mut leader = again(TEST, "leader").stdin(relay.slave().unwrap()).spawn().unwrap();
    let relaying = relay.start(Keys::Command).unwrap();
    assert!(leader.wait().unwrap().success());
    relaying.finish();
    assert_eq!(user.sees("END").len(), 3000);
}

#[test]
fn in_the_background_the_terminal_is_left_alone() {
    match part().as_str() {
        "session" => session(),
        "foreground" => foreground(),
        _ => {
            let mut session = again("in_the_background_the_terminal_is_left_alone", "session");
            assert!(session.stdin(Stdio::null()).status().unwrap().success());
        }
    }
}

#[test]
fn a_panic_puts_the_modes_back_for_good() {
    const TEST: &str = "a_panic_puts_the_modes_back_for_good";
    if part() != "nono" {
        // A process has one terminal: that of another test would be put back too.
        assert!(again(TEST, "nono").status().unwrap().success());
        return;
    }
    let user = User::new();
    let before = user.modes();
    let (relaying, _command) = user.relaying();
    assert!(user.is_raw());
    let held = put_back();
    assert!(same(&user.modes(), &before));
    thread::scope(|scope| {
        let resumed = scope.spawn(|| relaying.resume());
        thread::sleep(Duration::from_millis(100));
        assert!(same(&user.modes(), &before), "another thread has claimed it again");
        assert!(!resumed.is_finished());
        drop(held);
    });
    assert!(user.is_raw(), "nothing but this keeps it from being claimed");
    relaying.finish();
    assert!(same(&user.modes(), &before));
    let _held = put_back();
    assert!(same(&user.modes(), &before));
}

fn session() {
    setsid().unwrap();
    let user = User::new();
    ioctl_tiocsctty(&user.terminal).unwrap();
    let before = user.modes();
    let mut other = again("in_the_background_the_terminal_is_left_alone", "foreground");
    let mut other = other.stdin(Stdio::piped()).stderr(user.tty()).process_group(0).spawn().unwrap();
    tcsetpgrp(&user.terminal, Pid::from_child(&other)).unwrap();

    let (relaying, command) = user.relaying();
    assert!(same(&user.modes(), &before));
    say(&command, "shown");
    user.sees("shown");
    let paused = relaying.pause();
    assert!(!paused.is_in_foreground());
    drop(paused);
    user.types("for the other\n");
    user.sees("other");
    relaying.suspend();
    relaying.resume();
    assert!(same(&user.modes(), &before));

    // It reads the line, gives the foreground back, and no signal says so.
    writeln!(other.stdin.take().unwrap(), "read").unwrap();
    assert!(other.wait().unwrap().success());
    user.types("for the command\r");
    assert_eq!(hear(&command, "\n"), "for the command");
    assert!(user.is_raw());
    assert!(relaying.pause().is_in_foreground());
    relaying.finish();
    assert!(same(&user.modes(), &before));
    // Else the session is hung up on while it still has to say how it went.
    std::mem::forget(user);
}

fn foreground() {
    stdin().read_line(&mut String::new()).unwrap();
    let terminal = stderr().as_fd().try_clone_to_owned().unwrap();
    assert_eq!(hear(&terminal, "\n"), "for the other");
    tcsetpgrp(&terminal, getpgid(getppid()).unwrap()).unwrap();
}
