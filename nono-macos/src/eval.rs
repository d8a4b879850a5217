//! What a profile answers to a request: the oracle that stands in for a Mac.
//!
//! Which rule decides when several match is not documented, so there are three candidates, each fitting some reports:
//!
//! * *textual*: a wildcard stands for all its operations, and the last rule that matches holds;
//! * *specific*: rules that name the operation itself come first, then those of its wildcard, and so on; among equals the
//!   last one that matches holds;
//! * *bare last*: as before, but a rule without filter counts only if none with a filter matches.
//!
//! [`decision`] asks all three. Where they differ the profile means something else on another system, and the answer is
//! [`EvalError::Ambiguous`]: for a generated profile that is a fault.

use crate::operation::Operation;
use crate::sbpl::{Effect, End, Filter, HostName, Profile, Rule, Transport};
use nono_core::{Host, NodeKind, Port};

/// What a single operation is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject<'a> {
    /// An object with a path.
    Path(&'a [u8], NodeKind),
    /// The other end of a connection, or the own end.
    Address(End, Protocol, Host, Port),
    /// A process that is in no sandbox of ours.
    ProcessOutside,
    /// Nothing that a filter could look at.
    Nothing,
}

/// What a connection runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Protocol {
    Tcp,
    Udp,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the message explains the fields")]
pub enum EvalError {
    /// The candidates for the order of rules differ.
    #[error("the rules for {} say different things in different orders: {answers:?}", operation.name())]
    Ambiguous { operation: Operation, answers: [Effect; 3] },
}

/// Whether `profile` allows `operation` on `subject`.
///
/// # Errors
/// [`EvalError::Ambiguous`].
pub fn decision(profile: &Profile, operation: Operation, subject: Subject<'_>) -> Result<Effect, EvalError> {
    let answers = [
        textual(profile, operation, subject),
        by_operation(operation, |level| last(rules(profile, level), subject)),
        by_operation(operation, |level| {
            let (bare, filtered): (Vec<&Rule>, Vec<&Rule>) =
                rules(profile, level).partition(|rule| rule.filters.is_empty());
            last(filtered.into_iter(), subject).or_else(|| last(bare.into_iter(), subject))
        }),
    ];
    match answers {
        [one, two, three] if one == two && two == three => Ok(one),
        answers => Err(EvalError::Ambiguous { operation, answers }),
    }
}

fn textual(profile: &Profile, operation: Operation, subject: Subject<'_>) -> Effect {
    let covers = |rule: &&Rule| operation.and_parents().any(|level| rule.operations.contains(&level));
    last(profile.rules().filter(covers), subject).unwrap_or(Effect::Deny)
}

/// The answer of the most specific level that has one.
fn by_operation(operation: Operation, answer: impl Fn(Operation) -> Option<Effect>) -> Effect {
    operation.and_parents().find_map(answer).unwrap_or(Effect::Deny)
}

/// The rules that name `level` itself.
fn rules(profile: &Profile, level: Operation) -> impl DoubleEndedIterator<Item = &Rule> {
    profile.rules().filter(move |rule| rule.operations.contains(&level))
}

/// What the last matching rule says.
fn last<'a>(rules: impl DoubleEndedIterator<Item = &'a Rule>, subject: Subject<'_>) -> Option<Effect> {
    rules
        .rev()
        .find(|rule| rule.filters.is_empty() || rule.filters.iter().any(|one| matches(one, subject)))
        .map(|rule| rule.effect)
}

fn matches(filter: &Filter, subject: Subject<'_>) -> bool {
    match (filter, subject) {
        (Filter::All(parts), _) => parts.iter().all(|part| matches(part, subject)),
        (Filter::Not(part), _) => !matches(part, subject),
        (Filter::Literal(path), Subject::Path(asked, _)) => path.as_bytes() == asked,
        (Filter::Subpath(path), Subject::Path(asked, _)) => match asked.strip_prefix(path.as_bytes()) {
            Some(rest) => path == "/" || matches!(rest, [] | [b'/', ..]),
            None => false,
        },
        (Filter::Terminals, Subject::Path(asked, _)) => match asked.strip_prefix(b"/dev/ttys") {
            Some(digits) => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
            None => false,
        },
        (Filter::Kind(kind), Subject::Path(_, asked)) => *kind == asked,
        (Filter::Address { end, transport, host, port }, Subject::Address(side, protocol, to, number)) => {
            *end == side
                && (*transport == Transport::Ip || protocol == Protocol::Tcp)
                && (*host == HostName::Any || to == Host::ThisMachine)
                && port.is_none_or(|port| port == number)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn asked(rules: &str, operation: Operation, path: &str) -> Result<Effect, EvalError> {
        let profile = parse(&format!("(version 1)(deny default){rules}")).unwrap();
        decision(&profile, operation, Subject::Path(path.as_bytes(), NodeKind::Regular))
    }

    #[test]
    fn a_profile_that_depends_on_the_order_of_rules_is_refused() {
        let read = Operation::FileReadData;
        for (rules, clear) in [
            // A deny of the wildcard behind an allow of the operation: dead where the specific rule wins.
            ("(allow file-read-data (subpath \"/\"))(deny file-read* (literal \"/f\"))", false),
            ("(allow file-read-data (subpath \"/\"))(deny file-read* file-read-data (literal \"/f\"))", true),
            ("(deny file-read-data (literal \"/f\"))(allow file-read* (subpath \"/\"))", false),
            // A rule without filter behind one with.
            ("(deny file-read-data (literal \"/f\"))(allow file-read-data)", false),
            ("(allow file-read-data)(deny file-read-data (literal \"/f\"))", true),
        ] {
            assert_eq!(asked(rules, read, "/f").is_ok(), clear, "{rules}");
        }
        assert_eq!(asked("(allow file-read-data (literal \"/f\"))", read, "/f"), Ok(Effect::Allow));
        assert_eq!(asked("", read, "/f"), Ok(Effect::Deny));
    }

    #[test]
    fn paths_match_by_whole_names() {
        let rule = "(allow file-read-data (subpath \"/a\") (literal \"/l\") (regex #\"^/dev/ttys[0-9]+$\"))";
        for (path, expected) in [
            ("/a", true),
            ("/a/b", true),
            ("/ab", false),
            ("/l", true),
            ("/l/x", false),
            ("/dev/ttys0", true),
            ("/dev/ttys", false),
            ("/dev/ttys0/x", false),
        ] {
            let found = asked(rule, Operation::FileReadData, path) == Ok(Effect::Allow);
            assert_eq!(found, expected, "{path}");
        }
    }
}
