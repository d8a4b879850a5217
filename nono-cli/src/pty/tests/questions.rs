//! Nothing passes between the command and the user while a question is open.

use super::{Keys, User, hear, is_silent, same, say};
use rustix::io::ioctl_fionbio;

#[test]
fn a_question_has_the_terminal_for_itself() {
    let user = User::new();
    let before = user.modes();
    let (relaying, command) = user.relaying();
    say(&command, "shown");
    user.sees("shown");
    let paused = relaying.pause();
    assert!(paused.is_in_foreground());
    assert!(same(&user.modes(), &before));
    say(&command, "held back");
    // The thread goes once more through all it does.
    relaying.resize();
    drop(relaying.pause());
    let terminal = user.tty();
    say(&terminal, "allow? ");
    assert!(!user.sees("allow? ").contains("held back"));
    user.types("yes\n");
    assert_eq!(hear(&terminal, "\n"), "yes");
    assert_eq!(user.sees("\n"), "yes\r");
    assert!(is_silent(&user.keyboard) && is_silent(&command));
    drop(paused);
    assert!(user.is_raw());
    user.sees("held back");
    user.types("next\r");
    assert_eq!(hear(&command, "\n"), "next");
}

#[test]
fn what_was_typed_ahead_answers_nothing() {
    let user = User::new();
    let (relaying, command) = user.relaying();
    let first = relaying.pause();
    user.types("yes\n");
    // Echoed, so it is there to be read.
    user.sees("yes\r\n");
    assert!(!is_silent(&user.terminal));
    let second = relaying.pause();
    assert!(is_silent(&user.terminal));
    drop(first);
    assert!(!user.is_raw(), "one question is still open");
    drop(second);
    assert!(user.is_raw());
    user.types("word\r");
    assert_eq!(hear(&command, "\n"), "word");
}

#[test]
fn a_question_ends_what_the_command_has_begun() {
    let user = User::new();
    let (relaying, command) = user.relaying();
    // Hidden characters, then a title that has no end.
    say(&command, "\x1b[8m\x1b]0;");
    user.sees("\x1b]0;");
    let _paused = relaying.pause();
    let legible = user.sees("\r\n\x1b[J");
    assert!(legible.starts_with('\x18') && legible.contains("\x1b7\x1b[?69l\x1b[r\x1b8\x1b[0m\x0f"), "{legible:?}");
}

#[test]
fn a_terminal_that_takes_nothing_delays_no_question() {
    let user = User::new();
    let before = user.modes();
    let (relay, command) = user.relay();
    let filled = user.stop();
    let relaying = relay.start(Keys::Command).unwrap();
    ioctl_fionbio(&command, true).unwrap();
    let mut printed = 0;
    while let Ok(count) = rustix::io::write(&command, b"x") {
        printed += count;
    }
    assert!(printed > 0);
    for _ in 0..3 {
        let paused = relaying.pause();
        assert!(same(&user.modes(), &before));
        drop(paused);
    }
    relaying.suspend();
    assert!(same(&user.modes(), &before));
    relaying.resume();
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| user.sees("END"));
        ioctl_fionbio(&command, false).unwrap();
        say(&command, "END");
        let seen = watching.join().unwrap();
        assert_eq!((seen.matches('.').count(), seen.matches('x').count()), (filled, printed));
    });
    relaying.finish();
}

#[test]
fn a_stopped_command_leaves_the_terminal_as_it_was() {
    let user = User::new();
    let before = user.modes();
    let (relaying, command) = user.relaying();
    say(&command, "last words");
    relaying.suspend();
    assert!(same(&user.modes(), &before));
    user.sees("last words");
    // For the shell.
    user.types("ls\n");
    assert_eq!(hear(&user.terminal, "\n"), "ls");
    drop(relaying.pause());
    assert!(same(&user.modes(), &before), "a question that ends does not take the terminal back");
    super::tcsetwinsize(&user.keyboard, super::size(40, 120)).unwrap();
    relaying.resume();
    assert!(user.is_raw());
    assert_eq!(super::tcgetwinsize(&command).unwrap().ws_row, 40);
    user.types("word\r");
    assert_eq!(hear(&command, "\n"), "word");
    drop(relaying);
    assert!(same(&user.modes(), &before));
}
