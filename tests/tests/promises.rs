//! Does each kernel keep what is stated of it? One table says which mechanism keeps each promise from which Landlock ABI on,
//! which is a gap, and which flags are refused. The command is asked, and its answers are compared: a dry run, a start, and
//! `doctor`, which tries.
//!
//! Rows that do not change with the kernel are stated too: a promise that goes missing is a failure.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_tests::jail::{Jail, User};
use nono_tests::need::{self, Need};
use serde_json::Value;
use std::collections::BTreeMap;

/// What keeps a promise: a mechanism's name; or `gap` or `limit`; or `refused`, which is a gap that the user has to accept;
/// or `-`, where nothing is promised.
type Word = &'static str;

/// A promise, and the words for it from each ABI on.
type Row = (&'static str, &'static [(u32, Word)]);

/// Flags, and what is promised then.
#[derive(Debug)]
struct Case {
    flags: &'static [&'static str],
    /// What is not as in [`CLOSED`].
    rows: &'static [Row],
}

/// With no grant of the network: the first of each row is of ABI 1.
const CLOSED: [Row; 24] = [
    ("files", &[(1, "landlock")]),
    ("truncate", &[(1, "seccomp"), (3, "landlock")]),
    ("deny", &[(1, "-")]),
    ("device-ioctl", &[(1, "gap"), (5, "landlock")]),
    ("processes", &[(1, "landlock")]),
    ("signals", &[(1, "gap"), (6, "landlock")]),
    // The system group has /proc.
    ("process-list", &[(1, "gap")]),
    ("terminal", &[(1, "seccomp")]),
    ("tcp-ports", &[(1, "seccomp")]),
    ("any-host", &[(1, "-")]),
    ("listen-any-port", &[(1, "seccomp")]),
    ("udp", &[(1, "seccomp")]),
    ("other-protocols", &[(1, "seccomp")]),
    ("unix-sockets", &[(1, "seccomp"), (9, "landlock")]),
    ("abstract-sockets", &[(1, "seccomp"), (9, "landlock")]),
    ("kernel-surface", &[(1, "seccomp")]),
    ("user-namespaces", &[(1, "seccomp")]),
    ("attributes", &[(1, "seccomp")]),
    ("metadata", &[(1, "limit")]),
    ("other-processes", &[(1, "seccomp")]),
    ("capabilities", &[(1, "launch")]),
    ("environment", &[(1, "launch")]),
    ("descriptors", &[(1, "launch")]),
    ("core-dumps", &[(1, "launch")]),
];

const PORTS: Row = ("tcp-ports", &[(1, "refused"), (4, "landlock-and-seccomp")]);

const CASES: [Case; 8] = [
    Case { flags: &[], rows: &[] },
    Case { flags: &["--allow-connect", "443"], rows: &[PORTS] },
    Case { flags: &["--allow-bind", "8080"], rows: &[PORTS, ("listen-any-port", &[(1, "supervisor")])] },
    Case {
        flags: &["--allow-port", "3000"],
        rows: &[PORTS, ("any-host", &[(1, "supervisor")]), ("listen-any-port", &[(1, "supervisor")])],
    },
    Case { flags: &["--proxy-port", "3128"], rows: &[PORTS, ("any-host", &[(1, "supervisor")])] },
    // DNS by TCP, and from ABI 10 on by UDP.
    Case { flags: &["--allow-dns"], rows: &[PORTS, ("udp", &[(1, "seccomp"), (10, "landlock")])] },
    Case {
        flags: &["--allow-unix", "."],
        rows: &[
            ("unix-sockets", &[(1, "supervisor"), (9, "landlock")]),
            ("abstract-sockets", &[(1, "supervisor"), (9, "landlock")]),
        ],
    },
    Case {
        flags: &["--net"],
        rows: &[
            ("tcp-ports", &[(1, "-")]),
            ("listen-any-port", &[(1, "-")]),
            ("udp", &[(1, "-")]),
            ("other-protocols", &[(1, "-")]),
            ("unix-sockets", &[(1, "gap"), (9, "landlock")]),
            ("abstract-sockets", &[(1, "gap"), (6, "landlock")]),
        ],
    },
];

impl Case {
    /// What is stated for `abi`.
    fn stated(&self, abi: u32) -> BTreeMap<&'static str, Word> {
        let mut stated = BTreeMap::from([("ipc", "seccomp")]);
        for (name, words) in CLOSED.iter().chain(self.rows) {
            let word = words.iter().rev().find(|(since, _)| *since <= abi).map_or("-", |(_, word)| word);
            stated.insert(name, word);
        }
        stated.retain(|_, word| *word != "-");
        stated
    }
}

/// What a report says, in the words of the table; what the user would have to accept is a gap in it.
fn reported(report: &Value) -> BTreeMap<String, String> {
    let list = |key: &str| report.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap().to_owned();
    let kept = list("enforced").into_iter().map(|row| (text(&row, "guarantee"), text(&row, "mechanism")));
    let open = [("gaps", "gap"), ("limits", "limit")].map(|(key, word)| (list(key), word));
    let open = open.iter().flat_map(|(rows, word)| rows.iter().map(|row| (text(row, "name"), (*word).to_owned())));
    kept.chain(open).collect()
}

fn as_stated(stated: &BTreeMap<&'static str, Word>) -> BTreeMap<String, String> {
    let word = |word: &str| if word == "refused" { "gap" } else { word }.to_owned();
    stated.iter().map(|(name, is)| ((*name).to_owned(), word(is))).collect()
}

#[test]
fn each_promise_is_kept_as_stated_or_named_as_a_gap() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let abi = need::landlock_abi();
    for user in User::all() {
        for case in &CASES {
            let (jail, stated) = (Jail::of(user), case.stated(abi));
            let refused: Vec<&str> = stated.iter().filter(|row| *row.1 == "refused").map(|row| *row.0).collect();
            let run = |more: &[&str]| {
                let line = jail.args(["run", "-q"]).cmd(case.flags).cmd(["--allow", "."]).cmd(more);
                line.cmd(["--", "sh", "-c", "echo started"]).run()
            };
            if let Some(name) = refused.first() {
                let hint = format!("--accept-gap {name}");
                run(&[]).status(125).stdout_is("").stderr_has(name).stderr_has(&hint);
            }
            let accepted: Vec<&str> = refused.iter().flat_map(|name| ["--accept-gap", name]).collect();
            let dry = run(&[&accepted[..], &["--dry-run", "--json"]].concat());
            let dry: Value = serde_json::from_str(&dry.success().stdout()).unwrap();
            assert_eq!(reported(&dry), as_stated(&stated), "{:?} on ABI {abi}", case.flags);
            run(&[&accepted[..], &["--report", "../report"]].concat()).success().stdout_is("started\n");
            let report = std::fs::read(jail.root().join("report")).unwrap();
            let report = serde_json::from_slice(&report).unwrap();
            assert_eq!(reported(&report), as_stated(&stated), "{:?} on ABI {abi}: as started", case.flags);
        }
    }
}

#[test]
fn doctor_finds_what_is_stated() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let abi = need::landlock_abi();
    for user in User::all() {
        let jail = Jail::of(user);
        let ran = jail.args(["doctor", "--json"]).run();
        let doctor: Value = serde_json::from_str(&ran.stdout()).unwrap();
        assert_eq!(doctor.get("landlock_abi").and_then(Value::as_u64), Some(u64::from(abi)));
        let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
        let rows = doctor.get("guarantees").and_then(Value::as_array).unwrap();
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for row in rows {
            let status = text(row, "status").unwrap();
            let word = if status == "enforced" { text(row, "mechanism").unwrap() } else { status };
            found.insert(text(row, "name").unwrap(), word);
        }
        // It denies a path, where the others grant none above one.
        let deny = found.remove("deny").unwrap();
        assert!(matches!(&*deny, "mount-namespace" | "sibling-grants" | "gap"), "{deny}");
        // It grants a port, to try another.
        assert_eq!(found, as_stated(&CASES[1].stated(abi)), "ABI {abi}, {user:?}: {}", ran.stderr());
    }
}

#[test]
fn without_landlock_nothing_starts_and_everything_says_why() {
    if need::landlock_abi() > 0 {
        need::skip("promises::without_landlock_nothing_starts_and_everything_says_why", "this kernel has Landlock");
        return;
    }
    for user in User::all() {
        let jail = Jail::of(user);
        for case in &CASES {
            for more in [&[][..], &["--accept-gap", "files"]] {
                let line = jail.args(["run"]).cmd(case.flags).cmd(more).cmd(["--", "sh", "-c", "echo started"]);
                line.run().status(125).stdout_is("").stderr_has("Landlock");
            }
        }
        jail.args(["run", "--dry-run", "--", "true"]).run().status(125).stdout_is("").stderr_has("Landlock");
        let doctor = jail.args(["doctor", "--json"]).run();
        doctor.status(2).stdout_has("\"landlock_abi\":0").stdout_has("\"sandbox\":false");
        jail.args(["doctor"]).run().status(2).stdout_has("Landlock");
    }
}
