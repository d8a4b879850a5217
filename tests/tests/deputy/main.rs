//! Can a supervisor that opens files for others be led astray? Each act of the program `deputy` is made outside, inside
//! with a rule that approves it, and inside with a rule that does not.
//!
//! How a row may end is a list with `|`: `=` as outside, `!` refused (or with the error it has outside), `ok`, or the name
//! of an error. `NONO_TEST_ROW=NAME` makes one row only. No act may hang, leave a descriptor behind, or change anything beside
//! what was approved.
//!
//! The same under `--explain`, where each act must end as without: of every fourth row by default, of all with
//! `NONO_TEST_FULL=1`.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

mod place;
mod supervisor;

use nono_tests::capture::{Captured, text};
use nono_tests::figures;
use nono_tests::jail::{Jail, User};
use nono_tests::need::{self, Need};
use nono_tests::sample;
use place::{DEPUTY, Place, Rule};
use std::process::Command;

/// Of how many rows one is made under `--explain`, where not all are.
const WATCHED: usize = 4;
/// How an explanation begins.
const EXPLAINED: [&str; 2] = ["nono: refused, and the flag", "nono: nothing was refused"];

/// A row, as the program lists it.
#[derive(Debug)]
struct Row {
    name: String,
    rule: Rule,
    inside: String,
    unapproved: String,
    needs: Vec<String>,
}

impl Row {
    fn all() -> Vec<Self> {
        let output = Command::new(DEPUTY).arg("list").output().unwrap();
        let rows: Vec<_> = text(&output.stdout).lines().map(Self::parse).collect();
        assert!(rows.len() > 200, "{}", rows.len());
        rows
    }

    fn parse(line: &str) -> Self {
        let mut fields = line.split('\t').map(str::to_owned);
        let mut next = || fields.next().expect(line);
        let (name, rule, inside, unapproved, needs) = (next(), next(), next(), next(), next());
        let rule = Rule::named(&rule).expect(line);
        Self { name, rule, inside, unapproved, needs: needs.split(' ').map(str::to_owned).collect() }
    }

    fn needs(&self, word: &str) -> bool {
        self.needs.iter().any(|need| need == word)
    }

    /// Flags of `nono` without which the act cannot be made.
    fn flags(&self) -> Vec<&'static str> {
        let mut flags = Vec::new();
        if self.needs("setuid") {
            flags.extend(["--keep-cap", "SETUID,SETGID"]);
        }
        if self.needs("chroot") {
            flags.extend(["--keep-cap", "SYS_CHROOT"]);
        }
        flags
    }
}

/// The sandbox an act is made in.
#[derive(Debug, Clone, Copy)]
struct Inside {
    rule: Rule,
    /// Under `--explain`.
    watched: bool,
}

/// How an act ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    said: String,
    fault: Option<String>,
}

impl End {
    /// Of an act that has written no more than `stderr` to standard error.
    fn of(captured: &Captured, stderr: &str) -> Self {
        let all = text(&captured.stdout);
        let mut lines = all.lines();
        let said = lines.next().unwrap_or_default().to_owned();
        let mut faults = Vec::new();
        if captured.timed_out {
            faults.push("it hangs".to_owned());
        }
        if lines.next() != Some("leaked []") {
            faults.push(format!("descriptors are left, or it died: {all:?}"));
        }
        if !captured.status.success() || said.starts_with("wrong") || !stderr.is_empty() {
            faults.push(format!("{} {said} {stderr}", captured.status));
        }
        Self { said, fault: (!faults.is_empty()).then(|| faults.join("; ")) }
    }

    /// What the older calls said, where openat2 said something else.
    fn older(&self) -> &str {
        self.said.split_once(" | ").map_or(&self.said, |(older, _)| older)
    }

    fn errno(&self) -> Option<&str> {
        self.said.strip_prefix("errno=")
    }

    /// Whether this end is one of `ends`, with `outside` for comparison.
    fn is(&self, ends: &str, outside: Option<&Self>) -> bool {
        ends.split('|').any(|end| match end {
            // openat2 is refused there: see `without_openat2`.
            _ if need::landlock_abi() < 3 && self.errno() == Some("ENOSYS") => true,
            "=" if need::landlock_abi() < 3 => outside.is_some_and(|outside| outside.older() == self.said),
            "=" => outside.is_some_and(|outside| outside.said == self.said),
            "ok" => self.said.starts_with("ok "),
            // By the older calls one errno, by openat2 another.
            "refused" if need::landlock_abi() < 3 => self.errno() == Some("EACCES"),
            "refused" => self.said == "ok EACCES | EINVAL",
            "!" => {
                let same = outside.is_some_and(|outside| outside.errno().is_some() && outside.said == self.said);
                self.errno() == Some("EACCES") || same
            }
            name => self.errno() == Some(name),
        })
    }
}

/// Makes the act in a place of its own.
fn make(row: &Row, jail: &Jail, user: User, inside: Option<Inside>) -> End {
    let place = Place::new(jail, user, "place").unwrap();
    let (rule, watched) = (inside.map(|inside| inside.rule), inside.is_some_and(|inside| inside.watched));
    let mut flags = row.flags();
    flags.extend(watched.then_some("--explain"));
    let prefix = rule.map_or(Vec::new(), |rule| place.nono(rule, &flags).unwrap());
    let holder = row.needs("lease").then(|| place.hold_lease().unwrap());
    let captured = place.act(&prefix, &row.name).unwrap();
    let stderr = if watched { unexplained(&captured.stderr) } else { text(&captured.stderr) };
    let mut end = End::of(&captured, &stderr);
    if rule.is_some() && need::landlock_abi() < 3 {
        end.said = without_openat2(&end.said);
    }
    drop(holder);
    let harm = rule.and_then(|rule| place.harm().unwrap().or_else(|| place.misrecorded(rule).unwrap()));
    if let Some(harm) = harm {
        end.fault = Some(format!("{harm} {}", end.fault.unwrap_or_default()));
    }
    end
}

/// What was written before the explanation.
fn unexplained(stderr: &[u8]) -> String {
    let stderr = text(stderr);
    match EXPLAINED.iter().filter_map(|begin| stderr.find(begin)).min() {
        Some(at) => stderr.get(..at).unwrap_or_default().to_owned(),
        None => format!("{stderr}no explanation"),
    }
}

/// What was said, where openat2(2) is refused because a filter cannot see whether it would empty a file: by the older calls
/// only.
fn without_openat2(said: &str) -> String {
    let Some(older) = said.strip_suffix(" | ENOSYS") else { return said.to_owned() };
    match older.strip_prefix("ok ").filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'2')) {
        Some(errno) => format!("errno={errno}"),
        None => older.to_owned(),
    }
}

/// All that is wrong with a row.
fn faults(row: &Row, jail: &Jail, user: User) -> Vec<String> {
    let outside = (!row.needs("inside-only")).then(|| make(row, jail, user, None));
    let mut faults = Vec::new();
    if let Some(outside) = &outside {
        if let Some(why) = outside.said.strip_prefix("unsupported ") {
            need::skip(&format!("deputy {}", row.name), why);
            return faults;
        }
        faults.extend(outside.fault.as_ref().map(|fault| format!("outside: {fault}")));
    }
    for (when, rule, ends) in [("approved", row.rule, &row.inside), ("not approved", Rule::Elsewhere, &row.unapproved)]
    {
        let end = make(row, jail, user, Some(Inside { rule, watched: false }));
        println!("{user:?} {} {when}: {}", row.name, end.said);
        if let Some(why) = end.said.strip_prefix("unsupported ") {
            need::skip(&format!("deputy {} {when}", row.name), why);
            continue;
        }
        faults.extend(end.fault.as_ref().map(|fault| format!("{when}: {fault}")));
        if !end.is(ends, outside.as_ref()) {
            let outside = outside.as_ref().map_or("not made", |outside| outside.said.as_str());
            faults.push(format!("{when}: expected {ends}, got {:?}; outside {outside:?}", end.said));
        }
    }
    faults
}

/// Makes each row; `wrong` tells what is wrong with it. `whats` are what is counted: rows, and what is wrong with them.
fn all(
    rows: impl Iterator<Item = Row>,
    user: User,
    wrong: impl Fn(&Row, &Jail, User) -> Vec<String>,
    whats: [&str; 2],
) {
    let jail = Jail::of(user);
    let (mut made, mut faults) = (0, Vec::new());
    for row in rows {
        made += 1;
        faults.extend(wrong(&row, &jail, user).into_iter().map(|fault| format!("{}: {fault}", row.name)));
    }
    figures::say("deputies", &[(&made, whats[0]), (&faults.len(), whats[1])], user);
    assert!(faults.is_empty(), "{user:?}:\n{}", faults.join("\n"));
}

fn nobody_is_led_astray(user: User, privileged: bool) {
    all(rows(privileged), user, faults, ["acts", "acts that led astray"]);
}

fn explaining_changes_no_end(user: User, privileged: bool) {
    let every = if std::env::var_os("NONO_TEST_FULL").is_some() { 1 } else { WATCHED };
    let whats = ["acts under --explain", "ends that it changed"];
    all(rows(privileged).step_by(every), user, differences, whats);
}

/// What is otherwise under `--explain`.
fn differences(row: &Row, jail: &Jail, user: User) -> Vec<String> {
    let mut differences = Vec::new();
    for rule in [row.rule, Rule::Elsewhere] {
        let [without, with] = [false, true].map(|watched| make(row, jail, user, Some(Inside { rule, watched })));
        if with != without {
            differences.push(format!("{rule:?}: {with:?} with --explain and {without:?} without"));
        }
    }
    differences
}

/// The rows that this user can make.
fn rows(privileged: bool) -> impl Iterator<Item = Row> {
    let chosen = std::env::var("NONO_TEST_ROW").ok();
    let chosen = move |row: &Row| chosen.as_ref().is_none_or(|name| *name == row.name);
    sample::part("deputy", Row::all()).into_iter().filter(move |row| (privileged || !row.needs("root")) && chosen(row))
}

#[test]
fn a_supervisor_is_not_led_astray() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    nobody_is_led_astray(User::Same, need::is_root());
}

#[test]
fn a_supervisor_is_not_led_astray_as_nobody() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Root);
    nobody_is_led_astray(User::Nobody, false);
}

#[test]
fn explaining_changes_no_outcome() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    explaining_changes_no_end(User::Same, need::is_root());
}

#[test]
fn explaining_changes_no_outcome_as_nobody() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Root);
    explaining_changes_no_end(User::Nobody, false);
}
