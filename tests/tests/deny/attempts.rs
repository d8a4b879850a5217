//! Every way that leads to a denied path outside, and none inside.

use crate::scene::{MISSING, Outsider, THERE, denied, nono, scene, state, without_namespaces};
use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};
use nono_tests::sample;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Tries one way in a fresh tree: `how` makes the words before the program of the ways.
fn attempt(user: User, name: &str, how: impl Fn(&Jail) -> Vec<String>) -> (Ran, Jail, Vec<String>) {
    let jail = scene(user);
    let (outsider, program) = (Outsider::of(&jail, user), denied(&jail));
    let handle = jail.program(&program).cmd(["handle"]).run();
    let handle = jail.file("handle", &handle.captured().stdout);
    let before = state(&jail);
    let mut words = how(&jail);
    words.extend([program.to_str().unwrap().to_owned(), name.to_owned()]);
    let (first, rest) = words.split_first().unwrap();
    let ran = jail.program(first).cmd(rest).env("OUTSIDER", outsider.id()).env("HANDLE", handle).run();
    (ran, jail, before)
}

/// The ways that lead to it outside, for `user`.
fn ways(user: User) -> Vec<String> {
    let jail = scene(user);
    let listed = jail.program(denied(&jail)).cmd(["list"]).run();
    let root = user == User::Same && need::is_root();
    let possible = |needs: &str| match needs {
        "root" => root,
        "userns" => root || Need::UserNamespaces.is_met(),
        _ => true,
    };
    let listed = listed.success().stdout();
    let rows = listed.lines().filter_map(|line| line.split_once('\t'));
    let all: Vec<_> = rows.filter(|(_, needs)| possible(needs)).map(|(name, _)| name.to_owned()).collect();
    let all = sample::part("deny", all);
    let mut broken = Vec::new();
    for name in &all {
        let (ran, ..) = attempt(user, name, |_| vec!["/usr/bin/env".to_owned()]);
        if !ran.captured().status.success() {
            broken.push(format!("{name}: {}", ran.stderr()));
        }
    }
    assert!(broken.is_empty(), "these fail outside as well, so they prove nothing:\n{}", broken.join("\n"));
    all
}

/// The words that run something in a sandbox with these flags.
fn inside(jail: &Jail, flags: &[&str]) -> Vec<String> {
    let program = denied(jail).to_str().unwrap().to_owned();
    let mut words = vec![nono(jail), "run".into(), "-q".into()];
    words.extend(flags.iter().map(|flag| (*flag).to_owned()));
    words.extend(["--read-file".into(), program]);
    let handle = jail.root().join("handle");
    if handle.symlink_metadata().is_ok() {
        words.extend(["--read-file".into(), handle.display().to_string()]);
    }
    words.push("--".into());
    words
}

/// Tries all ways, and wants none to succeed or to leave a trace at what is denied.
fn all_fail(user: User, but: &[&str], how: impl Fn(&Jail) -> Vec<String>) {
    let mut failures = Vec::new();
    for name in ways(user).iter().filter(|name| !but.contains(&name.as_str())) {
        let (ran, jail, before) = attempt(user, name, &how);
        let code = ran.captured().status.code();
        if code != Some(1) {
            failures.push(format!("{name}: ended with {code:?}: {}", ran.stderr()));
        }
        let (before, after) = (BTreeSet::from_iter(before), BTreeSet::from_iter(state(&jail)));
        let changed: Vec<_> = after.symmetric_difference(&before).collect();
        if !changed.is_empty() {
            failures.push(format!("{name} left a trace: {changed:?}: {}", ran.stderr()));
        }
    }
    assert!(failures.is_empty(), "{user:?}:\n{}", failures.join("\n"));
}

const WRITABLE: [&str; 1] = ["--allow-cwd"];

fn writable() -> Vec<&'static str> {
    [&WRITABLE[..], &THERE, &MISSING].concat()
}

/// Users for whom a namespace can be made.
fn users() -> Vec<User> {
    let mut users = User::all();
    users.retain(|user| *user == User::Same && need::is_root() || Need::UserNamespaces.is_met());
    users
}

#[test]
fn nothing_leads_to_what_a_mount_covers() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        all_fail(user, &[], |jail| inside(jail, &writable()));
    }
}

#[test]
fn nor_does_a_supervisor_hand_it_over() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces, Need::Seccomp);
    let yes = r#"while read -r line; do id=${line#*\"id\":}; id=${id%%,*}
        echo "{\"version\":1,\"id\":$id,\"decision\":\"allow\",\"for\":\"once\"}"; done"#;
    for user in users() {
        let flags = [&writable()[..], &["--approve", yes]].concat();
        all_fail(user, &[], |jail| inside(jail, &flags));
    }
}

/// A name outside the grants, of a denied file and of one beside it: whoever says yes to a name does not know the others.
#[test]
fn nor_by_another_name_of_it() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces, Need::Seccomp);
    for user in users() {
        let jail = scene(user);
        jail.file("data/alone", "alone\n");
        fs::hard_link(jail.work().join("denied.txt"), jail.root().join("data/name")).unwrap();
        let rules = format!("[approve]\nread = [{:?}]\n", jail.root().join("data"));
        jail.file("rules.toml", rules);
        let flags = [&writable()[..], &["--approve-rules", "../rules.toml"]].concat();
        let ran = jail.args(["run", "-q"]).cmd(flags).cmd(["--", "cat", "../data/alone", "../data/name"]).run();
        ran.status(1).stdout_is("alone\n").stderr_has("Permission denied");
        // Where nothing is denied, a name is a name.
        let ran = jail.args(["run", "-q", "--approve-rules", "../rules.toml"]).cmd(["--", "cat", "../data/name"]).run();
        ran.success().stdout_is("a secret\n");
    }
}

/// `stat(2)` and `chmod(2)` are no matter of Landlock.
const NOT_LANDLOCK: [&str; 2] = ["stat", "change-mode"];

#[test]
fn nothing_leads_to_what_grants_for_reading_leave_out() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    for user in User::all() {
        all_fail(user, &NOT_LANDLOCK, |jail| {
            let mut words = vec![without_namespaces(jail).display().to_string(), "ENOSPC".into()];
            words.extend(inside(jail, &[&["--read", "."][..], &THERE].concat()));
            words
        });
    }
}

#[test]
fn what_is_missing_is_not_made_without_a_namespace_either() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    for user in User::all() {
        for name in ways(user).iter().filter(|name| name.contains("missing") || name.contains("unnamed")) {
            let (ran, jail, before) = attempt(user, name, |jail| {
                let mut words = vec![without_namespaces(jail).display().to_string(), "EPERM".into()];
                words.extend(inside(jail, &[&WRITABLE[..], &MISSING].concat()));
                words
            });
            ran.status(1);
            assert_eq!(state(&jail), before, "{name}");
        }
    }
}

#[test]
fn another_mount_of_it_is_closed_too() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        for (inner, expected) in [(&["--allow-cwd"][..], true), (&writable(), false)] {
            let jail = scene(user);
            let program = denied(&jail);
            let mut words = vec!["alias".to_owned(), "alias".to_owned()];
            words.extend(inside(&jail, inner));
            words.extend(["cat".to_owned(), "alias/file".to_owned()]);
            let ran = jail.program(&program).cmd(words).run();
            assert_eq!(ran.captured().status.success(), expected, "{inner:?}: {}", ran.stderr());
            assert_eq!(ran.stdout().contains("secret"), expected);
        }
    }
}

#[test]
fn a_directory_that_was_open_before_leads_nowhere() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        let jail = scene(user);
        let script = format!("\"{}\" run -q {} --pass-fd 3 -- true 3<.", nono(&jail), writable().join(" "));
        jail.program("/bin/sh").cmd(["-c", &script]).run().status(125).stderr_has("descriptor 3 is a directory");
        let script = format!("\"{}\" run -q {} -- cat /dev/stdin/secret/file <.", nono(&jail), writable().join(" "));
        jail.program("/bin/sh").cmd(["-c", &script]).run().status(125).stderr_has("descriptor 0 is a directory");
        // Started in what is denied.
        for flags in [&["--allow", ".."][..], &["--allow", "..", "--workdir", "."]] {
            let ran = jail.args(["run", "-q", "--deny", "."]).cmd(flags).cmd(["--", "cat", "file"]);
            ran.cwd(jail.work().join("secret")).run().status(125).stderr_has("which is denied").stdout_is("");
        }
        let ran = jail.args(["run", "-q", "--deny", ".", "--allow", "..", "--workdir", ".."]).cmd(["--", "ls"]);
        ran.cwd(jail.work().join("secret")).run().success().stdout_has("plain.txt");
    }
}

#[test]
fn a_sandbox_inside_keeps_it_closed_and_may_deny_too() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        let jail = scene(user);
        let inner = nono(&jail);
        let nested = |outer: &[&str], flags: &[&str], script: &str| {
            let outer =
                [&["run", "-q", "--read-file", &inner][..], outer, &["--", &inner, "run", "-q"], flags].concat();
            jail.args(outer).cmd(["--", "sh", "-c", script]).run()
        };
        let denied = writable();
        nested(&denied, &["--allow-cwd"], "cat plain.txt; cat secret/file").status(1).stdout_is("plain\n");
        // What the outer one covers, the inner one need not.
        nested(&denied, &denied, "cat plain.txt; cat secret/file").status(1).stdout_is("plain\n");
        // What it does not, the inner one can only leave out of grants for reading.
        let reading = [&["--read", "."][..], &THERE].concat();
        nested(&["--allow-cwd"], &reading, "cat plain.txt; cat secret/file").status(1).stdout_is("plain\n");
        nested(&["--allow-cwd"], &writable(), "cat plain.txt")
            .status(125)
            .stdout_is("")
            .stderr_has("sandbox around this");
    }
}

/// The limit of a cover: it lies on the object. Whoever replaces that from outside uncovers its name; inside it cannot be.
#[test]
fn what_outsiders_do_to_other_names_does_not_uncover_it() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        let jail = scene(user);
        let script = "echo ready; read line; cat secret/file moved/file 2>/dev/null; echo done";
        let mut command = jail.args(["run", "-q"]).cmd(writable()).cmd(["--", "sh", "-c", script]).command();
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut said).unwrap();
        assert_eq!(said, "ready\n");
        let work = jail.work();
        fs::rename(work.join("secret"), work.join("moved")).unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"go\n").unwrap();
        said.clear();
        std::io::Read::read_to_string(&mut out, &mut said).unwrap();
        child.wait().unwrap();
        assert_eq!(said, "done\n", "the cover goes where the directory goes");
        assert!(Path::new(&work.join("moved/file")).symlink_metadata().is_ok());
    }
}
