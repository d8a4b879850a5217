//! Processes that closed themselves in further: a sandbox inside the supervised one, whose promises are not ours to break.
//!
//! The kernel does not say what Landlock domain a process is in. But who enters one calls `landlock_restrict_self(2)`, which is
//! notified: from then on that process, and all that descend from it, get no file from the supervisor. Descent is read from
//! `/proc`, and what cannot be traced back to the command is taken for confined: it loses questions, and no promise is lost.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many generations are looked at.
const DEEPEST: usize = 1000;
/// How many processes are kept apart; with more, all are taken for confined.
const ROOM: usize = 4096;

#[derive(Debug)]
pub(super) struct Confined {
    /// The process that was started under supervision, and when: its number may be given out again when it has ended.
    command: u32,
    born: Option<u64>,
    any: AtomicBool,
    all: AtomicBool,
    processes: Mutex<HashSet<u32>>,
}

impl Confined {
    pub(super) fn below(command: u32) -> Confined {
        Confined { command, born: born(command), any: false.into(), all: false.into(), processes: Mutex::default() }
    }

    /// The process is about to enter a domain; none if it is not known which one.
    pub(super) fn mark(&self, process: Option<u32>) {
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        match process.filter(|_| processes.len() < ROOM) {
            Some(process) => drop(processes.insert(process)),
            None => self.all.store(true, Ordering::Release),
        }
        self.any.store(true, Ordering::Release);
    }

    /// Whether `process` may be in a domain that it, or a process it descends from, entered.
    pub(super) fn holds(&self, process: impl FnOnce() -> Option<u32>) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        if self.all.load(Ordering::Acquire) {
            return true;
        }
        let Some(process) = process() else { return true };
        // A number may be given out again while the line is read. Where both readings agree, each parent was alive when its
        // child was read the second time, so the number was its own.
        let line = ancestry(process, self.command);
        let Some(line) = line.filter(|line| ancestry(process, self.command).as_ref() == Some(line)) else {
            return true;
        };
        if self.born.is_none() || born(self.command) != self.born {
            return true;
        }
        let processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        line.iter().any(|one| processes.contains(one))
    }
}

/// `process` and all above it up to `command`; none if it does not descend from that.
fn ancestry(process: u32, command: u32) -> Option<Vec<u32>> {
    let mut line = vec![process];
    while line.last() != Some(&command) {
        let parent = parent_of(*line.last()?)?;
        if parent == 0 || line.len() > DEEPEST {
            return None;
        }
        line.push(parent);
    }
    Some(line)
}

fn parent_of(process: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// When a process started, in ticks since boot: field 22 of `proc_pid_stat(5)`. Its name, field 2, may hold anything.
fn born(process: u32) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{process}/stat")).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let ticks = stat.get(end..)?.split(|byte| *byte == b' ').nth(20)?;
    str::from_utf8(ticks).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_and_its_children_are_marked_and_others_are_not() {
        let own = std::process::id();
        let mut child = Command::new("/bin/cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let (one, confined) = (child.id(), Confined::below(own));
        assert!(!confined.holds(|| Some(one)), "nobody is");
        confined.mark(Some(u32::MAX));
        assert!(!confined.holds(|| Some(one)) && !confined.holds(|| Some(own)));
        assert!(confined.holds(|| Some(1)), "it does not descend from the command");
        assert!(confined.holds(|| None));
        confined.mark(Some(own));
        assert!(confined.holds(|| Some(one)) && confined.holds(|| Some(own)), "parent and child");
        assert!(born(own).is_some_and(|ticks| ticks > 0) && born(own) <= born(one));
        let other = Confined { born: Some(1), ..Confined::below(own) };
        other.mark(Some(u32::MAX));
        assert!(other.holds(|| Some(one)), "another process has the command's number");
        let unknown = Confined::below(own);
        unknown.mark(None);
        assert!(unknown.holds(|| Some(one)));
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
