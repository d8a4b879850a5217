//! Does `nono why` say what the kernel does? Random trees, flags, profiles and questions: each answer is held against the same
//! thing really done, inside `nono run` with the same flags and outside; flags that it says would allow something must; and so
//! for `nono why --self`.
//!
//! `NONO_TEST_WHY_CASES` is the number of answers about that are compared (200), `NONO_TEST_SEED` the first case. A case that
//! fails says its seed.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![expect(clippy::arithmetic_side_effects, reason = "counts")]

mod answers;
mod asker;
mod case;
mod random;
mod tree;

use case::Count;
use nono_tests::figures;
use nono_tests::jail::User;
use nono_tests::need::{self, Need};
use std::fmt::Display;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn why_says_what_the_kernel_does() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp);
    let (wanted, mut seed) = (number("NONO_TEST_WHY_CASES", 200), number("NONO_TEST_SEED", 1));
    let (mut count, mut faults) = (Count::default(), Vec::new());
    let users = User::all();
    while count.compared < wanted {
        for user in &users {
            for namespaces in [true, false] {
                // What is refused without namespaces as root is as anyone: half of the cases are with.
                case::run(seed, *user, namespaces, &mut count, &mut faults);
                seed += 1;
            }
        }
    }
    println!("why: {count} ({} users, seeds to {})", users.len(), seed - 1);
    let figures: [(&dyn Display, _); 6] = [
        (&count.compared, "answers"),
        (&count.allowed, "yes"),
        (&count.denied, "no"),
        (&count.remedies, "flags that were to help and tried"),
        (&count.own, "answers of --self"),
        (&faults.len(), "wrong"),
    ];
    println!("{}", figures::line("why", &figures, &format!("{} users, seeds to {}", users.len(), seed - 1)));
    assert!(faults.is_empty(), "{} of {} answers are wrong:\n{}", faults.len(), count.compared, faults.join("\n"));
    // A test that met one kind of answer alone would prove little.
    assert!(count.allowed > 20 && count.denied > 20 && count.remedies > 10 && count.own > 20, "{count}");
    if users.len() == 1 {
        need::skip("why::why_says_what_the_kernel_does (as another user)", "not root");
    }
}
