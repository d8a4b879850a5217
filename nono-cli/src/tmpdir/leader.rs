//! Whether the process that a directory was made for still runs.
//!
//! nono becomes the command, so the command has nono's pid and start time. A pid alone is not enough,
//! it is given out again; and neither means anything in another pid or time namespace (a container
//! that shares /tmp), so there the answer is "not known".

use super::name::{Name, PIDS, SCOPES, TICKS};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::Pid;

/// Which process a private directory belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(super) pid: u32,
    /// When it started, in clock ticks since boot; 0 if not known.
    pub(super) ticks: u64,
    /// A tag of the `/proc` that has this pid; 0 if not known.
    pub(super) scope: u64,
}

/// What is known of a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leader {
    /// It runs, or that it does not could not be made sure of.
    Runs,
    /// No process has that pid, or one that started at another time.
    Gone,
    /// Its pid was given out elsewhere, or that cannot be told.
    Elsewhere,
}

impl Start {
    /// Finds out about this process. Without a /proc that agrees with `getpid` the scope is "not
    /// known", and directories stay until they are judged by age alone.
    pub(crate) fn probe() -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero().get().unsigned_abs();
        let own = read("/proc/self/stat").ok().and_then(|stat| parse_stat(&stat));
        match own {
            Some((listed, ticks)) if listed == u64::from(pid) && listed < PIDS => Self { pid, ticks, scope: scope() },
            _ => Self { pid, ticks: own.map_or(0, |(_, ticks)| ticks), scope: 0 },
        }
    }

    /// Judges the leader called `name`, as seen from this process.
    pub(super) fn leader(&self, name: Name) -> Leader {
        if self.scope == 0 || name.scope != self.scope {
            return Leader::Elsewhere;
        }
        match read(&format!("/proc/{}/stat", name.pid)) {
            Ok(stat) => match parse_stat(&stat) {
                Some((pid, ticks)) if pid != name.pid || ticks % TICKS == name.ticks => Leader::Runs,
                Some(_) if tells_same_time(name.pid) => Leader::Gone,
                Some(_) => Leader::Elsewhere,
                None => Leader::Runs,
            },
            // Mounted with hidepid, /proc also lacks processes that run.
            Err(Errno::NOENT | Errno::SRCH) if is_unused(name.pid) => Leader::Gone,
            Err(_) => Leader::Runs,
        }
    }
}

fn is_unused(pid: u64) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(Errno::SRCH))
}

/// Reads a small file of `/proc`. A stat file has some 300 bytes, and at most 16 of them are the program's to choose.
fn read(path: &str) -> rustix::io::Result<Vec<u8>> {
    let file = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = Vec::with_capacity(2048);
    rustix::io::read(&file, rustix::buffer::spare_capacity(&mut text))?;
    Ok(text)
}

/// Pid and start time (fields 1 and 22) of a stat file. Field 2 is the program's name in parentheses
/// and may itself hold parentheses, blanks and newlines: the fields are counted from the last `)`.
fn parse_stat(stat: &[u8]) -> Option<(u64, u64)> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let pid = stat.split(|byte| *byte == b' ').next()?;
    let ticks = stat.get(name_end + 2..)?.split(|byte| *byte == b' ').nth(19)?;
    Some((number(pid)?, number(ticks)?))
}

fn number(digits: &[u8]) -> Option<u64> {
    str::from_utf8(digits).ok()?.parse().ok()
}

/// A tag of the `/proc` in which a pid is looked up, 1 to 210; 0: there is none. That of another pid namespace is another file
/// system. The numbers of the namespaces themselves take 24 us to find out, this takes 2 (docs/benchmarks.md).
fn scope() -> u64 {
    rustix::fs::stat("/proc").map_or(0, |found| found.st_dev % (SCOPES - 1) + 1)
}

/// Whether this process is told the start time of process `pid` as that was told itself: in another time namespace the clock is
/// set by other offsets (`time_namespaces(7)`; none before Linux 5.6). No where that may not be known.
fn tells_same_time(pid: u64) -> bool {
    match read("/proc/self/timens_offsets") {
        Err(Errno::NOENT) => true,
        own => own.is_ok() && own == read(&format!("/proc/{pid}/timens_offsets")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_program_name_cannot_forge_the_start_time() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 424242 19 20";
        for name in ["sh", "a b", ") S 1 2", "((", "x\ny", ") R 0 0 0 0 0", ""] {
            let stat = format!("17 ({name}) {rest}\n");
            assert_eq!(parse_stat(stat.as_bytes()), Some((17, 424_242)), "{name:?}");
        }
        for broken in ["", "17", "17 (sh)", "17 (sh) S 1 2", "x (sh) S"] {
            assert_eq!(parse_stat(broken.as_bytes()), None, "{broken:?}");
        }
    }

    #[test]
    fn this_process_runs() {
        let own = Start::probe();
        assert_ne!((own.ticks, own.scope), (0, 0));
        assert_eq!(own.leader(Name::of(&own)), Leader::Runs);
    }

    #[test]
    fn a_pid_given_out_again_is_another_leader() {
        let own = Start::probe();
        let before = Name { ticks: (own.ticks + 1) % TICKS, ..Name::of(&own) };
        assert_eq!(own.leader(before), Leader::Gone);
    }

    #[test]
    fn a_start_time_of_another_time_namespace_says_nothing() {
        // As root by itself; else with a user namespace.
        for flags in [&["--time"][..], &["--time", "--user"]] {
            let mut command = Command::new("unshare");
            command.args(flags).args(["--fork", "--boottime", "1000", "cat"]);
            let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
            else {
                break;
            };
            let mut echo = [0; 1];
            std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"x").unwrap();
            let runs = std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut echo).is_ok();
            let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id()));
            let said =
                children.ok().and_then(|all| all.split_whitespace().next()?.parse().ok()).filter(|_| runs).map(|pid| {
                    let own = Start::probe();
                    let seen = parse_stat(&read(&format!("/proc/{pid}/stat")).unwrap()).unwrap().1;
                    own.leader(Name { pid, ticks: (seen + 1) % TICKS, scope: own.scope })
                });
            drop(child.stdin.take());
            child.wait().unwrap();
            if let Some(said) = said {
                assert_eq!(said, Leader::Elsewhere);
                return;
            }
        }
        crate::tmpdir::tests::skip("a time namespace");
    }

    #[test]
    fn a_pid_of_another_namespace_says_nothing() {
        let own = Start::probe();
        let other = Name { scope: own.scope % (SCOPES - 1) + 1, ..Name::of(&own) };
        assert_eq!(own.leader(other), Leader::Elsewhere);
        assert_eq!(Start { scope: 0, ..own }.leader(Name::of(&own)), Leader::Elsewhere, "our own is not known");
    }

    #[test]
    fn a_process_is_gone_when_it_was_waited_for() {
        let own = Start::probe();
        let mut child = Command::new("/bin/cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let stat = read(&format!("/proc/{}/stat", child.id())).unwrap();
        let (pid, ticks) = parse_stat(&stat).unwrap();
        let name = Name { pid, ticks: ticks % TICKS, scope: own.scope };
        assert_eq!(own.leader(name), Leader::Runs);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(own.leader(name), Leader::Gone);
    }
}
