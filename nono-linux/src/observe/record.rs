//! What was seen, counted: one entry for each thing that one program was refused.

use super::refusal::RefusedCall;
use nono_core::{Denial, OpenFlags, Request};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// How many different refusals are kept; more are counted only.
const ROOM: usize = 16384;
/// How many of the files that are not there are told apart.
const MISSING: usize = 65536;

/// What was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum What {
    /// What the model can be asked about.
    Request(Request),
    /// Taking a port that the kernel picks, which only an open network allows.
    AnyPort,
    /// Listening on a port that the kernel picked.
    Listen,
    /// A system call that the filter refuses whatever it is about.
    Call(RefusedCall),
}

/// Something that a program asked for and that its sandbox refuses.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refused {
    /// What it asked for.
    pub what: What,
    /// What the model says to it, if the model was asked.
    pub denial: Option<Denial>,
    /// The first process that asked.
    pub process: u32,
    /// What that executed, if it could be told.
    pub program: Option<PathBuf>,
    /// How often the program asked.
    pub count: u64,
    /// The program went on in another way: it read what it could not write, copied what it could not move, or executed a
    /// program of the same name from elsewhere.
    pub recovered: bool,
}

/// All that was seen of a program and of what it started.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Observations {
    /// What was refused, in the order it was asked for.
    pub refused: Vec<Refused>,
    /// Files that were looked for and are not there.
    pub missing: u64,
    /// Calls of which it could not be told what they were about.
    pub unknown: u64,
    /// Refusals that there was no room for.
    pub beyond: u64,
}

/// Observations that are being made.
#[derive(Debug, Default)]
pub(super) struct Record {
    all: Observations,
    known: HashMap<(What, Option<PathBuf>), usize>,
    missing: HashSet<u64>,
    /// What a thread may yet go on without.
    open: HashMap<u32, Vec<usize>>,
}

impl Record {
    /// Counts a refusal, and says where it is kept; none if there is no room.
    pub(super) fn refused(
        &mut self,
        thread: u32,
        (process, program): (u32, Option<PathBuf>),
        what: What,
        denial: Option<Denial>,
    ) -> Option<usize> {
        let key = (what, program);
        if let Some(at) = self.known.get(&key).copied() {
            let known = self.all.refused.get_mut(at)?;
            known.count = known.count.saturating_add(1);
            return Some(at);
        }
        if self.known.len() >= ROOM {
            self.all.beyond = self.all.beyond.saturating_add(1);
            return None;
        }
        let at = self.all.refused.len();
        if matches!(key.0, What::Request(_)) {
            self.open.entry(thread).or_default().push(at);
        }
        self.known.insert(key.clone(), at);
        let (what, program) = key;
        self.all.refused.push(Refused { what, denial, process, program, count: 1, recovered: false });
        Some(at)
    }

    /// A supervisor gave what was counted as refused there.
    pub(super) fn given(&mut self, thread: u32, at: usize) {
        let Some(known) = self.all.refused.get_mut(at) else { return };
        known.count = known.count.saturating_sub(1);
        let What::Request(request) = known.what.clone() else { return };
        if let Some(open) = self.open.get_mut(&thread) {
            open.retain(|other| *other != at);
        }
        self.allowed(thread, &request);
    }

    /// Something was allowed: it may be what the thread does instead.
    pub(super) fn allowed(&mut self, thread: u32, request: &Request) {
        let Some(open) = self.open.get_mut(&thread) else { return };
        open.retain(|at| match self.all.refused.get_mut(*at) {
            Some(Refused { what: What::Request(refused), recovered, .. }) if replaces(request, refused) => {
                *recovered = true;
                false
            }
            _ => true,
        });
    }

    /// Whether it matters what the thread is allowed.
    pub(super) fn waits_for(&self, thread: u32) -> bool {
        self.open.get(&thread).is_some_and(|open| !open.is_empty())
    }

    /// A file that is not there, by a number of its name.
    pub(super) fn missing(&mut self, name: u64) {
        if self.missing.len() < MISSING && self.missing.insert(name) {
            self.all.missing = self.all.missing.saturating_add(1);
        }
    }

    /// Whether this was refused to anybody.
    pub(super) fn knows(&self, what: &What) -> bool {
        let counted = |at: &usize| self.all.refused.get(*at).is_some_and(|one| one.count > 0);
        self.known.iter().any(|((known, _), at)| known == what && counted(at))
    }

    pub(super) fn unknown(&mut self) {
        self.all.unknown = self.all.unknown.saturating_add(1);
    }

    pub(super) fn observations(&self) -> Observations {
        let mut all = self.all.clone();
        // What was given each time was refused to nobody.
        all.refused.retain(|one| one.count > 0);
        all
    }
}

/// Whether who does `now` does without `before`.
fn replaces(now: &Request, before: &Request) -> bool {
    match (before, now) {
        (Request::Open { path, flags }, Request::Open { path: again, flags: less }) => {
            path == again && flags.contains(OpenFlags::READ | OpenFlags::WRITE) && !less.contains(OpenFlags::WRITE)
        }
        (Request::Rename { to, .. } | Request::Link { to, .. }, Request::Open { path, flags }) => {
            to == path && flags.contains(OpenFlags::WRITE)
        }
        (Request::Rename { to, .. } | Request::Link { to, .. }, Request::Make { path, .. }) => to == path,
        // The next directory of PATH, or another program instead: who executed one asks no more.
        (Request::Execute { path }, Request::Execute { path: other }) => path != other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::NodeKind;

    const READ: OpenFlags = OpenFlags::READ;
    const WRITE: OpenFlags = OpenFlags::WRITE;

    fn refused(record: &mut Record, thread: u32, program: &str, request: Request) {
        record.refused(thread, (thread, Some(program.into())), What::Request(request), None);
    }

    #[test]
    fn each_program_has_an_entry_of_its_own() {
        let mut record = Record::default();
        for (thread, program) in [(1, "/bin/a"), (2, "/bin/b"), (3, "/bin/a")] {
            refused(&mut record, thread, program, Request::open("/x", READ));
        }
        let all = record.observations().refused;
        let counts: Vec<_> = all.iter().map(|one| (one.program.clone().unwrap(), one.process, one.count)).collect();
        assert_eq!(counts, [("/bin/a".into(), 1, 2), ("/bin/b".into(), 2, 1)]);
    }

    #[test]
    fn what_a_program_does_instead_is_seen() {
        let rename = |from: &str, to: &str| Request::Rename {
            from: from.into(),
            to: to.into(),
            kind: NodeKind::Regular,
            replaces: None,
        };
        let execute = |path: &str| Request::Execute { path: path.into() };
        for (before, now, recovers) in [
            (Request::open("/a", READ | WRITE), Request::open("/a", READ), true),
            (Request::open("/a", READ | WRITE), Request::open("/b", READ), false),
            (Request::open("/a", WRITE), Request::open("/a", READ), false),
            (Request::open("/a", READ), Request::open("/a", READ), false),
            (rename("/a", "/b/a"), Request::open("/b/a", WRITE | OpenFlags::CREATE), true),
            (rename("/a", "/b/a"), Request::open("/b/a", READ), false),
            (execute("/home/u/bin/tool"), execute("/usr/bin/tool"), true),
            (execute("/home/u/bin/tool"), execute("/usr/bin/tool-1.0"), true),
            (execute("/home/u/bin/tool"), execute("/home/u/bin/tool"), false),
        ] {
            let mut record = Record::default();
            refused(&mut record, 1, "/bin/a", before.clone());
            record.allowed(2, &now);
            assert!(record.waits_for(1) && !record.observations().refused[0].recovered, "another thread");
            record.allowed(1, &now);
            assert_eq!(record.observations().refused[0].recovered, recovers, "{before:?} {now:?}");
        }
    }

    #[test]
    fn what_a_supervisor_gives_was_not_refused() {
        let mut record = Record::default();
        let ask = |record: &mut Record, flags| {
            record.refused(1, (1, None), What::Request(Request::open("/x", flags)), None).unwrap()
        };
        let (both, first) = (ask(&mut record, READ | WRITE), ask(&mut record, READ));
        record.given(1, first);
        let all = record.observations().refused;
        assert!(all.len() == 1 && all[0].recovered, "it read what it could not write: {all:?}");
        record.given(1, both);
        assert!(record.observations().refused.is_empty());
        let again = ask(&mut record, READ);
        assert_eq!((again, record.observations().refused[0].count), (first, 1), "it is asked anew");
    }

    #[test]
    fn a_flood_of_refusals_is_counted() {
        let mut record = Record::default();
        for number in 0..=ROOM {
            refused(&mut record, 1, "/bin/a", Request::open(format!("/{number}"), READ));
        }
        let all = record.observations();
        assert_eq!((all.refused.len(), all.beyond, all.unknown), (ROOM, 1, 0));
    }
}
