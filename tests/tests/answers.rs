//! Is what a supervisor answers what the model says? Random grants, denies and rules, and opens: each made outside and under
//! `nono run --approve-rules`, and compared with [`nono_core::decide`] of the grants, and of the rules.
//!
//! `NONO_TEST_CASES` is how many opens are made (4,000), `NONO_TEST_SEED` the number of the first set.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use nono_core::{AccessMode, Builder, CapabilitySet, Decision, FsAccess, OpenFlags, Request, Rule, decide};
use nono_tests::figures;
use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::Need;
use rustix::fs::OFlags;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

const OPENER: &str = env!("CARGO_BIN_EXE_opener");
/// Opens of one set.
const OPENS: usize = 200;
const EACCES: i32 = 13;
const EROFS: i32 = 30;
const MODES: [(&str, AccessMode); 3] =
    [("read", AccessMode::Read), ("write", AccessMode::Write), ("allow", AccessMode::ReadWrite)];

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

fn is_directory(path: &Path) -> bool {
    fs::metadata(path).unwrap().is_dir()
}

/// Grants or rules: as words, and as the model has them.
#[derive(Default)]
struct Wishes {
    grants: Vec<(usize, PathBuf)>,
    denies: Vec<PathBuf>,
}

impl Wishes {
    fn draw(random: &mut Random, all: &[PathBuf]) -> Wishes {
        let grants = (0..=random.below(3)).map(|_| (random.below(3), random.pick(all).clone())).collect();
        let denies = (0..random.below(2)).map(|_| random.pick(all).clone()).collect();
        Wishes { grants, denies }
    }

    /// None if they contradict each other.
    fn set(&self) -> Option<CapabilitySet> {
        self.denies.iter().try_fold(self.granted()?, |all, path| all.deny(path).ok())?.build().ok()
    }

    /// Without the denies.
    fn granted(&self) -> Option<Builder> {
        let grant = |all: Builder, (mode, path): &(usize, PathBuf)| {
            let mode = MODES[*mode].1;
            if is_directory(path) { all.allow(path, mode) } else { all.allow_file(path, mode) }.ok()
        };
        self.grants.iter().try_fold(CapabilitySet::builder(), grant)
    }

    fn flags(&self) -> Vec<OsString> {
        let word = |(mode, path): &(usize, PathBuf)| {
            let file = if is_directory(path) { "" } else { "-file" };
            [format!("--{}{file}", MODES[*mode].0).into(), path.clone().into_os_string()]
        };
        let denies = self.denies.iter().flat_map(|path| ["--deny".into(), path.clone().into_os_string()]);
        self.grants.iter().flat_map(word).chain(denies).collect()
    }

    fn table(&self) -> String {
        let list =
            |of: usize| self.grants.iter().filter(|(mode, _)| *mode == of).map(|(_, path)| path).collect::<Vec<_>>();
        let lines = MODES.iter().enumerate().map(|(at, (name, _))| format!("{name} = {:?}\n", list(at)));
        format!("[approve]\n{}deny = {:?}\n", lines.collect::<String>(), self.denies)
    }
}

/// An open of something.
struct Open {
    flags: OFlags,
    path: PathBuf,
    asked: OpenFlags,
}

impl Open {
    /// `new` is a name that nothing has.
    fn draw(random: &mut Random, all: &[PathBuf], new: usize) -> Open {
        let path = random.pick(all).clone();
        let modes = [
            (OFlags::RDONLY, OpenFlags::READ),
            (OFlags::WRONLY, OpenFlags::WRITE),
            (OFlags::RDWR, OpenFlags::READ | OpenFlags::WRITE),
        ];
        let (mut flags, mut asked) = *random.pick(&modes);
        if is_directory(&path) {
            if random.below(2) == 0 {
                let path = path.join(format!("n{new}"));
                return Open { flags: flags | OFlags::CREATE, path, asked: asked | OpenFlags::CREATE };
            }
            asked |= OpenFlags::DIRECTORY;
        } else if random.below(3) == 0 {
            flags |= OFlags::TRUNC;
            asked |= OpenFlags::TRUNCATE;
        }
        Open { flags, path, asked }
    }

    fn line(&self) -> String {
        format!("{} {}\n", self.flags.bits(), self.path.display())
    }

    fn empties(&self) -> bool {
        self.asked.contains(OpenFlags::TRUNCATE)
    }

    /// What the model says: in a word, and the error, or none. What a cover answers is the cover's. `bare` are the grants
    /// without the denies.
    fn expected(
        &self,
        grants: &CapabilitySet,
        bare: &CapabilitySet,
        rules: &CapabilitySet,
    ) -> (&'static str, Option<i32>) {
        let request = Request::open(&self.path, self.asked);
        match (decide(grants, &request), decide(rules, &request)) {
            (Decision::Allowed { .. }, _) => ("granted", Some(0)),
            (Decision::Denied(denial), _) if matches!(denial.rule, Rule::Denied { .. }) => ("protected", None),
            // What is emptied without being written is left to Landlock, whatever rules say (look.rs).
            (_, Decision::Allowed { .. }) if self.asked.contains(OpenFlags::WRITE) || !self.empties() => {
                ("approved", Some(0))
            }
            // What is granted for reading below a deny of what may be changed is on a read-only mount, which the kernel looks at
            // before Landlock (do_open of fs/namei.c; nono-linux/src/carveout/mod.rs). The supervisor refuses writing before.
            _ if !self.asked.contains(OpenFlags::WRITE) && self.empties() && self.is_read_only(grants, bare) => {
                ("refused", Some(EROFS))
            }
            _ => ("refused", Some(EACCES)),
        }
    }

    fn is_read_only(&self, grants: &CapabilitySet, bare: &CapabilitySet) -> bool {
        let may_change = |set: &CapabilitySet| set.access_at(&self.path).intersects(FsAccess::CHANGE);
        may_change(bare) && !may_change(grants)
    }
}

/// Every place in the tree that may be granted or opened.
fn places(jail: &Jail) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for one in ["a", "ab", "b"] {
        for two in ["", "/c", "/d"] {
            let directory = jail.root().join(format!("tree/{one}{two}"));
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("f"), "").unwrap();
            all.extend([directory.join("f"), directory]);
        }
    }
    // With its owner.
    jail.file("tree/owned", "");
    all
}

/// The errors that opens came to, in their order; what was made is removed.
fn errors(ran: &Ran, opens: &[Open]) -> Vec<i32> {
    for open in opens.iter().filter(|open| open.flags.contains(OFlags::CREATE)) {
        drop(fs::remove_file(&open.path));
    }
    ran.stdout().lines().map(|line| line.parse().unwrap()).collect()
}

/// Opens of one set; how many came to what, and those that came to something else than the model says.
fn compare(jail: &Jail, all: &[PathBuf], seed: u64, counts: &mut BTreeMap<&'static str, usize>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut random = Random(seed);
    let (wishes, answers) = (Wishes::draw(&mut random, all), Wishes::draw(&mut random, all));
    let bare = wishes.granted().and_then(|all| all.build().ok());
    let (Some(grants), Some(bare), Some(rules)) = (wishes.set(), bare, answers.set()) else {
        *counts.entry("sets that contradict themselves").or_default() += 1;
        return wrong;
    };
    let opens: Vec<Open> = (0..OPENS).map(|at| Open::draw(&mut random, all, at)).collect();
    let list: String = opens.iter().map(Open::line).collect();
    let opener = jail.executable(OPENER);
    let outside = errors(jail.program(&opener).stdin(list.clone()).run().success(), &opens);
    let table = jail.file("rules.toml", answers.table());
    let run = jail.args(["run", "-q", "--read-file"]).cmd([&opener]).cmd(wishes.flags());
    let ran = run.cmd(["--approve-rules"]).cmd([&table]).cmd(["--"]).cmd([&opener]).stdin(list).run();
    if ran.captured().status.code() == Some(125) {
        *counts.entry("sets that the plan refuses").or_default() += 1;
        return wrong;
    }
    let inside = errors(ran.success(), &opens);
    assert_eq!((outside.len(), inside.len()), (OPENS, OPENS), "seed {seed}: {}", ran.stderr());
    for (open, (outside, inside)) in opens.iter().zip(outside.iter().zip(&inside)) {
        let (word, errno) = open.expected(&grants, &bare, &rules);
        let (word, good) = match errno {
            _ if *outside != 0 => ("impossible", *inside != 0),
            None => (word, *inside != 0),
            Some(errno) => (word, *inside == errno),
        };
        *counts.entry(word).or_default() += 1;
        if !good {
            let (flags, path) = (open.flags, open.path.display());
            wrong.push(format!(
                "seed {seed}: {flags:?} {path}: the model says {word}, outside {outside}, inside {inside}\n{:?}\n{}",
                wishes.flags(),
                answers.table()
            ));
        }
    }
    wrong
}

#[test]
fn a_supervisor_answers_what_the_model_says() {
    nono_tests::need!(Need::Landlock(3), Need::Seccomp);
    let users = User::all();
    let wanted = number("NONO_TEST_CASES", 4_000).div_ceil(users.len());
    for user in users {
        let jail = Jail::of(user);
        let all = places(&jail);
        let (mut counts, mut wrong) = (BTreeMap::new(), Vec::new());
        let mut seed = u64::try_from(number("NONO_TEST_SEED", 1)).unwrap();
        let words = ["granted", "approved", "refused", "protected", "impossible"];
        let made = |counts: &BTreeMap<_, _>| words.iter().filter_map(|word| counts.get(word)).sum::<usize>();
        while wrong.is_empty() && made(&counts) < wanted {
            wrong = compare(&jail, &all, seed, &mut counts);
            seed += 1;
        }
        let (opens, disagreements) = (made(&counts), wrong.len());
        let mut figures: Vec<(&dyn Display, &str)> = vec![(&opens, "opens"), (&disagreements, "disagreements")];
        figures.extend(counts.iter().map(|(word, count)| (count as &dyn Display, *word)));
        figures::say("answers", &figures, user);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(["granted", "approved", "refused"].iter().all(|word| counts.contains_key(word)), "{counts:?}");
    }
}

/// Else what is compared would be one side only.
#[test]
fn rules_and_grants_are_told_apart() {
    let all = [Path::new("/usr").to_owned()];
    let (none, some) = (CapabilitySet::default(), Wishes { grants: vec![(0, all[0].clone())], denies: Vec::new() });
    let open = |asked| Open { flags: OFlags::RDONLY, path: all[0].join("x"), asked };
    let some = some.set().unwrap();
    assert_eq!(open(OpenFlags::READ).expected(&some, &some, &none).0, "granted");
    assert_eq!(open(OpenFlags::READ).expected(&none, &none, &some).0, "approved");
    assert_eq!(open(OpenFlags::WRITE).expected(&some, &some, &some).0, "refused");
}
