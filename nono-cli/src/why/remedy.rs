//! Flags that turn a no into a yes. None is told that was not tried on the policy itself.

use super::case::{Case, Extra};
use super::verdict::{Change, Verdict};
use super::{Query, judge};
use crate::protected::Protected;
use crate::quote::quoted;
use nono_core::{AccessMode, Source};
use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::path::Path;

/// A question needs so many flags at most: two directories of a move, each to write and to read.
const STEPS: usize = 6;

/// What to add to the flags, and what to leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remedy {
    /// The words to add.
    pub(super) flags: Vec<OsString>,
    /// What to leave out, in words.
    pub(super) leave_out: Option<String>,
    /// Whether it hands over keys, tokens or histories.
    pub(super) protected: bool,
}

/// The first that allows it.
pub(super) fn find(denied: &Case<'_>, query: &Query, verdict: &Verdict, protected: &Protected) -> Option<Remedy> {
    // A denied path may be granted exactly; where that does not go together, the deny has to go.
    let found =
        [Order::ExactFirst, Order::LiftFirst].into_iter().find_map(|order| attempt(denied, query, verdict, order));
    found.map(|extras| Remedy::of(&extras, |path| protected.covers(path)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    ExactFirst,
    LiftFirst,
}

fn attempt(denied: &Case<'_>, query: &Query, verdict: &Verdict, order: Order) -> Option<Vec<Extra>> {
    let (given, mut extras, mut change) = (denied.given, Vec::new(), verdict.change.clone());
    let mut with_more = None;
    for _ in 0..STEPS {
        let next = match change {
            Change::Nothing => return None,
            Change::More(extra) => extra,
            Change::Lift { exact: Some(extra), .. } if order == Order::ExactFirst => extra,
            Change::Lift { deny, .. } => {
                let source = with_more.as_deref().unwrap_or(denied).deny_source(&deny)?;
                Extra::Lift(deny, source)
            }
        };
        if given.blocked && matches!(next, Extra::Connect(_) | Extra::Bind(_)) {
            extras.push(Extra::Unblock);
        }
        if !merge(&mut extras, next) {
            return None;
        }
        // As the policy that was asked about, it is not freed.
        let case = with_more.insert(ManuallyDrop::new(denied.with(&extras).ok()?));
        let verdict = judge(case, query).ok()?;
        if verdict.allowed {
            return Some(extras);
        }
        change = verdict.change;
    }
    None
}

/// Adds a flag; to read and to write the same path is one. No, if it is there already and did not help.
fn merge(extras: &mut Vec<Extra>, next: Extra) -> bool {
    if extras.contains(&next) {
        return false;
    }
    if let Extra::Grant { path, mode, .. } = &next {
        let same = |extra: &&mut Extra| matches!(extra, Extra::Grant { path: known, .. } if known == path);
        if let Some(Extra::Grant { mode: known, .. }) = extras.iter_mut().find(same) {
            let both = if *known == *mode { *mode } else { AccessMode::ReadWrite };
            let grows = *known != both;
            *known = both;
            return grows;
        }
    }
    extras.push(next);
    true
}

impl Remedy {
    fn of(extras: &[Extra], is_protected: impl Fn(&Path) -> bool) -> Remedy {
        let (mut flags, mut left, mut marked) = (Vec::<OsString>::new(), Vec::new(), false);
        let mut add = |flag: &str, value: OsString| flags.extend([OsString::from(flag), value]);
        for extra in extras {
            match extra {
                Extra::Grant { path, mode, kind } => {
                    marked |= is_protected(path);
                    add(Extra::grant_flag(*mode, *kind), path.into());
                }
                Extra::Socket(path) => {
                    marked |= is_protected(path);
                    add("--allow-unix", path.into());
                }
                Extra::Connect(port) => add("--allow-connect", port.to_string().into()),
                Extra::Bind(port) => add("--allow-bind", port.to_string().into()),
                Extra::Gap(guarantee) => add("--accept-gap", guarantee.name().into()),
                Extra::Capability(name) => add("--keep-cap", (*name).into()),
                Extra::Lift(deny, source) => {
                    marked |= is_protected(deny);
                    left.push(lifted(deny, source));
                }
                Extra::Unblock => left.push("--net-block".to_owned()),
            }
        }
        Remedy { flags, leave_out: (!left.is_empty()).then(|| left.join(" and ")), protected: marked }
    }

    /// The words to add, as a shell reads them back.
    pub(super) fn line(&self) -> String {
        self.flags.iter().map(quoted).collect::<Vec<_>>().join(" ")
    }
}

fn lifted(deny: &Path, source: &Source) -> String {
    match source {
        Source::Profile { file, line } => {
            format!("the deny of {} in {} line {line}", quoted(deny), quoted(file.as_os_str()))
        }
        _ => format!("--deny {}", quoted(deny)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::PathKind;

    #[test]
    fn to_read_and_to_write_is_one_flag() {
        let grant = |mode| Extra::Grant { path: "/a".into(), mode, kind: PathKind::Directory };
        let mut all = vec![grant(AccessMode::Read)];
        assert!(!merge(&mut all, grant(AccessMode::Read)), "it did not help");
        assert!(merge(&mut all, grant(AccessMode::Write)));
        assert_eq!(all, [grant(AccessMode::ReadWrite)]);
        assert!(!merge(&mut all, grant(AccessMode::Write)), "it has that");
        assert_eq!(Remedy::of(&all, |_| false).line(), "--allow /a");
    }

    #[test]
    fn what_is_protected_is_marked() {
        let all = [Extra::Grant { path: "/h/.ssh/a b".into(), mode: AccessMode::Read, kind: PathKind::File }];
        let remedy = Remedy::of(&all, |path| path.starts_with("/h/.ssh"));
        assert!(remedy.protected);
        assert_eq!(remedy.line(), "--read-file '/h/.ssh/a b'");
    }
}
