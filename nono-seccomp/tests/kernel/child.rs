//! Runs the body of a test in a process of its own: this binary executed again, for that one test.

use nono_seccomp::Features;
use std::any::type_name_of_val;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

/// Names the test whose body the process is to run.
const VARIABLE: &str = "NONO_SECCOMP_TEST_CHILD";
/// Printed by the child before the body: a name that matched no test would pass without it.
const STARTED: &str = "child started";

/// Runs `body` in a child that must succeed. `test` is the calling test itself.
pub(crate) fn isolated<T: Copy>(test: T, body: impl FnOnce()) {
    if let Some(output) = run(test, None, body) {
        assert!(output.status.success(), "the child: {}\n{}", output.status, text(&output));
    }
}

/// As [`isolated`], as a user without privileges.
pub(crate) fn unprivileged<T: Copy>(test: T, body: impl FnOnce()) {
    if let Some(output) = run(test, Some(65534), body) {
        assert!(output.status.success(), "the child: {}\n{}", output.status, text(&output));
    }
}

/// Runs `body` in a child and returns how it ended; `None` in the child itself.
pub(crate) fn run<T: Copy>(test: T, user: Option<u32>, body: impl FnOnce()) -> Option<Output> {
    let name = type_name_of_val(&test).split_once("::").expect("a path in this crate").1;
    if std::env::var_os(VARIABLE).is_some_and(|wanted| wanted == name) {
        println!("{STARTED}");
        crate::raw::limit_seconds(60);
        body();
        return None;
    }
    let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
    command.args(["--exact", name, "--nocapture"]).env(VARIABLE, name);
    // A backtrace opens files: a filtered thread that panics would wait for an answer with the lock its server needs.
    command.env("RUST_BACKTRACE", "0");
    if let Some(user) =
        user.filter(|_| std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0)
    {
        command.uid(user).gid(user).current_dir("/");
    }
    let output = command.output().expect("this binary can be executed again");
    let printed = text(&output);
    assert!(printed.contains(STARTED), "the child did not run {name}:\n{printed}");
    for line in printed.lines().filter(|line| line.starts_with("skipped: ")) {
        println!("{line}");
    }
    Some(output)
}

fn text(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(text).expect("tests print text")
}

/// What the kernel has; the caller skips with [`skip`] what it lacks.
pub(crate) fn features() -> Features {
    Features::probe().unwrap_or_default()
}

/// Says that a test does not run for want of `what`.
pub(crate) fn skip(what: &str) {
    let required = std::env::var("NONO_TEST_REQUIRE").unwrap_or_default();
    let required = required.split(',').any(|name| name == "all" || name == "seccomp");
    assert!(!required, "required, but there is no {what}");
    println!("skipped: no {what}");
}

/// Whether this kernel calls itself at least so: for what no call tells.
pub(crate) fn is_linux(major: u32, minor: u32) -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(|part: char| !part.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
}
