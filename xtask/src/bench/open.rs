//! `cargo xtask bench open`: what an open costs under supervision, against the least that a broker can cost.
//!
//! Three comparisons, in turns: a file that is granted (it goes on, and the kernel opens it), a file that a rule approves (it
//! is opened on behalf), and two threads that open approved files, served by one thread of nono and by two.

use super::row::{Row, print};
use super::{build_floor, build_nono, build_opens, can_measure, figures, words};
use crate::tests_run::target_dir;
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::path::Path;
use xshell::{Shell, cmd};

/// Batches of 200 opens in a run.
const BATCHES: &str = "50";

/// How many times the floor's time an open may take.
const LIMIT: f64 = 1.2;

/// A way to open files.
struct Candidate {
    name: &'static str,
    command: Vec<OsString>,
    /// Nanoseconds an open: of the best batch, the median batch, and of all by the time that passed.
    runs: Vec<[f64; 3]>,
}

/// Measures each `runs` times.
pub(crate) fn run(shell: &Shell, runs: usize) -> anyhow::Result<Vec<Row>> {
    if !can_measure(shell, "open", runs)? {
        return Ok(Vec::new());
    }
    let target = target_dir(shell)?;
    let (nono, broker) = (build_nono(shell, &target)?, build_floor(shell, &target, "broker")?);
    let program = build_opens(shell, &target)?;
    let place = Place::new(shell, &target.join("bench/open"))?;
    let mut all = place.candidates(&nono, &broker, &program);
    for round in 0..=runs {
        for candidate in &mut all {
            let measured = candidate.measure(shell)?;
            // The first round finds cold caches.
            if round > 0 {
                candidate.runs.push(measured);
            }
        }
    }
    report(&all, runs)
}

/// Where the files are.
pub(super) struct Place {
    granted: OsString,
    approved: OsString,
    rules: OsString,
}

impl Place {
    pub(super) fn new(shell: &Shell, root: &Path) -> anyhow::Result<Place> {
        let (granted, approved) = (root.join("granted"), root.join("approved"));
        for directory in [&granted, &approved] {
            shell.create_dir(directory.join("a/b"))?;
            shell.write_file(directory.join("a/b/file"), "")?;
        }
        let rules = root.join("rules.toml");
        let path = approved.canonicalize()?;
        shell.write_file(&rules, format!("[approve]\nread = [{:?}]\n", path.to_str().context("a path in UTF-8")?))?;
        Ok(Place { granted: granted.canonicalize()?.into(), approved: path.into(), rules: rules.into() })
    }

    pub(super) fn nono(&self, nono: &Path, program: &Path, threads: &str) -> Vec<OsString> {
        let mut command: Vec<OsString> = vec![nono.into()];
        command.extend(words(["run", "-q", "--broker-threads", threads, "--read"]));
        command.extend([self.granted.clone(), "--read".into(), program.into(), "--approve-rules".into()]);
        command.extend([self.rules.clone(), "--".into(), program.into()]);
        command
    }

    pub(super) fn approved_file(&self) -> OsString {
        Path::new(&self.approved).join("a/b/file").into()
    }

    fn candidates(&self, nono: &Path, broker: &Path, program: &Path) -> Vec<Candidate> {
        let file = |directory: &OsString| Path::new(directory).join("a/b/file").into_os_string();
        let (granted, approved) = (file(&self.granted), file(&self.approved));
        let floor = |mode: &str, file: &OsString| {
            let mut command = vec![broker.into(), mode.into(), self.granted.clone(), self.approved.clone()];
            command.extend([program.into(), file.clone(), BATCHES.into(), "1".into()]);
            command
        };
        let ours = |served_by: &str, file: &OsString, threads: &str| {
            let mut command = self.nono(nono, program, served_by);
            command.extend([file.clone(), BATCHES.into(), threads.into()]);
            command
        };
        let candidate = |name, command| Candidate { name, command, runs: Vec::new() };
        vec![
            candidate("floor: broker continue", floor("continue", &granted)),
            candidate("nono, granted", ours("2", &granted, "1")),
            candidate("floor: broker inject", floor("inject", &approved)),
            candidate("nono, approved", ours("2", &approved, "1")),
            candidate("two threads, one broker thread", ours("1", &approved, "2")),
            candidate("two threads, two broker threads", ours("2", &approved, "2")),
        ]
    }
}

impl Candidate {
    fn measure(&self, shell: &Shell) -> anyhow::Result<[f64; 3]> {
        let [program, arguments @ ..] = self.command.as_slice() else { bail!("an empty command") };
        let said = cmd!(shell, "{program} {arguments...}").quiet().read()?;
        let numbers: Vec<f64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        numbers.try_into().ok().with_context(|| format!("{}: {said:?}", self.name))
    }

    /// The best batch of all runs, the median of the runs' medians, and of their whole times.
    fn figures(&self) -> anyhow::Result<[f64; 3]> {
        let of = |which: usize| {
            let all: Vec<f64> = self.runs.iter().filter_map(|run| run.get(which).copied()).collect();
            figures(&all).context("nothing was measured")
        };
        Ok([of(0)?.best, of(1)?.median, of(2)?.median])
    }
}

fn report(all: &[Candidate], runs: usize) -> anyhow::Result<Vec<Row>> {
    println!("\nopens, {runs} alternating runs of 50 batches of 200      best  median   whole   (ns an open)");
    for candidate in all {
        let [best, median, whole] = candidate.figures()?;
        println!("  {:<44} {best:>8.0} {median:>7.0} {whole:>7.0}", candidate.name);
    }
    let [granted_floor, granted, approved_floor, approved, one, two] = all else { bail!("six are compared") };
    let ratio = |what: &str, ours: &Candidate, floor: &Candidate| -> anyhow::Result<Row> {
        let ([our_best, our_median, _], [best, median, _]) = (ours.figures()?, floor.figures()?);
        let (what, unit) = (what.to_owned(), "times");
        Ok(Row { what, unit, median: our_median / median, best: our_best / best, runs, limit: Some(LIMIT) })
    };
    let whole = |candidate: &Candidate| candidate.runs.iter().map(|[_, _, whole]| *whole).collect::<Vec<_>>();
    let rows = vec![
        ratio("granted, nono to the floor", granted, granted_floor)?,
        ratio("approved, nono to the floor", approved, approved_floor)?,
        Row::ratio("time of two broker threads to one", &whole(two), &whole(one), Some(1.0 / 1.4))?,
    ];
    print("opens, in comparison", &rows);
    Ok(rows)
}
