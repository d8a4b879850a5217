//! Does root in a sandbox see no more than it was given?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::Jail;
use nono_tests::need::{self, Need};
use std::os::unix::fs::{PermissionsExt, chown};

#[test]
fn what_only_root_reads_is_closed() {
    nono_tests::need!(Need::Landlock(1), Need::Root);
    let jail = Jail::new();
    // A home directory of somebody else, open to its owner only.
    let other = jail.file("somebody/.bash_history", "secret");
    chown(other.parent().unwrap(), Some(4711), Some(4711)).unwrap();
    std::fs::set_permissions(other.parent().unwrap(), std::fs::Permissions::from_mode(0o700)).unwrap();
    for command in [
        "cat /etc/shadow",
        "cat /etc/gshadow",
        "ls /root",
        "cat /root/.bashrc",
        "ls ../somebody",
        "cat ../somebody/.bash_history",
        "ls /etc/ssl/private",
        "ls /var/log",
        "dmesg",
    ] {
        let path = command.rsplit(' ').next().unwrap_or_default();
        if path.starts_with('/') && !std::fs::exists(path).unwrap() {
            need::skip("root::what_only_root_reads_is_closed", &format!("no {path}"));
            continue;
        }
        assert!(jail.program("/bin/sh").cmd(["-c", command]).run().captured().status.success(), "outside: {command}");
        let ran = jail.args(["run", "-q", "--allow-cwd", "--", "sh", "-c", command]).run();
        assert!(!ran.captured().status.success(), "{command}: {}", ran.stdout());
        ran.stdout_is("");
        let said = ran.stderr();
        assert!(said.contains("denied") || said.contains("not permitted"), "{command}: {said}");
    }
}

#[test]
fn no_device_is_made() {
    nono_tests::need!(Need::Landlock(1), Need::Root, Need::Program("mknod"));
    let jail = Jail::new();
    for (kind, numbers) in [("b", "7 0"), ("c", "1 3"), ("c", "1 1"), ("u", "5 1")] {
        let script = format!("mknod device {kind} {numbers}");
        // A machine that makes none outside tells nothing.
        let outside = jail.program("/bin/sh").cmd(["-c", &script]).run();
        if !outside.captured().status.success() {
            need::skip("root::no_device_is_made", &outside.stderr());
            continue;
        }
        std::fs::remove_file(jail.work().join("device")).unwrap();
        let ran = jail.args(["run", "-q", "--allow-cwd", "--", "sh", "-c", &script]).run();
        ran.status(1);
        assert!(!std::fs::exists(jail.work().join("device")).unwrap(), "{script}");
    }
    // What is no device can be made.
    let ran = jail.args(["run", "-q", "--allow-cwd", "--", "sh", "-c", "mkfifo pipe && mkdir dir && touch file"]).run();
    ran.success();
}

#[test]
fn files_of_other_users_stay_usable_where_granted() {
    nono_tests::need!(Need::Landlock(1), Need::Root);
    let jail = Jail::new();
    let theirs = jail.file("work/theirs", "old");
    for path in [theirs.as_path(), &jail.work()] {
        chown(path, Some(4711), Some(4711)).unwrap();
    }
    std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o600)).unwrap();
    let script = "cat theirs; echo new > theirs; echo made > made; grep CapEff /proc/self/status";
    let ran = jail.args(["run", "-q", "--allow-cwd", "--", "sh", "-c", script]).run();
    // CAP_DAC_OVERRIDE is number 1, and the only one.
    ran.success().stdout_has("old").stdout_has("0000000000000002");
    let ran = jail.args(["run", "-q", "--", "grep", "Cap", "/proc/self/status"]).cwd("/").run();
    ran.success();
    assert!(ran.stdout().lines().all(|line| line.ends_with("0000000000000000")), "{}", ran.stdout());
}
