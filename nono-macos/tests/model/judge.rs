//! One request, judged by the model and by the profile. The fuzz target `seatbelt` judges by it too.

use crate::world::{grant, paths};
use nono_core::{Builder, CapabilitySet, Decision, OpenFlags, PathKind, Refusal, Request, Rule, decide};
use nono_macos::allows;
use nono_macos::place::speakable;
use nono_macos::rights::given;
use nono_macos::sbpl::Profile;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// What the fixed rules of every profile open in part: there a profile may allow more than the model.
const BASE: [&str; 7] =
    ["/usr/lib", "/usr/share", "/System", "/dev", "/private/var/db", "/private/etc", "/private/var/select"];

/// The part of `set` that a profile gives: the model of what it should allow.
pub fn reduced(set: &CapabilitySet) -> CapabilitySet {
    let bare = CapabilitySet::builder().network(set.network().clone()).signals(set.signals());
    let bare = set.tcp_connect().iter().copied().fold(bare, Builder::allow_tcp_connect);
    let bare = set.localhost_ports().iter().copied().fold(bare, Builder::allow_localhost_port);
    let here = set.localhost_ports();
    let bind = set.tcp_bind().into_iter().filter(|port| !here.contains(port));
    let open = *set.network() == nono_core::NetworkMode::AllowAll;
    let bare = if open { bare } else { bind.fold(bare, Builder::allow_tcp_bind) };
    let grants = set.fs().iter().filter_map(|one| grant(one.resolved(), one.kind(), given(one.access())));
    let made = grants.fold(bare, Builder::grant);
    set.denies().iter().fold(made, |made, deny| made.deny_resolved(deny.clone()).unwrap()).build().unwrap()
}

/// Whether `request` takes for a directory what was granted as something else, or changes the name `/`.
fn impossible(set: &CapabilitySet, request: &Request) -> bool {
    let file = |path: &Path| set.fs().iter().any(|one| one.kind() == PathKind::File && one.resolved() == path);
    let names = !matches!(request, Request::Open { flags, .. } if !flags.contains(OpenFlags::CREATE));
    let listed = |path: &&Path| {
        matches!(request, Request::Open { flags, .. } if flags.contains(OpenFlags::DIRECTORY)) && file(path)
    };
    paths(request).iter().any(|path| listed(path) || (names && path.parent().is_none_or(file)))
}

fn is_base(request: &Request) -> bool {
    paths(request).iter().any(|path| *path == Path::new("/") || BASE.iter().any(|base| path.starts_with(base)))
}

fn refusal(decision: &Decision) -> Option<Refusal> {
    match decision {
        Decision::Denied(denial) => Some(denial.refusal),
        Decision::Allowed { .. } => None,
    }
}

/// What a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Allowed,
    Denied,
    DeniedByDeny,
    /// The model forbids a move between directories, which Seatbelt cannot.
    MoveGap,
    /// Hard links are never possible.
    Link,
    /// A path that no profile can name is involved: only "no more than the model" is asked.
    Unspeakable,
    /// Opened for every program.
    Base,
    Skipped,
}

/// Judges `request` by the set, by what a profile gives of it (`model`), and by the profile with its text; an error where they disagree.
pub fn judge(
    (set, model): (&CapabilitySet, &CapabilitySet),
    request: &Request,
    (read_back, text): (&Profile, &str),
) -> Result<Outcome, TestCaseError> {
    if impossible(set, request) {
        return Ok(Outcome::Skipped);
    }
    let answer = allows(read_back, request).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
    let Some(answer) = answer else { return Ok(Outcome::Skipped) };
    if matches!(request, Request::Link { .. }) {
        prop_assert!(!answer, "a hard link is possible\n{text}");
        return Ok(Outcome::Link);
    }
    let (wide, narrow) = (decide(set, request), decide(model, request));
    if [&wide, &narrow].into_iter().any(|decision| refusal(decision) == Some(Refusal::CrossDevice)) {
        return Ok(Outcome::MoveGap);
    }
    prop_assert!(wide.is_allowed() || !narrow.is_allowed(), "the reduced set allows more");
    let closed = matches!(&narrow, Decision::Denied(denial) if matches!(denial.rule, Rule::Denied { .. }));
    let mute = set.fs().iter().map(nono_core::FsCapability::resolved).chain(set.denies().iter().map(PathBuf::as_path));
    let unspeakable = mute.chain(paths(request)).any(|path| speakable(path).is_err());
    let expected = narrow.is_allowed();
    // The kind of a block device has no proven name, so one that exists can be moved like a file.
    if matches!(request, Request::Rename { kind: nono_core::NodeKind::BlockDevice, .. }) {
        return Ok(Outcome::MoveGap);
    }
    if is_base(request) {
        prop_assert!(answer || !expected || unspeakable, "granted, but not allowed\n{text}");
        prop_assert!(!(answer && closed), "denied, but allowed\n{text}");
        return Ok(Outcome::Base);
    }
    if unspeakable {
        prop_assert!(!answer || expected, "more than the model allows\n{text}");
        return Ok(Outcome::Unspeakable);
    }
    prop_assert_eq!(answer, expected, "model {:?}\n{}", narrow, text);
    Ok(match (expected, closed) {
        (true, _) => Outcome::Allowed,
        (false, true) => Outcome::DeniedByDeny,
        (false, false) => Outcome::Denied,
    })
}
