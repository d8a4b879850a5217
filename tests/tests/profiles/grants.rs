//! What the tables of a profile grant, and how they go together with flags and with each other.

use crate::{is_there, profile, run};
use nono_tests::jail::{Jail, User};
use nono_tests::need::Need;
use std::os::unix::fs::symlink;

#[test]
fn a_profile_grants_what_its_lists_say_and_no_more() {
    nono_tests::need!(Need::Landlock(1));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("home/data/in", "read me");
        jail.file("home/out/old", "");
        let text = "[filesystem]\nread = ['~/data']\nwrite = ['$HOME/out']\nread_file = ['~/notes.txt']\n[workdir]\naccess = 'read'\n";
        profile(&jail, "p.toml", text);
        let ran = run(&jail, "p", &[], "cat ~/data/in ~/notes.txt file.txt && echo new > ~/out/new");
        ran.success().stdout_has("read me").stdout_has("in the home directory").stdout_has("in the working directory");
        for script in ["echo x > ~/data/x", "cat ~/out/old", "echo x > x", "cat ~/.npmrc", "cat ../secrets/key"] {
            run(&jail, "p", &[], script).stderr_has("ermission denied");
        }
        // By path too; flags add to it.
        let path = jail.home().join(".config/nono/profiles/p.toml");
        run(&jail, path.to_str().unwrap(), &["--allow", "."], "echo x > x && cat ~/data/in").success();
        assert!(is_there(&jail, "work/x"));
    }
}

#[test]
fn the_json_of_nono_011_means_what_it_meant() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    jail.file("home/data/in", "read me");
    jail.file("home/.local/bin/tool", "#!/bin/sh\n");
    let text = r#"{ "meta": {"name": "p", "version": "1.0.0", "description": "old", "author": "me"},
        "filesystem": {"allow": ["$HOME/data"], "read": [], "write": [], "read_file": ["~/notes.txt"]},
        "workdir": {"access": "readwrite"}, "security": {"groups": ["deny_credentials", "system_read_linux", "user_tools", "python_runtime"]},
        "network": {"block": true} }"#;
    profile(&jail, "p.json", text);
    run(&jail, "p", &[], "cat ~/data/in ~/notes.txt ~/.local/bin/tool && touch x ~/data/x").success();
    run(&jail, "p", &[], "touch ~/.local/bin/x").stderr_has("ermission denied");
    // A profile in TOML goes before one in JSON.
    profile(&jail, "p.toml", "");
    run(&jail, "p", &[], "cat ~/data/in").stderr_has("ermission denied");
}

#[test]
fn a_directory_is_made_where_the_profile_says_so() {
    nono_tests::need!(Need::Landlock(1));
    for user in User::all() {
        let jail = Jail::of(user);
        profile(&jail, "p.toml", "[filesystem]\nallow = [{ path = '$XDG_CACHE_HOME/tool/deep', create = true }]\n");
        let dry = jail.args(["run", "--dry-run", "-p", "p", "--", "true"]).run();
        dry.success().stderr_has("would be made first");
        let check = jail.args(["profile", "check", "p"]).run();
        check.success().stdout_has("read, write").stdout_has("home/.cache/tool/deep\" (").stdout_lacks("warning");
        assert!(!is_there(&jail, "home/.cache"), "nothing is made when nothing is started");
        run(&jail, "p", &[], "echo x > ~/.cache/tool/deep/file").success();
        assert!(is_there(&jail, "home/.cache/tool/deep/file"));
        // The directories on the way to it are not granted.
        run(&jail, "p", &[], "touch ~/.cache/tool/x").stderr_has("ermission denied");
    }
}

#[test]
fn what_is_missing_is_an_error_unless_it_may_be() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    profile(&jail, "p.toml", "\n[filesystem]\nread = ['~/nowhere']\n");
    let ran = run(&jail, "p", &[], "touch started");
    ran.status(125).stderr_has("p.toml\" line 3: read: ").stderr_has("does not exist").stderr_has("optional = true");
    let missing = jail.args(["run", "-p", "p", "--allow-missing", "--", "true"]).run();
    missing.success().stderr_has("nowhere").stderr_has("line 3");
    let optional = "[filesystem]\nread = [{ path = '~/nowhere', optional = true }, { path = '$NO_SUCH/x', optional = true }]\n\
                    [network]\nunix = [{ path = '$NO_SUCH', optional = true }]\n";
    profile(&jail, "p.toml", optional);
    let ran = jail.args(["run", "-p", "p", "--", "true"]).run();
    ran.success();
    assert!(!ran.stderr().contains("nowhere"));
}

#[test]
fn what_is_below_the_working_directory_stays_there() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    jail.file("work/build/x", "");
    profile(&jail, "p.toml", "[filesystem]\nallow = ['build', '$WORKDIR/out']\n");
    jail.file("work/out/x", "");
    run(&jail, "p", &[], "touch build/a out/a").success();
    run(&jail, "p", &[], "touch a").stderr_has("ermission denied");
    // As a command of yesterday may have left it.
    std::fs::remove_dir_all(jail.work().join("build")).unwrap();
    for target in [jail.secrets(), jail.home().join(".ssh")] {
        symlink(&target, jail.work().join("build")).unwrap();
        run(&jail, "p", &[], "touch started").status(125).stderr_has("leads out of the working directory");
        std::fs::remove_file(jail.work().join("build")).unwrap();
    }
    // Nor is anything made there.
    profile(&jail, "p.toml", "[filesystem]\nallow = [{ path = 'build/new', create = true }]\n");
    symlink(jail.secrets(), jail.work().join("build")).unwrap();
    run(&jail, "p", &[], "touch started").status(125).stderr_has("leads out of the working directory");
    assert!(!is_there(&jail, "secrets/new"));
    // Another working directory is another place.
    jail.file("other/build/x", "");
    profile(&jail, "p.toml", "[filesystem]\nallow = ['build']\n");
    run(&jail, "p", &["--workdir", "../other"], "touch build/a").success();
    assert!(is_there(&jail, "other/build/a"));
}

#[test]
fn profiles_extend_each_other_and_add_up() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    jail.file("home/a/x", "in a ");
    jail.file("home/b/x", "in b ");
    let base = jail.file(
        "profiles/base.toml",
        "[filesystem]\nread = ['~/a']\n[workdir]\naccess = 'readwrite'\n[environment]\nset = { A = '1', B = '1' }\n",
    );
    jail.file("profiles/more.toml", "extends = './base.toml'\n[workdir]\naccess = 'read'\n[filesystem]\nread = ['~/b']\n[environment]\nset = { B = '2' }\n");
    // Relative to the file that says it, whatever directory nono is started in.
    let ran = run(&jail, "../profiles/more.toml", &["--env", "C=3"], "cat ~/a/x ~/b/x; echo $A$B$C; touch x");
    ran.stdout_has("in a in b 123").stderr_has("ermission denied");
    // Two profiles add up: one of them grants writing.
    let ran =
        run(&jail, "../profiles/more.toml", &["-p", base.to_str().unwrap(), "--env", "B=flag"], "touch x && echo $B");
    ran.success().stdout_has("flag");
    // One's own profile of a built-in name can start from that.
    profile(&jail, "offline.toml", "extends = 'offline'\n[filesystem]\nread = ['~/a']\n");
    run(&jail, "offline", &[], "cat ~/a/x && touch y").success();
}

#[test]
fn variables_and_options() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    profile(
        &jail,
        "p.toml",
        "[environment]\nclear = true\npass = ['MY_TOKEN']\nset = { CACHE = '~/c', PRICE = '$$5', PATH = '/usr/bin:/bin' }\n",
    );
    let script = "echo $CACHE $PRICE $MY_TOKEN ${USER-none}";
    let ran = jail.args(["run", "-q", "-p", "p", "--", "sh", "-c", script]).env("MY_TOKEN", "secret").run();
    ran.success().stdout_is(&format!("{}/c $5 secret none\n", jail.home().display()));
    // Without clear, all but what holds credentials is passed on.
    profile(&jail, "p.toml", "[environment]\nset = { A = 'b' }\n");
    let ran = jail.args(["run", "-q", "-p", "p", "--", "sh", "-c", script]).env("MY_TOKEN", "secret").run();
    ran.success().stdout_is("tester\n");
    profile(&jail, "p.toml", "[options]\nsystem = false\n");
    run(&jail, "p", &[], "true").status(126);
    run(
        &jail,
        "p",
        &["--read", "/usr", "--read", "/bin", "--read", "/lib", "--read", "/lib64", "--allow-missing"],
        "cat /etc/passwd",
    )
    .stderr_has("ermission denied");
}

#[test]
fn a_grant_tells_the_line_it_comes_from() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    jail.file("home/data/in", "");
    let path =
        profile(&jail, "p.toml", "[filesystem]\nread = [\n  '/usr',\n  '~/data',\n]\n[workdir]\naccess = 'read'\n");
    let dry = |flags: &[&str]| jail.args(["run", "--dry-run", "-p", "p"]).cmd(flags).cmd(["--", "true"]).run();
    let human = dry(&[]);
    human.success().stdout_has(&format!("data\" ({path:?} line 4)")).stdout_has(&format!("work\" ({path:?} line 7)"));
    let json = dry(&["--json"]);
    let source = format!(r#""source":{{"profile":{{"path":{path:?},"line":4}}}}"#);
    json.success().stdout_has(&source);
    jail.args(["run", "--dry-run", "-p", "git", "--", "true"]).run().success().stdout_has("(\"built-in:git\" line 10)");
}

#[test]
fn a_program_can_keep_a_lock_beside_its_file_in_the_home_directory() {
    nono_tests::need!(Need::Landlock(1), Need::Program("git"));
    let jail = Jail::new();
    profile(&jail, "p.toml", "[filesystem]\nallow = [{ path = '~/.config/tool', create = true }]\n");
    // git writes config.lock, and renames it.
    run(&jail, "p", &[], "git config -f ~/.config/tool/config a.b c && git config -f ~/.config/tool/config a.b")
        .success()
        .stdout_is("c\n");
    let ran = run(&jail, "offline", &[], "git config -f ~/.config/tool/config a.b d");
    ran.stderr_has("ermission denied");
    assert!(ran.captured().status.code() != Some(0));
}

#[test]
fn a_broad_grant_hands_over_nothing_protected_unless_it_is_named() {
    nono_tests::need!(Need::Landlock(1));
    for user in User::all() {
        let jail = Jail::of(user);
        profile(&jail, "p.toml", "[filesystem]\nread = ['~']\n");
        run(&jail, "p", &[], "cat ~/notes.txt").success();
        run(&jail, "p", &[], "cat ~/.ssh/id_ed25519").stdout_is("").stderr_has("ermission denied");
        profile(&jail, "p.toml", "[filesystem]\nread = ['~/.ssh/config']\n");
        run(&jail, "p", &[], "cat ~/.ssh/config && ! cat ~/.ssh/id_ed25519").success();
        // What is never granted is refused on one line that tells which.
        profile(&jail, "p.toml", "[filesystem]\nread = ['/usr']\nallow = ['~/.config/nono/profiles']\n");
        let ran = run(&jail, "p", &[], "true");
        ran.status(125).stderr_has("p.toml\" line 3: the grant of").stderr_has("never granted");
        assert_eq!(ran.stderr().lines().count(), 1);
    }
}

#[test]
fn what_a_profile_denies_is_closed_below_what_it_grants() {
    nono_tests::need!(Need::Landlock(1));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("home/data/open", "open ");
        jail.file("home/data/private/key", "private");
        let path = profile(&jail, "p.toml", "[filesystem]\nread = ['~/data']\ndeny = [\n '~/data/private',\n]\n");
        let script = "cat ~/data/open ~/data/private/key";
        jail.program("/bin/sh").cmd(["-c", script]).run().success().stdout_is("open private");
        let ran = run(&jail, "p", &[], script);
        ran.stdout_is("open ").stderr_has("ermission denied");
        let dry = |json: &[&str]| jail.args(["run", "--dry-run", "-p", "p"]).cmd(json).cmd(["--", "true"]).run();
        dry(&[]).success().stdout_has(&format!("data/private\" ({path:?} line 4)"));
        dry(&["--json"]).success().stdout_has(&format!(r#""source":{{"profile":{{"path":{path:?},"line":4}}}}"#));
        // A flag's grant of exactly that, or of something in it, does not open what a profile denies by name.
        run(&jail, "p", &["--read", "../home/data/private"], "true").status(125).stderr_has("granted and denied");
        // What is not there cannot be denied, unless something could make it or the profile says so.
        profile(&jail, "p.toml", "[filesystem]\nread = ['~/data']\n\ndeny = ['~/data/later']\n");
        let ran = run(&jail, "p", &[], "true");
        ran.status(125).stderr_has("p.toml\" line 4: deny: ").stderr_has("optional = true");
        run(&jail, "p", &["--allow-missing"], "true").success();
        profile(
            &jail,
            "p.toml",
            "[filesystem]\nread = ['~/data']\ndeny = [{ path = '~/data/later', optional = true }]\n",
        );
        run(&jail, "p", &[], "cat ~/data/open").success();
    }
}

#[test]
fn rules_of_a_profile_answer_what_is_asked_for() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = Jail::new();
    jail.file("home/more/a", "more ");
    jail.file("home/more/private/b", "private");
    profile(&jail, "p.toml", "[approve]\nread = ['~/more']\ndeny = ['~/more/private']\n");
    let script = "cat ~/more/a; cat ~/more/private/b; cat ~/notes.txt";
    let ran = run(&jail, "p", &[], script);
    ran.stdout_is("more ").stderr_has("private/b").stderr_has("notes.txt").stderr_has("ermission denied");
    // The file of rules and the profile's are both asked.
    let rules = jail.file("rules.toml", "[approve]\nread = ['~/notes.txt']\n[filesystem]\nread = ['/srv']\n");
    let ran = run(&jail, "p", &["--approve-rules", rules.to_str().unwrap()], script);
    ran.stdout_is("more in the home directory\n");
}
