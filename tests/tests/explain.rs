//! `nono run --explain`: what is refused is named with the flag that grants it, and nothing else about the run changes.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::Need;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;

/// A jail with a place that is not granted, by its name in it: `data`.
fn jail(user: User) -> Jail {
    let jail = Jail::of(user);
    for name in ["data/file", "data/two", "data/sub/deep", "work/file"] {
        jail.file(name, "content\n");
    }
    jail.file("data/tool", "#!/bin/sh\necho tool\n");
    let tool = jail.root().join("data/tool");
    fs::set_permissions(tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    jail
}

/// Runs a script with `flags`, watched; and what was found out.
#[track_caller]
fn explain(jail: &Jail, flags: &[&str], script: &str) -> (Ran, Value) {
    let report = jail.root().join("report.json");
    let report = report.to_str().unwrap();
    let words = ["run", "-q", "--allow-cwd", "--explain", "--report", report];
    let run = jail.args(words.iter().chain(flags)).cmd(["--", "sh", "-c", script]);
    // A python of the user's own in PATH is where the system's looks for its library, and that is refused too.
    let ran = run.env("PATH", "/usr/local/bin:/usr/bin:/bin").run();
    let text = fs::read_to_string(report);
    assert!(text.is_ok(), "{text:?}: {}", ran.stderr());
    let text = text.unwrap();
    let explained = serde_json::from_str::<Value>(&text).unwrap()["explained"].clone();
    (ran, explained)
}

/// The flags that are offered, with paths below the tree as `@`.
fn flags(jail: &Jail, explained: &Value) -> Vec<String> {
    let root = jail.root();
    let short = |word: &Value| word.as_str().unwrap().replace(root.to_str().unwrap(), "@");
    explained["flags"].as_array().unwrap().iter().map(short).collect()
}

/// What a script of each kind is refused, and all that has to be granted for it.
const REFUSED: &[(&str, &str, &str)] = &[
    ("reading", "cat ../data/file", "--read @/data/file"),
    ("listing", "ls ../data", "--read @/data"),
    ("writing", "echo x > ../data/file", "--write @/data/file"),
    ("appending", "echo x >> ../data/file", "--write @/data/file"),
    ("both", "cat ../data/file; echo x > ../data/file", "--allow @/data/file"),
    ("creating", "echo x > ../data/new", "--write @/data"),
    ("deleting", "rm -f ../data/file", "--write @/data"),
    ("a directory", "mkdir ../data/d", "--write @/data"),
    ("without it", "rmdir ../data/empty", "--write @/data"),
    ("renaming", "mv ../data/file ../data/moved", "--write @/data"),
    ("a symbolic link", "ln -s file ../data/link", "--write @/data"),
    ("a pipe", "mkfifo ../data/pipe", "--write @/data"),
    ("executing", "../data/tool", "--read @/data/tool"),
    ("by a link", "ln -s ../data/file l; cat l", "--read @/data/file"),
    ("by a directory", "ln -s ../data l; cat l/sub/deep", "--read @/data/sub/deep"),
    ("by dots", "cat ./.././data/../data//file", "--read @/data/file"),
    ("from elsewhere", "cd ../data/sub && cat deep", "--read @/data/sub/deep"),
    ("in a child", "(sh -c 'cat ../data/file' | cat)", "--read @/data/file"),
    ("many files", "cat ../data/file ../data/two ../data/tool", "--read @/data"),
    ("a namespace", "unshare -U true", "--accept-gap user-namespaces"),
];

#[test]
fn each_refusal_is_named_with_the_flag_that_grants_it() {
    nono_tests::need!(Need::Landlock(3), Need::Seccomp, Need::Program("unshare"));
    for user in User::all() {
        for (what, script, expected) in REFUSED {
            let jail = jail(user);
            fs::create_dir(jail.root().join("data/empty")).unwrap();
            user.own(&jail.root().join("data")).unwrap();
            let (ran, explained) = explain(&jail, &[], script);
            let found = flags(&jail, &explained).join(" ");
            assert_eq!(found, *expected, "{what}, {user:?}: {script}: {explained:#}");
            let shown = expected.replace('@', jail.root().to_str().unwrap());
            ran.stderr_has(&shown).stderr_has("nono: to grant it:");
        }
    }
}

#[test]
fn with_these_flags_nothing_is_refused_any_more() {
    nono_tests::need!(Need::Landlock(3), Need::Seccomp, Need::Program("unshare"));
    for (what, script, _) in REFUSED {
        let jail = jail(User::Same);
        fs::create_dir(jail.root().join("data/empty")).unwrap();
        let (_, explained) = explain(&jail, &[], script);
        let words: Vec<String> =
            explained["flags"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let _gone = fs::remove_file(jail.root().join("work/l"));
        let (ran, explained) = explain(&jail, &words, script);
        assert_eq!(explained["refused"].as_array().unwrap().len(), 0, "{what}: {explained:#}");
        // In a container namespaces may be refused all the same.
        if *what != "a namespace" {
            ran.success();
        }
        ran.stderr_has("nothing was refused that mattered");
    }
}

#[test]
fn nothing_else_changes() {
    nono_tests::need!(Need::Landlock(3), Need::Seccomp);
    let scripts = REFUSED.iter().map(|(_, script, _)| *script);
    let others =
        ["cat file", "exit 7", "kill -TERM $$", "cat missing", "echo out; echo err >&2; false", "ls /proc/self/fd"];
    for script in scripts.chain(others) {
        let run = |explain: &[&str]| {
            let jail = jail(User::Same);
            fs::create_dir(jail.root().join("data/empty")).unwrap();
            let ran =
                jail.args(["run", "-q", "--allow-cwd"].iter().chain(explain)).cmd(["--", "sh", "-c", script]).run();
            let captured = ran.captured();
            (captured.status, captured.stdout.clone(), captured.stderr.clone())
        };
        let ((status, stdout, stderr), without) = (run(&["--explain"]), run(&[]));
        // To the byte: what nono has to say comes when the command has said everything.
        let (said, told) = stderr.split_at_checked(without.2.len()).unwrap_or((&stderr, b""));
        assert_eq!((status, stdout, said), (without.0, without.1, without.2.as_slice()), "{script}");
        assert!(told.starts_with(b"nono: "), "{script}: {}", told.escape_ascii());
    }
}

#[test]
fn what_a_program_goes_on_without_is_counted() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("python3"));
    let jail = jail(User::Same);
    // It is opened to be read when it cannot be written; a file that is not there is refused by nobody.
    let script =
        "python3 -c 'try: open(\"../data/file\", \"r+\")\nexcept PermissionError: open(\"file\")'; cat none 2>&-; true";
    let (ran, explained) = explain(&jail, &[], script);
    ran.success();
    assert!(explained["missing"].as_u64().unwrap() > 0);
    assert_eq!(flags(&jail, &explained), ["--allow", "@/data/file"], "{explained:#}");
    let script = "python3 -c 'try: open(\"../data/file\", \"r+\")\nexcept PermissionError: open(\"../data/file\")'";
    let (_, explained) = explain(&jail, &["--read", "../data"], script);
    assert!(explained["recovered"].as_u64().unwrap() > 0, "{explained:#}");
    assert!(flags(&jail, &explained).is_empty());
}

#[test]
fn threads_and_children_are_seen() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("python3"));
    let jail = jail(User::Same);
    let script = "python3 - <<'E'
import threading, os, subprocess
def look(name):
    try: open(name)
    except PermissionError: pass
threads = [threading.Thread(target=look, args=('../data/' + name,)) for name in ('file', 'two')]
for t in threads: t.start()
for t in threads: t.join()
subprocess.run(['cat', '../data/sub/deep'])
if os.fork() == 0:
    look('../data/file')
    os._exit(0)
os.wait()
E";
    let (_, explained) = explain(&jail, &[], script);
    let expected = ["--read", "@/data/file", "--read", "@/data/sub/deep", "--read", "@/data/two"];
    assert_eq!(flags(&jail, &explained), expected, "{explained:#}");
    let rows = explained["refused"].as_array().unwrap();
    let file = rows.iter().find(|row| row["path"].as_str().unwrap().ends_with("data/file")).unwrap();
    assert_eq!(file["count"], 2, "{explained:#}");
}

#[test]
fn names_of_any_bytes_are_told_and_can_be_pasted() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("bash"));
    let names: [&[u8]; 5] =
        [b"with space", b"it's", b"\x1b[31mred\n", b"not utf-8 \xff", "\u{e4} \u{202e}x".as_bytes()];
    for name in names {
        let jail = jail(User::Same);
        let path = jail.root().join("data").join(OsStr::from_bytes(name));
        fs::write(&path, "content\n").unwrap();
        let run = || jail.args(["run", "-q", "--explain", "--", "cat"]).cmd([&path]);
        let ran = run().run();
        ran.status(1);
        // What cat says before is as the name is.
        let stderr = &ran.captured().stderr;
        let begin = stderr.windows(13).position(|bytes| bytes == b"nono: refused").unwrap();
        let own = String::from_utf8(stderr[begin..].to_vec()).unwrap();
        assert!(!own.chars().any(|c| c.is_control() && c != '\n'), "{own:?}");
        let line = own.lines().find_map(|line| line.strip_prefix("nono: to grant it: ")).unwrap();
        let again = jail.program("/bin/bash").cmd(["-c", line]).run();
        again.success().stdout_is("content\n").stderr_has("nothing was refused");
    }
}

#[test]
fn a_shell_is_started_again_by_the_words_it_was_started_by() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    // The shell is none of the words: the last of them has its place still.
    let words = ["shell", "-q", "--explain", "--read", "../data/sub"];
    let ran = jail.args(words).env("SHELL", "/bin/sh").stdin("cat ../data/file; exit 1\n").run();
    let line = format!("shell -q --explain --read ../data/sub --read {}/data/file\n", jail.root().display());
    ran.status(1).stderr_has(&line);
}

#[test]
fn what_is_denied_or_protected_is_marked_and_left_to_the_user() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    jail.file("home/.ssh/config", "Host *\n");
    let (ran, explained) = explain(&jail, &[], "cat ~/.ssh/config; cat ../data/file");
    ran.stderr_has("protected");
    assert_eq!(flags(&jail, &explained), ["--read", "@/data/file"], "{explained:#}");
    let row = &explained["refused"][0];
    assert_eq!((&row["protected"], row["flag"][0].as_str()), (&Value::Bool(true), Some("--read")), "{explained:#}");
    // Where a grant above it has a deny for it.
    let (_, explained) = explain(&jail, &["--read", "../home"], "cat ~/.ssh/config");
    assert!(flags(&jail, &explained).is_empty() && explained["refused"][0]["protected"] == true, "{explained:#}");
    let (ran, explained) = explain(&jail, &["--read", "../data", "--deny", "../data/sub"], "cat ../data/sub/deep");
    assert!(flags(&jail, &explained).is_empty(), "{explained:#}");
    ran.stderr_has("without --deny");
}

#[test]
fn sockets_are_told_by_port_and_path() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp, Need::Program("python3"));
    let python = |code: &str| format!("python3 -c 'import socket; s = socket.socket(); {code}'");
    let jail = jail(User::Same);
    let words = |flags: &[&str], script: &str| self::flags(&jail, &explain(&jail, flags, script).1).join(" ");
    let connect = python("s.connect((\"127.0.0.1\", 4711))");
    let bind = python("s.bind((\"127.0.0.1\", 4712))");
    assert_eq!(words(&[], &connect), "--net", "the port is not named before there is a socket");
    assert_eq!(words(&["--allow-connect", "1"], &connect), "--allow-connect 4711");
    assert_eq!(words(&["--allow-bind", "1"], &bind), "--allow-bind 4712");
    assert_eq!(words(&["--allow-bind", "1"], &python("s.bind((\"127.0.0.1\", 0))")), "--net");
    let mut socket = jail.root().join("data/socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let unix = "python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"../data/socket\")'";
    let refused = explain(&jail, &[], unix).1["refused"][0].clone();
    assert!(refused["call"].is_string() || refused["path"].is_string(), "{refused:#}");
    assert_eq!(words(&["--allow-unix", "../work"], unix), "--allow-unix @/data/socket");
    socket.pop();
    assert_eq!(words(&["--allow-unix", socket.to_str().unwrap()], unix), "");
}

#[test]
fn abstract_sockets_of_others_are_told_and_own_ones_are_not() {
    nono_tests::need!(Need::Landlock(6), Need::Seccomp, Need::Program("python3"));
    let jail = jail(User::Same);
    let name = format!("nono-explain-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    let python = |call: &str| format!("python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); {call}'");
    let connect = python(&format!("s.connect(\"\\0{name}\")"));
    let (ran, explained) = explain(&jail, &["--allow-unix", "."], &connect);
    ran.status(1).stderr_has("ermission denied");
    let refused = &explained["refused"][0];
    assert_eq!((&refused["call"], &refused["wanted"][0]), (&"an abstract unix socket".into(), &"connect".into()));
    let offered = flags(&jail, &explained);
    assert!(offered.ends_with(&["--accept-gap".to_owned(), "abstract-sockets".to_owned()]), "{offered:?}");
    let with: Vec<&str> = offered.iter().map(String::as_str).collect();
    assert_eq!(explain(&jail, &with, &connect).0.captured().status.code(), Some(0));
    // Nobody is there; and what was made inside is its own.
    let nobody = python("s.connect(\"\\0nono-nobody\")");
    let own = python("s.bind(\"\\0nono-own\"); s.listen(); socket.socket(socket.AF_UNIX).connect(\"\\0nono-own\")");
    for script in [nobody, own] {
        let (ran, explained) = explain(&jail, &["--allow-unix", ".", "--accept-gap", "unix-sockets"], &script);
        assert_eq!(explained["refused"], serde_json::json!([]), "{script}: {explained:#}\n{}", ran.stderr());
    }
}

#[test]
fn the_report_and_stderr_have_the_same_json() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    let report = jail.root().join("report.json");
    let words = ["run", "-q", "--explain", "--json", "--report", report.to_str().unwrap(), "--", "cat", "../data/file"];
    let ran = jail.args(words).run();
    ran.status(1).stdout_is("");
    let stderr = ran.stderr();
    let line = stderr.lines().find(|line| line.starts_with('{')).unwrap();
    let (one, other): (Value, Value) =
        (serde_json::from_str(line).unwrap(), serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap());
    assert_eq!(one, other["explained"]);
    assert_eq!(one["version"], 1);
    let keys: BTreeSet<&str> = one.as_object().unwrap().keys().map(String::as_str).collect();
    let all = ["version", "refused", "recovered", "missing", "unknown", "beyond", "bad_call", "flags"];
    assert_eq!(keys, BTreeSet::from(all));
}

#[test]
fn paths_of_processes_are_not_granted_by_their_number() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    let (ran, explained) = explain(&jail, &[], "echo 0 > /proc/self/oom_score_adj");
    ran.stderr_has("ermission denied");
    let refused = &explained["refused"][0];
    assert_eq!(refused["hint"], "no flag grants it", "{explained:#}");
    assert_eq!(flags(&jail, &explained), [""; 0]);
    // To read, all of it is granted.
    let (ran, explained) =
        explain(&jail, &["--no-system", "--read", "/usr", "--read", "/bin"], "read -r line < /proc/$$/stat");
    let offered = flags(&jail, &explained);
    let mut words = offered.windows(2);
    assert!(words.any(|words| words == ["--read", "/proc"]), "{explained:#}\n{}", ran.stderr());
}

#[test]
fn an_end_by_the_filter_is_told() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    for script in ["kill -SYS $$", "sh -c 'kill -SYS $$'; exit $?"] {
        let (ran, explained) = explain(&jail, &[], script);
        assert_eq!(explained["bad_call"], true, "{script}: {explained:#}\n{}", ran.stderr());
    }
    let shown = jail.args(["run", "-q", "--explain", "--", "sh", "-c", "kill -SYS $$"]).run().stderr();
    assert!(shown.contains("ended by SIGSYS") && !shown.contains("nothing was refused"), "{shown}");
    assert_eq!(explain(&jail, &[], "kill -TERM $$").1["bad_call"], false);
}

#[test]
fn one_watches_at_a_time() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    let nono = jail.args([""; 0]).command().get_program().to_owned();
    let nono = nono.to_str().unwrap();
    let inner = ["run", "-q", "--explain", "--", "true"];
    let outer = ["run", "-q", "--allow-cwd", "--explain", "--read-file", nono, "--", nono];
    jail.args(outer.iter().chain(&inner)).run().status(125).stderr_has("another supervisor");
    jail.args(["run", "--json", "--", "true"]).run().status(125).stderr_has("--explain");
}

#[test]
fn what_is_not_executed_ends_as_without() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = jail(User::Same);
    jail.file("work/none", "#!/no/such/interpreter\n");
    let script = jail.file("work/bare", "echo bare\n");
    for path in [jail.root().join("work/none"), script] {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    for (command, status) in [("./none", 126), ("./missing", 127), ("../data/tool", 126), ("./bare", 0)] {
        let ran =
            |flags: &[&str]| jail.args(["run", "-q", "--allow-cwd"].iter().chain(flags)).cmd(["--", command]).run();
        assert_eq!(ran(&["--explain"]).captured().status, ran(&[]).captured().status, "{command}");
        if status > 0 {
            ran(&["--explain"]).status(status);
        }
    }
    // Where what is missing is the program's own grant, it is named at once.
    for (command, status, hint) in
        [("./none", 126, "--explain"), ("./missing", 127, "--explain"), ("../data/tool", 126, "--read")]
    {
        jail.args(["run", "-q", "--allow-cwd", "--", command]).run().status(status).stderr_has(hint);
    }
}
