//! `cargo xtask bench syscalls`: how much nono's filter adds to a system call that it lets pass.
//!
//! Bare, by Landlock alone, and by Landlock and the filter; what the filter costs is the difference of the latter two.

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
    /// Each kind of call, with the nanoseconds of one in each batch.
    kinds: Vec<(String, Vec<f64>)>,
}

/// Measures each kind of call `runs` times by ten batches.
pub(crate) fn run(shell: &Shell, runs: usize) -> anyhow::Result<()> {
    if !can_measure(shell, "syscalls", runs)? {
        return Ok(());
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
                Some((_, known)) => known.extend(times),
                None => self.kinds.push((name.to_owned(), times)),
            }
        }
        Ok(())
    }
}

/// A line for each kind of call; then whether the filter keeps to the limit.
fn report([bare, landlock, filtered]: &[Candidate; 3], runs: usize) -> anyhow::Result<()> {
    let batches = filtered.kinds.first().map_or(0, |(_, times)| times.len());
    println!("\nns a call, {runs} alternating runs, {batches} batches: median, best");
    println!("{:<26} {:^13} {:^13} {:^13}  filter adds (limit {LIMIT} a call)", "", "bare", "Landlock", "and filter");
    let mut over = Vec::new();
    for (((name, bare), (_, landlock)), (_, filtered)) in bare.kinds.iter().zip(&landlock.kinds).zip(&filtered.kinds) {
        let of = |times: &[f64]| figures(times).context("nothing was measured");
        let (bare, landlock, filtered) = (of(bare)?, of(landlock)?, of(filtered)?);
        let adds = filtered.per_call_more_than(landlock, calls(name));
        let columns = [bare, landlock, filtered].map(|Figures { median, best }| format!("{median:>6.0} {best:>6.0}"));
        println!("{name:<26} {}  {:>6.0} {:>6.0}", columns.join(" "), adds.median, adds.best);
        // What else the machine does only adds to a time: the least ones differ by the filter, medians by that too.
        if adds.best > LIMIT {
            over.push(name.as_str());
        }
    }
    match over.as_slice() {
        [] => println!("the limit holds, by the best"),
        over => println!("the limit does NOT hold, by the best: {}", over.join("; ")),
    }
    Ok(())
}

/// How many calls a kind makes: its name lists them.
fn calls(kind: &str) -> f64 {
    kind.split(',').map(|_| 1.0).sum()
}

impl Figures {
    fn per_call_more_than(self, other: Figures, calls: f64) -> Figures {
        Figures { median: (self.median - other.median) / calls, best: (self.best - other.best) / calls }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kind_costs_is_shared_among_its_calls() {
        let (with, without) = (Figures { median: 50.0, best: 30.0 }, Figures { median: 20.0, best: 15.0 });
        assert_eq!(with.per_call_more_than(without, calls("open,read,close")), Figures { median: 10.0, best: 5.0 });
        assert_eq!(with.per_call_more_than(without, calls("read")), Figures { median: 30.0, best: 15.0 });
    }
}
