//! What a command inherits: descriptors, variables, capabilities, limits; and what it does not.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};

/// A script of bash outside, in which `$NONO` is the command.
#[track_caller]
fn outside(jail: &Jail, script: &str) -> Ran {
    let nono = jail.args(["--version"]).command().get_program().to_owned();
    jail.program("/bin/bash").cmd(["-euc", script]).env("NONO", nono).run()
}

#[test]
fn descriptors_above_2_are_closed_unless_they_are_passed() {
    nono_tests::need!(Need::Landlock(1), Need::Program("/bin/bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("secrets/file", "content");
        let read = "exec 7< ../secrets/file; \"$NONO\" run -q FLAGS -- bash -c 'cat <&7'";
        outside(&jail, &read.replace("FLAGS", "")).stderr_has("Bad file descriptor").stdout_is("");
        outside(&jail, &read.replace("FLAGS", "--pass-fd 7")).success().stdout_is("content");
        outside(&jail, &read.replace("FLAGS", "--accept-gap descriptors")).success().stdout_is("content");
        // The number that was named, and no other.
        let ran = outside(&jail, "exec 7< ../secrets/file 8<&7; \"$NONO\" run -q --pass-fd 7 -- bash -c 'cat <&8'");
        ran.status(1).stdout_is("").stderr_has("8: Bad file descriptor");
        for wrong in ["-1", "x", ""] {
            jail.args(["run", "--pass-fd", wrong, "--", "true"]).run().status(125).stdout_is("").stderr_has("nono: ");
        }
        let ran = outside(&jail, "\"$NONO\" run -q --pass-fd 42 -- true");
        ran.status(125).stderr_has("descriptor 42 cannot be passed: it is not open");
        // Not one of nono's own either.
        let ran = outside(&jail, "exec 3<&- 4<&- 5<&- 6<&-; \"$NONO\" run -q --pass-fd 3 -- true");
        ran.status(125).stderr_has("descriptor 3 cannot be passed: it is not open");
    }
}

#[test]
fn pipes_that_the_command_line_names_are_passed() {
    nono_tests::need!(Need::Landlock(1), Need::Program("/bin/bash"), Need::Full("diff"));
    for user in User::all() {
        let jail = Jail::of(user);
        outside(&jail, "\"$NONO\" run -q -- diff <(echo a) <(echo a)").success();
        outside(&jail, "\"$NONO\" run -q -- diff <(echo a) <(echo b)").status(1).stdout_has("< a").stdout_has("> b");
        outside(&jail, "\"$NONO\" run -q -- sort --files0-from=<(printf /dev/null)").success();
        // For writing too.
        outside(&jail, "\"$NONO\" run -q -- tee >(cat >&2) <<< word | cat; wait")
            .stdout_is("word\n")
            .stderr_is("word\n");
        // A file is not passed by the way: only pipes are.
        jail.file("secrets/file", "content");
        let ran = outside(&jail, "exec 7< ../secrets/file; \"$NONO\" run -q -- cat /dev/fd/7");
        ran.status(1).stdout_is("").stderr_has("/dev/fd/7");
    }
}

#[test]
fn credentials_and_orders_to_the_loader_are_withheld_and_named() {
    nono_tests::need!(Need::Landlock(1));
    for user in User::all() {
        let jail = Jail::of(user);
        let shell = |flags: &[&str], script: &str| {
            let run = jail.args(["run"]).cmd(flags).cmd(["--", "/bin/sh", "-c", script]);
            let run = run.env("GITHUB_TOKEN", "credential").env("LD_LIBRARY_PATH", "/lib").env("LD_AUDIT", "/none.so");
            run.env("SSH_AUTH_SOCK", "/agent").run()
        };
        let show = "echo ${GITHUB_TOKEN-unset} ${LD_AUDIT-unset} $LD_LIBRARY_PATH $SSH_AUTH_SOCK";
        let ran = shell(&[], show);
        ran.success().stdout_is("unset unset /lib /agent\n");
        ran.stderr_has("nono: note: variables withheld: ").stderr_has("GITHUB_TOKEN").stderr_has("LD_AUDIT");
        ran.stderr_has("--env NAME");
        let notes = ran.stderr().lines().filter(|line| line.contains("withheld")).count();
        assert_eq!(notes, 1, "{}", ran.stderr());
        // The loader of nono itself says that there is no such library.
        assert!(!shell(&["-q"], show).success().stderr().contains("nono:"), "quiet is quiet");
        let passed = shell(&["--env", "GITHUB_TOKEN"], show);
        passed.success().stdout_is("credential unset /lib /agent\n");
        assert!(!passed.stderr().contains("GITHUB_TOKEN"), "{}", passed.stderr());
        shell(&["--env", "GITHUB_TOKEN=other"], show).success().stdout_is("other unset /lib /agent\n");
        let all = shell(&["--accept-gap", "environment"], "echo $GITHUB_TOKEN");
        all.success().stdout_is("credential\n");
        let none = shell(&["--env-clear"], "echo ${GITHUB_TOKEN-unset}");
        none.success().stdout_is("unset\n");
        assert!(!none.stderr().contains("withheld"), "{}", none.stderr());
    }
}

#[test]
fn a_crash_leaves_no_core_file() {
    nono_tests::need!(Need::Landlock(1), Need::Program("/bin/bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        if outside(&jail, "ulimit -Hc").stdout().trim() != "unlimited" {
            return need::skip("inherited::a_crash_leaves_no_core_file", "core files are limited outside");
        }
        let run = |flags: &str, command: &str| {
            let line = "ulimit -c unlimited; exec \"$NONO\" run -q --allow-cwd";
            outside(&jail, &format!("{line} {flags} -- bash -c '{command}'"))
        };
        let limits = "grep \"core file\" /proc/self/limits";
        let limit = |flags| run(flags, limits).success().stdout().split_whitespace().nth(5).map(str::to_owned);
        // Bytes: less than a core file has, and more than the 0 that starts a handler of core dumps.
        assert_eq!(limit("").as_deref(), Some("1"));
        assert_eq!(limit("--accept-gap core-dumps").as_deref(), Some("unlimited"));
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

#[test]
fn root_keeps_the_capabilities_that_are_named() {
    nono_tests::need!(Need::Landlock(1), Need::Root, Need::Program("/bin/bash"));
    let jail = Jail::new();
    // Strict, but for what older kernels do not keep.
    let kept = need::landlock_abi() >= 6;
    let strict = if kept { &["--strict", "--accept-gap", "process-list"][..] } else { &[] };
    let change = "chown 65534 file.txt && chown 0 file.txt && stat -c %u file.txt";
    let run =
        |flags: &[&str]| jail.args(["run", "-q", "--allow-cwd"]).cmd(flags).cmd(["--", "bash", "-c", change]).run();
    run(&[]).status(1).stderr_has("Operation not permitted");
    run(&["--keep-cap", "CHOWN,FOWNER"]).success().stdout_is("0\n");
    run(&["--keep-cap", "cap_chown", "--keep-cap", "FOWNER"]).success();
    run(&["--keep-cap", "FOWNER"]).status(1);
    let held = "grep -E 'Cap(Prm|Bnd|Amb)' /proc/self/status";
    let ran = jail.args(["run", "-q", "--keep-cap", "CHOWN", "--", "bash", "-c", held]).run();
    ran.success().stdout_is("CapPrm:\t0000000000000001\nCapBnd:\t0000000000000001\nCapAmb:\t0000000000000000\n");
    // It is said, and accepted by being asked for.
    let dry = jail.args(["run", "--dry-run"]).cmd(strict).cmd(["--keep-cap", "CHOWN", "--", "true"]);
    dry.run().success().stdout_has("CAP_CHOWN");
}

#[test]
fn capabilities_that_are_unknown_or_not_held_are_errors() {
    nono_tests::need!(Need::Landlock(1));
    for user in User::all() {
        let jail = Jail::of(user);
        let keep = |name: &str, words: &str| {
            let ran = jail.args(["run", "--allow-cwd", "--keep-cap", name, "--", "touch", "started"]).run();
            ran.status(125).stdout_is("").stderr_has("nono: ").stderr_has(words);
            assert_eq!(ran.stderr().lines().count(), 1, "{}", ran.stderr());
            assert!(!std::fs::exists(jail.work().join("started")).unwrap(), "{name}");
        };
        for unknown in ["CHOWNED", "", "ALL", "BOGUS,CHOWN"] {
            keep(unknown, "no capability is called");
        }
        if user == User::Nobody || !need::is_root() {
            keep("CHOWN", "CHOWN cannot be kept: this process does not have it");
        }
    }
}
