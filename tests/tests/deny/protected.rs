//! Protected paths below a wide grant.

use crate::scene::without_namespaces;
use nono_tests::jail::{Jail, User};
use nono_tests::need::{self, Need};
use serde_json::Value;
use std::os::unix::fs::symlink;

fn users() -> Vec<User> {
    let mut users = User::all();
    users.retain(|user| *user == User::Same && need::is_root() || Need::UserNamespaces.is_met());
    users
}

#[test]
fn a_wide_grant_does_not_hand_them_over() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        for flag in ["--allow", "--read"] {
            let jail = Jail::of(user);
            jail.file("home/.config/nono/profiles/x.toml", "state\n");
            jail.file("home/proj/file", "mine\n");
            let script = "cd ../home; cat notes.txt; for f in .ssh/id_ed25519 .ssh/config .npmrc .bashrc; do cat $f; done; \
                          ls .ssh; echo evil >> .bashrc; echo evil > .zshrc; mkdir .gnupg; mv .ssh s; mv .config c; \
                          echo evil > .config/nono/profiles/x.toml; echo evil > .config/nono/y; \
                          echo new > proj/new; cat proj/new proj/file";
            let ran = jail.args(["run", "-q", flag, "../home", "--", "sh", "-c", script]).run();
            let written = if flag == "--allow" { "new\n" } else { "" };
            ran.stdout_is(&format!("in the home directory\n{written}mine\n"));
            let there = |name: &str| std::fs::read_to_string(jail.home().join(name)).unwrap();
            assert!(!there(".bashrc").contains("evil"));
            assert_eq!(there(".config/nono/profiles/x.toml"), "state\n");
            for made in [".zshrc", ".gnupg", "s", "c", ".config/nono/y"] {
                assert!(std::fs::symlink_metadata(jail.home().join(made)).is_err(), "{made}");
            }
        }
    }
}

#[test]
fn one_file_granted_for_writing_does_not_open_the_directory_that_is_granted_for_reading() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        let jail = Jail::of(user);
        jail.file("home/.ssh/known_hosts", "old\n");
        let script = "cd ../home/.ssh; cat config; echo new >> known_hosts; echo evil >> config; echo evil > key; \
                      rm config; mv config known_hosts; cat known_hosts";
        let run = jail.args(["run", "-q", "--allow", "../home", "--read", "../home/.ssh"]);
        let ran = run.cmd(["--allow-file", "../home/.ssh/known_hosts", "--", "sh", "-c", script]).run();
        ran.stdout_is("Host example.org\nold\nnew\n");
        let there = |name: &str| std::fs::read_to_string(jail.home().join(".ssh").join(name)).ok();
        assert_eq!(there("config").as_deref(), Some("Host example.org\n"));
        assert_eq!((there("known_hosts").as_deref(), there("key")), (Some("old\nnew\n"), None));
    }
}

#[test]
fn what_is_granted_exactly_is_handed_over_and_no_more() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        let jail = Jail::of(user);
        for (exact, script) in [
            (
                "../home/.ssh/config",
                "cat ../home/.ssh/config; cat ../home/.ssh/id_ed25519; echo evil >> ../home/.ssh/config",
            ),
            ("../home/.ssh", "cat ../home/.ssh/config; echo evil >> ../home/.ssh/config; mv ../home/.ssh ../home/s"),
        ] {
            let ran = jail.args(["run", "-q", "--allow", "../home", "--read", exact, "--", "sh", "-c", script]).run();
            ran.stdout_is("Host example.org\n");
            let config = std::fs::read_to_string(jail.home().join(".ssh/config")).unwrap();
            assert_eq!(config, "Host example.org\n", "{exact}: for reading is for reading");
        }
    }
}

#[test]
fn links_to_them_are_neither_followed_nor_replaced() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in users() {
        let jail = Jail::of(user);
        let home = jail.home();
        std::fs::create_dir_all(home.join("dotfiles")).unwrap();
        for name in [".bashrc", ".ssh"] {
            std::fs::rename(home.join(name), home.join("dotfiles").join(name)).unwrap();
            symlink(format!("dotfiles/{name}"), home.join(name)).unwrap();
        }
        user.own(&home).unwrap();
        let script = "cd ../home; cat .bashrc dotfiles/.bashrc .ssh/config dotfiles/.ssh/config; rm .bashrc; rm .ssh; \
                      mv .bashrc b; mv dotfiles d; echo evil > dotfiles/.bashrc; ln -sf /etc/passwd .bashrc";
        jail.args(["run", "-q", "--allow", "../home", "--", "sh", "-c", script]).run().stdout_is("");
        let bashrc = std::fs::read_to_string(home.join(".bashrc")).unwrap();
        assert!(bashrc.contains("FROM_BASHRC") && !bashrc.contains("evil"), "{bashrc}");
        assert!(std::fs::symlink_metadata(home.join(".ssh")).unwrap().is_symlink());
    }
}

#[test]
fn a_dry_run_says_by_what_each_is_closed() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    let jail = Jail::new();
    let words = ["run", "--dry-run", "--allow", "../home", "--deny", "../home/notes.txt"];
    let people = jail.args(words).cmd(["--", "true"]).run();
    people.success().stdout_has("notes.txt\" (--deny): mount namespace").stdout_has("protected paths (-v lists them)");
    people.stdout_has("nothing new can be made directly in").stdout_lacks(".ssh");
    let loud = jail.args(words).cmd(["-v", "--", "true"]).run();
    loud.stdout_has("/home/.ssh\" (protected): mount namespace").stdout_has("/home/.zshrc\" (protected): Landlock");
    let ran = jail.args(words).cmd(["--json", "--", "true"]).run();
    let report: Value = serde_json::from_str(&ran.success().stdout()).unwrap();
    let denied = report["denied"].as_array().unwrap();
    let of = |name: &str| {
        let path = jail.home().join(name);
        denied.iter().find(|one| one["path"] == path.to_str().unwrap()).unwrap_or_else(|| panic!("{name}: {report}"))
    };
    assert_eq!((&of(".ssh")["mechanism"], &of(".ssh")["automatic"]), (&"mount-namespace".into(), &true.into()));
    assert_eq!((&of(".zshrc")["mechanism"], &of(".zshrc")["automatic"]), (&"landlock".into(), &true.into()));
    assert_eq!(of("notes.txt")["automatic"], false);
    let lost = report["lost"].as_array().unwrap();
    assert!(
        lost.iter().any(|one| one["path"] == jail.home().to_str().unwrap() && one["ability"] == "make"),
        "{report}"
    );
    assert!(report["enforced"].as_array().unwrap().iter().any(|row| row["guarantee"] == "deny"), "{report}");
}

#[test]
fn without_namespaces_a_grant_for_reading_is_narrowed() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    for user in User::all() {
        let jail = Jail::of(user);
        let nono = crate::scene::nono(&jail);
        let words = ["EPERM", &nono, "run", "--read", "../home"];
        let script = "cd ../home; cat notes.txt .ssh/config .npmrc";
        let ran = jail.program(without_namespaces(&jail)).cmd(words).cmd(["--", "sh", "-c", script]).run();
        ran.status(1).stdout_is("in the home directory\n").stderr_has("names are not listed");
        let dry = jail.program(without_namespaces(&jail)).cmd(words).cmd(["--dry-run", "--", "true"]).run();
        dry.success().stdout_has("protected paths (-v lists them): sibling grants");
    }
}
