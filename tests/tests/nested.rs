//! A sandbox in a sandbox: does it only narrow, and do files still move inside?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};

/// A script at the given depth: every sandbox but the innermost may read the tree and nono, the innermost has `flags`.
fn nested(jail: &Jail, depth: usize, outer: &[&str], flags: &[&str], script: &str) -> Ran {
    // As the jail starts it: copied into the tree for another user.
    let nono = jail.args([""; 0]).command().get_program().to_owned();
    let nono = nono.to_str().unwrap();
    let mut words: Vec<&str> = Vec::new();
    for layer in 1..=depth {
        if layer > 1 {
            words.push(nono);
        }
        words.extend(["run", "-q"]);
        words.extend(if layer < depth { outer } else { flags });
        words.extend(["--read-file", nono, "--"]);
    }
    words.extend(["bash", "-c", script]);
    jail.args(words).run()
}

fn users() -> Vec<User> {
    if need::is_root() { vec![User::Same, User::Nobody] } else { vec![User::Same] }
}

#[test]
fn it_works_and_files_move_at_every_depth() {
    nono_tests::need!(Need::Landlock(2), Need::Program("bash"));
    let script = "set -e; mkdir -p a b; echo x > a/one; mv a/one b/two; ln b/two a/three; mv b c; cat c/two a/three; \
                  echo t > $TMPDIR/t; rm -r a c";
    for user in users() {
        for depth in 1..=4 {
            let jail = Jail::of(user);
            let ran = nested(&jail, depth, &["--allow-cwd"], &["--allow-cwd"], script);
            ran.success().stdout_is("x\nx\n");
        }
    }
}

#[test]
fn it_only_narrows() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    for user in users() {
        let jail = Jail::of(user);
        jail.file("work/file", "mine");
        // The inner one asks for what the outer one does not have.
        let outer = ["--read", "."];
        let ran = nested(&jail, 2, &outer, &["--allow-cwd"], "cat file; echo more >> file");
        ran.status(1).stdout_is("mine").stderr_has("Permission denied");
        let ran = nested(&jail, 2, &outer, &["--read", ".", "--read", "../secrets"], "cat ../secrets/key");
        ran.stdout_is("");
        assert!(!ran.captured().status.success());
        // It has less than the outer one, if it wants less.
        let ran = nested(&jail, 2, &["--allow-cwd"], &["--read", "."], "cat file; echo more >> file");
        ran.status(1).stdout_is("mine").stderr_has("Permission denied");
    }
}

#[test]
fn the_seventeenth_is_an_error_that_says_so() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    let jail = Jail::new();
    nested(&jail, 16, &["--allow-cwd"], &["--allow-cwd"], "echo deep").success().stdout_is("deep\n");
    let ran = nested(&jail, 17, &["--allow-cwd"], &["--allow-cwd"], "touch started");
    ran.status(125).stdout_is("").stderr_has("nono: ").stderr_has("17th").stderr_has("16");
    assert!(!std::fs::exists(jail.work().join("started")).unwrap());
}
