//! Capabilities at run time: a program asks for a file outside its grants, and someone says yes or no.

use crate::request::{OpenFlags, Request};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A file that a program wants to open and was not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The process that asks.
    pub process: u32,
    /// What it executes, if that can be told.
    pub program: Option<PathBuf>,
    /// The object: resolved, as [`Request::Open`] has it.
    pub path: PathBuf,
    /// How it is to be opened.
    pub flags: OpenFlags,
}

impl Question {
    /// The same as a request the model can judge.
    pub fn request(&self) -> Request {
        Request::open(&self.path, self.flags)
    }

    /// What is asked for in words, as reports and approvers have them: read or list, write, create, truncate.
    pub fn words(&self) -> Vec<&'static str> {
        let read = if self.flags.contains(OpenFlags::DIRECTORY) { "list" } else { "read" };
        let make = OpenFlags::CREATE | OpenFlags::UNNAMED;
        [(OpenFlags::READ, read), (OpenFlags::WRITE, "write"), (make, "create"), (OpenFlags::TRUNCATE, "truncate")]
            .into_iter()
            .filter(|(flags, _)| self.flags.intersects(*flags))
            .map(|(_, word)| word)
            .collect()
    }
}

/// An answer to a [`Question`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Approval {
    /// No. The same object is not asked about again for this access while the session lasts.
    Deny,
    /// Yes, this time.
    Once,
    /// Yes, for this file while the session lasts, whatever name it has.
    File,
    /// Yes, for all in the directory that holds it (or that it is) while the session lasts.
    Directory,
}

impl Approval {
    /// Whether the file is opened.
    pub fn is_yes(self) -> bool {
        self != Approval::Deny
    }
}

/// Answers questions: a person, a program, a service.
pub trait Approver: Send + Sync {
    /// Who that is, for the log.
    fn name(&self) -> &str;

    /// Answers as long as `patience` lasts; what comes later is taken for no. May block: other calls are served meanwhile,
    /// further questions wait.
    fn ask(&self, question: &Question, patience: &Patience<'_>) -> Approval;
}

/// How long an answer is waited for: to a point in time, and as long as there is somebody who wants it.
pub struct Patience<'a> {
    deadline: Instant,
    is_wanted: &'a (dyn Fn() -> bool + 'a),
}

impl<'a> Patience<'a> {
    /// How often one looks whether an answer is still wanted.
    const LOOK: Duration = Duration::from_millis(100);

    /// Until `deadline`, and no longer than `is_wanted`: a program may end while its question is open.
    pub fn new(deadline: Instant, is_wanted: &'a (dyn Fn() -> bool + 'a)) -> Patience<'a> {
        Patience { deadline, is_wanted }
    }

    /// Whether an answer would come too late.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.deadline || !(self.is_wanted)()
    }

    /// How long to wait before asking [`is_over`](Self::is_over) again.
    pub fn next_look(&self) -> Duration {
        Self::LOOK.min(self.deadline.saturating_duration_since(Instant::now()))
    }
}

impl fmt::Debug for Patience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// One answer that was given, before the program has it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// What was asked.
    pub question: &'a Question,
    /// The system call, by its name.
    pub call: &'a str,
    /// The answer.
    pub approval: Approval,
    /// Who gave it: an approver's name, or `grant of this session`, `rule`, `protected`, `limit`.
    pub by: &'a str,
    /// How long the call has waited.
    pub waited: Duration,
}

impl<'a> Record<'a> {
    /// An answer of `by` to `question`.
    pub fn new(question: &'a Question, call: &'a str, approval: Approval, by: &'a str) -> Record<'a> {
        Record { question, call, approval, by, waited: Duration::ZERO }
    }

    /// The same, given after this time.
    #[must_use = "the record is returned, not changed"]
    pub fn after(self, waited: Duration) -> Record<'a> {
        Record { waited, ..self }
    }
}

/// Keeps a log of answers.
pub trait Recorder: Send + Sync {
    /// Writes one down.
    ///
    /// # Errors
    /// It could not be written: the answer is then no.
    fn record(&self, record: &Record<'_>) -> io::Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_is_told_in_words() {
        for (flags, words) in [
            (OpenFlags::READ, &["read"][..]),
            (OpenFlags::READ | OpenFlags::DIRECTORY, &["list"]),
            (OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE, &["read", "write", "create"]),
            (OpenFlags::WRITE | OpenFlags::TRUNCATE, &["write", "truncate"]),
            (OpenFlags::WRITE | OpenFlags::UNNAMED | OpenFlags::DIRECTORY, &["write", "create"]),
        ] {
            let question = Question { process: 1, program: None, path: "/x".into(), flags };
            assert_eq!(question.words(), words, "{flags:?}");
        }
    }
}
