//! `nono run --supervised`: is the command on its own terminal the job of the shell that it would be without `nono`?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, User};
use nono_tests::need::Need;
use nono_tests::terminal::Terminal;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

const RUN: &str = "nono run -q --supervised";
const PROMPT: &str = "[no]: ";

/// One shell for each user. Scripts that print words in brackets are run by `sh -f`, which looks for no files of that name:
/// listing the directory would be a question.
fn on_terminals(test: impl Fn(&mut Terminal, &Jail)) {
    for user in User::all() {
        let jail = Jail::of(user);
        test(&mut Terminal::new(&jail, user), &jail);
    }
}

macro_rules! need_supervision {
    ($($program:literal),*) => {
        nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("bash"), $(Need::Program($program)),*)
    };
}

#[test]
fn the_command_ends_as_it_would_alone() {
    need_supervision!("stty");
    on_terminals(|terminal, _| {
        let before = terminal.run("stty -a");
        for (script, status) in [
            ("exit 7", 7),
            ("kill -TERM $$", 143),
            ("kill -KILL $$", 137),
            ("kill -SEGV $$", 139),
            ("stty raw -echo", 0),
        ] {
            terminal.run(&format!("{RUN} -- sh -fc '{script}'"));
            assert_eq!(terminal.status(), status, "{script}");
            assert_eq!(terminal.run("stty -a"), before, "{script}");
        }
        assert!(terminal.run(&format!("{RUN} -- sh -fc 'printf last; exit 3'")).ends_with("last"));
        assert_eq!(terminal.status(), 3);
        terminal.run(&format!("{RUN} -- /does/not/exist"));
        assert_eq!(terminal.status(), 127);
        terminal.run(&format!("{RUN} --approve-timeout 1 -- /usr"));
        assert_eq!(terminal.status(), 126);
        assert_eq!(terminal.run("stty -a"), before);
    });
}

#[test]
fn keys_are_for_the_command() {
    need_supervision!("stty");
    on_terminals(|terminal, _| {
        let before = terminal.run("stty -a");
        for (script, key, status) in [
            ("echo [started:$?]; exec cat", "\x03", 130),
            ("echo [started:$?]; exec cat", "\x1c", 131),
            ("trap \"exit 33\" INT; echo [started:$?]; read line", "\x03", 33),
            ("echo [started:$?]; exec cat", "\x04", 0),
        ] {
            terminal.type_line(&format!("{RUN} -- sh -fc '{script}'"));
            terminal.expect("[started:0]");
            if script.contains("cat") {
                // Once it is no shell any more: one of busybox ignores SIGQUIT. The terminal shows the line, and then cat does.
                terminal.type_line("line");
                terminal.expect("line");
                terminal.expect("line");
            }
            terminal.press(key);
            terminal.prompt();
            assert_eq!(terminal.status(), status, "{script}");
            assert_eq!(terminal.run("stty -a"), before, "{script}");
        }
        // At a question they are no answer either.
        terminal.type_line(&format!("{RUN} -- cat ../secrets/key"));
        terminal.expect(PROMPT);
        terminal.press("\x03");
        terminal.prompt();
        assert_eq!(terminal.status(), 130);
        assert_eq!(terminal.run("stty -a"), before);
    });
}

#[test]
fn ctrl_z_stops_it_and_fg_continues_it() {
    need_supervision!("stty");
    on_terminals(|terminal, _| {
        let before = terminal.run("stty -a");
        let script = "echo [started:$?]; while read word; do echo got:$word; done";
        terminal.type_line(&format!("{RUN} -- sh -fc '{script}'"));
        terminal.expect("[started:0]");
        for word in ["one", "two"] {
            terminal.type_line(word);
            terminal.expect(&format!("got:{word}"));
            terminal.press("\x1a");
            terminal.expect("Stopped");
            terminal.prompt();
            assert_eq!(terminal.run("stty -a"), before);
            terminal.type_line("fg");
        }
        terminal.type_line("three");
        terminal.expect("got:three");
        terminal.press("\x04");
        terminal.prompt();
        assert_eq!(terminal.status(), 0);
        assert_eq!(terminal.run("stty -a"), before);
    });
}

#[test]
fn the_size_is_that_of_the_users_terminal() {
    need_supervision!("stty");
    on_terminals(|terminal, _| {
        assert!(terminal.run(&format!("{RUN} -- stty size")).contains("24 80"));
        let script = "sleep 100 & trap \"stty size; kill $!; exit 5\" WINCH; echo [started:$?]; wait";
        terminal.type_line(&format!("{RUN} -- sh -fc '{script}'"));
        terminal.expect("[started:0]");
        terminal.resize(33, 99);
        terminal.expect("33 99");
        terminal.prompt();
        assert_eq!(terminal.status(), 5);
    });
}

#[test]
fn streams_that_are_no_terminals_stay() {
    need_supervision!("stty");
    on_terminals(|terminal, _| {
        let before = terminal.run("stty -a");
        let script = "test -t 0; echo 0:$?; test -t 1; echo 1:$?; test -t 2; echo 2:$?";
        for (line, expected) in [
            (format!("{RUN} -- sh -c '{script}' | cat"), "0:0 1:1 2:0"),
            (format!("echo x | {RUN} -- sh -c 'cat; {script}'"), "x 0:1 1:0 2:0"),
            (format!("{RUN} -- sh -c '{script}' < /dev/null > out 2>&1; cat out"), "0:1 1:1 2:1"),
            (format!("{RUN} -- sh -c '{script}' > out; cat out"), "0:0 1:1 2:0"),
        ] {
            let shown = terminal.run(&line);
            // Where keys are for others, the end of a line is made one twice.
            let words: Vec<&str> = shown.split_whitespace().collect();
            assert!(words.join(" ").ends_with(expected), "{line}: {shown:?}");
        }
        // In a pipeline too it is asked for, and keys are signals for all of it.
        terminal.type_line(&format!("{RUN} -- cat ../secrets/key | cat"));
        terminal.expect(PROMPT);
        terminal.type_line("yes");
        assert!(terminal.prompt().contains("the secret of the tests"));
        terminal.type_line(&format!("{RUN} -- sh -fc 'echo [started:$?]; exec sleep 100' | cat"));
        terminal.expect("[started:0]");
        terminal.press("\x03");
        terminal.prompt();
        assert_eq!(terminal.run("stty -a"), before);
    });
}

#[test]
fn signals_are_passed_on_and_nothing_is_left_behind() {
    need_supervision!("stty", "timeout");
    nono_tests::need!(Need::Full("timeout"));
    on_terminals(|terminal, jail| {
        let before = terminal.run("stty -a");
        let mark = format!("{}", jail.root().display());
        for (signal, script, status) in [
            ("TERM", "trap \"echo [ended:$?]; exit 3\" TERM; echo [started:$?]; sleep 100 & wait", 3),
            ("HUP", "echo [started:$?]; exec sleep 100", 129),
            ("KILL", "echo [started:$?]; exec sleep 100", 137),
        ] {
            let nono = format!("{RUN} --kill-orphans -- sh -fc '{script}' {mark}");
            // Nobody is there to put the modes back after SIGKILL.
            let back = if signal == "KILL" { "; (code=$?; stty sane; exit $code)" } else { "" };
            terminal.type_line(&format!("timeout --foreground --preserve-status -s {signal} 1 {nono}{back}"));
            terminal.expect("[started:0]");
            terminal.prompt();
            assert_eq!(terminal.status(), status, "{signal}");
            if back.is_empty() {
                assert_eq!(terminal.run("stty -a"), before, "{signal}");
            }
            gone(&mark);
        }
    });
}

/// Waits until no process has `mark` among its arguments.
#[track_caller]
fn gone(mark: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        let left = lines.filter(|line| line.split(|byte| *byte == 0).any(|word| word == mark.as_bytes())).count();
        if left == 0 {
            return;
        }
        assert!(Instant::now() < until, "{left} processes of {mark} are left");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_the_command_leaves_running_is_waited_for() {
    need_supervision!("stty");
    on_terminals(|terminal, _| {
        let before = terminal.run("stty -a");
        terminal.type_line("nono run --supervised -- sh -fc '(sleep 2; echo after:$?) & exit 4'");
        terminal.expect("the command has ended");
        terminal.expect("after:0");
        terminal.prompt();
        assert_eq!(terminal.status(), 4);
        terminal.type_line("nono run --supervised -- sh -fc 'sleep 100 & exit 4'");
        terminal.expect("the command has ended");
        terminal.press("\x03");
        terminal.prompt();
        assert_eq!(terminal.run("stty -a"), before);
    });
}
