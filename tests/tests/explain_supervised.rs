//! `nono run --explain` beside someone who is asked: what they give was not refused, what they refuse is told, and nothing else
//! about the run changes.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::Need;
use nono_tests::terminal::Terminal;
use serde_json::Value;
use std::fs;

/// A jail with rules: what is in `data` may be read, but not `data/private`.
fn jail(user: User) -> Jail {
    let jail = Jail::of(user);
    for name in ["data/one", "data/private/key", "other/file"] {
        jail.file(name, "content\n");
    }
    let data = jail.root().join("data");
    jail.file("rules.toml", format!("[approve]\nread = [{data:?}]\ndeny = [{:?}]\n", data.join("private")));
    jail
}

const RULES: [&str; 2] = ["--approve-rules", "../rules.toml"];

/// The flags that are offered after a run, with paths below the tree as `@`.
#[track_caller]
fn explained(jail: &Jail, flags: &[&str], script: &str) -> (Ran, String) {
    let report = jail.root().join("report.json");
    let words = ["run", "-q", "--allow-cwd", "--explain", "--report", report.to_str().unwrap()];
    let run = jail.args(words.iter().chain(flags)).cmd(["--", "sh", "-c", script]);
    let ran = run.env("PATH", "/usr/local/bin:/usr/bin:/bin").run();
    let report: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    let flags = report.pointer("/explained/flags").and_then(Value::as_array).unwrap();
    let words: Vec<&str> = flags.iter().filter_map(Value::as_str).collect();
    (ran, words.join(" ").replace(jail.root().to_str().unwrap(), "@"))
}

#[test]
fn what_a_rule_gives_was_not_refused() {
    nono_tests::need!(Need::Landlock(3), Need::Seccomp);
    for user in User::all() {
        let jail = jail(user);
        let (ran, flags) = explained(&jail, &RULES, "cat ../data/one ../other/file; mkdir ../other/d; true");
        ran.success().stdout_is("content\n");
        assert_eq!(flags, "--write @/other --read @/other/file", "{user:?}: {}", ran.stderr());
        let (ran, flags) = explained(&jail, &RULES, "cat ../data/one ../data/one");
        ran.success().stdout_is("content\ncontent\n").stderr_has("nothing was refused that mattered");
        assert_eq!(flags, "", "{user:?}");
        let (ran, flags) = explained(&jail, &RULES, "cat ../data/private/key");
        ran.status(1).stdout_is("");
        assert_eq!(flags, "--read @/data/private/key", "{user:?}");
    }
}

#[test]
fn an_approver_is_asked_as_without() {
    nono_tests::need!(Need::Landlock(3), Need::Seccomp);
    let jail = jail(User::Same);
    for (answer, shown, flags) in
        [("\"allow\",\"for\":\"once\"", "content\n", ""), ("\"deny\"", "", "--read @/other/file")]
    {
        let approver = format!(
            "while read -r line; do id=${{line#*\\\"id\\\":}}; \
             echo \"{{\\\"version\\\":1,\\\"id\\\":${{id%%,*}},\\\"decision\\\":{}}}\"; done",
            answer.replace('"', "\\\"")
        );
        let (ran, found) = explained(&jail, &["--approve", &approver], "cat ../other/file; true");
        ran.success().stdout_is(shown);
        assert_eq!(found, flags, "{answer}: {}", ran.stderr());
    }
}

#[test]
fn nothing_else_changes() {
    nono_tests::need!(Need::Landlock(3), Need::Seccomp);
    for script in [
        "cat ../data/one",
        "cat ../data/one ../other/file; echo x > ../data/one",
        "cat ../data/private/key ../data/none; echo err >&2; exit 7",
        "(cat ../data/one & cat ../other/file & wait) | sort; kill -TERM $$",
        "cd ../data && cat one; mkdir ../other/d; rm ../other/file; ../data/one",
    ] {
        let run = |explain: &[&str]| {
            let jail = jail(User::Same);
            let words = ["run", "-q", "--allow-cwd"].iter().chain(&RULES).chain(explain);
            let ran = jail.args(words).cmd(["--", "sh", "-c", script]).run();
            let captured = ran.captured();
            (captured.status, captured.stdout.clone(), captured.stderr.clone())
        };
        let ((status, stdout, stderr), without) = (run(&["--explain"]), run(&[]));
        let (said, told) = stderr.split_at_checked(without.2.len()).unwrap_or((&stderr, b""));
        assert_eq!((status, stdout, said), (without.0, without.1, without.2.as_slice()), "{script}");
        assert!(told.starts_with(b"nono: "), "{script}: {}", told.escape_ascii());
    }
}

#[test]
fn the_user_is_asked_on_the_terminal_and_told_at_the_end() {
    nono_tests::need!(Need::Landlock(3), Need::Seccomp, Need::Program("bash"));
    for user in User::all() {
        let jail = jail(user);
        let mut terminal = Terminal::new(&jail, user);
        terminal.type_line("nono run -q --supervised --explain -- cat ../data/one ../other/./file");
        for (path, answer) in [("/data/one\r", "y"), ("/other/file\r", "n")] {
            terminal.expect(path);
            terminal.expect("[no]: ");
            terminal.type_line(answer);
        }
        let text = terminal.prompt();
        let offered: Vec<&str> = text.lines().filter(|line| line.contains("nono: to grant it:")).collect();
        let only = |line: &str| line.contains("/other/file ") && line.matches("--read ").count() == 1;
        assert!(matches!(offered.as_slice(), [line] if only(line)), "{text}");
        assert_eq!(terminal.status(), 1);
        terminal.type_line("nono run -q --supervised --explain -- ./no-such-program");
        terminal.prompt();
        assert_eq!(terminal.status(), 127);
    }
}
