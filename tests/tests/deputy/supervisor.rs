//! What the supervisor does when others fail: approvers that are silent, wrong or gone, a log that is full, no
//! descriptors, and its own end.

use crate::place::{Place, Rule};
use nono_tests::capture::{self, Captured, Group, text};
use nono_tests::jail::{Jail, User};
use nono_tests::need::{self, Need};
use nono_tests::sample;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// An approver that never answers.
const SILENT: &str = "head -n 1 > asked; while read -r more; do :; done";
const EACCES: i32 = 13;

/// `nono run FLAGS -- deputy ARGUMENTS` in a place of its own, as nobody if that is possible.
fn run(rule: Rule, flags: &[&str], arguments: &[&str]) -> (Captured, Duration) {
    with_place(|place| {
        let arguments: Vec<String> = arguments.iter().map(|word| word.replace("PLACE", &place.path(""))).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        finish(&mut place.line(&place.nono(rule, flags).unwrap(), &arguments))
    })
}

fn with_place<T>(act: impl FnOnce(&Place<'_>) -> T) -> T {
    let user = if need::is_root() { User::Nobody } else { User::Same };
    let jail = Jail::of(user);
    let place = Place::new(&jail, user, "place").unwrap();
    act(&place)
}

/// To its end, which must come before the minute in which approvers may answer.
fn finish(command: &mut Command) -> (Captured, Duration) {
    let since = Instant::now();
    let captured = capture::run(command, None, Group::Own, Duration::from_secs(50)).unwrap();
    assert!(!captured.timed_out, "it hangs: {} {}", text(&captured.stdout), text(&captured.stderr));
    (captured, since.elapsed())
}

/// As a script in the sandbox, with `$DEPUTY` and `$PLACE`.
fn script(rule: Rule, flags: &[&str], script: &str) -> (Captured, Duration) {
    with_place(|place| {
        let mut command = place.line(&place.nono(rule, flags).unwrap(), &[]);
        let deputy = command.get_args().last().unwrap().to_owned();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut shell = Command::new(command.get_program());
        shell.args(arguments.split_last().unwrap().1).args(["/bin/sh", "-c", script]);
        shell.current_dir(place.path("work")).stdin(Stdio::null()).env_clear().env("PATH", "/usr/bin:/bin");
        shell.env("DEPUTY", deputy).env("PLACE", place.path("")).env("HOME", place.path("elsewhere"));
        command = shell;
        place.own(&mut command);
        finish(&mut command)
    })
}

#[test]
fn a_question_left_alone_is_no() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let flags = ["--approve", SILENT, "--approve-timeout", "1"];
    let (ran, took) = run(Rule::Elsewhere, &flags, &["open", "PLACE/approved/f"]);
    assert_eq!(ran.status.code(), Some(EACCES), "{}", text(&ran.stderr));
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn an_approver_that_fails_says_no_and_one_that_answers_is_heard() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let answer = |answer: &str| {
        format!("while read -r line; do id=${{line#*'\"id\":'}}; id=${{id%%,*}}; echo '{answer}' | sed s/ID/$id/; done")
    };
    let good = r#"{"version":1,"id":ID,"decision":"allow","for":"once"}"#;
    for (approver, expected) in [
        (answer(good), 0),
        (answer(&good.replace("once", "file")), 0),
        (answer(&good.replace("once", "directory")), 0),
        (answer(&good.replace("allow", "deny")), EACCES),
        (answer(&good.replace("ID", "1000000")), EACCES),
        (answer(&good.replace("allow", "perhaps")), EACCES),
        (answer(&good.replace("once", "ever")), EACCES),
        (answer(&good.replace("1,", "2,")), EACCES),
        (answer("nonsense"), EACCES),
        ("exit 0".into(), EACCES),
        ("exit 1".into(), EACCES),
        ("kill -9 $$".into(), EACCES),
        ("exec 1>&-; cat > /dev/null".into(), EACCES),
        ("exec 0<&-; sleep 1000 & wait".into(), EACCES),
        ("cat /dev/zero".into(), EACCES),
        ("/does/not/exist".into(), EACCES),
    ] {
        let flags = ["--approve", &approver, "--approve-timeout", "2"];
        let (ran, took) = run(Rule::Elsewhere, &flags, &["open", "PLACE/approved/f"]);
        assert_eq!(ran.status.code(), Some(expected), "{approver}: {}", text(&ran.stderr));
        assert!(took < Duration::from_secs(30), "{approver}: {took:?}");
    }
}

#[test]
fn a_call_that_waits_ends_with_its_process() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let killed =
        "$DEPUTY open $PLACE/approved/f & until [ -s asked ]; do sleep 0.01; done; kill -9 $!; wait $!; echo $?";
    let (ran, took) = script(Rule::Elsewhere, &["--approve", SILENT], killed);
    assert_eq!(text(&ran.stdout), "137\n", "{}", text(&ran.stderr));
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn a_call_that_waits_holds_up_no_other() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let script_text = "$DEPUTY open $PLACE/secret/f & until [ -s asked ]; do sleep 0.01; done
        for i in 1 2 3 4 5; do $DEPUTY open $PLACE/approved/f || echo refused; done; $DEPUTY open $PLACE/work/mine; echo $?; kill -9 $!";
    let (ran, took) = script(Rule::Directory, &["--approve", SILENT], script_text);
    assert_eq!(text(&ran.stdout), "0\n", "{}", text(&ran.stderr));
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn a_question_of_a_dead_process_holds_up_no_other() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    // The first question is never answered, any other at once.
    let approver = "head -n 1 > asked; while read -r line; do id=${line#*'\"id\":'}; id=${id%%,*};
        echo '{\"version\":1,\"id\":ID,\"decision\":\"allow\",\"for\":\"once\"}' | sed s/ID/$id/; done";
    let killed = "$DEPUTY open $PLACE/secret/f & until [ -s asked ]; do sleep 0.01; done; kill -9 $!; wait $!
        $DEPUTY open $PLACE/approved/f; echo $?";
    let (ran, took) = script(Rule::Elsewhere, &["--approve", approver], killed);
    assert_eq!(text(&ran.stdout), "0\n", "{}", text(&ran.stderr));
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn what_cannot_be_written_down_is_not_opened() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let (ran, _) = run(Rule::Directory, &["--audit", "/dev/full"], &["open", "PLACE/approved/f"]);
    let code = ran.status.code();
    assert!(code == Some(EACCES) || code == Some(125), "{code:?} {}", text(&ran.stderr));
}

#[test]
fn a_supervisor_without_descriptors_refuses_and_goes_on() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    with_place(|place| {
        let prefix = place.nono(Rule::Directory, &[]).unwrap();
        for limit in sample::part("deputy", vec!["10", "12", "14", "16", "20", "24", "32"]) {
            let mut shell =
                vec!["/bin/sh".into(), "-c".into(), format!("ulimit -n {limit}; exec \"$@\"").into(), "sh".into()];
            shell.extend(prefix.iter().cloned());
            let (ran, _) = finish(&mut place.line(&shell, &["run", "fifty-threads-forty-times", &place.path("")]));
            let said = text(&ran.stdout);
            // What is too little to start with is said.
            let stopped =
                ran.status.code() == Some(125) || ran.status.code() == Some(126) || ran.status.code() == Some(127);
            let wrong = ["ENOSYS", "EINTR", "EBADF", "EIO", "ENOENT"].iter().any(|errno| said.contains(errno));
            println!("{limit}: {:?} {said} {}", ran.status, text(&ran.stderr));
            assert!(stopped || said.contains("leaked []") && !wrong, "{limit}: {said} {}", text(&ran.stderr));
        }
    });
}

#[test]
fn nothing_opens_when_the_supervisor_is_gone() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    with_place(|place| {
        let told = |kill: bool| {
            let prefix = place.nono(Rule::Directory, &[]).unwrap();
            let mut command = place.line(&prefix, &["open-when-told", &place.path("approved/f")]);
            let mut nono = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(nono.stdout.take().unwrap()).lines();
            assert_eq!(lines.next().unwrap().unwrap(), "ready");
            let mut stdin = nono.stdin.take().unwrap();
            if kill {
                kill_process(Pid::from_child(&nono), Signal::KILL).unwrap();
                nono.wait().unwrap();
            }
            // The command may have ended with its supervisor.
            drop(stdin.write_all(b"go\n"));
            drop(stdin);
            let said = lines.next().map(Result::unwrap);
            nono.wait().unwrap();
            said
        };
        assert_eq!(told(false).as_deref(), Some("0"));
        let said = told(true);
        assert!(said.is_none() || said.as_deref() == Some("38"), "{said:?}");
    });
}

#[test]
fn a_sandbox_within_keeps_its_promise() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    with_place(|place| {
        let prefix = place.nono(Rule::Directory, &["--read-file", &nono_itself(place)]).unwrap();
        let mut both = prefix.clone();
        let deputy = place.line(&[], &[]).get_program().to_owned();
        both.extend([prefix[0].clone(), "run".into(), "-q".into(), "--read-file".into(), deputy, "--".into()]);
        let (ran, _) = finish(&mut place.line(&both, &["open", &place.path("approved/f")]));
        let said = text(&ran.stderr);
        // It refuses, or it does not start.
        let code = ran.status.code();
        assert!(
            code == Some(EACCES) || code == Some(125),
            "{code:?} {said}: the outer one opened what the inner one refuses"
        );
    });
}

fn nono_itself(place: &Place<'_>) -> String {
    place.nono(Rule::Elsewhere, &[]).unwrap().swap_remove(0).into_string().unwrap()
}
