//! Does bad input lead to one clear message, the right exit status, and a command that was not started?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_tests::jail::{Jail, User};
use nono_tests::need::Need;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

/// `nono run FLAGS -- touch started`: it must end with 125, say one line that holds every part, and not have started.
#[track_caller]
fn refused(jail: &Jail, flags: &[&OsStr], parts: &[&str]) {
    let words = [OsStr::new("run"), OsStr::new("--allow-cwd")];
    let ran = jail.args(words.iter().chain(flags)).cmd(["--", "touch", "started"]).run();
    ran.status(125).stdout_is("");
    let said = ran.stderr();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("nono: "), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    assert!(!std::fs::exists(jail.work().join("started")).unwrap(), "the command was started: {said}");
}

#[test]
fn a_path_that_cannot_be_granted_is_named_with_the_reason() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    jail.file("work/file", "");
    symlink("nowhere", jail.work().join("dangling")).unwrap();
    symlink("loop", jail.work().join("loop")).unwrap();
    let long = "x/".repeat(2500);
    let deep = format!("{}x", "x/".repeat(2000));
    for (flag, path, parts) in [
        ("--read", "missing", ["\"missing\" does not exist", "--allow-missing"]),
        ("--read", "missing/deeper", ["nearest existing directory", "--allow-missing"]),
        ("--read", "../missing", ["\"../missing\" does not exist", "--allow-missing"]),
        ("--read", "dangling", ["\"dangling\" is a symbolic link to \"nowhere\"", "--allow-missing"]),
        // "Too many levels of symbolic links" or "Symbolic link loop", as the C library puts it.
        ("--read", "loop", ["\"loop\"", "ymbolic link"]),
        ("--read", "file/", ["\"file/\" is not a directory", "slash"]),
        ("--read", "file/below", ["\"file\" is not a directory", "--read"]),
        ("--read-file", ".", ["\".\" is a directory, not a file", "grant it as a directory"]),
        ("--allow-file", "/usr", ["\"/usr\" is a directory, not a file", "--allow-file"]),
        ("--write-file", "missing", ["\"missing\" does not exist", "--write-file"]),
        ("--allow", "", ["an empty path", "unset"]),
        ("--write", &long, ["5000 bytes", "4095"]),
        ("--read", &deep, ["does not exist", "nearest existing directory"]),
        ("--workdir", "missing", ["--workdir", "\"missing\""]),
        ("--workdir", "file", ["--workdir", "\"file\""]),
        ("--report", "missing/report", ["--report", "\"missing/report\""]),
    ] {
        refused(&jail, &[flag.as_ref(), path.as_ref()], &parts);
    }
}

#[test]
fn a_path_in_an_unreadable_directory_is_an_error() {
    nono_tests::need!(Need::Landlock(1), Need::Root);
    let jail = Jail::of(User::Nobody);
    let closed = jail.secrets();
    // It belongs to the one who runs the test.
    std::os::unix::fs::chown(&closed, Some(0), Some(0)).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    refused(&jail, &["--read".as_ref(), "../secrets/key".as_ref()], &["\"../secrets/key\"", "Permission denied"]);
}

#[test]
fn odd_paths_that_exist_are_granted() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let odd = jail.root().join(OsStr::from_bytes(b"odd \xff name"));
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("file"), "odd").unwrap();
    jail.file("other/file", "other");
    symlink(jail.root().join("other"), jail.work().join("link")).unwrap();
    let cases: [(&OsStr, OsString); 6] = [
        (odd.as_os_str(), odd.join("file").into()),
        ("../other".as_ref(), "../other/file".into()),
        ("../other/".as_ref(), "../other/file".into()),
        ("../other/../other/.".as_ref(), "../other/file".into()),
        ("link".as_ref(), "../other/file".into()),
        ("../other/file".as_ref(), "../other/file".into()),
    ];
    for (grant, file) in cases {
        let ran = jail.args([OsStr::new("run"), "-q".as_ref(), "--read".as_ref(), grant, "--".as_ref()]);
        let said = ran.cmd([OsStr::new("cat"), &file]).run();
        said.success();
        assert!(matches!(said.stdout().as_str(), "odd" | "other"), "{grant:?}");
    }
}

#[test]
fn rights_on_one_path_add_up() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let both = ["run", "-q", "--read", "../other", "--write", "../other", "--read", "../other/", "--"];
    jail.file("other/file", "here");
    jail.args(both).cmd(["sh", "-c", "cat ../other/file && echo new > ../other/new"]).run().success().stdout_is("here");
    let ran = jail.args(["run", "-q", "--write", "../other", "--", "cat", "../other/file"]).run();
    ran.status(1).stderr_has("Permission denied");
}

#[test]
fn a_wrong_command_line_says_what_is_wrong() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    for (words, part) in [
        (&["run"][..], "COMMAND"),
        (&["run", "--bogus", "--", "touch", "started"], "--bogus"),
        (&["run", "--read"], "--read"),
        (&["run", "--allow-cwdd", "--", "touch", "started"], "--allow-cwd"),
        (&["run", "--json", "--", "touch", "started"], "--dry-run"),
        (&["run", "-v", "-q", "--", "touch", "started"], "cannot be used with"),
        (&["run", "--env", "=x", "--", "touch", "started"], "name"),
        (&["run", "--accept-gap", "nothing", "--", "touch", "started"], "kernel-surface"),
    ] {
        jail.args(words).run().status(125).stdout_is("").stderr_has("nono: ").stderr_has(part);
    }
    assert!(!std::fs::exists(jail.work().join("started")).unwrap());
}

#[test]
fn a_command_that_cannot_be_started_is_told_apart() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    jail.file("work/text", "no program");
    let script = jail.file("work/script", "#!/no/such/interpreter\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let outside = jail.file("secrets/program", "#!/bin/sh\necho started\n");
    std::fs::set_permissions(&outside, std::fs::Permissions::from_mode(0o755)).unwrap();
    for (command, status, part) in [
        ("no-such-command", 127, "not found"),
        ("./missing", 127, "not found"),
        ("", 127, "not found"),
        ("./text", 126, "not executable"),
        ("./script", 126, "/no/such/interpreter"),
        (".", 126, "directory"),
        ("../secrets/program", 126, "--read"),
    ] {
        let ran = jail.args(["run", "-q", "--allow-cwd", "--", command]).run();
        ran.status(status).stdout_is("").stderr_has("nono: ").stderr_has(part);
    }
}

#[test]
fn ten_thousand_grants_are_as_good_as_one() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let mut words = vec![OsString::from("run"), "-q".into()];
    for number in 0..10_000 {
        let name = format!("g/{number}");
        std::fs::create_dir_all(jail.root().join(&name)).unwrap();
        words.extend(["--read".into(), format!("../{name}").into()]);
    }
    jail.file("g/9999/file", "last");
    words.extend(["--", "sh", "-c", "cat ../g/9999/file; ls .. || exit 2"].map(OsString::from));
    jail.args(words).run().status(2).stdout_is("last").stderr_has("Permission denied");
}

#[test]
fn without_landlock_nothing_starts() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = Jail::new();
    let nono = std::env::var_os("NONO_TEST_BIN_DIR").map(std::path::PathBuf::from).unwrap().join("nono");
    for (errno, part) in
        [("ENOSYS", "older than Linux 5.13"), ("EPERM", "a filter on this process"), ("EOPNOTSUPP", "lsm=")]
    {
        let blocked = jail.program(env!("CARGO_BIN_EXE_without-landlock")).cmd([errno]).cmd([&nono]);
        let ran = blocked.cmd(["run", "--allow-cwd", "--", "touch", "started"]).run();
        ran.status(125).stdout_is("").stderr_has("nono: ").stderr_has(part);
        assert!(!std::fs::exists(jail.work().join("started")).unwrap(), "{errno}");
        let doctor = jail.program(env!("CARGO_BIN_EXE_without-landlock")).cmd([errno]).cmd([&nono]).cmd(["doctor"]);
        doctor.run().status(2);
    }
}
