//! Does every attempt to break out fail inside, or is what it needs a named gap? The sandbox is judged by its own report.
//!
//! The same under `--explain`, where each attempt must moreover end as without: of every fourth attempt by default, of all with
//! `NONO_TEST_FULL=1`.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use nono_tests::attempt::{Attempts, Report, Row, Scene, Trial, Verdict, judge};
use nono_tests::figures;
use nono_tests::jail::{Jail, User};
use nono_tests::need::{self, Need};
use nono_tests::sample;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Of how many attempts one is made under `--explain`, where not all are.
const WATCHED: usize = 4;

/// `nono run` as an attempt meets it: its own directory granted, and the program it is.
fn sandbox(nono: &Path, scene: &Scene, watched: bool) -> Vec<OsString> {
    let (work, program) = (scene.work().into_os_string(), scene.program().into_os_string());
    let mut line: Vec<OsString> = vec![nono.into(), "run".into(), "-q".into(), "--report".into()];
    line.push(scene.report().into());
    line.extend(watched.then(|| "--explain".into()));
    line.extend(["--allow".into(), work, "--read-file".into(), program, "--".into()]);
    line
}

/// Where this user can execute it.
fn nono(jail: &Jail) -> PathBuf {
    let dir = std::env::var_os("NONO_TEST_BIN_DIR").map(PathBuf::from);
    jail.executable(dir.expect("NONO_TEST_BIN_DIR is set by `cargo xtask test`").join("nono"))
}

fn attempts() -> Attempts {
    Attempts::find(Path::new(env!("CARGO_BIN_EXE_attempt")))
}

/// Makes all attempts as `user`; what is neither refused nor reported is a failure.
fn all_refused(user: User, privileged: bool) {
    let (jail, attempts) = (Jail::of(user), attempts());
    let nono = nono(&jail);
    let heading = ["attempt", "outside", "inside", "mechanism"];
    let mut table = format!("{:<34} {:<10} {:<12} {:<20} {user:?}\n", heading[0], heading[1], heading[2], heading[3]);
    let (mut failures, mut count) = (Vec::new(), BTreeMap::<&str, usize>::new());
    let rows = sample::part("escape", attempts.rows().unwrap());
    for row in rows.iter().filter(|row| privileged || !row.root) {
        let verdict = one(&attempts, row, user, &nono, &mut table);
        *count.entry(verdict.word()).or_default() += 1;
        if verdict.is_failure() {
            failures.push(format!("{}: {verdict}", row.name));
        }
    }
    writeln!(table, "{user:?}: {count:?}").unwrap();
    // Past the capture of the harness, for tables of many kernels.
    let gaps = count.get("gap").copied().unwrap_or(0);
    std::io::stdout().write_all(format!("GAPS {user:?}: {gaps}\n").as_bytes()).unwrap();
    say(&count, user);
    if let Some(path) = std::env::var_os("NONO_TEST_TABLE") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(table.as_bytes()).unwrap();
    }
    assert!(failures.is_empty(), "{table}\n{}", failures.join("\n"));
}

/// How often there was which verdict, as figures. A gap that was not reported is an escape too.
fn say(count: &BTreeMap<&str, usize>, user: User) {
    let of = |words: &[&str]| words.iter().filter_map(|word| count.get(word)).sum::<usize>();
    let all: usize = count.values().sum();
    let kinds = [
        ("as promised", &["ok"] as &[_]),
        ("through a gap that is reported", &["gap"]),
        ("that no kernel refuses", &["limit"]),
        ("at what is not promised", &["not promised"]),
        ("not possible here", &["skipped"]),
        ("escapes", &["escaped", "unreported"]),
    ];
    let kinds = kinds.map(|(what, words)| (of(words), what));
    let kinds = kinds.iter().map(|(number, what)| (number as &dyn Display, *what));
    let figures: Vec<(&dyn Display, &str)> = std::iter::once((&all as &dyn Display, "attempts")).chain(kinds).collect();
    figures::say("escapes", &figures, user);
}

/// One attempt, outside and inside.
fn one(attempts: &Attempts, row: &Row, user: User, nono: &Path, table: &mut String) -> Verdict {
    let (outside, ()) = attempts.make(row, user, |_| Vec::new(), |_| ()).unwrap();
    let (inside, report) = inside(attempts, row, user, |scene| sandbox(nono, scene, false));
    let mechanism = report.as_ref().and_then(|report| report.mechanism(row)).unwrap_or("-").to_owned();
    let verdict = verdict(row, &outside, &inside, report.as_ref());
    let (out, within) = (outside.end.to_string(), inside.end.to_string());
    writeln!(table, "{:<34} {out:<10} {within:<12} {mechanism:<20} {verdict}", row.name).unwrap();
    if verdict.is_failure() {
        writeln!(table, "{}", inside.said).unwrap();
    }
    verdict
}

/// An attempt in a sandbox, and what that reported of itself.
fn inside(
    attempts: &Attempts,
    row: &Row,
    user: User,
    sandbox: impl FnOnce(&Scene) -> Vec<OsString>,
) -> (Trial, Option<Report>) {
    let (inside, report) = attempts.make(row, user, sandbox, |scene| std::fs::read(scene.report())).unwrap();
    let report: Option<serde_json::Value> = report.ok().and_then(|text| serde_json::from_slice(&text).ok());
    (inside, report.as_ref().and_then(Report::from_json))
}

fn verdict(row: &Row, outside: &Trial, inside: &Trial, report: Option<&Report>) -> Verdict {
    match report {
        Some(report) => judge(row, outside, inside, report),
        None => Verdict::Broken(format!("no report: {}", inside.said)),
    }
}

/// Makes attempts as `user` under `--explain`: what changes an outcome, or is neither refused nor reported, is a failure.
fn all_refused_while_watched(user: User, privileged: bool) {
    let (jail, attempts) = (Jail::of(user), attempts());
    let nono = nono(&jail);
    let every = if std::env::var_os("NONO_TEST_FULL").is_some() { 1 } else { WATCHED };
    let rows = attempts.rows().unwrap();
    let rows = sample::part("escape", rows.iter().filter(|row| privileged || !row.root).collect());
    let rows: Vec<_> = rows.into_iter().step_by(every).collect();
    let mut failures = Vec::new();
    for row in &rows {
        let (outside, ()) = attempts.make(row, user, |_| Vec::new(), |_| ()).unwrap();
        let [(without, _), (with, report)] =
            [false, true].map(|watched| inside(&attempts, row, user, |scene| sandbox(&nono, scene, watched)));
        let verdict = verdict(row, &outside, &with, report.as_ref());
        if verdict.is_failure() || with.end != without.end || with.proved != without.proved {
            let (name, end, without) = (&row.name, with.end, without.end);
            failures.push(format!("{name}: {verdict}, {end} with --explain and {without} without\n{}", with.said));
        }
    }
    let changed = failures.len();
    figures::say("escapes", &[(&rows.len(), "attempts under --explain"), (&changed, "ends that it changed")], user);
    assert!(failures.is_empty(), "{} of {}\n{}", failures.len(), rows.len(), failures.join("\n"));
}

#[test]
fn nothing_gets_out_unreported() {
    nono_tests::need!(Need::Landlock(1));
    all_refused(User::Same, need::is_root());
}

#[test]
fn nothing_gets_out_unreported_as_nobody() {
    nono_tests::need!(Need::Landlock(1), Need::Root);
    all_refused(User::Nobody, false);
}

#[test]
fn explaining_changes_no_outcome() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    all_refused_while_watched(User::Same, need::is_root());
}

#[test]
fn explaining_changes_no_outcome_as_nobody() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Root);
    all_refused_while_watched(User::Nobody, false);
}
