//! Ordinary life beside what is denied.

use crate::scene::{MISSING, THERE, scene};
use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};

fn users() -> Vec<User> {
    let mut users = User::all();
    users.retain(|user| *user == User::Same && need::is_root() || Need::UserNamespaces.is_met());
    users
}

fn sh(jail: &Jail, script: &str) -> Ran {
    jail.args(["run", "-q", "--allow-cwd"]).cmd(THERE).cmd(["--", "sh", "-c", script]).run()
}

#[test]
fn files_are_saved_made_moved_and_copied() {
    nono_tests::need!(Need::Landlock(2), Need::UserNamespaces);
    for user in users() {
        let jail = scene(user);
        let atomic = "set -e; for at in . kept deep deep/down; do echo new > $at/.tmp; mv $at/.tmp $at/saved; \
                      cat $at/saved; done";
        sh(&jail, atomic).success().stdout_is("new\nnew\nnew\nnew\n");
        let tree = "set -e; mkdir -p a/b; echo x > a/b/c; mv a/b a/d; mv a e; cat e/d/c; ln e/d/c hard; cat hard; \
                    ln -s e/d/c soft; cat soft; rm -r e hard soft; rm plain.txt; ls";
        sh(&jail, tree).success().stdout_is("x\nx\nx\ndeep\ndenied.txt\nempty\nfile.txt\nkept\nsaved\nsecret\n");
        // Into a directory on the way it is another mount: programs copy.
        sh(&jail, "echo y > y; mv y deep/y && cat deep/y && mv deep/y . && cat y").success().stdout_is("y\ny\n");
        // What cannot be read is skipped, and the rest is there.
        let ran =
            sh(&jail, "mkdir copy; cp -r kept deep denied.txt copy 2>/dev/null; cat copy/kept/file; ls copy/deep");
        ran.stdout_has("kept\n").stdout_has("saved\n");
        let copied = std::fs::read_to_string(jail.work().join("copy/denied.txt")).unwrap_or_default();
        assert_eq!(copied, "");
    }
}

#[test]
fn git_commits_beside_it() {
    nono_tests::need!(Need::Landlock(2), Need::UserNamespaces, Need::Program("git"));
    for user in users() {
        let jail = scene(user);
        let script = "set -e; git init -q .; git add plain.txt kept deep/saved 2>/dev/null || git add plain.txt kept; \
                      git commit -qm one; echo more >> plain.txt; git commit -qam two; git log --oneline | wc -l";
        let ran = sh(&jail, script);
        ran.success();
        assert_eq!(ran.stdout().trim(), "2");
    }
}

#[test]
fn a_grant_below_holds_with_its_own_rights() {
    nono_tests::need!(Need::Landlock(2), Need::UserNamespaces);
    for user in users() {
        let jail = scene(user);
        jail.file("work/secret/in/out/file", "open\n");
        let flags = ["run", "-q", "--allow-cwd", "--deny", "secret", "--read", "secret/in", "--allow", "secret/in/out"];
        let script = "cat secret/in/out/file; echo new > secret/in/out/new && cat secret/in/out/new; \
                      echo no > secret/in/no; cat secret/file; cat secret/in/no";
        let ran = jail.args(flags).cmd(["--", "sh", "-c", script]).run();
        ran.status(1).stdout_is("open\nnew\n");
        assert!(std::fs::symlink_metadata(jail.work().join("secret/in/no")).is_err());
        assert_eq!(std::fs::read_to_string(jail.work().join("secret/in/out/new")).unwrap(), "new\n");
        // Denied again, further down.
        let deeper = [&flags[..], &["--deny", "secret/in/out/file"]].concat();
        jail.args(deeper).cmd(["--", "sh", "-c", "cat secret/in/out/new secret/in/out/file"]).run().stdout_is("new\n");
        // Denied is wider than what is written first.
        let ran =
            jail.args(["run", "-q", "--allow-cwd", "--deny", "secret", "--write", "secret/in", "--", "true"]).run();
        ran.status(125).stderr_has("secret/in").stderr_has("granting");
    }
}

#[test]
fn odd_names_are_denied_like_others() {
    use std::os::unix::ffi::OsStrExt;
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        let jail = Jail::of(user);
        for name in [&b"\xff\xfe"[..], b"a b", b"new\nline", b"-x", b"\\040", b"it's"] {
            let name = std::ffi::OsStr::from_bytes(name);
            jail.file(std::path::Path::new("work").join(name), "a secret");
            let mut path = std::ffi::OsString::from("./");
            path.push(name);
            let run = jail.args(["run", "-q", "--allow-cwd", "--deny"]).cmd([&path]);
            let ran = run.cmd(["--", "cat"]).cmd([&path]).run();
            ran.stdout_is("");
            jail.args(["run", "-q", "--allow-cwd", "--", "cat"]).cmd([&path]).run().stdout_is("a secret");
        }
    }
}

#[test]
fn a_deny_of_nothing_granted_says_nothing() {
    nono_tests::need!(Need::Landlock(1));
    let jail = scene(User::Same);
    let ran = jail.args(["run", "-q", "--allow-cwd", "--deny", "../secrets", "--", "cat", "plain.txt"]).run();
    ran.success().stdout_is("plain\n").stderr_is("");
    // What can neither be found nor made is a mistake.
    let ran = jail.args(["run", "-q", "--read", ".", "--deny", "sercet", "--", "true"]).run();
    ran.status(125).stderr_has("--deny").stderr_has("does not exist");
    jail.args(["run", "-q", "--read", ".", "--deny", "sercet", "--allow-missing", "--", "true"]).run().success();
    let both = jail.args(["run", "-q", "--allow-cwd", "--read", "secret", "--deny", "secret", "--", "true"]).run();
    both.status(125).stderr_has("granted and denied");
    let missing = jail.args(["run", "--allow-cwd"]).cmd(MISSING).cmd(["--", "true"]).run();
    missing.success().stderr_has("nothing new can be made directly in");
}

#[test]
fn the_system_group_gives_way_to_a_deny_by_name() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        let jail = scene(user);
        let ran = jail.args(["run", "-q", "--deny", "/etc/passwd", "--", "sh", "-c", "cat /etc/passwd; echo on"]).run();
        ran.success().stdout_is("on\n");
        let ran = jail.args(["run", "-q", "--deny", "../home/.gitconfig", "--", "cat", "../home/.gitconfig"]).run();
        ran.status(1).stdout_is("");
    }
}
