//! What a guest says on its console: lines of its init, which begin with `@@`, and between them those of the tests.

use crate::tally::counts;
use serde_json::Value;
use std::collections::BTreeMap;

/// How one test program went, as one user.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub(super) struct Run {
    pub(super) user: String,
    pub(super) group: String,
    pub(super) passed: usize,
    pub(super) failed: usize,
    /// Left out for what the guest does not have, or by an attribute.
    pub(super) skipped: usize,
    /// Attempts that got out where the report of that sandbox names the gap.
    pub(super) gaps: usize,
    /// Tests that failed, by name, and what is wrong with the program as a whole.
    pub(super) failures: Vec<String>,
    /// Tests that were left out, and why.
    pub(super) reasons: Vec<String>,
    pub(super) seconds: f64,
}

/// What a guest said so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Story {
    pub(super) release: Option<String>,
    /// What `nono doctor --json` says, by user.
    pub(super) doctors: BTreeMap<String, Value>,
    pub(super) runs: Vec<Run>,
    /// The run that has begun and not ended.
    pub(super) current: Option<Run>,
    /// How many runs its init counted, at its end.
    pub(super) done: Option<usize>,
}

/// A line that whoever watches may want to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The tests have begun.
    Booted,
    /// A run has ended: the last of the story.
    Ended,
    /// Anything else.
    Line,
}

impl Story {
    /// Takes in the next line.
    pub(super) fn line(&mut self, line: &str) -> Event {
        let line = line.trim_end_matches('\r');
        if let Some(said) = line.strip_prefix("@@") {
            return self.said(said);
        }
        let Some(run) = &mut self.current else { return Event::Line };
        if let Some(result) = line.strip_prefix("test result: ") {
            let [passed, failed, ignored] = counts(result);
            run.passed += passed;
            run.failed += failed;
            run.skipped += ignored;
        } else if let Some(at) = line.find("SKIPPED ")
            && let Some((name, reason)) = line.get(at + 8..).and_then(|rest| rest.split_once(": "))
        {
            // A name with a space is a part of a test: the test itself counts.
            if name.contains(' ') {
                run.reasons.push(format!("part {name}: {reason}"));
            } else {
                run.reasons.push(format!("{name}: {reason}"));
            }
        } else if let Some(gaps) = line.strip_prefix("GAPS ") {
            run.gaps += gaps.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            run.failures.push(name.to_owned());
        }
        Event::Line
    }

    fn said(&mut self, said: &str) -> Event {
        let (word, rest) = said.split_once(' ').unwrap_or((said, ""));
        match word {
            "KERNEL" => self.release = Some(rest.to_owned()),
            "DOCTOR" => {
                if let Some((user, json)) = rest.split_once(' ')
                    && let Ok(report) = serde_json::from_str(json)
                {
                    self.doctors.insert(user.to_owned(), report);
                }
            }
            "BEGIN" => {
                let (user, group) = rest.split_once(' ').unwrap_or((rest, ""));
                self.current = Some(Run { user: user.to_owned(), group: group.to_owned(), ..Run::default() });
                return Event::Booted;
            }
            "END" => return self.ended(rest),
            "DONE" => self.done = rest.trim().parse().ok(),
            _ => {}
        }
        Event::Line
    }

    /// `user group status began ended`, of which the group may have spaces.
    fn ended(&mut self, rest: &str) -> Event {
        let Some(mut run) = self.current.take() else { return Event::Line };
        let mut fields = rest.rsplit(' ');
        let mut number = || fields.next().and_then(|field| field.parse::<f64>().ok());
        let (ended, began, status) = (number(), number(), number());
        run.seconds = ended.unwrap_or(0.0) - began.unwrap_or(0.0);
        run.leave_out();
        let status = status.unwrap_or(f64::NAN);
        if status != 0.0 && run.failed == 0 {
            run.failed = 1;
            run.failures.push(match status {
                137.0 => "it took too long, or was killed".to_owned(),
                other => format!("it ended with status {other}, and named no test that failed"),
            });
        }
        self.runs.push(run);
        Event::Ended
    }
}

impl Run {
    /// A test that said it was left out is no test that passed.
    fn leave_out(&mut self) {
        let said = self.reasons.iter().filter(|reason| !reason.starts_with("part ")).count();
        self.passed = self.passed.saturating_sub(said);
        self.skipped += said;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_understood() {
        let mut story = Story::default();
        for line in [
            "SeaBIOS",
            "@@KERNEL 6.12.117+deb13-cloud-amd64",
            "@@DOCTOR root {\"version\":1}",
            "@@BEGIN root tests/attempt (unit)",
            "test a ... ok",
            "test b ... FAILED",
            "SKIPPED escape::c: no program git in PATH",
            "GAPS Same: 7",
            "test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.06s",
            "@@END root tests/attempt (unit) 101 1.50 3.75\r",
            "@@BEGIN user escape",
            "running 1 test",
        ] {
            story.line(line);
        }
        assert_eq!(story.release.as_deref(), Some("6.12.117+deb13-cloud-amd64"));
        assert_eq!(story.doctors.len(), 1);
        let run = story.runs.first().cloned().unwrap_or_default();
        assert_eq!(
            (run.group.as_str(), run.passed, run.failed, run.skipped, run.gaps),
            ("tests/attempt (unit)", 1, 1, 2, 7)
        );
        assert_eq!(run.failures, ["b"]);
        assert!((run.seconds - 2.25).abs() < 1e-9);
        assert_eq!(story.current.as_ref().map(|run| run.group.as_str()), Some("escape"));
        story.line("@@END user escape 137 4 5");
        assert_eq!(story.runs.last().map(|run| run.failed), Some(1), "one that was killed has failed");
        assert_eq!(story.done, None);
    }
}
