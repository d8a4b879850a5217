//! Does the command keep to its contract: what scripts and people rely on, flag by flag?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_tests::jail::{Jail, Ran};
use nono_tests::need::Need;
use serde_json::Value;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

fn nono(jail: &Jail, words: &[&str]) -> Ran {
    jail.args(words).run()
}

/// The names of gaps in a report.
fn gaps(report: &Value) -> Vec<String> {
    let all = report["gaps"].as_array().unwrap();
    all.iter().map(|gap| gap["name"].as_str().unwrap().to_owned()).collect()
}

fn dry_run(jail: &Jail) -> Value {
    let ran = nono(jail, &["run", "--dry-run", "--json", "--allow-cwd", "--", "touch", "started"]);
    ran.success().stderr_is("");
    serde_json::from_str(&ran.stdout()).unwrap()
}

#[test]
fn the_exit_status_is_the_commands_own() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    for status in [0, 1, 3, 124, 125, 126, 127, 128, 255] {
        nono(&jail, &["run", "-q", "--", "sh", "-c", &format!("exit {status}")]).status(status);
    }
    for signal in [2, 9, 11, 15] {
        nono(&jail, &["run", "-q", "--", "sh", "-c", &format!("kill -{signal} $$")]).killed_by(signal);
    }
}

#[test]
fn the_command_takes_the_place_of_nono() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let words =
        ["run", "-q", "--", "sh", "-c", "echo $$; ps -o ppid= -p $$ 2>/dev/null || cut -d' ' -f4 /proc/$$/stat"];
    let mut child = jail.args(words).command();
    let mut child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    let expected = [pid.to_string(), std::process::id().to_string()];
    assert_eq!(said.split_whitespace().collect::<Vec<_>>(), expected);
}

#[test]
fn standard_streams_are_not_touched() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(300_000).collect();
    let ran = jail.args(["run", "-q", "--", "sh", "-c", "cat; echo to stderr >&2"]).stdin(bytes.clone()).run();
    ran.success().stderr_is("to stderr\n");
    assert!(ran.captured().stdout == bytes, "what was piped through is not what came out");
    // Files behind the streams can be opened again by their names in /dev.
    let script = "\"$0\" run -q -- sh -c 'echo x >/dev/stderr; cat /dev/stdin' 2>log <input; cat log";
    let outside = jail.args([""; 0]).command().get_program().to_owned();
    jail.file("work/input", "in");
    let ran = jail.program("/bin/sh").cmd(["-c".as_ref(), script.as_ref(), outside.as_os_str()]).run();
    ran.success().stdout_is("inx\n");
}

#[test]
fn a_panic_is_a_set_up_that_failed_and_an_unread_note_is_nothing() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let outside = jail.args([""; 0]).command().get_program().to_owned();
    let sh = |script: &str| jail.program("/bin/sh").cmd(["-c".as_ref(), script.as_ref(), outside.as_os_str()]).run();
    sh("\"$0\" completions bash >/dev/full").status(125).stderr_has("nono: panicked at ");
    sh("LD_AUDIT=x \"$0\" run -- echo started").success().stderr_has("variables withheld: LD_AUDIT");
    sh("LD_AUDIT=x \"$0\" run -- echo started 2>/dev/full").success().stdout_is("started\n");
}

#[test]
fn the_private_temporary_directory_is_private() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let script = "echo $TMPDIR $TMP $TEMP; stat -c %a:%u $TMPDIR; mktemp >/dev/null && echo made; ls /tmp || exit 2";
    let ran = nono(&jail, &["run", "-q", "--", "sh", "-c", script]);
    ran.status(2).stdout_has(&format!("700:{}\nmade\n", rustix::process::getuid().as_raw()));
    ran.stderr_has("/tmp").stderr_has("Permission denied");
    let said = ran.stdout();
    let names: Vec<&str> = said.lines().next().unwrap().split(' ').collect();
    assert_eq!(names.len(), 3, "{said}");
    assert!(names.iter().all(|name| *name == names[0] && name.len() <= 40), "{said}");
    let owner = std::fs::symlink_metadata(names[0]).unwrap();
    assert_eq!((owner.mode() & 0o7777, owner.is_dir()), (0o700, true));
    // Another command does not get it.
    let ran = nono(&jail, &["run", "-q", "--", "ls", names[0]]);
    assert!(!ran.captured().status.success());
    ran.stdout_is("").stderr_has("Permission denied");
    // Nothing of it stays when the command was not started.
    let ran = nono(&jail, &["run", "-q", "--", "no-such-command"]);
    ran.status(127);
}

#[test]
fn a_dry_run_says_what_would_be_and_starts_nothing() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let report = dry_run(&jail);
    assert_eq!(report["version"], 1);
    let own = jail.work();
    let grants = report["grants"].as_array().unwrap();
    let cwd = grants.iter().find(|grant| grant["path"] == own.to_str().unwrap()).unwrap();
    assert_eq!(cwd["source"]["flag"].as_str().or(cwd["source"].as_str()), Some("--allow-cwd"), "{cwd}");
    assert!(report["enforced"].as_array().unwrap().iter().any(|row| row["guarantee"] == "files"), "{report}");
    assert!(!gaps(&report).is_empty(), "a kernel of today leaves something");
    let people = nono(&jail, &["run", "--dry-run", "--allow-cwd", "--", "touch", "started"]);
    people.success().stdout_has("work").stdout_has("--allow-cwd");
    assert!(!std::fs::exists(own.join("started")).unwrap());
}

#[test]
fn a_report_is_there_before_the_command_and_says_the_same() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let words = ["run", "-q", "--allow-cwd", "--report", "report.json", "--", "cat", "report.json"];
    let ran = nono(&jail, &words);
    ran.success();
    let read: Value = serde_json::from_str(&ran.stdout()).unwrap();
    let kept: Value = serde_json::from_slice(&std::fs::read(jail.work().join("report.json")).unwrap()).unwrap();
    assert_eq!(read, kept);
    assert_eq!(gaps(&read), gaps(&dry_run(&jail)));
    assert_eq!(read["command"], serde_json::json!(["cat", "report.json"]));
}

#[test]
fn strict_takes_no_gap_that_was_not_accepted() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let open = gaps(&dry_run(&jail));
    let strict = ["run", "--allow-cwd", "--strict"];
    let ran = jail.args(strict).cmd(["--", "touch", "started"]).run();
    ran.status(125).stderr_has(&format!("--accept-gap {}", open[0]));
    assert!(!std::fs::exists(jail.work().join("started")).unwrap());
    let accepted = open.iter().flat_map(|name| ["--accept-gap", name]);
    jail.args(strict).cmd(accepted.clone()).cmd(["--", "touch", "started"]).run().success().stderr_is("");
    // One of them missing is one too many.
    let ran = jail.args(strict).cmd(accepted.skip(2)).cmd(["--", "touch", "again"]).run();
    ran.status(125).stderr_has(&open[0]);
    assert!(!std::fs::exists(jail.work().join("again")).unwrap());
}

#[test]
fn gaps_are_said_once_on_one_line_and_quiet_is_quiet() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let open = gaps(&dry_run(&jail));
    let ran = nono(&jail, &["run", "--", "true"]);
    ran.success().stderr_has("nono: note: ").stderr_has("nono doctor");
    assert_eq!(ran.stderr().lines().count(), 1, "{}", ran.stderr());
    let loud = nono(&jail, &["run", "-v", "--", "true"]).stderr();
    for name in &open {
        assert!(ran.stderr().contains(name.as_str()), "{name}: {}", ran.stderr());
        assert!(loud.lines().any(|line| line.contains(&format!("{name} is not enforced: "))), "{name}: {loud}");
    }
    nono(&jail, &["run", "-q", "--", "true"]).success().stderr_is("").stdout_is("");
}

#[test]
fn a_protected_path_is_not_granted_by_the_way() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    jail.file("home/.ssh/id_ed25519", "key");
    for flag in ["--allow", "--read", "--write"] {
        let ran = nono(&jail, &["run", flag, "../home", "--", "cat", "../home/.ssh/id_ed25519"]);
        assert!(!ran.captured().status.success(), "{}", ran.stderr());
        ran.stdout_is("");
    }
    // By name it is meant.
    let exactly = ["run", "-q", "--read", "../home/.ssh/id_ed25519", "--", "cat", "../home/.ssh/id_ed25519"];
    nono(&jail, &exactly).success().stdout_is("key");
    let own = ["run", "--allow", "../home/.config/nono", "--allow-missing", "--", "true"];
    jail.file("home/.config/nono/profiles/x.toml", "");
    nono(&jail, &own).status(125).stderr_has("never granted");
}

#[test]
fn the_environment_and_the_working_directory_are_as_asked() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    jail.file("other/here", "");
    let shell = |flags: &[&str], script: &str| {
        let run = jail.args(["run", "-q"]).cmd(flags).cmd(["--", "/bin/sh", "-c", script]);
        run.env("GIVEN", "outside").run().success().stdout()
    };
    assert_eq!(shell(&[], "echo $GIVEN $HOME"), format!("outside {}\n", jail.home().display()));
    assert_eq!(shell(&["--env", "GIVEN=inside", "--env", "NEW=a=b"], "echo $GIVEN $NEW"), "inside a=b\n");
    assert_eq!(shell(&["--env-clear", "--env", "GIVEN"], "echo $GIVEN:$HOME"), "outside:\n");
    assert_eq!(shell(&["--workdir", "../other", "--allow-cwd"], "ls; touch made; ls"), "here\nhere\nmade\n");
    // Without the system group there is nothing to start a program with, and that is said.
    let ran = nono(&jail, &["run", "-q", "--no-system", "--", "/bin/sh", "-c", "true"]);
    ran.status(126).stderr_has("--read");
}

#[test]
fn doctor_tries_and_tells() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let ran = nono(&jail, &["doctor", "--json"]);
    let report: Value = serde_json::from_str(&ran.stdout()).unwrap();
    assert_eq!(report["version"], 1);
    // A gap is status 1; what contradicts its own claim would be more than a gap.
    ran.status(i32::from(!gaps(&dry_run(&jail)).is_empty()));
    let people = nono(&jail, &["doctor"]);
    people.stdout_has("files").stdout_has("Landlock").stdout_has("not enforced");
    for name in gaps(&dry_run(&jail)) {
        people.stdout_has(&name);
    }
    people.stdout_lacks("NOT PROVEN");
}

#[test]
fn help_and_version_are_for_people() {
    let jail = Jail::new();
    nono(&jail, &["--version"]).success().stdout_has("nono ").stderr_is("");
    nono(&jail, &["--help"]).success().stdout_has("run").stdout_has("doctor").stderr_is("");
    nono(&jail, &["run", "--help"]).success().stdout_has("--allow").stdout_has("--accept-gap").stderr_is("");
    for command in ["run", "learn", "shell", "profile"] {
        let help = nono(&jail, &[command, "--help"]).success().stdout();
        let (about, listed) = (help.lines().next().unwrap_or_default(), nono(&jail, &["--help"]).stdout());
        let words = format!("{command} {about}");
        let listed = listed.lines().any(|line| line.split_whitespace().eq(words.split_whitespace()));
        assert!(listed, "{command}: {about}");
    }
    nono(&jail, &["nonsense"]).status(2).stdout_is("").stderr_has("nono: ");
}
