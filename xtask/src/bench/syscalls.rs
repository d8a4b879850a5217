//! `cargo xtask bench syscalls`: how much nono's filter adds to a system call that it lets pass.
//!
//! Bare, by Landlock alone, and by Landlock and the filter; what the filter costs is the difference of the latter two.
//! It is a few percent of a call, and both median and best of all batches vary by as much: what is held against the limit
//! is the median of the differences within rounds. The same figure for Landlock over bare shows what it is worth: Landlock
//! has no say in any of these calls but `openat`.

use super::row::Row;
use super::{Figures, build_floor, build_nono, can_measure, figures, read_directories, unfiltered, words};
use crate::tests_run::target_dir;
use anyhow::{Context, bail, ensure};
use std::ffi::OsString;
use std::path::Path;
use xshell::{Shell, cmd};

/// Nanoseconds that the filter may add to a call.
const LIMIT: f64 = 100.0;

/// Batches that a process measures of each kind of call, and calls of a batch.
const BATCHES: [&str; 2] = ["10", "500"];

/// A way to run the measuring program.
struct Candidate {
    command: Vec<OsString>,
    /// What the program has to find: whether it is filtered (`PR_GET_SECCOMP`).
    seccomp: &'static str,
    /// Each kind of call, with the nanoseconds of one in each batch of each round.
    kinds: Vec<(String, Vec<Vec<f64>>)>,
}

/// Measures each kind of call `runs` times by ten batches.
pub(crate) fn run(shell: &Shell, runs: usize) -> anyhow::Result<Vec<Row>> {
    if !can_measure(shell, "syscalls", runs)? {
        return Ok(Vec::new());
    }
    let target = target_dir(shell)?;
    let (nono, floor) = (build_nono(shell, &target)?, build_floor(shell, &target, "calls")?);
    let place = target.join("bench");
    shell.create_dir(&place)?;
    shell.write_file(place.join("opened"), "")?;
    let mut candidates = candidates(&nono, &floor, &place);
    for _ in 0..runs {
        for candidate in &mut candidates {
            candidate.measure(shell)?;
        }
    }
    report(&candidates, runs)
}

/// Without a sandbox, without the filter, and with it; the grants are the same.
fn candidates(nono: &Path, floor: &Path, place: &Path) -> [Candidate; 3] {
    let mut bare = vec![floor.into(), place.join("opened").into()];
    bare.extend(words(BATCHES));
    let mut sandboxed: Vec<OsString> = vec![nono.into()];
    sandboxed.extend(words(["run", "-q", "--no-system"]));
    sandboxed.extend(read_directories().flat_map(|path| words(["--read", path])));
    sandboxed.extend(["--allow".into(), place.into(), "--read".into(), floor.into()]);
    let landlock = sandboxed.iter().cloned().chain(unfiltered());
    let landlock = landlock.chain(["--".into()]).chain(bare.clone()).collect();
    let filtered = sandboxed.iter().cloned().chain(["--".into()]).chain(bare.clone()).collect();
    let candidate = |command, seccomp| Candidate { command, seccomp, kinds: Vec::new() };
    [candidate(bare, "0"), candidate(landlock, "0"), candidate(filtered, "2")]
}

impl Candidate {
    /// Runs the program once and adds what it measured.
    fn measure(&mut self, shell: &Shell) -> anyhow::Result<()> {
        let [program, arguments @ ..] = self.command.as_slice() else { bail!("an empty command") };
        let output = cmd!(shell, "{program} {arguments...}").quiet().read()?;
        let mut lines = output.lines().map(str::split_ascii_whitespace);
        let seccomp =
            lines.next().and_then(|mut line| line.nth(1)).context("the program says whether it is filtered")?;
        // In a sandbox already, or below ABI 3: where the difference of two runs says nothing.
        ensure!(seccomp == self.seccomp, "{program:?} runs with seccomp mode {seccomp} instead of {}", self.seccomp);
        for mut line in lines {
            let name = line.next().context("a line begins with the kind of call")?;
            let times = line.map(str::parse).collect::<Result<Vec<f64>, _>>()?;
            match self.kinds.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => known.push(times),
                None => self.kinds.push((name.to_owned(), vec![times])),
            }
        }
        Ok(())
    }
}

/// A line for each kind of call; then whether the filter keeps to the limit.
fn report([bare, landlock, filtered]: &[Candidate; 3], runs: usize) -> anyhow::Result<Vec<Row>> {
    println!("\nns, {runs} alternating runs of {} batches: median, best", BATCHES[0]);
    println!("{:<24} {:^13} {:^13} {:^13}  adds to a call (limit {LIMIT})", "", "bare", "Landlock", "and filter");
    println!("{:<24} {:41}  Landlock  filter", "", "");
    let (mut over, mut rows) = (Vec::new(), Vec::new());
    for (((name, bare), (_, landlock)), (_, filtered)) in bare.kinds.iter().zip(&landlock.kinds).zip(&filtered.kinds) {
        let mut columns = Vec::new();
        for rounds in [bare, landlock, filtered] {
            let Figures { median, best } = figures(&rounds.concat()).context("nothing was measured")?;
            columns.push(format!("{median:>6.0} {best:>6.0}"));
        }
        let added = |with, without| added(with, without).map(|all| all / calls(name)).context("nothing was measured");
        let (control, adds) = (added(landlock, bare)?, added(filtered, landlock)?);
        println!("{name:<24} {}  {control:>8.0} {adds:>7.0}", columns.join(" "));
        let what = format!("filter adds to {name}");
        rows.push(Row { what, unit: "ns", median: adds, best: adds, runs, limit: Some(LIMIT) });
        if adds > LIMIT {
            over.push(name.as_str());
        }
    }
    match over.as_slice() {
        [] => println!("the limit holds"),
        over => println!("the limit does NOT hold: {}", over.join("; ")),
    }
    Ok(rows)
}

/// The median of what one candidate takes longer than another in the same round.
fn added(with: &[Vec<f64>], without: &[Vec<f64>]) -> Option<f64> {
    let median = |times: &[f64]| figures(times).map(|found| found.median);
    let differences = with.iter().zip(without).map(|(with, without)| Some(median(with)? - median(without)?));
    median(&differences.collect::<Option<Vec<_>>>()?)
}

/// How many calls a kind makes: its name lists them.
fn calls(kind: &str) -> f64 {
    kind.split(',').map(|_| 1.0).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_compared_before_they_are_summed_up() {
        // The machine slows down for a round, and one batch of another is lucky.
        let without = [vec![10.0, 10.0, 10.0], vec![90.0, 91.0, 90.0], vec![1.0, 10.0, 10.0]];
        let with = [vec![13.0, 13.0, 13.0], vec![93.0, 94.0, 93.0], vec![13.0, 13.0, 13.0]];
        assert_eq!(added(&with, &without), Some(3.0));
        assert_eq!(added(&[], &[]), None);
    }

    #[test]
    fn the_name_of_a_kind_lists_its_calls() {
        assert!(calls("read").total_cmp(&1.0).is_eq());
        assert!(calls("open,read,close").total_cmp(&3.0).is_eq());
    }
}
