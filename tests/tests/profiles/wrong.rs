//! Profiles that cannot be used: one line that names file, line and what was expected, 125, and nothing is started.

use crate::{is_there, profile};
use nono_tests::jail::{Jail, Run, User};
use nono_tests::need::Need;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// It ends with this status, and says all of it on one line.
#[track_caller]
fn one_line(run: Run<'_>, status: i32, parts: &[&str]) {
    let ran = run.run();
    ran.status(status).stdout_is("").stderr_has("nono: ");
    for part in parts {
        ran.stderr_has(part);
    }
    assert_eq!(ran.stderr().lines().count(), 1, "{}", ran.stderr());
}

/// Whoever would run something ends with 125 and starts nothing, `check` with 1, and all say the same on one line.
#[track_caller]
fn refused(jail: &Jail, named: impl AsRef<Path>, parts: &[&str]) {
    let named = named.as_ref().as_os_str();
    for flags in [&["run", "--profile"][..], &["run", "--dry-run", "--profile"], &["learn", "--diff"]] {
        one_line(jail.args(flags).cmd([named]).cmd(["--", "touch", "started"]), 125, parts);
    }
    let shell = jail.args(["shell", "--profile"]).cmd([named]).env("SHELL", "/bin/sh");
    one_line(shell.stdin("touch started\n"), 125, parts);
    one_line(jail.args(["profile", "check"]).cmd([named]), 1, parts);
    assert!(!is_there(jail, "work/started"));
}

/// What cannot even be read is not shown either.
#[track_caller]
fn unreadable(jail: &Jail, named: impl AsRef<Path>, parts: &[&str]) {
    let named = named.as_ref().as_os_str();
    refused(jail, named, parts);
    for flags in [&["profile", "show"][..], &["profile", "show", "--json"], &["profile", "show", "--raw"]] {
        one_line(jail.args(flags).cmd([named]), 2, parts);
    }
}

#[test]
fn what_is_not_understood() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    for (text, parts) in [
        (
            "[filesystem]\nraed = []\n",
            &["line 2", "unknown key \"raed\" in [filesystem]", "did you mean \"read\"?"][..],
        ),
        ("\n[netwrok]\n", &["line 2", "\"netwrok\"", "\"network\"?"]),
        ("read = ['/usr']\n", &["line 1", "it belongs into [filesystem]"]),
        ("[network]\nallow_connect = [443]\n", &["line 2", "\"allow_connect\"", "\"connect\"?"]),
        ("[filesystem]\nread = '/usr'\n", &["line 2", "\"read\" is a text", "a list of paths"]),
        ("[filesystem]\nread = [\n '/usr',\n 7,\n]\n", &["line 4", "a number"]),
        ("[filesystem]\nread = [{ path = '/usr', optoinal = true }]\n", &["line 2", "\"optional\"?"]),
        ("[filesystem]\nread = [{ create = true }]\n", &["line 2", "`path`"]),
        ("[filesystem]\nread_file = [{ path = 'x', create = true }]\n", &["line 2", "makes directories"]),
        ("[filesystem]\nread = [{ path = 'x', create = true, optional = true }]\n", &["line 2", "`optional`"]),
        ("[network]\nconnect = [0]\n", &["line 2", "1 to 65535"]),
        ("[network]\nconnect = ['https']\n", &["line 2", "a text", "1 to 65535"]),
        ("[network]\nopen = true\nport = [80]\n", &["line 2", "`open` contradicts `port`"]),
        ("[network]\nblock = true\ndns = true\n", &["line 2", "`block` contradicts `dns`"]),
        ("[workdir]\naccess = 'rw'\n", &["line 2", "\"rw\"", "readwrite"]),
        ("[options]\naccept_gap = ['any-hots']\n", &["line 2", "any-host"]),
        ("[options]\nkeep_cap = ['ALL']\n", &["line 2", "\"ALL\""]),
        ("[environment]\npass = ['A=B']\n", &["line 2", "\"A=B\""]),
        ("[environment]\nset = { A = 1 }\n", &["line 2", "\"A\" is a number"]),
        ("[environment]\nset = { A = \"x\\u0000\" }\n", &["line 2", "\"A\"", "byte 0"]),
        ("[filesystem]\nread = [{ path = \"/a\\u0000\", optional = true }]\n", &["line 2", "cannot resolve"]),
        ("[approve]\nread = ['/usr']\nraed = []\n", &["line 3", "\"read\"?"]),
        ("extends = 7\n", &["line 1", "a name"]),
        ("a = [\n", &["not TOML"]),
        ("x = 1\nx = 2\n", &["line 2", "not TOML", "duplicate"]),
        ("[filesystem]\nread = ['$NO_SUCH_THING/x']\n", &["line 2", "$NO_SUCH_THING is not set"]),
        ("[filesystem]\nread = ['~somebody']\n", &["line 2", "~somebody"]),
        ("[filesystem]\nread = ['']\n", &["line 2", "empty path"]),
        ("[filesystem]\nread = ['~/*.txt']\n", &["line 2", "patterns are not expanded"]),
        ("[filesystem]\nread = [{ path = '~/*.txt', optional = true }]\n", &["line 2", "patterns are not expanded"]),
        ("[filesystem]\nread = ['../secrets']\n", &["line 2", "leads out of the working directory"]),
        ("[network]\nunix = ['file.txt']\n", &["line 2", "neither a unix socket"]),
        ("[filesystem]\nread = ['/usr']\ndeny = ['~/nowhere*']\n", &["line 3", "patterns are not expanded"]),
        ("[filesystem]\nread = ['/usr']\ndeny = ['/usr']\n", &["granted and denied"]),
        ("[filesystem]\nwrite = ['~/.config/nono']\n", &["line 2", "never granted"]),
    ] {
        refused(&jail, profile(&jail, "p.toml", text), parts);
    }
    for (text, parts) in [
        ("{\"filesystem\": {\"raed\": []}}", &["line 1", "\"read\"?"][..]),
        ("{\n \"filesystem\": {\n  \"read\": [\n   \"/usr\",\n   7\n  ]\n }\n}", &["line 5", "a number"]),
        ("{\n \"hooks\": {}\n}", &["line 2", "\"hooks\" of nono 0.11 is not supported"]),
        ("{\"filesystem\": {\"deny\": []}}", &["line 1", "unknown key \"deny\""]),
        ("{\"network\": {\n\"proxy_allow\": []}}", &["line 2", "not supported", "--proxy-port"]),
        (
            "{\"security\": {\"groups\": [\n\"dangerous_commands\"]}}",
            &["line 2", "\"dangerous_commands\"", "not supported"],
        ),
        ("{\"meta\": {}, \"meta\": {}}", &["line 1", "stands twice"]),
        ("{\n\"meta\": }", &["line 2", "not JSON"]),
        ("[1]", &["line 1", "a list", "a table"]),
        ("", &["line 1", "not JSON"]),
    ] {
        refused(&jail, profile(&jail, "p.json", text), parts);
    }
}

#[test]
fn what_is_no_file_of_text() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let (pipe, link) = (jail.work().join("pipe.toml"), jail.work().join("link.toml"));
    let mode = rustix::fs::Mode::from_raw_mode(0o666);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    symlink("nowhere.toml", &link).unwrap();
    let socket = jail.work().join("socket.toml");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let large = jail.file("work/large.toml", vec![b'#'; 10 * 1024 * 1024]);
    let binary = jail.file("work/binary.toml", b"# one\n\x7fELF\x02\x01\x01\0\0\0");
    let latin = jail.file("work/latin.toml", b"# one\n# caf\xe9\n");
    for (path, part) in [
        ("/dev/zero".into(), "is a device"),
        ("/dev/tty.toml".into(), "No such file"),
        (jail.work(), "is a directory"),
        (pipe, "is a pipe"),
        (socket, "cannot read"),
        (link, "is a symbolic link to \"nowhere.toml\", which does not exist"),
        (large, "more than 1024 KiB"),
        (binary, "line 2: a byte 0"),
        (latin, "line 2: bytes that are no text"),
        (jail.work().join("missing.toml"), "No such file"),
        (jail.work().join("file.txt/x.toml"), "Not a directory"),
    ] {
        unreadable(&jail, path, &[part]);
    }
    for (name, part) in
        [("pyhton", "did you mean \"python\"?"), ("x y", "no name"), (".hidden", "no name"), ("", "no name")]
    {
        unreadable(&jail, name, &[part]);
    }
}

#[test]
fn rules_and_profiles_to_be_added_to_are_read_as_carefully() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = Jail::new();
    let pipe = jail.work().join("pipe.toml");
    let mode = rustix::fs::Mode::from_raw_mode(0o666);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    jail.file("work/large.toml", vec![b'#'; 10 * 1024 * 1024]);
    jail.file("work/binary.toml", b"# one\n\x7fELF\0");
    jail.file("work/key.toml", "[approve]\nraed = []\n");
    std::fs::create_dir(jail.work().join("directory.toml")).unwrap();
    for (name, part) in [
        ("pipe.toml", "is a pipe"),
        ("large.toml", "more than 1024 KiB"),
        ("binary.toml", "line 2: a byte 0"),
        ("directory.toml", "is a directory"),
    ] {
        for flags in [&["run", "--approve-rules", name][..], &["learn", "--merge", "-o", name]] {
            one_line(jail.args(flags).cmd(["--", "touch", "started"]), 125, &[part]);
        }
        // Without --merge nothing is read.
        one_line(jail.args(["learn", "-o", name, "--", "touch", "started"]), 125, &["exists and is left as it is"]);
    }
    let wrong = ["run", "--approve-rules", "key.toml", "--", "touch", "started"];
    one_line(jail.args(wrong), 125, &["key.toml\" line 2", "did you mean \"read\"?"]);
    let missing = ["run", "--approve-rules", "missing.toml", "--", "touch", "started"];
    one_line(jail.args(missing), 125, &["missing.toml", "No such file"]);
    assert!(!is_there(&jail, "work/started"));
}

#[test]
fn what_may_not_be_read() {
    nono_tests::need!(Need::Landlock(1));
    for user in User::all() {
        let jail = Jail::of(user);
        let path = profile(&jail, "closed.toml", "");
        std::fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
        // Root reads it all the same.
        if std::fs::read(&path).is_err() || user == User::Nobody {
            unreadable(&jail, "closed", &["cannot read ", "Permission denied"]);
        }
        // A name that is there and cannot be read must not mean a built-in profile that grants more.
        let own = profile(&jail, "offline.toml", "");
        std::fs::remove_file(&own).unwrap();
        symlink("nowhere", &own).unwrap();
        unreadable(&jail, "offline", &["does not exist"]);
    }
}

#[test]
fn circles_and_towers_of_profiles() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    profile(&jail, "one.toml", "\nextends = 'two'\n");
    profile(&jail, "two.toml", "extends = ['offline', 'three']\n");
    profile(&jail, "three.json", "{\n\n\"extends\": \"one\"}");
    refused(&jail, "one", &["three.json\" line 3", "one.toml\" -> ", "two.toml\" -> ", "three.json\" -> "]);
    // By another name it is the same file.
    symlink("self.toml", jail.home().join(".config/nono/profiles/link.toml")).unwrap();
    profile(&jail, "self.toml", "extends = './link.toml'\n");
    refused(&jail, "self", &["line 1", "circle"]);
    profile(&jail, "p.toml", "extends = 'nobody'\n");
    refused(&jail, "p", &["p.toml\" line 1: extends \"nobody\": no profile is called \"nobody\""]);
    profile(&jail, "p.toml", "extends = '/dev/zero'\n");
    refused(&jail, "p", &["p.toml\" line 1: extends \"/dev/zero\"", "is a device"]);
    profile(&jail, "bad.toml", "\n\nx = 1\n");
    profile(&jail, "p.toml", "extends = 'bad'\n");
    refused(&jail, "p", &["bad.toml\" line 3"]);
    for level in 0..40 {
        profile(&jail, &format!("level{level}.toml"), &format!("extends = 'level{}'\n", level + 1));
    }
    profile(&jail, "level40.toml", "");
    refused(&jail, "level0", &["more than 16 levels"]);
    // Each names the next one twice: 2 to the 15th.
    for level in 0..15 {
        let next = level + 1;
        profile(&jail, &format!("twice{level}.toml"), &format!("extends = ['twice{next}', 'twice{next}']\n"));
    }
    profile(&jail, "twice15.toml", "");
    refused(&jail, "twice0", &["more than 64 profiles"]);
}
