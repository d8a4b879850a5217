//! `cargo xtask bench rules`: how decisions and plans grow with the number of grants, and what a granted open costs.

use super::row::{Row, print};
use super::{build_floor, build_nono, build_opens, can_measure, read_directories, words};
use crate::tests_run::target_dir;
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::path::Path;
use xshell::{Shell, cmd};

/// Nanoseconds that a decision may take with ten thousand grants.
const DECISION: f64 = 2_000.0;
/// How many times as long it may take as with a thousand: by logarithms 4 to 3, and more lies outside the caches.
const GROWTH_OF_DECISION: f64 = 2.0;
/// How many times as long a plan of ten times as many grants may take: linear.
const GROWTH_OF_PLAN: f64 = 12.0;
/// What the filter may add to an open that Landlock decides.
const GRANTED_OPEN: f64 = 1.08;

/// Batches of 200 opens in a run.
const BATCHES: &str = "50";

/// Measures each `runs` times.
pub(crate) fn run(shell: &Shell, runs: usize) -> anyhow::Result<Vec<Row>> {
    if !can_measure(shell, "rules", runs)? {
        return Ok(Vec::new());
    }
    let mut rows = growth(shell, runs)?;
    rows.extend(opens(shell, runs)?);
    print("rules, all in each round", &rows);
    Ok(rows)
}

/// By `nono-linux/benches/growth.rs`.
fn growth(shell: &Shell, runs: usize) -> anyhow::Result<Vec<Row>> {
    let rounds = runs.to_string();
    let said = cmd!(shell, "cargo bench --quiet --package nono-linux --bench growth -- {rounds}").quiet().read()?;
    let of = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let times = line.with_context(|| format!("nothing about {name}"))?.split_whitespace().map(str::parse);
        Ok::<Vec<f64>, anyhow::Error>(times.collect::<Result<_, _>>()?)
    };
    let (few, many) = (of("decide-1000")?, of("decide-10000")?);
    Ok(vec![
        Row::of("decision, 1,000 grants", "ns", &few, None)?,
        Row::of("decision, 10,000 grants", "ns", &many, Some(DECISION))?,
        Row::ratio("decision, 10,000 grants to 1,000", &many, &few, Some(GROWTH_OF_DECISION))?,
        Row::ratio("plan, 10,000 grants to 1,000", &of("plan-10000")?, &of("plan-1000")?, Some(GROWTH_OF_PLAN))?,
    ])
}

/// An open that is granted, in nono without a supervisor and in the floor, which has the same rules and no filter.
fn opens(shell: &Shell, runs: usize) -> anyhow::Result<Option<Row>> {
    let target = target_dir(shell)?;
    let (nono, floor) = (build_nono(shell, &target)?, build_floor(shell, &target, "launch")?);
    let program = build_opens(shell, &target)?;
    // Beside the program, whose directory has to be granted anyway.
    let below = program.parent().context("a program lies in a directory")?;
    shell.create_dir(below.join("a/b"))?;
    let file = below.join("a/b/file");
    shell.write_file(&file, "")?;
    let opens = [program.clone().into(), file.into(), BATCHES.into()];
    let mut bare: Vec<OsString> = read_directories().map(OsString::from).collect();
    let mut same = words(["run", "-q", "--no-system"]);
    same.extend(bare.iter().flat_map(|path| ["--read".into(), path.clone()]));
    bare.extend([below.into(), "--".into()]);
    same.extend(["--read".into(), below.into(), "--".into()]);
    let mut times: [Vec<f64>; 2] = Default::default();
    // The first round finds cold caches.
    for round in 0..=runs {
        for ((launcher, grants), times) in [(&floor, &bare), (&nono, &same)].into_iter().zip(&mut times) {
            let [_, median, _] = measure(shell, launcher, grants, &opens)?;
            if round > 0 {
                times.push(median);
            }
        }
    }
    let [floor, nono] = times;
    Row::ratio("granted open, nono to Landlock alone", &nono, &floor, Some(GRANTED_OPEN)).map(Some)
}

/// Nanoseconds an open: of the best batch, the median batch, and of all.
fn measure(shell: &Shell, launcher: &Path, grants: &[OsString], opens: &[OsString]) -> anyhow::Result<[f64; 3]> {
    let said = cmd!(shell, "{launcher} {grants...} {opens...}").quiet().read()?;
    let numbers: Vec<f64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let Ok(three) = numbers.try_into() else { bail!("{} printed {said:?}", launcher.display()) };
    Ok(three)
}
