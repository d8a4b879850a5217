//! What a command inherits: descriptors, variables, capabilities, limits; and what it does not.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::Need;

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
        let ran = outside(&jail, "\"$NONO\" run -q --pass-fd 42 -- true");
        ran.status(125).stderr_has("descriptor 42 cannot be passed: it is not open");
        // Not one of nono's own either.
        let ran = outside(&jail, "exec 3<&- 4<&- 5<&- 6<&-; \"$NONO\" run -q --pass-fd 3 -- true");
        ran.status(125).stderr_has("descriptor 3 cannot be passed: it is not open");
    }
}

#[test]
fn pipes_that_the_command_line_names_are_passed() {
    nono_tests::need!(Need::Landlock(1), Need::Program("/bin/bash"), Need::Program("diff"));
    for user in User::all() {
        let jail = Jail::of(user);
        outside(&jail, "\"$NONO\" run -q -- diff <(echo a) <(echo a)").success();
        outside(&jail, "\"$NONO\" run -q -- diff <(echo a) <(echo b)").status(1).stdout_has("< a").stdout_has("> b");
        outside(&jail, "\"$NONO\" run -q -- sort --files0-from=<(printf /dev/null)").success();
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
    nono_tests::need!(Need::Landlock(1), Need::Program("/usr/bin/python3"), Need::Program("/bin/bash"));
    let jail = Jail::new();
    let limit = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))";
    let python = |flags: &[&str], script: &str| {
        jail.args(["run", "-q", "--allow-cwd"]).cmd(flags).cmd(["--", "/usr/bin/python3", "-c", script]).run()
    };
    let inside = python(&[], limit);
    assert!(["(1, 1)\n", "(0, 0)\n"].contains(&inside.stdout().as_str()), "{}", inside.stdout());
    let bare = jail.program("/usr/bin/python3").cmd(["-c", limit]).run();
    python(&["--accept-gap", "core-dumps"], limit).success().stdout_is(&bare.stdout());
    python(&[], "import os; os.abort()").killed_by(6);
    jail.program("/bin/sh").cmd(["-c", "ls"]).run().stdout_lacks("core");
}

#[test]
fn root_keeps_the_capabilities_that_are_named() {
    nono_tests::need!(Need::Landlock(1), Need::Root, Need::Program("/bin/bash"));
    let jail = Jail::new();
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
    let dry = jail.args([
        "run",
        "--dry-run",
        "--strict",
        "--accept-gap",
        "process-list",
        "--keep-cap",
        "CHOWN",
        "--",
        "true",
    ]);
    dry.run().success().stdout_has("CAP_CHOWN");
}

#[test]
fn a_capability_that_is_not_there_cannot_be_kept() {
    nono_tests::need!(Need::Landlock(1), Need::Root);
    let jail = Jail::of(User::Nobody);
    let ran = jail.args(["run", "--keep-cap", "CHOWN", "--", "touch", "started"]).run();
    ran.status(125).stdout_is("").stderr_has("CHOWN cannot be kept: this process does not have it");
}

#[test]
fn name_lookups_end_at_once_in_every_mode() {
    nono_tests::need!(Need::Landlock(4), Need::Program("/usr/bin/python3"));
    let script = "import socket, time\n\
        start = time.monotonic()\n\
        try: socket.getaddrinfo('name.invalid', 80); print('found')\n\
        except OSError as error: print('refused')\n\
        print('quick' if time.monotonic() - start < 5 else 'slow')\n\
        print(socket.getaddrinfo('localhost', 80)[0][4][0] in ('127.0.0.1', '::1'))";
    for user in User::all() {
        let jail = Jail::of(user);
        for flags in [
            &[][..],
            &["--net-block"],
            &["--allow-connect", "443"],
            &["--allow-bind", "8080"],
            &["--allow-port", "3000", "--accept-gap", "any-host"],
            &["--proxy-port", "3128", "--accept-gap", "any-host"],
        ] {
            let ran = jail.args(["run", "-q"]).cmd(flags).cmd(["--", "/usr/bin/python3", "-c", script]).run();
            ran.success().stdout_is("refused\nquick\nTrue\n");
        }
    }
}

#[test]
fn where_udp_has_no_ports_names_are_looked_up_by_tcp_and_that_is_said() {
    nono_tests::need!(Need::Landlock(4));
    let jail = Jail::new();
    let show = |flags: &[&str]| {
        let run = jail.args(["run"]).cmd(flags).cmd(["--", "/bin/sh", "-c", "echo ${RES_OPTIONS-unset}"]);
        run.env("RES_OPTIONS", "timeout:1").run()
    };
    let lookups = show(&["--allow-dns"]);
    if nono_linux::Linux::probe().kernel().has_udp_by_port() {
        lookups.success().stdout_is("timeout:1\n").stderr_has("nono");
    } else {
        lookups.success().stdout_is("use-vc timeout:1\n").stderr_has("by TCP").stderr_has("Go or with musl");
        show(&["--allow-dns", "--env", "RES_OPTIONS=debug"]).stdout_is("debug\n");
    }
    show(&[]).success().stdout_is("timeout:1\n");
}
