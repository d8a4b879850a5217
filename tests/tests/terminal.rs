//! Does the terminal behave as outside: keys that signal, stopping and going on, resizing, background jobs? nono becomes
//! the command in place, in the session it was started in.
//!
//! A driver outside, in Python, plays the person at the terminal: an interactive shell on a pseudo-terminal, keys typed,
//! output read until what is waited for is there.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::Need;

const PYTHON: &str = "/usr/bin/python3";

/// `shell(LINE)` types a line, `expect(TEXT)` waits for output, `key(BYTES)` types a key; `NONO` is the command.
const DRIVER: &str = r#"
import fcntl, os, pty, select, signal, struct, sys, termios, time, traceback
NONO = os.environ["NONO"]
child, master = pty.fork()
if child == 0:
    os.environ.update(PS1="ready> ", HISTFILE="", TERM="dumb")
    os.execv("/bin/bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
seen = b""
def late(*_):
    print("late, after", repr(seen)); traceback.print_stack(); os.kill(child, signal.SIGKILL); os._exit(1)
signal.signal(signal.SIGALRM, late); signal.alarm(30)
def expect(text):
    global seen
    deadline = time.monotonic() + 20
    while text.encode() not in seen:
        if not select.select([master], [], [], max(0, deadline - time.monotonic()))[0]:
            print("not seen:", repr(text), "in", repr(seen)); sys.exit(1)
        try: seen += os.read(master, 4096)
        except OSError: print("ended before", repr(text), "in", repr(seen)); sys.exit(1)
    before, _, seen = seen.partition(text.encode())
    return before
def key(what): os.write(master, what)
def shell(line): key(line.encode() + b"\n")
def size(rows, columns): fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
size(24, 80)
expect("ready> ")
shell("stty -echo"); expect("ready> ")
"#;

const END: &str = "\nos.close(master)\nos.kill(child, signal.SIGKILL)\nos.waitpid(child, 0)\nprint('as outside')\n";

/// Plays `scene`, which must come to its end, with `nono run -q --allow-cwd` in `RUN` and with nothing in it.
#[track_caller]
fn play(scene: &str) {
    for user in User::all() {
        let jail = Jail::of(user);
        let nono = jail.args(["--version"]).command().get_program().to_owned();
        for run in ["''", "f'{NONO} run -q --allow-cwd -- '"] {
            let script = format!("{DRIVER}RUN = {run}\n{scene}{END}");
            let driver = jail.program(PYTHON).cmd(["-c", &script]).env("NONO", &nono);
            let ran: Ran = driver.run();
            ran.success().stdout_is("as outside\n");
        }
    }
}

macro_rules! needs {
    () => {
        nono_tests::need!(Need::Landlock(1), Need::Program(PYTHON), Need::Program("/bin/bash"));
    };
}

#[test]
fn an_interrupt_ends_the_command() {
    needs!();
    play(
        "shell(RUN + \"sh -c 'echo started; exec sleep 100'\"); expect('started')\nkey(b'\\x03'); expect('ready> ')\nshell('echo status $?'); expect('status 130')",
    );
}

#[test]
fn a_command_is_stopped_and_goes_on() {
    needs!();
    play(
        "shell(RUN + \"sh -c 'echo started; read line; echo got $line'\"); expect('started')\n\
         key(b'\\x1a'); expect('Stopped'); expect('ready> ')\n\
         shell('fg'); expect('read line')\nshell('words'); expect('got words'); expect('ready> ')",
    );
}

#[test]
fn a_new_size_reaches_the_command() {
    needs!();
    play(
        "shell(RUN + \"bash -c 'trap \\\"stty size\\\" WINCH; echo started; while :; do read -t 0.1 line; [ \\\"$line\\\" = end ] && exit; done'\")\n\
         expect('started')\nsize(40, 132); expect('40 132')\nshell('end'); expect('ready> ')",
    );
}

#[test]
fn a_background_job_that_reads_is_stopped() {
    needs!();
    play(
        "shell(RUN + 'cat &'); expect('ready> ')\n\
         for _ in range(200):\n    \
             shell('jobs -s; echo che\"\"cked'); stopped = b'Stopped' in expect('checked')\n    \
             if stopped: break\n    \
             time.sleep(0.02)\n\
         if not stopped: print('it goes on'); sys.exit(1)\n\
         shell('kill -KILL %1; wait; echo en\"\"ded'); expect('ended')",
    );
}

#[test]
fn the_session_and_the_terminal_are_the_callers() {
    needs!();
    play(
        "ask = \"/usr/bin/python3 -c 'import os; print(\\\"session\\\", os.getsid(0) == int(os.environ[\\\"SID\\\"]), os.tcgetpgrp(0) == os.getpgrp(), os.ttyname(0)[:9])'\"\n\
         shell('export SID=$$'); expect('ready> ')\nshell(RUN + ask); expect('session True True /dev/pts/')\n\
         shell(RUN + 'stty -a'); expect('speed'); expect('ready> ')",
    );
}

#[test]
fn nothing_is_typed_for_the_shell() {
    needs!();
    let jail = Jail::new();
    let nono = jail.args(["--version"]).command().get_program().to_owned();
    let scene = "type_ = \"/usr/bin/python3 -c 'import fcntl; fcntl.ioctl(0, 0x5412, b\\\"#\\\")'\"\n\
                 shell(f'{NONO} run -q -- ' + type_); expect('Operation not permitted'); expect('ready> ')";
    let script = format!("{DRIVER}{scene}{END}");
    jail.program(PYTHON).cmd(["-c", &script]).env("NONO", &nono).run().success().stdout_is("as outside\n");
}
