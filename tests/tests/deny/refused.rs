//! Where neither way goes: nothing is started, and it is said which was missing and why.

use crate::scene::{THERE, nono, scene, without_namespaces};
use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::Need;

fn without(jail: &Jail, how: &str, flags: &[&str]) -> Ran {
    let nono = nono(jail);
    let run = jail.program(without_namespaces(jail)).cmd([how, &nono, "run", "-q"]).cmd(flags);
    run.cmd(["--", "sh", "-c", "echo started; cat secret/file"]).run()
}

#[test]
fn a_grant_for_writing_is_refused_without_namespaces() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    for user in User::all() {
        let jail = scene(user);
        for (how, why) in [
            ("EPERM", "seccomp profile"),
            ("ENOSPC", "max_user_namespaces"),
            ("ENOSYS", "built without"),
            ("mount", "AppArmor"),
        ] {
            let ran = without(&jail, how, &["--allow-cwd", "--deny", "secret"]);
            ran.status(125).stdout_is("").stderr_has("secret\" would stay open").stderr_has(why);
            ran.stderr_has("for writing").stderr_has("for reading only").stderr_has("--accept-gap deny");
            assert_eq!(ran.stderr().lines().count(), 1, "{}", ran.stderr());
            // A protected path below a wide grant likewise.
            let ran = without(&jail, how, &["--allow", "../home"]);
            ran.status(125).stdout_is("").stderr_has(why).stderr_has("/home/.");
            // Where nothing is denied, or nothing that is there, no namespace is missed.
            without(&jail, how, &["--allow-cwd"]).success().stdout_is("started\na secret\n");
            without(&jail, how, &["--allow-cwd", "--deny", "missing"]).success().stdout_is("started\na secret\n");
        }
    }
}

#[test]
fn a_gap_that_is_accepted_is_open_and_reported() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = scene(User::Same);
    let open = ["--allow-cwd", "--deny", "secret", "--accept-gap", "deny"];
    without(&jail, "EPERM", &open).success().stdout_is("started\na secret\n");
    let ran = jail.args(["run", "--dry-run", "--json"]).cmd(open).cmd(["--", "true"]).run();
    ran.success().stdout_has("\"name\":\"deny\"").stdout_has("\"denied\":[]");
}

#[test]
fn what_goes_with_no_namespace_is_refused_by_name() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in User::all() {
        let jail = scene(user);
        let ran = jail.args(["run", "-q", "--allow-cwd", "--accept-gap", "descriptors"]).cmd(THERE).cmd(["--", "true"]);
        ran.run().status(125).stderr_has("--accept-gap descriptors");
    }
}

#[test]
fn too_many_siblings_are_refused() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = scene(User::Same);
    for number in 0..2100 {
        std::fs::write(jail.work().join(format!("kept/{number}")), "").unwrap();
    }
    let ran = without(&jail, "EPERM", &["--read", ".", "--deny", "kept/7"]);
    ran.status(125).stdout_is("").stderr_has("more than 2000").stderr_has("kept");
    without(&jail, "EPERM", &["--read", ".", "--deny", "secret"]).status(1).stdout_is("started\n");
}
