//! From what was claimed and what was tried to a verdict for each guarantee.

use super::acts::{ACTS, CORE_DUMP};
use super::{Outcome, Trial, attempt};
use crate::error::CliError;
use crate::platform::Sandbox;
use nono_core::{Gap, GapKind, Guarantee, Mechanism};
use serde::Serialize;

/// What `doctor` says of one guarantee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) name: Guarantee,
    #[serde(flatten)]
    pub(crate) status: Status,
    /// The attempts that were made for it.
    pub(crate) tried: Vec<&'static str>,
}

/// Whether a guarantee holds here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub(crate) enum Status {
    /// Tried, and it holds.
    Enforced {
        /// By what.
        mechanism: Mechanism,
    },
    /// It does not hold, and could.
    Gap(Gap),
    /// No kernel can.
    Limit(Gap),
    /// The kernel claims it and the trial says otherwise, or the trial proves nothing.
    Contradicted {
        /// What would enforce it.
        mechanism: Mechanism,
        /// What the trial showed.
        because: String,
    },
}

/// Tries every guarantee on this machine.
pub(crate) fn verdicts(sandbox: &Sandbox) -> Result<Vec<Row>, CliError> {
    Ok(judge(&attempt(sandbox)?))
}

fn judge(trial: &Trial) -> Vec<Row> {
    let claimed = &trial.claimed;
    let status = |name, tried: &[&str]| match (claimed.mechanism(name), claimed.gap(name)) {
        (Some(mechanism), _) if tried.is_empty() => {
            Some(Status::Contradicted { mechanism, because: "no attempt tries it".to_owned() })
        }
        (Some(mechanism), _) => Some(match tried.iter().find_map(|act| contradiction(act, trial)) {
            None => Status::Enforced { mechanism },
            Some(because) => Status::Contradicted { mechanism, because },
        }),
        (None, Some(gap)) if gap.kind == GapKind::Limit => Some(Status::Limit(gap.clone())),
        (None, Some(gap)) => Some(Status::Gap(gap.clone())),
        (None, None) => None,
    };
    let row = |name| {
        let tried: Vec<&str> = ACTS.iter().filter(|act| act.guarantee == name).map(|act| act.name).collect();
        Some(Row { name, status: status(name, &tried)?, tried })
    };
    Guarantee::ALL.into_iter().filter_map(row).collect()
}

/// Why the attempt `act` does not show that its guarantee holds.
fn contradiction(act: &str, trial: &Trial) -> Option<String> {
    let find = |all: &[Outcome]| all.iter().find(|outcome| outcome.act == act).cloned();
    let (Some(outside), Some(inside)) = (find(&trial.outside), find(&trial.inside)) else {
        return Some(format!("the attempt to {act} was not made"));
    };
    // Whoever starts nono may have switched core dumps off already.
    if let Err(error) = outside.forbidden
        && act != CORE_DUMP
    {
        return Some(format!("the attempt to {act} fails outside as well ({error}), so it proves nothing"));
    }
    if inside.forbidden.is_ok() {
        return Some(format!("the attempt to {act} succeeded inside the sandbox"));
    }
    match inside.granted {
        Some(Err(error)) => Some(format!("to {act} was granted and failed inside ({error})")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::Enforcement;

    fn outcome(forbidden: bool, granted: Option<bool>) -> Vec<Outcome> {
        let said = |good: bool| if good { Ok(()) } else { Err("EACCES".to_owned()) };
        vec![Outcome { act: "signal a process".into(), forbidden: said(forbidden), granted: granted.map(said) }]
    }

    fn status(outside: &[Outcome], inside: &[Outcome]) -> Status {
        let claimed =
            Enforcement { enforced: vec![(Guarantee::Signals, Mechanism::Landlock)], ..Enforcement::default() };
        judge(&Trial { claimed, outside: outside.to_vec(), inside: inside.to_vec() }).remove(0).status
    }

    #[test]
    fn a_mechanism_is_believed_only_when_the_trial_confirms_it() {
        let free = outcome(true, Some(true));
        assert_eq!(status(&free, &outcome(false, Some(true))), Status::Enforced { mechanism: Mechanism::Landlock });
        for (outside, inside, expected) in [
            (&free, outcome(true, Some(true)), "succeeded inside"),
            (&free, outcome(false, Some(false)), "was granted and failed"),
            (&outcome(false, Some(true)), outcome(false, Some(true)), "proves nothing"),
            (&free, vec![], "was not made"),
        ] {
            let Status::Contradicted { because, .. } = status(outside, &inside) else { panic!("{expected}") };
            assert!(because.contains(expected), "{because}");
        }
    }
}
