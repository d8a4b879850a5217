//! A file system whose server does not answer holds up whoever asks it. Does it hold up anyone else under `nono run`?
//!
//! The kernel lets nobody go who waits for an answer to what the server has read, not even when it is killed.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod fuse;

use fuse::Slow;
use nono_tests::jail::{Jail, Ran};
use nono_tests::need::Need;
use std::fs;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// Of each kind so many are asked for at once: together more than serve without need.
const SLOW: usize = 5;
/// Until when what does not hang has to be there.
const DEADLINE: Duration = Duration::from_secs(10);

/// Asks for all slow files in the background, then, when they are known to hang, for others. `$0` marks the processes.
const SCRIPT: &str = "for i in 1 2 3 4 5; do for kind in open lookup; do
        (true < ../slow/slow-$kind-$i && echo opened || echo failed) & done; done
    until [ -e hangs ]; do sleep 0.05; done
    cat ../data/one ../slow/quick file.txt; : > others; ";
const OTHERS: &str = "first\nquick\nin the working directory\n";

/// Runs it, with `end` behind it; when all else was opened in time, `then` decides what becomes of the slow ones.
fn run(jail: &Jail, slow: &mut Slow, end: &str, then: impl FnOnce(&mut Slow)) -> Ran {
    jail.file("data/one", "first\n");
    let rules = format!("[approve]\nread = [{:?}, {:?}]\n", jail.root().join("data"), slow.at);
    jail.file("rules.toml", rules);
    thread::scope(|scope| {
        let ran = scope.spawn(|| {
            let flags = ["run", "-q", "--allow-cwd", "--approve-rules", "../rules.toml", "--kill-orphans", "--"];
            let mark = jail.root();
            jail.args(flags)
                .cmd(["sh", "-f", "-c", &format!("{SCRIPT}{end}")])
                .cmd([&mark])
                .deadline(3 * DEADLINE)
                .run()
        });
        wait("all slow files hang", || slow.waiting() == 2 * SLOW);
        assert!(runs(jail));
        fs::write(jail.work().join("hangs"), "").unwrap();
        wait("what does not hang is opened", || fs::exists(jail.work().join("others")).unwrap());
        then(slow);
        ran.join().unwrap()
    })
}

#[track_caller]
fn wait(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < DEADLINE, "not in {DEADLINE:?}: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// Whether a process of the command is left: one that has not ended, with the path of the tree among its words.
fn runs(jail: &Jail) -> bool {
    let mark = jail.root().into_os_string().into_string().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| fs::read_to_string(process.path().join("cmdline")).ok());
    lines.into_iter().any(|line| line.split('\0').any(|word| word == mark))
}

#[test]
fn a_file_system_that_hangs_holds_up_no_other() {
    nono_tests::need!(Need::Root, Need::Landlock(1), Need::Seccomp);
    let jail = Jail::new();
    let Some(mut slow) = Slow::mount(&jail, "slow_files::holds_up_no_other") else { return };
    let ran = run(&jail, &mut slow, "wait", Slow::abort);
    // Not one was opened, and each was told why.
    ran.success().stdout_is(&format!("{OTHERS}{}", "failed\n".repeat(2 * SLOW)));
    assert_eq!(ran.stderr().matches("slow/slow-").count(), 2 * SLOW, "{}", ran.stderr());
    assert!(!runs(&jail));
}

#[test]
fn a_file_system_that_hangs_keeps_no_process_of_the_command() {
    nono_tests::need!(Need::Root, Need::Landlock(1), Need::Seccomp);
    let jail = Jail::new();
    let Some(mut slow) = Slow::mount(&jail, "slow_files::keeps_no_process") else { return };
    let ran = run(&jail, &mut slow, "exit 4", |slow| {
        // They wait for nono alone. It ends too, but for the threads that wait for the server.
        wait("the command and all it started ends", || !runs(&jail));
        slow.answer();
    });
    ran.status(4).stdout_is(OTHERS).stderr_is("");
    assert!(!runs(&jail));
}

#[test]
fn a_file_system_that_hangs_holds_up_no_question() {
    nono_tests::need!(Need::Root, Need::Landlock(1), Need::Seccomp);
    let jail = Jail::new();
    jail.file("data/one", "first\n");
    let Some(slow) = Slow::mount(&jail, "slow_files::holds_up_no_question") else { return };
    let approver = "while read -r line; do id=${line#*'\"id\":'}; id=${id%%,*};
        echo '{\"version\":1,\"id\":ID,\"decision\":\"allow\",\"for\":\"once\"}' | sed s/ID/$id/; done";
    let script = "(true < ../slow/slow-open-1 && echo opened || echo failed) &
        until [ -e hangs ]; do sleep 0.05; done; cat ../data/one; : > others; wait";
    thread::scope(|scope| {
        let ran = scope.spawn(|| {
            let flags = ["run", "-q", "--allow-cwd", "--approve", approver, "--approve-timeout", "2", "--"];
            jail.args(flags).cmd(["sh", "-f", "-c", script]).deadline(3 * DEADLINE).run()
        });
        wait("the slow file hangs", || slow.waiting() == 1);
        fs::write(jail.work().join("hangs"), "").unwrap();
        wait("what does not hang is asked for and opened", || fs::exists(jail.work().join("others")).unwrap());
        slow.answer();
        ran.join().unwrap().success().stdout_is("first\nopened\n");
    });
}
