//! A profile allows what the model allows: random sets and requests, judged by both.
//!
//! `NONO_TEST_MODEL_CASES` is the number of sets (20,000); with `--nocapture` the numbers of allowed and denied requests are shown.
#![expect(clippy::tests_outside_test_module, reason = "a test program is one test module")]
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(unreachable_pub, reason = "a module of one test program")]
mod judge;
#[expect(unreachable_pub, reason = "a module of one test program")]
mod world;

use judge::{Outcome, judge, reduced};
use nono_core::{CapabilitySet, FsAccess, PathKind};
use nono_macos::{generate, parse, profile};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use world::{Drawn, drawn, grant, request};

/// Requests asked of each set.
const REQUESTS: usize = 12;

fn cases() -> u32 {
    std::env::var("NONO_TEST_MODEL_CASES").map_or(20_000, |cases| cases.parse().unwrap())
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() })
}

#[test]
fn profiles_mean_what_the_model_says() {
    let counts: RefCell<BTreeMap<Outcome, u64>> = RefCell::default();
    let case = drawn().prop_flat_map(|drawn| {
        let requests = prop::collection::vec(request(drawn.known()), REQUESTS);
        (Just(drawn), requests)
    });
    let result = runner(cases()).run(&case, |(drawn, requests)| {
        let Some(set) = drawn.set(Path::to_owned) else { return Err(TestCaseError::reject("wishes contradict")) };
        let (model, text) = (reduced(&set), generate(&set));
        let read_back = parse(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        for request in &requests {
            let outcome = judge((&set, &model), request, (&read_back, &text))
                .map_err(|error| TestCaseError::fail(format!("{request:?}: {error}")))?;
            *counts.borrow_mut().entry(outcome).or_default() += 1;
        }
        Ok(())
    });
    let counts = counts.into_inner();
    let of = |one: Outcome| counts.get(&one).copied().unwrap_or(0);
    let (total, disagreements) = (counts.values().sum::<u64>(), u8::from(result.is_err()));
    let plain: u64 = [Outcome::Allowed, Outcome::Denied, Outcome::DeniedByDeny].map(of).iter().sum();
    let (own, skipped) = (total - plain - of(Outcome::Skipped), of(Outcome::Skipped));
    println!(
        "figures: macos: {} sets, {plain} requests compared with the model, {own} with a rule of their own, {skipped} not \
         compared, {disagreements} disagreements; {counts:?}",
        cases()
    );
    if let Err(error) = result {
        panic!("{error}");
    }
    for outcome in [Outcome::Allowed, Outcome::Denied, Outcome::DeniedByDeny] {
        let share = counts.get(&outcome).copied().unwrap_or(0) * 100 / total;
        assert!(share >= 3, "{outcome:?} is {share} % of all requests: the test says little");
    }
}

#[test]
fn no_path_ends_its_string_and_what_is_written_is_read_back() {
    runner(cases() / 4)
        .run(&drawn(), |drawn| {
            let Some(set) = drawn.set(Path::to_owned) else { return Err(TestCaseError::reject("wishes contradict")) };
            let made = profile(&set);
            let read_back = parse(&generate(&set)).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert!(made.rules().eq(read_back.rules()), "{made}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn both_spellings_of_a_path_make_the_same_profile() {
    let alias = |path: &Path| match path.strip_prefix("/private/tmp") {
        Ok(below) if below.as_os_str().is_empty() => PathBuf::from("/tmp"),
        Ok(below) => Path::new("/tmp").join(below),
        Err(_elsewhere) => path.to_owned(),
    };
    // Only where no path is above the link itself: below `/` and `/private` the spellings part.
    let plain = |drawn: &Drawn| drawn.known().iter().all(|path| path.components().count() > 2);
    let moved = drawn().prop_map(|drawn| {
        let there = |path: &Path| {
            path.strip_prefix("/w").map_or(path.to_owned(), |below| match below {
                below if below.as_os_str().is_empty() => PathBuf::from("/private/tmp"),
                below => Path::new("/private/tmp").join(below),
            })
        };
        let grants = drawn.grants.iter().map(|(path, what)| (there(path), *what)).collect();
        Drawn { grants, denies: drawn.denies.iter().map(|path| there(path)).collect(), ..drawn }
    });
    let config = Config {
        max_global_rejects: 1_000_000,
        ..Config { cases: cases() / 10, failure_persistence: None, ..Config::default() }
    };
    TestRunner::new(config)
        .run(&moved.prop_filter("a path above the link", plain), |drawn| {
            let (Some(one), Some(other)) = (drawn.set(Path::to_owned), drawn.set(alias)) else {
                return Err(TestCaseError::reject("wishes contradict"));
            };
            prop_assert_eq!(generate(&one), generate(&other));
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_exists_is_visible_everywhere_denied_paths_included() {
    use nono_core::{AccessMode, NodeKind};
    use nono_macos::Operation;
    use nono_macos::eval::{Subject, decision};
    use nono_macos::sbpl::Effect;
    let open = grant(Path::new("/w"), PathKind::Directory, FsAccess::from(AccessMode::ReadWrite)).unwrap();
    let set = CapabilitySet::builder().grant(open).deny_resolved("/w/closed".into()).unwrap().build().unwrap();
    for path in ["/w/closed", "/w/open", "/elsewhere"] {
        let subject = Subject::Path(path.as_bytes(), NodeKind::Regular);
        assert_eq!(decision(&profile(&set), Operation::FileReadMetadata, subject), Ok(Effect::Allow), "{path}");
    }
}
