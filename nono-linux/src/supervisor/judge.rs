//! Who answers: what is never handed over, what was answered before, what rules say, and last the approver.

use super::memory::{Memory, Subject};
use super::tree::Tree;
use nono_core::{Approval, Approver, CapabilitySet, Decision, Question, Record, Recorder, Rule, decide};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Everyone who has a say. Made by the caller of the supervisor.
#[derive(Default)]
pub struct Judges {
    reserved: Tree<()>,
    rules: CapabilitySet,
    approver: Option<Box<dyn Approver>>,
    recorder: Option<Box<dyn Recorder>>,
}

impl Judges {
    /// Refuses these paths and all below them, without asking.
    #[must_use = "the judges are returned, not changed"]
    pub fn reserve(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Judges {
        for path in paths {
            self.reserved.insert(&path, ());
        }
        self
    }

    /// Says yes to what `rules` grant and no to what they deny.
    #[must_use = "the judges are returned, not changed"]
    pub fn rules(self, rules: CapabilitySet) -> Judges {
        Judges { rules, ..self }
    }

    /// Asks `approver` where nothing else answers; without one that is no.
    #[must_use = "the judges are returned, not changed"]
    pub fn approver(self, approver: Box<dyn Approver>) -> Judges {
        Judges { approver: Some(approver), ..self }
    }

    /// Writes each answer down before it is given.
    #[must_use = "the judges are returned, not changed"]
    pub fn recorder(self, recorder: Box<dyn Recorder>) -> Judges {
        Judges { recorder: Some(recorder), ..self }
    }

    pub(super) fn asks(&self) -> Option<&dyn Approver> {
        self.approver.as_deref()
    }

    pub(super) fn records(&self) -> bool {
        self.recorder.is_some()
    }
}

impl fmt::Debug for Judges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judges").field("reserved", &self.reserved).field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// An answer and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ruling<'a> {
    pub(super) approval: Approval,
    pub(super) by: &'a str,
}

/// The judges in session: with a memory.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub(super) judges: &'a Judges,
    memory: Mutex<Memory>,
}

impl<'a> Bench<'a> {
    pub(super) fn of(judges: &'a Judges) -> Bench<'a> {
        Bench { judges, memory: Mutex::default() }
    }

    /// The answer that needs nobody's time; none if the approver has to be asked.
    pub(super) fn at_once(&self, subject: &Subject, question: &Question) -> Option<Ruling<'static>> {
        let ruling = |approval, by| Some(Ruling { approval, by });
        if self.judges.reserved.above(question.path.as_os_str().as_bytes()).next().is_some() {
            return ruling(Approval::Deny, "protected");
        }
        match decide(&self.judges.rules, &question.request()) {
            Decision::Allowed { .. } => return ruling(Approval::Once, "rule"),
            Decision::Denied(denial) if matches!(denial.rule, Rule::Denied { .. }) => {
                return ruling(Approval::Deny, "rule");
            }
            Decision::Denied(_) => {}
        }
        if let Some(approval) = self.memory().recall(subject, question) {
            return ruling(approval, "answer of this session");
        }
        if self.judges.approver.is_none() { ruling(Approval::Deny, "no rule") } else { None }
    }

    /// Keeps what the approver said.
    pub(super) fn keep(&self, subject: &Subject, question: &Question, approval: Approval) {
        self.memory().keep(subject.clone(), question, approval);
    }

    pub(super) fn made(&self, subject: &Subject, identity: nono_core::Identity) {
        self.memory().made(subject, identity);
    }

    /// Writes the answer down; one that cannot be is no.
    pub(super) fn record(&self, call: &str, question: &Question, ruling: Ruling<'_>, waited: Duration) -> Approval {
        let Some(recorder) = &self.judges.recorder else { return ruling.approval };
        match recorder.record(&Record::new(question, call, ruling.approval, ruling.by).after(waited)) {
            Ok(()) => ruling.approval,
            Err(error) => {
                tracing::error!(%error, "an answer could not be written down, so it is no");
                Approval::Deny
            }
        }
    }

    /// A thread that panicked while it held the memory left it whole: each change of it is one step.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{AccessMode, Identity, OpenFlags, Patience};
    use std::io;

    struct Never;
    impl Approver for Never {
        fn name(&self) -> &'static str {
            "never"
        }
        fn ask(&self, _question: &Question, _patience: &Patience<'_>) -> Approval {
            Approval::Deny
        }
    }

    struct Full;
    impl Recorder for Full {
        fn record(&self, _record: &Record<'_>) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    fn question(path: &str) -> Question {
        Question { process: 1, program: None, path: path.into(), flags: OpenFlags::READ }
    }

    const SUBJECT: Subject = Subject::There(Identity { device: 1, inode: 1 });

    fn ruled(judges: &Judges, path: &str) -> Option<(Approval, &'static str)> {
        Bench::of(judges).at_once(&SUBJECT, &question(path)).map(|ruling| (ruling.approval, ruling.by))
    }

    #[test]
    fn what_is_reserved_is_no_whatever_rules_say() {
        let rules = CapabilitySet::builder().allow("/usr", AccessMode::Read).unwrap();
        let rules = rules.deny_resolved("/usr/lib".into()).unwrap().build().unwrap();
        let judges = Judges::default().rules(rules).reserve(["/usr/share".into()]);
        assert_eq!(ruled(&judges, "/usr/share/x"), Some((Approval::Deny, "protected")));
        assert_eq!(ruled(&judges, "/usr/bin/x"), Some((Approval::Once, "rule")));
        assert_eq!(ruled(&judges, "/usr/lib/x"), Some((Approval::Deny, "rule")));
        assert_eq!(ruled(&judges, "/etc/x"), Some((Approval::Deny, "no rule")));
        let judges = judges.approver(Box::new(Never));
        assert_eq!(ruled(&judges, "/etc/x"), None);
        assert_eq!(ruled(&judges, "/usr/share/x"), Some((Approval::Deny, "protected")));
    }

    #[test]
    fn a_yes_that_cannot_be_written_down_is_no() {
        let judges = Judges::default().recorder(Box::new(Full));
        let yes = Ruling { approval: Approval::Once, by: "rule" };
        let recorded = Bench::of(&judges).record("openat", &question("/x"), yes, Duration::ZERO);
        assert_eq!(recorded, Approval::Deny);
    }
}
