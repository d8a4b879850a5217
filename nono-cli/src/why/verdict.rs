//! An answer, before it is put into words.

use super::case::Extra;
use nono_core::{FsCapability, Mechanism, Source};
use std::path::{Path, PathBuf};

/// What is said to a question.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(super) allowed: bool,
    /// Why, in words.
    pub(super) reason: String,
    /// What says so.
    pub(super) rule: Option<Rule>,
    /// What keeps it; none where nothing has to.
    pub(super) by: Option<By>,
    /// What could change it.
    pub(super) change: Change,
    /// What else there is to know.
    pub(super) notes: Vec<String>,
}

/// A flag, a line of a profile, a group.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// What it names, as it was given.
    pub(super) path: Option<PathBuf>,
    pub(super) source: Said,
}

/// Who says a rule.
#[derive(Debug, Clone)]
pub(super) enum Said {
    /// A flag, a profile, the system group.
    By(Source),
    /// The list of protected paths.
    Protected,
    /// nono, always.
    BuiltIn,
}

/// What keeps a no.
#[derive(Debug, Clone, Copy)]
pub(super) enum By {
    /// The sandbox.
    Sandbox(Mechanism),
    /// The kernel, in any case.
    Kernel,
}

/// What could turn a no into a yes.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// Nothing that could be granted.
    Nothing,
    /// This.
    More(Extra),
    /// This denied path being denied no more; or, in spite of it, this.
    Lift { deny: PathBuf, exact: Option<Extra> },
}

impl Verdict {
    pub(super) fn yes(reason: impl Into<String>) -> Verdict {
        Verdict {
            allowed: true,
            reason: reason.into(),
            rule: None,
            by: None,
            change: Change::Nothing,
            notes: Vec::new(),
        }
    }

    pub(super) fn no(reason: impl Into<String>, by: impl Into<Option<By>>) -> Verdict {
        Verdict { allowed: false, by: by.into(), ..Verdict::yes(reason) }
    }

    pub(super) fn because(self, reason: impl Into<String>) -> Verdict {
        Verdict { reason: reason.into(), ..self }
    }

    pub(super) fn said(self, rule: impl Into<Option<Rule>>) -> Verdict {
        Verdict { rule: rule.into(), ..self }
    }

    pub(super) fn changed_by(self, change: Change) -> Verdict {
        Verdict { change, ..self }
    }

    pub(super) fn noting(mut self, note: impl Into<String>) -> Verdict {
        self.notes.push(note.into());
        self
    }
}

impl Rule {
    /// The grant of a path.
    pub(super) fn grant(grant: &FsCapability) -> Rule {
        Rule { path: Some(grant.original().to_owned()), source: Said::By(grant.source().clone()) }
    }

    /// A denied path; by the list of protected ones, if by nobody.
    pub(super) fn deny(path: &Path, source: Option<&Source>) -> Rule {
        let source = source.cloned().map_or(Said::Protected, Said::By);
        Rule { path: Some(path.to_owned()), source }
    }

    /// A flag without a path.
    pub(super) fn flag(flag: &'static str) -> Rule {
        Rule { path: None, source: Said::By(Source::Flag(flag.into())) }
    }

    /// What holds without any flag.
    pub(super) fn built_in() -> Rule {
        Rule { path: None, source: Said::BuiltIn }
    }
}

impl From<Mechanism> for By {
    fn from(mechanism: Mechanism) -> By {
        By::Sandbox(mechanism)
    }
}
