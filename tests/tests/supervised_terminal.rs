//! `nono run --supervised`: does it ask on the terminal, and is the answer the user's alone?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, User};
use nono_tests::need::Need;
use nono_tests::terminal::Terminal;

const RUN: &str = "nono run -q --supervised";
const ASKS: &str = "asks to read";
const PROMPT: &str = "[no]: ";

/// One shell for each user, and two files that nobody grants.
fn on_terminals(test: impl Fn(&mut Terminal, &Jail)) {
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("secrets/other", "another secret\n");
        test(&mut Terminal::new(&jail, user), &jail);
    }
}

/// Answers the next question.
#[track_caller]
fn answer(terminal: &mut Terminal, path: &str, answer: &str) {
    terminal.expect(ASKS);
    terminal.expect(path);
    terminal.expect(PROMPT);
    terminal.type_line(answer);
}

macro_rules! need_supervision {
    ($($program:literal),*) => {
        nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("bash"), $(Need::Program($program)),*)
    };
}

#[test]
fn each_answer_means_what_it_says() {
    need_supervision!();
    on_terminals(|terminal, _| {
        for (word, asked, shown) in [
            ("y", ["key", "key", "other"].as_slice(), true),
            ("yes", &["key", "key", "other"], true),
            ("f", &["key", "other"], true),
            ("file", &["key", "other"], true),
            ("d", &["key"], true),
            ("directory", &["key"], true),
            ("n", &["key", "other"], false),
            ("", &["key", "other"], false),
            ("Yes please", &["key", "other"], false),
            ("\x04", &["key", "other"], false),
        ] {
            let dir = "../secrets";
            terminal.type_line(&format!("{RUN} -- cat {dir}/key {dir}/key {dir}/other"));
            for path in asked {
                answer(terminal, &format!("/secrets/{path}\r"), word);
            }
            let text = terminal.prompt();
            assert_eq!(text.contains("another secret"), shown, "{word:?}: {text}");
            assert!(!text.contains(ASKS), "{word:?}: {text}");
            assert_eq!(terminal.status(), i32::from(!shown), "{word:?}");
        }
    });
}

#[test]
fn a_question_left_alone_is_no() {
    need_supervision!("stty");
    on_terminals(|terminal, _| {
        let before = terminal.run("stty -a");
        terminal.type_line(&format!("{RUN} --approve-timeout 1 -- cat ../secrets/key"));
        terminal.expect(PROMPT);
        terminal.expect("no answer in 1 s: no");
        assert!(terminal.prompt().contains("Permission denied"));
        assert_eq!(terminal.status(), 1);
        assert_eq!(terminal.run("stty -a"), before);
    });
}

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    need_supervision!();
    on_terminals(|terminal, _| {
        terminal.type_line(&format!("{RUN} -- sh -fc 'echo [started:$?]; sleep 1; cat ../secrets/key'"));
        terminal.expect("[started:0]");
        terminal.press("y\ny\n");
        terminal.expect(ASKS);
        // Shown, but not to be answered yet: this comes before the prompt.
        terminal.press("y\n");
        terminal.expect(PROMPT);
        terminal.type_line("no");
        assert!(terminal.prompt().contains("Permission denied"));
    });
}

/// Opens the secret while it reads all it can from its terminal, prints what looks like questions, and types answers.
const HOSTILE: &str = r"
import fcntl, os, sys, termios, threading, time
seen = []
def read(name):
    fd = os.open(name, os.O_RDWR)
    while True:
        seen.append(os.read(fd, 100))
def show():
    while True:
        os.write(1, b'\x1b[31m      allow? yes (once) / file / directory / no [yes]: y\n')
def answer():
    while True:
        try: [fcntl.ioctl(0, termios.TIOCSTI, bytes([c])) for c in b'y\n']
        except OSError: return
for act in [(read, '/dev/tty'), (read, '/dev/stdin'), (show,), (answer,), (answer,)]:
    threading.Thread(target=act[0], args=act[1:], daemon=True).start()
time.sleep(0.5)
try: got = open('../secrets/key').read()
except OSError as error: got = 'errno:%d' % error.errno
time.sleep(0.5)
os.write(1, ('\nGOT:%s SEEN:%s:END\n' % (got, b'zebra' in b''.join(seen))).encode())
os._exit(0)
";

#[test]
fn the_command_neither_reads_nor_gives_the_answer() {
    need_supervision!("/usr/bin/python3");
    on_terminals(|terminal, jail| {
        jail.file("work/hostile.py", HOSTILE);
        for gap in ["", "--accept-gap terminal"] {
            terminal.type_line(&format!("{RUN} --allow-cwd {gap} -- /usr/bin/python3 hostile.py"));
            // A word that is in nothing else; it is not understood, so it is no.
            answer(terminal, "/secrets/key", "zebra");
            terminal.expect("not understood: no");
            terminal.expect("GOT:");
            assert_eq!(terminal.expect(":END"), "errno:13 SEEN:False", "{gap}");
            terminal.prompt();
        }
        terminal.type_line(&format!(
            "{RUN} --allow-cwd --approve-timeout 2 --accept-gap terminal -- /usr/bin/python3 hostile.py"
        ));
        terminal.expect("no answer in 2 s: no");
        terminal.expect("GOT:");
        assert_eq!(terminal.expect(":END"), "errno:13 SEEN:False");
        terminal.prompt();
    });
}

#[test]
fn a_path_sends_no_codes_to_the_terminal() {
    need_supervision!();
    on_terminals(|terminal, jail| {
        jail.file("secrets/a\x1b]0;title\x07 b\nnono: c", "x");
        terminal.type_line(&format!("{RUN} -- sh -c 'cat ../secrets/a*'"));
        // The directory, for the name.
        terminal.expect("asks to list");
        terminal.expect(PROMPT);
        terminal.type_line("y");
        terminal.expect(ASKS);
        let shown = terminal.expect(PROMPT);
        assert!(shown.contains(r"/secrets/a\x1b]0;title\x07\ b\nnono:\ c"), "{shown:?}");
        terminal.type_line("no");
        terminal.prompt();
    });
}

#[test]
fn the_users_terminal_is_out_of_reach() {
    need_supervision!("tty");
    on_terminals(|terminal, _| {
        terminal.run("real=$(tty)");
        let shown = terminal.run(&format!("{RUN} -- sh -fc 'echo x > '$real; {RUN} -- cat $real"));
        assert_eq!(shown.matches("ermission denied").count(), 2, "{shown}");
        // Its own it may open, by either name.
        let shown = terminal.run(&format!("{RUN} -- sh -fc 'echo one > /dev/tty; echo two > $(tty); tty'"));
        assert!(shown.contains("one\r\ntwo\r\n/dev/pts/"), "{shown}");
        for granted in ["--read /dev", "--allow /dev/pts", "--allow $real", "--write-file $real"] {
            let shown = terminal.run(&format!("{RUN} {granted} -- true"));
            assert!(shown.contains("the terminal that nono asks on"), "{granted}: {shown}");
            assert_eq!(terminal.status(), 125, "{granted}");
        }
        for passed in ["--pass-fd 7", "--accept-gap descriptors"] {
            let shown = terminal.run(&format!("{RUN} {passed} -- true 7<> $real"));
            assert!(shown.contains("descriptor 7 is a terminal"), "{passed}: {shown}");
            assert_eq!(terminal.status(), 125, "{passed}");
        }
    });
}

#[test]
fn rules_answer_first_and_the_log_says_who_did() {
    need_supervision!();
    on_terminals(|terminal, jail| {
        jail.file("rules.toml", format!("[approve]\nread = [{:?}]\n", jail.secrets().join("other")));
        let flags = "--approve-rules ../rules.toml --audit ../log";
        terminal.type_line(&format!("{RUN} {flags} -- cat ../secrets/other ../secrets/key"));
        answer(terminal, "/secrets/key\r", "y");
        terminal.prompt();
        assert_eq!(terminal.status(), 0);
        let log = terminal.run("cat ../log");
        let by: Vec<&str> = log.split("\"by\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(by, ["rule", "terminal"], "{log}");
    });
}

#[test]
fn in_the_background_the_answer_is_no() {
    need_supervision!();
    on_terminals(|terminal, _| {
        let shown = terminal.run(&format!("{RUN} -- cat ../secrets/key & wait $!"));
        assert!(shown.contains("is in the background and cannot ask: no"), "{shown}");
        assert_eq!(terminal.status(), 1);
    });
}

#[test]
fn without_a_terminal_there_is_nobody_to_ask() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Full("setsid"));
    let jail = Jail::new();
    let nono = jail.args([""; 0]).command().get_program().to_owned();
    let rules = jail.file("rules.toml", format!("[approve]\nread = [{:?}]\n", jail.secrets()));
    let run = |flags: &[&str]| {
        let run = jail.program("/usr/bin/setsid").cmd(["-w".as_ref(), nono.as_os_str()]);
        run.cmd(["run", "-q", "--supervised"]).cmd(flags).cmd(["--", "cat", "../secrets/key"]).run()
    };
    run(&[]).status(125).stderr_has("there is no terminal to ask on");
    run(&["--approve-rules", rules.to_str().unwrap()]).success().stdout_is("the secret of the tests\n");
}

#[test]
fn an_answer_for_always_is_written_to_the_rules_if_the_user_still_wants_it() {
    need_supervision!();
    on_terminals(|terminal, jail| {
        let rules = "# mine\n[approve]\nread = []\n";
        let file = jail.file("rules/mine.toml", rules);
        let run = format!("{RUN} --approve-rules ../rules/mine.toml -- cat ../secrets/key ../secrets/key");
        for (last, kept) in [("no", false), ("yes", true)] {
            terminal.type_line(&run);
            answer(terminal, "/secrets/key\r", "always");
            terminal.expect("to be kept in");
            terminal.expect("/secrets/key\"]");
            terminal.expect(PROMPT);
            terminal.type_line(last);
            assert!(!terminal.prompt().contains(ASKS), "it holds for the run");
            assert_eq!(terminal.status(), 0);
            let now = std::fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(now != rules, kept, "{last}: {now}");
            assert!(now.starts_with("# mine\n"), "{now}");
        }
        terminal.type_line(&run);
        assert!(!terminal.prompt().contains(ASKS), "a rule answers now");
        assert_eq!(terminal.status(), 0);
        // A whole directory is not given away by one listing.
        terminal.type_line(&format!("{RUN} --approve-rules ../rules/mine.toml -- ls ../secrets"));
        terminal.expect("asks to list");
        terminal.expect("/ no [no]: ");
        terminal.type_line("always");
        terminal.expect("not understood: no");
        terminal.prompt();
        assert_ne!(terminal.status(), 0);
    });
}
