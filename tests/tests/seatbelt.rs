//! The command as it is on macOS, but for the one call that applies a profile: built on this system with `--cfg seatbelt`.
//!
//! `NONO_TEST_SEATBELT` is that command. Told to pretend (`NONO_TEST_PRETEND`), its helper goes on without a sandbox, so
//! that all around it can be seen: what is refused, what a command inherits, how it ends. What the profiles mean is tested
//! in nono-macos; that macOS takes them cannot be tested here.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, Run, User};
use nono_tests::need;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The command, or a line that says that there is none.
macro_rules! nono {
    () => {{
        fn here() {}
        let name = std::any::type_name_of_val(&here);
        match std::env::var_os("NONO_TEST_SEATBELT") {
            Some(nono) => PathBuf::from(nono),
            None => {
                return need::skip(
                    name.strip_suffix("::here").unwrap_or(name),
                    "no nono as on macOS (NONO_TEST_SEATBELT)",
                );
            }
        }
    }};
}

fn run<'a, S: AsRef<OsStr>>(jail: &'a Jail, nono: &PathBuf, arguments: impl IntoIterator<Item = S>) -> Run<'a> {
    jail.program(nono).cmd(["run", "-q"]).cmd(arguments).env("NONO_TEST_PRETEND", "1")
}

#[test]
fn without_seatbelt_nothing_is_started() {
    let nono = nono!();
    if cfg!(target_os = "macos") {
        return;
    }
    for user in User::all() {
        let jail = Jail::of(user);
        let ran = jail.program(&nono).cmd(["run", "-q", "--", "touch", "made"]).run();
        ran.status(125).stdout_is("").stderr_has("nono: cannot set up the sandbox: this system is not macOS");
        assert!(!jail.work().join("made").try_exists().unwrap());
        jail.program(&nono).cmd(["doctor"]).run().status(2).stdout_has("no sandbox is possible here");
    }
}

#[test]
fn a_command_gets_its_words_and_place_and_says_how_it_ends() {
    let nono = nono!();
    let hostile = OsString::from_vec(b"\"))(allow default)\\\n\xff $(id)".to_vec());
    for user in User::all() {
        let jail = Jail::of(user);
        let ran = run(&jail, &nono, ["--", "sh", "-c", "echo $0; printf '%s|' \"$@\"; pwd; exit 7"]);
        let ran = ran.cmd(["-x", "--"]).cmd([&hostile, &OsString::new()]).run();
        ran.status(7).stdout_is(&format!("-x\n--|\"))(allow default)\\\n\\xff $(id)||{}\n", jail.work().display()));
        run(&jail, &nono, ["--", "sh", "-c", "kill -TERM $$"]).run().killed_by(15);
        run(&jail, &nono, ["--workdir", "/", "--", "pwd"]).run().success().stdout_is("/\n");
        let missing = run(&jail, &nono, ["--", "no-such-command"]).env("PATH", "/usr/bin:/bin");
        missing.run().status(127).stderr_has("command not found");
        run(&jail, &nono, ["--", "/"]).run().status(126).stderr_has("is a directory");
        // Outside the grants: what the policy forbids is known before.
        let tool = jail.file("secrets/tool", "#!/bin/sh\n");
        std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        run(&jail, &nono, ["--", "../secrets/tool"]).run().status(126).stderr_has("may not be executed");
        // Its interpreter does not exist: the helper's exec says so.
        let script = jail.file("work/script", "#!/no/interpreter\n");
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let ran = run(&jail, &nono, ["--allow-cwd", "--", "./script"]).run();
        ran.status(126).stderr_has("its interpreter or loader \"/no/interpreter\" does not exist");
    }
}

#[test]
fn a_command_inherits_only_what_it_is_to_have() {
    let nono = nono!();
    for user in User::all() {
        let jail = Jail::of(user);
        let shows = ["--", "sh", "-c", "echo ${API_TOKEN-none} ${KEPT-none}"];
        let with = |run: Run<'_>| run.env("API_TOKEN", "secret").env("KEPT", "kept").run();
        with(run(&jail, &nono, shows)).success().stdout_is("none kept\n");
        with(run(&jail, &nono, ["--env", "API_TOKEN"]).cmd(shows)).success().stdout_is("secret kept\n");
        with(run(&jail, &nono, ["--env-clear", "--env", "PATH", "--env", "NONO_TEST_PRETEND"]).cmd(shows))
            .success()
            .stdout_is("none none\n");
        with(run(&jail, &nono, ["--accept-gap", "environment"]).cmd(shows)).success().stdout_is("secret kept\n");
        let noted = jail.program(&nono).cmd(["run"]).cmd(shows).env("NONO_TEST_PRETEND", "1");
        with(noted).success().stderr_has("variables withheld: API_TOKEN");
        // The helper would obey them before there is a sandbox.
        let loader =
            run(&jail, &nono, ["--accept-gap", "environment", "--", "sh", "-c", "echo ${DYLD_LIBRARY_PATH-none}"]);
        with(loader.env("DYLD_LIBRARY_PATH", ".")).success().stdout_is("none\n");
        let tmp =
            run(&jail, &nono, ["--", "sh", "-c", "ls -ld \"$TMPDIR\"; [ \"$TMP$TEMP\" = \"$TMPDIR$TMPDIR\" ]"]).run();
        tmp.success().stdout_has("drwx------").stdout_has("/tmp/nono-");
        // By a shell that leaves descriptors open.
        let nono = jail.executable(&nono).into_os_string().into_string().unwrap();
        for (flags, expected) in [("", ""), ("--pass-fd 8", "8\n"), ("--accept-gap descriptors", "7\n8\n")] {
            let script = format!(
                "exec 7>&1 8>&1; exec {nono} run -q {flags} -- \
                 sh -c 'for n in 7 8; do if (: >&$n) 2>/dev/null; then echo $n; fi; done'"
            );
            let ran = jail.program("/bin/sh").cmd(["-c", &script]).env("NONO_TEST_PRETEND", "1").run();
            ran.success().stdout_is(expected);
        }
        run(&jail, &PathBuf::from(&nono), ["--pass-fd", "42", "--", "true"]).run().status(125).stderr_has("not open");
    }
}

#[test]
fn what_has_no_meaning_there_is_refused_and_said() {
    let nono = nono!();
    let jail = Jail::new();
    for (flags, said) in [
        (&["--supervised"][..], "--supervised does not exist on macOS"),
        (&["--supervised", "--dry-run"], "--supervised does not exist on macOS"),
        (&["--approve", "true"], "--approve does not exist on macOS"),
        (&["--approve-rules", "rules.toml"], "--approve-rules does not exist on macOS"),
        (&["--approve-timeout", "5"], "--approve-timeout is for supervised runs, which do not exist on macOS"),
        (&["--audit", "audit"], "--audit is for supervised runs, which do not exist on macOS"),
        (&["--kill-orphans"], "--kill-orphans is for supervised runs"),
        (&["--keep-cap", "CHOWN"], "macOS has none"),
        (&["--allow-dns"], "name lookups alone cannot be granted on macOS"),
        (&["--strict"], "cannot be guaranteed"),
        // The helper would obey it before there is a sandbox.
        (&["--env", "DYLD_INSERT_LIBRARIES=lib.dylib"], "\"DYLD_INSERT_LIBRARIES\" is an order to the loader"),
        (&["--env", "DYLD_LIBRARY_PATH=build"], "is an order to the loader"),
    ] {
        let ran = run(&jail, &nono, flags).cmd(["--", "touch", "made"]).run();
        ran.status(125).stdout_is("").stderr_has(said);
        assert!(!jail.work().join("made").try_exists().unwrap(), "{flags:?}");
    }
}

#[test]
fn a_dry_run_shows_the_profile_of_a_command_line() {
    let nono = nono!();
    let jail = Jail::new();
    let (plain, hostile) = (jail.file("plain/file", ""), jail.file("a \"quote\\/file", ""));
    let (plain, hostile) = (plain.parent().unwrap(), hostile.parent().unwrap());
    let ran = jail.program(&nono).cmd(["run", "--dry-run", "-v", "--allow-connect", "443", "--no-system", "--read"]);
    let ran = ran.cmd([plain]).cmd(["--allow"]).cmd([hostile]).cmd(["--", "true"]).run();
    // /tmp, /var and /etc are links there.
    let kernel = |path: &Path| {
        if path.starts_with("/tmp") { format!("/private{}", path.display()) } else { path.display().to_string() }
    };
    let quoted = |path: &Path| kernel(path).replace('\\', "\\\\").replace('"', "\\\"");
    ran.success().stdout_has("(version 1)").stdout_has("(deny default)").stdout_has("(remote tcp \"*:443\")");
    ran.stdout_has(&format!("(subpath \"{}\")", quoted(plain)))
        .stdout_has(&format!("(subpath \"{}\")", quoted(hostile)));
    let without = jail.program(&nono).cmd(["run", "--dry-run", "--", "true"]).run();
    assert!(!without.stdout().contains("(version 1)"), "only with -v");
    // What cannot stand in a profile.
    let variable = jail.file("${HOME}/file", "");
    let ran = run(&jail, &nono, ["--read"]).cmd([variable.parent().unwrap()]).cmd(["--", "true"]).run();
    ran.status(125).stderr_has("cannot stand in a sandbox profile");
}

#[test]
fn what_is_protected_there_is_not_covered() {
    let nono = nono!();
    let jail = Jail::new();
    jail.file("home/Library/Keychains/login.keychain-db", "");
    for (covers, said) in [("../home", "more are denied"), ("../home/Library", "Library/Keychains\" is denied")] {
        let ran = run(&jail, &nono, ["--read", covers, "--", "true"]).run();
        ran.status(125).stderr_has(said).stderr_has("--accept-gap deny");
    }
    run(&jail, &nono, ["--read", "../home/Library/Keychains", "--", "true"]).run().success();
}

#[test]
fn doctor_believes_nothing_that_it_did_not_see() {
    let nono = nono!();
    if cfg!(target_os = "macos") {
        return;
    }
    let jail = Jail::new();
    let ran = jail.program(&nono).cmd(["doctor"]).env("NONO_TEST_PRETEND", "1").run();
    let said = ran.status(1).stdout().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("NOT PROVEN, although Seatbelt should keep it: to read another file succeeds inside"),
        "{said}"
    );
    let ran = jail.program(&nono).cmd(["doctor", "--json"]).env("NONO_TEST_PRETEND", "1").run();
    ran.status(1).stdout_has("\"status\":\"contradicted\"").stdout_has("\"version\":1");
    // What the launch keeps is kept without Seatbelt too.
    ran.stdout_has("{\"name\":\"environment\",\"status\":\"enforced\",\"mechanism\":\"launch\"");
}

#[test]
fn arguments_for_a_helper_that_are_none_start_nothing() {
    let nono = nono!();
    let jail = Jail::new();
    let free = "(version 1)(allow default (with no-sandbox))";
    for arguments in [
        &["nono-seatbelt-exec"][..],
        &["nono-seatbelt-exec", "1", "(version 1)", "", "/bin/echo"],
        &["nono-seatbelt-exec", "2", free, "", "/bin/echo"],
        &["nono-seatbelt-exec", "2", "(version 1)", "", ""],
    ] {
        let ran = jail.program(&nono).cmd(arguments).env("NONO_TEST_PRETEND", "1").run();
        ran.status(125).stdout_is("").stderr_has("nono: cannot set up the sandbox");
    }
}
