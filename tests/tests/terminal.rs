//! Is a command on a terminal what it would be without `nono`: a job of the shell, with the terminal's keys and size?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, User};
use nono_tests::need::{self, Need};
use nono_tests::terminal::Terminal;

/// One shell for each user.
fn on_terminals(test: impl Fn(&mut Terminal)) {
    for user in User::all() {
        let jail = Jail::of(user);
        test(&mut Terminal::new(&jail, user));
    }
}

/// What stands before a command: nothing, which shows what is to be expected, or the sandbox.
const PREFIXES: [&str; 2] = ["", "nono run -q -- "];

#[test]
fn ctrl_c_ends_the_command() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    on_terminals(|terminal| {
        for prefix in PREFIXES {
            terminal.type_line(&format!("{prefix}sh -c 'echo [started:$?]; exec sleep 100'"));
            terminal.expect("[started:0]");
            terminal.press("\x03");
            terminal.prompt();
            assert_eq!(terminal.status(), 130, "{prefix}");
            assert!(!terminal.run("jobs -l; echo [jobs:$?]").contains("sleep"), "{prefix}");
        }
    });
}

#[test]
fn a_program_may_take_ctrl_c_for_itself() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    on_terminals(|terminal| {
        for prefix in PREFIXES {
            terminal.type_line(&format!("{prefix}sh -c 'trap \"exit 33\" INT; echo [started:$?]; read line'"));
            terminal.expect("[started:0]");
            terminal.press("\x03");
            terminal.prompt();
            assert_eq!(terminal.status(), 33, "{prefix}");
        }
    });
}

#[test]
fn ctrl_z_stops_the_command_and_fg_continues_it() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    on_terminals(|terminal| {
        for prefix in PREFIXES {
            terminal.type_line(&format!("{prefix}sh -c 'echo [started:$?]; while read word; do echo got:$word; done'"));
            terminal.expect("[started:0]");
            terminal.type_line("before");
            terminal.expect("got:before");
            terminal.press("\x1a");
            terminal.expect("Stopped");
            terminal.prompt();
            // SIGTSTP, and the job is there.
            assert_eq!(terminal.status(), 148, "{prefix}");
            terminal.type_line("fg");
            terminal.type_line("after");
            terminal.expect("got:after");
            terminal.press("\x04");
            terminal.prompt();
            // `read` at the end of input ends the loop, which has succeeded.
            assert_eq!(terminal.status(), 0, "{prefix}");
        }
    });
}

#[test]
fn a_job_in_the_background_that_reads_is_stopped() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    on_terminals(|terminal| {
        for prefix in PREFIXES {
            terminal.run(&format!("{prefix}cat &"));
            // Returns when the state changes: 128 and SIGTTIN.
            terminal.run("wait %1");
            assert_eq!(terminal.status(), 149, "{prefix}");
            terminal.type_line("fg");
            terminal.expect("cat");
            terminal.type_line("word");
            // Once typed, once by cat.
            terminal.expect("word");
            terminal.expect("word");
            terminal.press("\x04");
            terminal.prompt();
            assert_eq!(terminal.status(), 0, "{prefix}");
        }
    });
}

#[test]
fn a_resize_reaches_the_program() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"), Need::Program("stty"));
    on_terminals(|terminal| {
        for (prefix, rows) in PREFIXES.iter().zip([33, 44]) {
            let script = "sleep 100 & trap \"stty size; kill $!; exit 5\" WINCH; echo [started:$?]; wait";
            terminal.type_line(&format!("{prefix}sh -c '{script}'"));
            terminal.expect("[started:0]");
            terminal.resize(rows, 99);
            terminal.expect(&format!("{rows} 99"));
            terminal.prompt();
            assert_eq!(terminal.status(), 5, "{prefix}");
        }
    });
}

#[test]
fn there_is_no_new_session_and_the_job_has_the_foreground() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"), Need::Program("cut"));
    on_terminals(|terminal| {
        for prefix in PREFIXES {
            // Of proc(5): number, parent, process group, session, and the group in the foreground.
            let shown = terminal.run(&format!("{prefix}cut -d' ' -f1,4,5,6,8 /proc/self/stat"));
            let numbers = shown.lines().find(|line| line.starts_with(|first: char| first.is_ascii_digit()));
            let numbers: Vec<u32> = numbers.into_iter().flat_map(str::split_whitespace).flat_map(str::parse).collect();
            let [number, parent, group, session, foreground] = numbers[..] else { panic!("{prefix}: {shown}") };
            assert_eq!((parent, session), (terminal.shell(), terminal.shell()), "{prefix}");
            assert_eq!((group, foreground), (number, number), "{prefix}");
        }
    });
}

#[test]
fn programs_set_the_terminal_up_and_back() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"), Need::Program("stty"), Need::Full("less"));
    on_terminals(|terminal| {
        assert!(terminal.run("nono run -q -- stty size").contains("24 80"));
        terminal.run("nono run -q -- stty -echo");
        assert_eq!(terminal.run("echo $((6*7)) is not shown as typed"), "42 is not shown as typed\r\n");
        terminal.run("nono run -q -- stty echo");
        assert!(terminal.run("echo typed").starts_with("echo typed"));
        assert!(terminal.run("nono run -q -- sh -c 'tty; test -t 0 && echo is:$?'").contains("is:0"));
        // Keys one by one, with more lines than the screen has.
        terminal.run("seq -f 'line:%03g' 100 > long");
        terminal.type_line("nono run -q --allow-cwd -- less long");
        terminal.expect("line:023");
        terminal.press("G");
        terminal.expect("line:100");
        terminal.press("q");
        terminal.prompt();
        assert_eq!(terminal.status(), 0);
    });
}

#[test]
fn nothing_is_typed_into_the_terminal() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("bash"), Need::Program("/usr/bin/python3"));
    let allowed = std::fs::read_to_string("/proc/sys/dev/tty/legacy_tiocsti").map_or(true, |text| text.trim() == "1");
    on_terminals(|terminal| {
        let script = "import fcntl, termios\n\
                      try: fcntl.ioctl(0, termios.TIOCSTI, b'#'); print('done:%d' % 1)\n\
                      except OSError as error: print('errno:%d' % error.errno)";
        terminal.run(&format!("cat > type.py << 'END'\n{script}\nEND"));
        let command = "--allow-cwd -- /usr/bin/python3 type.py";
        // EPERM, not the EIO of a kernel that has it switched off.
        assert!(terminal.run(&format!("nono run -q {command}")).contains("errno:1\r"));
        if allowed {
            assert!(terminal.run(&format!("nono run -q --accept-gap terminal {command}")).contains("done:1"));
        }
    });
    if !allowed {
        need::skip("terminal::nothing_is_typed: the control", "TIOCSTI is switched off (dev.tty.legacy_tiocsti)");
    }
}
