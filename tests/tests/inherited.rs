//! What does a command inherit: which descriptors, which variables, which of root's capabilities, and whose core dumps?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, NOBODY, Ran, User};
use nono_tests::need::{self, Need};
use std::os::unix::fs::MetadataExt;

/// A script of bash outside, in which `$0` is `nono`.
fn outside(jail: &Jail, script: &str) -> Ran {
    let nono = jail.args([""; 0]).command().get_program().to_owned();
    jail.program("/usr/bin/env").cmd(["bash".as_ref(), "-c".as_ref(), script.as_ref(), nono.as_os_str()]).run()
}

#[test]
fn process_substitution() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"), Need::Program("diff"));
    for user in User::all() {
        let jail = Jail::of(user);
        outside(&jail, "\"$0\" run -q --allow-cwd -- diff <(echo a) <(echo a)").success().stdout_is("").stderr_is("");
        let ran = outside(&jail, "\"$0\" run -q --allow-cwd -- diff <(echo a) <(echo b)");
        ran.status(1).stdout_is("1c1\n< a\n---\n> b\n").stderr_is("");
        // Behind an option, and for writing.
        let ran = outside(&jail, "\"$0\" run -q --allow-cwd -- grep --file=<(echo dir) file.txt");
        ran.success().stdout_is("in the working directory\n");
        let ran = outside(&jail, "\"$0\" run -q --allow-cwd -- tee >(cat >&2) <<< word | cat; wait");
        ran.success().stdout_is("word\n").stderr_is("word\n");
    }
}

#[test]
fn a_descriptor_is_inherited_by_its_number_only() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        // Opened outside, so that what is read by it needs no grant.
        let with = |flags: &str, number: u32| {
            outside(&jail, &format!("exec 7<../secrets/key; \"$0\" run -q {flags} -- bash -c 'cat <&{number}'"))
        };
        with("", 7).status(1).stdout_is("").stderr_has("7: Bad file descriptor");
        with("--pass-fd 7", 7).success().stdout_is("the secret of the tests\n").stderr_is("");
        with("--pass-fd 7", 8).status(1).stdout_is("").stderr_has("8: Bad file descriptor");
        with("--accept-gap descriptors", 7).success().stdout_is("the secret of the tests\n");
    }
}

#[test]
fn a_descriptor_that_is_not_open_cannot_be_passed() {
    nono_tests::need!(Need::Landlock(1));
    for user in User::all() {
        let jail = Jail::of(user);
        let ran = jail.args(["run", "--allow-cwd", "--pass-fd", "42", "--", "touch", "started"]).run();
        ran.status(125).stdout_is("").stderr_has("nono: ").stderr_has("42").stderr_has("not open");
        assert_eq!(ran.stderr().lines().count(), 1, "{}", ran.stderr());
        for wrong in ["-1", "x", ""] {
            let ran = jail.args(["run", "--allow-cwd", "--pass-fd", wrong, "--", "touch", "started"]).run();
            ran.status(125).stdout_is("").stderr_has("nono: ");
        }
        assert!(!std::fs::exists(jail.work().join("started")).unwrap());
    }
}

#[test]
fn credentials_and_orders_to_the_loader_are_withheld_and_named() {
    nono_tests::need!(Need::Landlock(1));
    for user in User::all() {
        let jail = Jail::of(user);
        let env = |flags: &[&str]| {
            let run = jail.args(["run"]).cmd(flags).cmd(["--", "env"]).env("GITHUB_TOKEN", "word");
            run.env("LD_PRELOAD", "").env("LD_LIBRARY_PATH", "/nowhere").env("KEYBOARD", "kept").run()
        };
        let note = "nono: note: variables withheld: GITHUB_TOKEN, LD_PRELOAD; pass one by --env NAME";
        let ran = env(&[]);
        ran.success().stdout_lacks("GITHUB_TOKEN").stdout_lacks("LD_PRELOAD");
        ran.stdout_has("LD_LIBRARY_PATH=/nowhere\n").stdout_has("KEYBOARD=kept\n");
        assert_eq!(ran.stderr().lines().filter(|line| *line == note).count(), 1, "{}", ran.stderr());
        let ran = env(&["--env", "GITHUB_TOKEN"]);
        ran.success().stdout_has("GITHUB_TOKEN=word\n").stdout_lacks("LD_PRELOAD").stderr_has("withheld: LD_PRELOAD;");
        let ran = env(&["--env", "GITHUB_TOKEN=other", "--env", "LD_PRELOAD"]);
        ran.success().stdout_has("GITHUB_TOKEN=other\n").stdout_has("LD_PRELOAD=\n");
        assert!(!ran.stderr().contains("withheld"), "{}", ran.stderr());
        let ran = env(&["-q", "--accept-gap", "environment"]);
        ran.success().stdout_has("GITHUB_TOKEN=word\n").stdout_has("LD_PRELOAD=\n").stderr_is("");
        env(&["-q"]).success().stdout_lacks("GITHUB_TOKEN").stderr_is("");
    }
}

#[test]
fn root_keeps_the_capabilities_it_names() {
    nono_tests::need!(Need::Landlock(1), Need::Root);
    let jail = Jail::new();
    let chown = |flags: &[&str]| {
        let script = "chown 65534 file.txt && chmod 600 file.txt && grep CapEff /proc/self/status";
        jail.args(["run", "-q", "--allow-cwd"]).cmd(flags).cmd(["--", "sh", "-c", script]).run()
    };
    let owner = || std::fs::symlink_metadata(jail.work().join("file.txt")).unwrap().uid();
    chown(&[]).status(1).stderr_has("Operation not permitted");
    assert_ne!(owner(), NOBODY);
    // One of the two is not enough: the mode of a file of another user's takes FOWNER.
    chown(&["--keep-cap", "CHOWN"]).status(1).stderr_has("chmod");
    assert_eq!(owner(), NOBODY);
    for names in [&["--keep-cap", "CHOWN,FOWNER"][..], &["--keep-cap", "cap_chown", "--keep-cap", "Fowner"]] {
        // Their numbers are 0 and 3; 1, DAC_OVERRIDE, is there because a file below the grant may be another user's.
        let ran = chown(names);
        let mask = ran.success().stdout();
        let mask = u64::from_str_radix(mask.trim().trim_start_matches("CapEff:").trim(), 16).unwrap();
        assert_eq!(mask & !0b10, 0b1001, "{mask:x}");
    }
}

#[test]
fn capabilities_that_are_unknown_or_not_held_are_errors() {
    nono_tests::need!(Need::Landlock(1));
    for user in User::all() {
        let jail = Jail::of(user);
        let keep = |name: &str| {
            let ran = jail.args(["run", "--allow-cwd", "--keep-cap", name, "--", "touch", "started"]).run();
            assert_eq!(ran.stderr().lines().count(), 1, "{}", ran.stderr());
            assert!(!std::fs::exists(jail.work().join("started")).unwrap(), "{name}");
            ran
        };
        for unknown in ["CHOWNED", "", "ALL", "CHOWN,BOGUS"] {
            keep(unknown).status(125).stdout_is("").stderr_has("no capability is called");
        }
        if user == User::Nobody || !need::is_root() {
            keep("CHOWN,FOWNER").status(125).stdout_is("").stderr_has("nono: CHOWN cannot be kept");
        }
    }
}

#[test]
fn a_crash_leaves_no_core_file() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        // In units of 1024 bytes a limit of 1 byte is shown as 0.
        let limits = "grep \"core file\" /proc/self/limits";
        let run = |flags: &str, command: &str| {
            let line = "ulimit -c unlimited; exec \"$0\" run -q --allow-cwd";
            outside(&jail, &format!("{line} {flags} -- bash -c '{command}'"))
        };
        let words = |ran: &Ran| ran.success().stdout().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&run("", limits)), ["Max", "core", "file", "size", "1", "1", "bytes"]);
        let open = words(&run("--accept-gap core-dumps", limits));
        assert_eq!(open.get(4).map(String::as_str), Some("unlimited"), "{open:?}");
        // Once lowered it stays so, for root too.
        run("", "ulimit -c 100").status(1).stderr_has("core file size");
        run("", "kill -SEGV $$").killed_by(11);
        run("", "sh -c \"kill -ABRT \\$\\$\"; echo $?").success().stdout_has("134");
        let left =
            || std::fs::read_dir(jail.work()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        assert_eq!(left(), ["file.txt"]);
        // Where the kernel writes core files to the working directory, there would be one.
        let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
        if !pattern.starts_with(['|', '/', '@']) {
            run("--accept-gap core-dumps", "kill -SEGV $$").killed_by(11);
            assert_eq!(left().len(), 2, "{:?}", left());
        }
    }
}
