//! What a pair of trials, outside and inside, says about the sandbox. Pure.

use super::row::{Guarantee, Promise, Row};
use super::trial::{End, Trial};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Errors that are a refusal whatever the attempt. `ENOENT` or `EINVAL` are not: they may come from a mistake here.
const REFUSALS: [&str; 9] =
    ["EACCES", "EPERM", "EXDEV", "EROFS", "ENOSYS", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "SIGSYS"];

/// What `nono run --report FILE` wrote about the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    enforced: BTreeMap<String, String>,
    gaps: BTreeSet<String>,
    limits: BTreeSet<String>,
}

impl Report {
    /// Reads the report; `None` when it is not one.
    pub fn from_json(value: &Value) -> Option<Self> {
        let names = |list: &str, key: &str| -> Option<BTreeSet<String>> {
            let items = value.get(list)?.as_array()?;
            items.iter().map(|item| item.get(key)?.as_str().map(str::to_owned)).collect()
        };
        let kept = |item: &Value| {
            let word = |key: &str| item.get(key)?.as_str().map(str::to_owned);
            Some((word("guarantee")?, word("mechanism")?))
        };
        Some(Self {
            enforced: value.get("enforced")?.as_array()?.iter().map(kept).collect::<Option<_>>()?,
            gaps: names("gaps", "name")?,
            limits: names("limits", "name")?,
        })
    }

    /// Whether it says anything of `guarantee`.
    pub fn mentions(&self, guarantee: Guarantee) -> bool {
        let name = guarantee.name();
        self.enforced.contains_key(name) || self.gaps.contains(name) || self.limits.contains(name)
    }

    /// What refuses an attempt, by the report: the mechanism of its first guarantee that is enforced.
    pub fn mechanism(&self, row: &Row) -> Option<&str> {
        row.guarantees.iter().find_map(|guarantee| self.enforced.get(guarantee.name())).map(String::as_str)
    }

    fn has(list: &BTreeSet<String>, guarantees: &[Guarantee]) -> bool {
        guarantees.iter().any(|guarantee| list.contains(guarantee.name()))
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Refused where it must be, or possible where it must be.
    Good,
    /// Possible, and the report says so.
    Gap,
    /// Possible, and no released kernel could refuse it.
    Limit,
    /// Nobody promised anything.
    Unpromised,
    /// This kernel has nothing to attempt.
    Skipped(String),
    /// The guarantee is enforced, says the report, and yet it succeeded.
    Escaped,
    /// It succeeded, and the report mentions none of its guarantees: silence.
    Unreported,
    /// It failed inside for a reason that is no refusal.
    Unclear(String),
    /// It failed outside: the test is broken.
    Broken(String),
}

impl Verdict {
    /// In one word, for sums.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Gap => "gap",
            Self::Limit => "limit",
            Self::Unpromised => "not promised",
            Self::Skipped(_) => "skipped",
            Self::Escaped => "escaped",
            Self::Unreported => "unreported",
            Self::Unclear(_) => "unclear",
            Self::Broken(_) => "broken",
        }
    }

    /// Whether the suite fails for it.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Escaped | Self::Unreported | Self::Unclear(_) | Self::Broken(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("ok"),
            Self::Gap => f.write_str("GAP"),
            Self::Limit => f.write_str("LIMIT"),
            Self::Unpromised => f.write_str("not promised"),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Escaped => f.write_str("ESCAPED"),
            Self::Unreported => f.write_str("UNREPORTED"),
            Self::Unclear(why) => write!(f, "UNCLEAR: {why}"),
            Self::Broken(why) => write!(f, "BROKEN: {why}"),
        }
    }
}

/// What an attempt made outside says: `None` when all is well with it.
pub fn judge_outside(row: &Row, outside: &Trial) -> Option<Verdict> {
    match &outside.end {
        End::Succeeded if outside.proved => None,
        End::Succeeded => Some(Verdict::Broken(format!("succeeded, but no {} shows it", row.proof.name()))),
        End::Refused(errno) if errno == "ENOSYS" || row.absent.contains(errno) => {
            Some(Verdict::Skipped(format!("this machine answers {errno}")))
        }
        End::Refused(errno) => Some(Verdict::Broken(format!("{errno} outside"))),
        End::Unsupported(why) => Some(Verdict::Skipped(why.clone())),
        End::Strange(how) => Some(Verdict::Broken(how.clone())),
    }
}

/// What both trials say, by what was reported of the sandbox.
pub fn judge(row: &Row, outside: &Trial, inside: &Trial, report: &Report) -> Verdict {
    if let Some(verdict) = judge_outside(row, outside) {
        return verdict;
    }
    // An effect counts even when the attempt believes that it was refused.
    let succeeded = inside.end == End::Succeeded || inside.proved;
    match row.promise {
        Promise::Unpromised => Verdict::Unpromised,
        Promise::Works if succeeded => Verdict::Good,
        Promise::Works => Verdict::Unclear(format!("must work inside, but {}", inside.end)),
        Promise::Refused if succeeded => {
            if report.mechanism(row).is_some() {
                Verdict::Escaped
            } else if Report::has(&report.gaps, &row.guarantees) {
                Verdict::Gap
            } else if Report::has(&report.limits, &row.guarantees) {
                Verdict::Limit
            } else {
                Verdict::Unreported
            }
        }
        Promise::Refused => match &inside.end {
            End::Refused(errno) if REFUSALS.contains(&errno.as_str()) || row.refusals.contains(errno) => Verdict::Good,
            end => Verdict::Unclear(end.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Party, Proof};
    use serde_json::json;

    fn row(promise: Promise, guarantees: &[Guarantee]) -> Row {
        Row {
            name: "name".into(),
            family: "family".into(),
            guarantees: guarantees.to_vec(),
            promise,
            root: false,
            party: Party::Nobody,
            proof: Proof::Tree,
            absent: vec!["EPROTONOSUPPORT".into()],
            refusals: vec!["EBADF".into()],
        }
    }

    fn trial(end: End, proved: bool) -> Trial {
        Trial { end, proved, said: String::new() }
    }

    fn refused(errno: &str) -> Trial {
        trial(End::Refused(errno.into()), false)
    }

    #[test]
    fn a_pair_of_trials_and_a_report_make_a_verdict() {
        let report = Report::from_json(&json!({
            "enforced": [{"guarantee": "files", "mechanism": "Landlock"}],
            "gaps": [{"name": "signals"}], "limits": [{"name": "metadata"}],
        }));
        let report = report.unwrap();
        let (files, signals, metadata, udp) =
            (&[Guarantee::Files][..], &[Guarantee::Signals][..], &[Guarantee::Metadata][..], &[Guarantee::Udp][..]);
        let done = || trial(End::Succeeded, true);
        let strange = || trial(End::Strange("killed by signal 9".into()), false);
        for (label, promise, guarantees, inside, verdict) in [
            ("refused", Promise::Refused, files, refused("EACCES"), Verdict::Good),
            ("refused in its own way", Promise::Refused, files, refused("EBADF"), Verdict::Good),
            ("ENOENT is no refusal", Promise::Refused, files, refused("ENOENT"), Verdict::Unclear("ENOENT".into())),
            ("killed", Promise::Refused, files, strange(), Verdict::Unclear("strange (killed by signal 9)".into())),
            ("got out", Promise::Refused, files, done(), Verdict::Escaped),
            (
                "says refused, has its effect",
                Promise::Refused,
                files,
                trial(End::Refused("EACCES".into()), true),
                Verdict::Escaped,
            ),
            ("says done, shows nothing", Promise::Refused, files, trial(End::Succeeded, false), Verdict::Escaped),
            ("a gap", Promise::Refused, signals, done(), Verdict::Gap),
            ("closed although a gap", Promise::Refused, signals, refused("EPERM"), Verdict::Good),
            ("a limit", Promise::Refused, metadata, done(), Verdict::Limit),
            ("silence", Promise::Refused, udp, done(), Verdict::Unreported),
            ("either guarantee", Promise::Refused, &[Guarantee::Udp, Guarantee::Files][..], done(), Verdict::Escaped),
            ("no promise", Promise::Unpromised, files, done(), Verdict::Unpromised),
            ("must work", Promise::Works, files, done(), Verdict::Good),
            (
                "must work",
                Promise::Works,
                files,
                refused("EPERM"),
                Verdict::Unclear("must work inside, but EPERM".into()),
            ),
        ] {
            assert_eq!(judge(&row(promise, guarantees), &done(), &inside, &report), verdict, "{label}");
        }
    }

    #[test]
    fn an_attempt_that_fails_outside_is_broken_or_not_of_this_kernel() {
        let row = row(Promise::Refused, &[Guarantee::Files]);
        for (outside, skipped) in [
            (refused("ENOSYS"), true),
            (refused("EPROTONOSUPPORT"), true),
            (trial(End::Unsupported("no loader".into()), false), true),
            (refused("EACCES"), false),
            (trial(End::Succeeded, false), false),
            (trial(End::Strange("exit status 101".into()), false), false),
        ] {
            let verdict = judge(&row, &outside, &refused("EACCES"), &Report::default());
            assert_eq!(matches!(verdict, Verdict::Skipped(_)), skipped, "{outside:?}: {verdict}");
            assert_eq!(verdict.is_failure(), !skipped, "{outside:?}: {verdict}");
        }
    }

    #[test]
    fn a_report_without_a_list_is_none() {
        assert_eq!(Report::from_json(&json!({"enforced": [], "gaps": []})), None);
        assert_eq!(Report::from_json(&json!({"enforced": [{"name": "x"}], "gaps": [], "limits": []})), None);
    }
}
