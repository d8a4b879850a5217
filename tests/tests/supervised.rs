//! `nono run` with someone who is asked: rules, an approver, the log, and nono as the parent of the command.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::Need;
use serde_json::Value;
use std::fs;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

/// Answers every question alike; `$1` is what stands behind `"decision":`.
const APPROVER: &str = r#"while read -r line; do
    id=${line#*\"id\":}; echo "$line" >> asked
    echo "{\"version\":1,\"id\":${id%%,*},\"decision\":ANSWER}"
done"#;

fn approver(answer: &str) -> String {
    APPROVER.replace("ANSWER", &answer.replace('"', "\\\""))
}

/// A jail with rules: what is in `data` may be read, but not `data/private`; `out` may be written.
fn jail(user: User) -> Jail {
    let jail = Jail::of(user);
    for (name, content) in
        [("data/one", "first\n"), ("data/private/key", "private\n"), ("out/.keep", ""), ("other", "other\n")]
    {
        jail.file(name, content);
    }
    let root = jail.work().parent().unwrap().to_owned();
    let rules = format!(
        "[approve]\nread = [{:?}]\nallow = [{:?}]\ndeny = [{:?}]\n",
        root.join("data"),
        root.join("out"),
        root.join("data/private")
    );
    jail.file("rules.toml", &rules);
    jail
}

/// `nono run -q --allow-cwd FLAGS -- sh -c SCRIPT`.
#[track_caller]
fn sh(jail: &Jail, flags: &[&str], script: &str) -> Ran {
    jail.args(["run", "-q", "--allow-cwd"].iter().chain(flags)).cmd(["--", "sh", "-c", script]).run()
}

const RULES: [&str; 2] = ["--approve-rules", "../rules.toml"];

#[test]
fn rules_say_yes_and_no() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    for user in User::all() {
        let jail = jail(user);
        sh(&jail, &RULES, "cat ../data/one").success().stdout_is("first\n");
        sh(&jail, &RULES, "cd ../data && cat ./one && cat ../data/./one").success().stdout_is("first\nfirst\n");
        for denied in
            ["../data/private/key", "../other", "../secrets/key", "../data/../other", "../home/.ssh/id_ed25519"]
        {
            sh(&jail, &RULES, &format!("cat {denied}")).status(1).stdout_is("").stderr_has("Permission denied");
        }
        sh(&jail, &RULES, "echo x > ../data/one || exit 2").status(2).stderr_has("Permission denied");
        sh(&jail, &RULES, "umask 027; echo new > ../out/made && echo more >> ../out/made && cat ../out/made && stat -c %a ../out/made")
            .success()
            .stdout_is("new\nmore\n640\n");
        sh(&jail, &RULES, "cat ../data/missing").status(1).stderr_has("No such file");
    }
}

#[test]
fn an_approver_answers_for_once_for_a_file_or_for_a_directory() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    for (answer, asked) in
        [(r#""allow","for":"once""#, 3), (r#""allow","for":"file""#, 2), (r#""allow","for":"directory""#, 1)]
    {
        let jail = jail(User::Same);
        jail.file("data/two", "second\n");
        let ran = sh(&jail, &["--approve", &approver(answer)], "cat ../data/one ../data/one ../data/two");
        ran.success().stdout_is("first\nfirst\nsecond\n");
        let lines = fs::read_to_string(jail.work().join("asked")).unwrap();
        assert_eq!(lines.lines().count(), asked, "{answer}: {lines}");
        let question: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(question["version"], 1);
        assert_eq!(question["access"], serde_json::json!(["read"]));
        assert!(question["program"].as_str().unwrap().starts_with('/') && question["pid"].as_u64().unwrap() > 0);
        assert!(question["path"].as_str().unwrap().ends_with("/data/one"), "{question}");
    }
}

#[test]
fn no_is_no_and_is_not_asked_again() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    let ran = sh(
        &jail,
        &["--approve", &approver(r#""deny""#)],
        "cat ../data/one; cat ../data/one; cat ../home/.ssh/id_ed25519",
    );
    ran.status(1).stdout_is("").stderr_has("Permission denied");
    let asked = fs::read_to_string(jail.work().join("asked")).unwrap();
    assert_eq!(asked.lines().count(), 1, "once, and never about what is protected: {asked}");
}

#[test]
fn an_approver_that_is_gone_or_silent_says_no() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    for approver in ["exit 1", "read line; echo yes", "exec sleep 100"] {
        let started = Instant::now();
        let ran = sh(&jail, &["--approve", approver, "--approve-timeout", "1"], "cat ../data/one");
        ran.status(1).stdout_is("").stderr_has("Permission denied");
        assert!(started.elapsed() < Duration::from_secs(20), "{approver}");
    }
    // It ends with the run.
    let ran =
        sh(&jail, &["--approve", "echo $$ > ../approver; exec sleep 100", "--approve-timeout", "1"], "cat ../data/one");
    ran.status(1);
    let number = fs::read_to_string(jail.work().join("../approver")).unwrap();
    assert!(!fs::exists(format!("/proc/{}", number.trim())).unwrap(), "the approver is left behind");
}

#[test]
fn a_server_on_a_socket_answers() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    let listener = UnixListener::bind(jail.work().join("approver")).unwrap();
    let server = std::thread::spawn(move || {
        use std::io::{BufRead, BufReader, Write};
        let (stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        writeln!(&stream, r#"{{"version":1,"id":1,"decision":"allow"}}"#).unwrap();
    });
    sh(&jail, &["--approve", "unix:approver"], "cat ../data/one").success().stdout_is("first\n");
    server.join().unwrap();
    sh(&jail, &["--approve", "unix:missing"], "true")
        .status(125)
        .stderr_has("--approve: cannot start \"unix:missing\"");
}

#[test]
fn answers_are_written_down_before_they_are_given() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    let flags = [RULES[0], RULES[1], "--audit", "../audit"];
    sh(&jail, &flags, "cat ../data/one; cat ../other; cat ../audit").status(1).stdout_is("first\n");
    let log = fs::read_to_string(jail.work().join("../audit")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdicts: Vec<_> =
        lines.iter().map(|line| (line["verdict"].as_str().unwrap(), line["by"].as_str().unwrap())).collect();
    assert_eq!(verdicts, [("allow", "rule"), ("deny", "no rule"), ("deny", "protected")], "{log}");
    for line in &lines {
        assert!(line["time"].as_f64().unwrap() > 1e9 && line["waited_ms"].as_f64().unwrap() >= 0.0, "{line}");
        assert!(line["syscall"].is_string() && line["pid"].is_u64() && line["path"].is_string(), "{line}");
    }
    let inside = [RULES[0], RULES[1], "--audit", "audit"];
    sh(&jail, &inside, "true").status(125).stderr_has("which the command may write");
    sh(&jail, &[RULES[0], RULES[1], "--audit", "../missing/audit"], "true").status(125).stderr_has("cannot write");
    // A log that cannot be written any more: no.
    let full =
        ["--no-system", "--allow-missing", "--read", "/usr", "--read", "/bin", "--read", "/lib", "--read", "/lib64"];
    let flags: Vec<&str> = full.into_iter().chain([RULES[0], RULES[1], "--audit", "/dev/full"]).collect();
    sh(&jail, &flags, "cat ../data/one").status(1).stderr_has("Permission denied");
}

#[test]
fn the_command_ends_as_outside() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    sh(&jail, &RULES, "exit 7").status(7);
    for signal in [15, 9, 2, 11] {
        let ran = sh(&jail, &RULES, &format!("kill -{signal} $$"));
        assert!(!ran.killed_by(signal).captured().status.core_dumped(), "{signal}");
    }
    // What is sent to nono, the command gets.
    let script = "trap 'echo got; exit 3' TERM; kill -TERM $PPID; while :; do sleep 0.05; done";
    sh(&jail, &["--accept-gap", "signals", RULES[0], RULES[1]], script).status(3).stdout_is("got\n");
    let tmp = sh(&jail, &RULES, "echo $TMPDIR; touch $TMPDIR/file").success().stdout().trim().to_owned();
    assert!(!fs::exists(&tmp).unwrap(), "nono stays, so it removes {tmp}");
}

#[test]
fn what_is_left_behind_is_served_or_ended() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    let left = "(sleep 0.5; cat ../data/one > late) & exit 0";
    sh(&jail, &RULES, left).success();
    assert_eq!(
        fs::read_to_string(jail.work().join("late")).unwrap(),
        "first\n",
        "it was served after the command's end"
    );
    fs::remove_file(jail.work().join("late")).unwrap();
    let started = Instant::now();
    let flags = [RULES[0], RULES[1], "--kill-orphans"];
    sh(&jail, &flags, "(sleep 60; echo > late) & setsid sleep 60 & exit 4").status(4);
    assert!(started.elapsed() < Duration::from_secs(20) && !fs::exists(jail.work().join("late")).unwrap());
}

#[test]
fn a_supervisor_inside_another_says_so() {
    // Below, openat2(2) is refused inside, by which nono opens what it grants.
    nono_tests::need!(Need::Landlock(3), Need::Seccomp);
    let jail = jail(User::Same);
    let nono = jail.args([""; 0]).command().get_program().to_owned();
    let nono = nono.to_str().unwrap();
    let flags = ["--read", nono, RULES[0], RULES[1], "--read", "../rules.toml"];
    let inner = format!("{nono} run -q --approve-rules ../rules.toml -- true");
    sh(&jail, &flags, &inner).status(125).stderr_has("another supervisor");
    // Without one it works inside.
    sh(&jail, &flags, &format!("{nono} run -q -- echo inside")).success().stdout_is("inside\n");
}

#[test]
fn flags_that_mean_nothing_are_errors() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    for (flags, said) in [
        (&["--audit", "../log"][..], "--audit is for supervised runs"),
        (&["--kill-orphans"], "--kill-orphans is for supervised runs"),
        (&["--approve-rules", "missing"], "cannot read \"missing\""),
        (&["--approve-timeout", "x"], "--approve-timeout"),
        (&[RULES[0], RULES[1], "--accept-gap", "kernel-surface"], "kernel-surface cannot be left off"),
    ] {
        sh(&jail, flags, "touch started").status(125).stdout_is("").stderr_has(said);
        assert!(!fs::exists(jail.work().join("started")).unwrap(), "{flags:?}");
    }
}
