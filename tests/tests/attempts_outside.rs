//! Does every attempt succeed where nothing confines it? One that does not proves nothing inside a sandbox.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use nono_tests::attempt::{Attempts, End, Guarantee, Row, Trial, Verdict, judge_outside};
use nono_tests::jail::User;
use nono_tests::need;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn attempts() -> Attempts {
    Attempts::find(Path::new(env!("CARGO_BIN_EXE_attempt")))
}

/// Makes all attempts that `user` can make; skips name the reason, everything else must succeed.
fn all_succeed(user: User, privileged: bool) {
    let attempts = attempts();
    let (mut done, mut skipped, mut broken) = (BTreeMap::<String, usize>::new(), 0, Vec::new());
    for row in attempts.rows().unwrap() {
        if row.root && !privileged {
            continue;
        }
        let trial = match attempts.make(&row, user, |_| Vec::new(), |_| ()) {
            Ok((trial, ())) => trial,
            Err(error) => Trial { end: End::Strange(error.to_string()), proved: false, said: String::new() },
        };
        match judge_outside(&row, &trial) {
            None => *done.entry(row.family.clone()).or_default() += 1,
            Some(Verdict::Skipped(why)) => {
                skipped += 1;
                need::skip(&format!("attempt {}", row.name), &why);
            }
            Some(verdict) => broken.push(format!("{}: {verdict}\n{}", row.name, trial.said)),
        }
    }
    println!("{user:?}: succeeded {} {done:?}, skipped {skipped}", done.values().sum::<usize>());
    assert!(broken.is_empty(), "{} attempts are broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn every_attempt_succeeds_outside() {
    all_succeed(User::Same, need::is_root());
}

#[test]
fn every_unprivileged_attempt_succeeds_as_nobody() {
    nono_tests::need!(need::Need::Root);
    all_succeed(User::Nobody, false);
}

#[test]
fn the_table_covers_every_guarantee() {
    let rows = attempts().rows().unwrap();
    let covered: BTreeSet<Guarantee> = rows.iter().flat_map(|row: &Row| row.guarantees.iter().copied()).collect();
    // A port rule knows no address: what would be tested is another host, and tests have no network but loopback.
    let missing =
        Guarantee::ALL.iter().filter(|guarantee| !covered.contains(guarantee) && **guarantee != Guarantee::AnyHost);
    assert_eq!(missing.count(), 0, "covered: {covered:?}");
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "a name is used twice");
    assert!(rows.len() >= 90, "{}", rows.len());
}
