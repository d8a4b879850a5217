//! Is anything opened that was not approved, while all that a call depends on changes under the broker's eyes?
//!
//! `NONO_TEST_CASES` is the number of opens in all (20,000). `NONO_TEST_WEAK` is a `nono` that was built to open by the path
//! and not what it looked at: there the suite must find the hole, or it would find none.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use nono_tests::figures;
use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};
use std::fmt::Display;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a `nono` with a weak broker is.
const WEAK: &str = "NONO_TEST_WEAK";
const RACER: &str = env!("CARGO_BIN_EXE_racer");

/// One line of the program.
#[derive(Debug, Clone)]
struct Tally {
    line: String,
    opens: u64,
    successes: u64,
    holes: u64,
}

impl Tally {
    fn parse(line: &str) -> Self {
        let number = |name: &str| -> u64 {
            let value = line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            value.expect(line).parse().expect(line)
        };
        let [opens, successes, holes] = ["opens", "successes", "holes"].map(number);
        Self { line: line.to_owned(), opens, successes, holes }
    }

    fn all(ran: &Ran) -> Vec<Self> {
        ran.success();
        let tallies: Vec<_> = ran.stdout().lines().map(Self::parse).collect();
        assert!(tallies.len() > 20, "{}", ran.stdout());
        tallies
    }
}

/// How many opens in all.
fn opens() -> u64 {
    std::env::var("NONO_TEST_CASES").map_or(20_000, |cases| cases.parse().unwrap())
}

/// At least 20 microseconds each, on a machine that does other things too, and what a kind waits for both sides.
fn deadline(opens: u64) -> Duration {
    Duration::from_mins(2) + Duration::from_micros(500) * u32::try_from(opens).unwrap()
}

/// What `racer` expects to find.
fn lay_out(jail: &Jail) {
    for name in ["approved", "approved/secret", "approved/visible", "granted"] {
        jail.file(format!("{name}/f"), "approved");
    }
    for name in ["secret/f", "approved/hidden/f"] {
        jail.file(name, "SECRET, and not as long");
    }
    for name in ["approved/d", "secret/d", "granted/d", "dropbox", "outer", "work/flips"] {
        // A file makes the directory, with the owner it needs.
        jail.file(format!("{name}/.keep"), "");
    }
    symlink("../work/flips", jail.root().join("outer/via")).unwrap();
}

/// Races under `nono run` with rules that approve one directory for reading and one for writing.
fn inside(jail: &Jail, opens: u64, weak: Option<&Path>) -> Ran {
    let root = jail.root();
    let rules = format!(
        "[approve]\nread = [{:?}]\nwrite = [{:?}]\ndeny = [{:?}]\n",
        root.join("approved"),
        root.join("dropbox"),
        root.join("approved/hidden")
    );
    let rules = jail.file("rules/races.toml", rules);
    let racer = jail.executable(RACER);
    let flags = ["run", "-q", "--allow-cwd", "--read", "../granted", "--read-file"];
    let run = match weak {
        Some(nono) => jail.program(nono).cmd(flags),
        None => jail.args(flags),
    };
    let run = run.cmd([&racer]).cmd(["--approve-rules"]).cmd([&rules]).cmd(["--"]).cmd([&racer, &root]);
    run.cmd([opens.to_string()]).deadline(deadline(opens)).run()
}

/// Nothing is as it was not: no file beside the approved ones was made, changed or emptied.
fn untouched(jail: &Jail) {
    let root = jail.root();
    let names = |dir: &str| {
        let entries = std::fs::read_dir(root.join(dir)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("secret"), ["d", "f"], "made beside what was approved");
    assert_eq!(names("secret/d"), [".keep"]);
    assert_eq!(names("approved/d"), [".keep"]);
    for file in ["approved/f", "approved/secret/f", "approved/visible/f", "granted/f"] {
        assert_eq!(std::fs::read_to_string(root.join(file)).unwrap(), "approved", "{file}");
    }
    for file in ["secret/f", "approved/hidden/f"] {
        assert_eq!(std::fs::read_to_string(root.join(file)).unwrap(), "SECRET, and not as long", "{file}");
    }
}

#[test]
fn nothing_is_opened_that_was_not_approved() {
    // Below, openat2(2) is refused, and races of it have one side only.
    nono_tests::need!(Need::Landlock(3), Need::Seccomp);
    let users = User::all();
    for user in &users {
        let jail = Jail::of(*user);
        lay_out(&jail);
        let ran = inside(&jail, opens() / users.len() as u64, None);
        let tallies = Tally::all(&ran);
        let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
        let (opens, opened, holes) = (sum(|tally| tally.opens), sum(|tally| tally.successes), sum(|tally| tally.holes));
        let figures: [(&dyn Display, _); 3] =
            [(&opens, "opens"), (&opened, "that succeeded"), (&holes, "of what was not approved")];
        figures::say("races", &figures, *user);
        for tally in &tallies {
            println!("{user:?} {}", tally.line);
            assert_eq!(tally.holes, 0, "{user:?} {}", tally.line);
            let both =
                tally.line.starts_with("create-dangling ") || tally.successes > 0 && tally.line.contains(" EACCES=");
            assert!(both, "not both sides were met: {user:?} {}", tally.line);
        }
        untouched(&jail);
    }
}

#[test]
fn a_weak_broker_is_found_out() {
    // Below, openat2(2) is refused, and races of it have one side only.
    nono_tests::need!(Need::Landlock(3), Need::Seccomp);
    let Some(weak) = std::env::var_os(WEAK).map(PathBuf::from) else {
        return need::skip("races::a_weak_broker_is_found_out", "no nono with a weak broker (NONO_TEST_WEAK)");
    };
    let jail = Jail::new();
    lay_out(&jail);
    let ran = inside(&jail, opens(), Some(&weak));
    let found: Vec<_> = Tally::all(&ran).into_iter().filter(|tally| tally.holes > 0).collect();
    println!("{found:#?}");
    assert!(!found.is_empty(), "the races found no hole in a weak broker:\n{}", ran.stdout());
}

#[test]
fn every_race_bites_where_nothing_is_refused() {
    let jail = Jail::new();
    lay_out(&jail);
    let ran = jail.program(RACER).cmd([&jail.root()]).cmd(["4000"]).deadline(deadline(4000)).run();
    for tally in Tally::all(&ran) {
        println!("{}", tally.line);
        // This one is not waited for: a short run may see one side only.
        let both = tally.successes > tally.holes && tally.holes > 0;
        let short = tally.line.starts_with("create-dangling ") && tally.successes > 0;
        assert!(both || short, "no race: {}", tally.line);
    }
}
