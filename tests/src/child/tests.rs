use super::*;
use crate::need::{self, Need};
use std::time::Instant;

#[test]
fn a_body_runs_in_another_process() {
    let parent = std::process::id();
    let child = run(std::process::id);
    assert_ne!(parent, child);
}

#[test]
fn values_come_back_with_their_type() {
    let back: Result<(Vec<u64>, Option<String>), i32> = run(|| Ok((vec![1, u64::MAX], Some("two\n".to_owned()))));
    assert_eq!(back, Ok((vec![1, u64::MAX], Some("two\n".to_owned()))));
    let back: (Option<Option<()>>, Result<bool, i32>) = run(|| (Some(None), Err(-7)));
    assert_eq!(back, (Some(None), Err(-7)));
}

#[test]
fn a_loop_of_children_sees_each_iteration() {
    let mut seen = Vec::new();
    for row in 0..4_u32 {
        seen.push(run(move || row * 10));
    }
    assert_eq!(seen, [0, 10, 20, 30]);
    assert_eq!(run(|| 5_u32), 5);
}

#[test]
fn a_panic_is_an_outcome_with_its_message() {
    let outcome = Child::default().outcome(|| assert_eq!(1 + 1, 3, "arithmetic"));
    let Outcome::Panicked(message) = outcome else { panic!("{outcome:?}") };
    assert!(message.contains("arithmetic"), "{message}");
}

#[test]
#[should_panic(expected = "so it ends")]
fn a_panic_in_the_child_fails_the_test() {
    run(|| assert_eq!(std::process::id(), 0, "so it ends"));
}

#[test]
fn a_signal_is_an_outcome() {
    let outcome = Child::default().outcome(|| {
        let me = rustix::process::getpid();
        rustix::process::kill_process(me, rustix::process::Signal::KILL).is_ok()
    });
    assert_eq!(outcome, Outcome::Killed(9));
}

#[test]
fn leaving_early_is_an_outcome() {
    assert_eq!(
        Child::default().outcome(|| if std::process::id() != 0 {
            leave(41)
        }),
        Outcome::Exited(41)
    );
}

#[test]
fn a_deadline_ends_the_child() {
    let started = Instant::now();
    let outcome = Child::default().deadline(Duration::from_millis(400)).outcome(|| {
        loop {
            std::thread::park();
        }
    });
    assert_eq!((outcome, started.elapsed() < Duration::from_secs(30)), (Outcome::<()>::TimedOut, true));
}

#[test]
fn variables_reach_the_child_only() {
    let child = Child::default().env("NONO_TEST_HERE", "there");
    assert_eq!(child.run(|| std::env::var("NONO_TEST_HERE").ok()), Some("there".to_owned()));
    assert!(std::env::var_os("NONO_TEST_HERE").is_none());
}

#[test]
fn the_child_can_be_nobody() {
    crate::need!(Need::Root);
    let identity = Child::default().as_nobody().run(|| (rustix::process::getuid().as_raw(), need::is_root()));
    assert_eq!(identity, (65534, false));
}

/// The needs are read from the environment, so each case has its own process.
mod needs {
    use super::*;

    #[test]
    fn a_missing_need_is_a_skip_that_is_recorded() {
        let list = tempfile::NamedTempFile::new().unwrap();
        let child = Child::default().env("NONO_TEST_REQUIRE", "").env("NONO_TEST_SKIPS", list.path());
        let went_on = child.run(|| need::met("name", &[Need::Program("sh"), Need::Program("no-such-program")]));
        assert!(!went_on);
        assert_eq!(std::fs::read_to_string(list.path()).unwrap(), "name\tno program no-such-program in PATH\n");
    }

    #[test]
    fn a_required_need_is_a_failure() {
        let child = Child::default().env("NONO_TEST_REQUIRE", "landlock,programs");
        let outcome = child.outcome(|| need::met("name", &[Need::Program("no-such-program")]));
        assert!(matches!(outcome, Outcome::Panicked(_)), "{outcome:?}");
    }

    #[test]
    fn another_abi_than_stated_is_a_failure() {
        let outcome = Child::default().env("NONO_TEST_ABI", "4711").outcome(|| Need::Landlock(1).is_met());
        assert!(matches!(outcome, Outcome::Panicked(_)), "{outcome:?}");
    }
}
