//! `nono profile`: list, show, check, new.

use crate::{is_there, profile};
use nono_tests::jail::{Jail, Ran, User};
use serde_json::Value;
use std::os::unix::fs::{PermissionsExt, symlink};

fn nono(jail: &Jail, words: &[&str]) -> Ran {
    jail.args(["profile"]).cmd(words).run()
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.success().stdout()).unwrap()
}

#[test]
fn all_profiles_are_listed_with_what_they_are_for() {
    let jail = Jail::new();
    let listed = nono(&jail, &["list"]);
    listed.success().stdout_has("  python    built in  Python").stderr_is("");
    assert_eq!(listed.stdout().lines().count(), 9);
    assert!(listed.stdout().lines().all(|line| line.chars().count() <= 80), "{}", listed.stdout());
    profile(&jail, "mine.toml", "[meta]\ndescription = \"one line\\u001b[2J\\nand another\"\n");
    profile(&jail, "python.toml", "[meta]\ndescription = 'my own'\n");
    profile(&jail, "broken.json", "{\n\"x\": 1}");
    profile(&jail, "notes.txt", "no profile");
    let listed = nono(&jail, &["list"]);
    listed.success().stdout_has("yours     my own").stdout_has("yours     one line\\u{1b}[2J\n");
    listed.stdout_has("cannot be used: ").stdout_has("broken.json\" line 2: unknown key \"x\"").stdout_lacks("notes");
    let all = json(&nono(&jail, &["list", "--json"]));
    let row = |name: &str| all["profiles"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    assert_eq!(all["version"], 1);
    assert_eq!((&row("python")["origin"], &row("git")["origin"]), (&"user".into(), &"built-in".into()));
    assert!(row("broken")["error"].is_string() && row("python")["path"].as_str().unwrap().ends_with("python.toml"));
}

#[test]
fn a_profile_is_shown_with_what_it_extends() {
    let jail = Jail::new();
    let path = profile(
        &jail,
        "p.toml",
        "extends = 'git'\n[meta]\ndescription = 'more'\n[filesystem]\nread = ['~/x']\ndeny = ['~/x/y']\n[network]\nconnect = [22]\n[environment]\npass = ['A']\n[options]\nkeep_cap = ['CHOWN']\n[approve]\nread = ['/srv']\n",
    );
    let shown = nono(&jail, &["show", "p"]);
    for part in [
        "p: more\n",
        "\"built-in:git\", ",
        &format!("read        \"~/x\" ({path:?} line 5)"),
        &format!("deny        \"~/x/y\" ({path:?} line 6)"),
        "workdir     readwrite (\"built-in:git\" line 10)",
        "connect     \"$SSH_AUTH_SOCK\", optional (\"built-in:git\" line",
        "network     TCP to any host, port 22",
        "environment passed on: \"A\"",
        "with the capability CHOWN",
        "yes: read   \"/srv\"",
    ] {
        shown.success().stdout_has(part);
    }
    let all = json(&nono(&jail, &["show", "p", "--json"]));
    assert_eq!((&all["version"], &all["network"]["connect"][0]["value"]), (&1.into(), &22.into()));
    assert_eq!(all["denies"][0]["source"], serde_json::json!({"path": path, "line": 6}));
    assert_eq!(all["files"].as_array().unwrap().len(), 2);
    let raw = nono(&jail, &["show", "p", "--raw"]);
    raw.success().stdout_is(&std::fs::read_to_string(path).unwrap());
    nono(&jail, &["show", "git", "--raw"]).success().stdout_has("# git in one working directory");
    nono(&jail, &["show", "nobody"]).status(2).stderr_has("no profile is called");
    nono(&jail, &["show", "p", "--raw", "--json"]).status(2);
}

#[test]
fn check_warns_of_what_is_dangerous_useless_or_missing() {
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("home/data/sub/x", "");
        jail.file("home/bin/tool", "");
        jail.file("home/run/docker.sock.txt", "");
        let _docker = std::os::unix::net::UnixListener::bind(jail.home().join("run/docker.sock")).unwrap();
        let text = "[filesystem]\n\
                    read = ['~/data', '~/data/sub',\n'~/data',\n'/',\n'~/nowhere']\n\
                    allow_file = ['~/.bashrc']\n\
                    allow = ['/proc',\n'~/bin',\n'../profiles']\n\
                    [network]\nunix = ['~/run/docker.sock']\n\
                    [options]\naccept_gap = ['ipc']\nkeep_cap = ['CHOWN']\n";
        jail.file("profiles/x", "");
        let text = text.replace("'/',\n", "").replace("'../profiles'", &format!("{:?}", jail.root().join("profiles")));
        let path = jail.file("profiles/p.toml", &text);
        let named = path.to_str().unwrap();
        let run_path = format!("{}:/usr/bin:/bin", jail.home().join("bin").display());
        let ran = jail.args(["profile", "check", named]).env("PATH", &run_path).run();
        for part in [
            "line 2: ",
            "data/sub\" adds nothing: a directory above it is granted",
            "line 3: ",
            "data\" adds nothing: it is granted already",
            "nowhere\" is left out: it does not exist",
            ".bashrc\" is protected, and handed over; what is written there may run when a shell",
            "\"/proc\" can be written: settings of your other processes",
            "bin\" is in PATH and can be written",
            "commands that are run with this profile can change it",
            "docker.sock\": who talks to this server can do what root can",
            "the guarantee ipc is given up",
            "root's capability CHOWN is kept",
            "read, write \"/proc\" (",
        ] {
            ran.success().stdout_has(part);
        }
        let all: Value = json(&jail.args(["profile", "check", named, "--json"]).env("PATH", &run_path).run());
        assert_eq!(all["warnings"].as_array().unwrap().len(), 10, "{all}");
        assert!(all["grants"].as_array().unwrap().len() >= 4);
    }
}

#[test]
fn check_warns_of_what_is_wide_and_fails_where_a_run_would() {
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("home/data/x", "");
        profile(&jail, "wide.toml", "[filesystem]\nread = ['~']\n");
        let wide = nono(&jail, &["check", "wide"]);
        wide.success()
            .stdout_has("is the whole home directory")
            .stdout_has("more, which stay closed: they are protected");
        nono(&jail, &["check", "download"])
            .success()
            .stdout_has("warning: \"built-in:download\" line 11: the whole network");
        for clean in ["build", "offline", "rust", "agent"] {
            nono(&jail, &["check", clean]).success().stdout_lacks("warning");
        }
        nono(&jail, &["check", "git"]).success().stdout_has(".ssh/config\" is in ");
        profile(&jail, "root.toml", "[filesystem]\nread = ['/']\ndeny = ['~/data', '~/nowhere']\n");
        let root = nono(&jail, &["check", "root"]);
        root.success().stdout_has("is everything that you can read").stdout_has("data\" (\"/");
        root.stdout_has("nowhere\" is denied and does not exist");
        profile(&jail, "own.toml", "\n[filesystem]\nwrite = ['~/.config/nono']\n");
        nono(&jail, &["check", "own"])
            .status(1)
            .stdout_is("")
            .stderr_has("own.toml\" line 3")
            .stderr_has("never granted");
    }
}

#[test]
fn a_new_profile_is_written_once_and_works() {
    for user in User::all() {
        let jail = Jail::of(user);
        let path = jail.home().join(".config/nono/profiles/mine.toml");
        nono(&jail, &["new", "mine"]).success().stdout_is(&format!("{}\n", path.display())).stderr_is("");
        let mode = std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{mode:o}");
        nono(&jail, &["check", "mine"]).success().stdout_has("read, write").stdout_lacks("warning");
        nono(&jail, &["list"]).success().stdout_has("mine");
        std::fs::write(&path, "# changed").unwrap();
        nono(&jail, &["new", "mine"]).status(2).stderr_has("left as it is").stdout_is("");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# changed");
        nono(&jail, &["new", "mine", "-o", "here.toml"]).success();
        assert!(is_there(&jail, "work/here.toml"));
        // A link is not followed.
        symlink("../secrets/new", jail.work().join("link.toml")).unwrap();
        nono(&jail, &["new", "mine", "-o", "link.toml"]).status(2);
        assert!(!is_there(&jail, "secrets/new"));
        for name in ["../mine", "a/b", "", "-x", ".x", "a b", "a.toml"] {
            jail.args(["profile", "new", "--", name]).run().status(2).stderr_has("no name of a profile");
        }
    }
}

/// Every key that the skeleton mentions is one, and it mentions all.
#[test]
fn the_new_profile_shows_every_key() {
    let jail = Jail::new();
    nono(&jail, &["new", "all", "-o", "all.toml"]).success();
    let text = std::fs::read_to_string(jail.work().join("all.toml")).unwrap();
    // What is commented out, but for prose: lines of a key.
    let uncommented: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(code)
                if code.starts_with('[') || code.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) =>
            {
                code
            }
            _ => line,
        })
        .filter(|line| !line.starts_with("open = ") && !line.starts_with("block = "))
        .collect();
    jail.file("work/all.toml", uncommented.join("\n").replace("true, optional", "false, optional"));
    let shown = json(&nono(&jail, &["show", "./all.toml", "--json"]));
    for list in [
        "/grants",
        "/denies",
        "/network/connect",
        "/network/unix",
        "/environment/pass",
        "/environment/set",
        "/approve/read",
        "/approve/deny",
    ] {
        assert!(!shown.pointer(list).unwrap().as_array().unwrap().is_empty(), "{list}: {shown}");
    }
    for one in [
        "/network/dns",
        "/network/proxy_port",
        "/environment/clear",
        "/options/system",
        "/options/private_shm",
        "/workdir",
    ] {
        assert!(shown.pointer(one).unwrap().is_object(), "{one}");
    }
}
