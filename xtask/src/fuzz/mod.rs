//! `cargo xtask fuzz`: hostile bytes for everything that reads such, chosen by the code that they reach.
//!
//! The targets are functions in `fuzz/targets`, each with a property. They are linked with libFuzzer and instrumented by flags of
//! the stable compiler, so that nothing else has to be installed. What a run finds to reach new code is kept in the build
//! directory and is where the next one begins; what breaks a property is made small and put beside the corpus, where every
//! later run tries it first.

mod build;
mod target;

use anyhow::{Context, ensure};
use clap::Args;
use std::collections::VecDeque;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use target::{Outcome, Target};
use xshell::Shell;

/// What is fuzzed, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Fuzz this target alone; may be repeated
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// How long each is fuzzed
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Give the bytes of FILE to the target, once, and show what it says
    #[arg(long, value_name = "FILE", conflicts_with = "keep")]
    input: Option<PathBuf>,
    /// Afterwards, add to the committed corpus the fewest inputs that reach what it does not
    #[arg(long)]
    keep: bool,
}

impl Options {
    /// As `cargo xtask ci` does it: every target for a short time.
    pub(crate) fn of_ci() -> Options {
        Options { target: Vec::new(), seconds: 15, input: None, keep: false }
    }
}

/// Runs all targets that are asked for, as many at once as there are processors; whether every property held.
pub(crate) fn run(options: &Options, shell: &Shell) -> anyhow::Result<bool> {
    let root = shell.current_dir().join("fuzz");
    let names = wanted(&root, &options.target)?;
    let built = build::build(shell, &names)?;
    let scratch =
        tempfile::Builder::new().prefix("nono-fuzz-").tempdir_in(memory()).context("a directory for files")?;
    let targets = names.into_iter().map(|name| Target::new(&root, &built, scratch.path(), name));
    let targets = targets.collect::<anyhow::Result<VecDeque<Target>>>()?;
    if let Some(input) = &options.input {
        let [target] = targets.as_slices().0 else { anyhow::bail!("--input is for one --target") };
        return target.show(input);
    }
    let outcomes = side_by_side(targets, options)?;
    println!("\n{:<16} {:>10} {:>9}  result", "target", "inputs", "places");
    for (name, outcome) in &outcomes {
        println!("{name:<16} {:>10} {:>9}  {}", outcome.inputs, outcome.places, outcome.says());
    }
    let (targets, inputs) = (outcomes.len(), outcomes.iter().map(|(_, outcome)| outcome.inputs).sum::<u64>());
    let broken = outcomes.iter().filter(|(_, outcome)| outcome.broken.is_some()).count();
    println!(
        "figures: fuzz: {targets} targets, {inputs} inputs, {broken} broken properties; {} s each",
        options.seconds
    );
    Ok(broken == 0)
}

/// The targets there are, or those of them that are asked for.
fn wanted(root: &Path, asked: &[String]) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in root.join("targets").read_dir().context("fuzz/targets")? {
        let path = entry?.path();
        all.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    all.sort();
    if let Some(unknown) = asked.iter().find(|name| !all.contains(name)) {
        anyhow::bail!("no target is called {unknown:?}; there are {}", all.join(", "));
    }
    ensure!(!all.is_empty(), "there are no targets in {}", root.display());
    Ok(if asked.is_empty() { all } else { asked.to_vec() })
}

/// Where files cost least.
fn memory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.metadata().is_ok_and(|found| found.is_dir()) { shared.to_owned() } else { std::env::temp_dir() }
}

/// Takes one target after the other, as many at once as there are processors, and tells the outcomes in the order of their names.
fn side_by_side(targets: VecDeque<Target>, options: &Options) -> anyhow::Result<Vec<(String, Outcome)>> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(targets.len());
    let left = Mutex::new(targets);
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let work = || {
        let mut done = Vec::new();
        while let Some(target) = next() {
            let outcome = target.fuzz(options.seconds)?;
            if options.keep && outcome.broken.is_none() {
                target.keep()?;
            }
            done.push((target.name, outcome));
        }
        Ok(done)
    };
    let results: Vec<anyhow::Result<Vec<_>>> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        running
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a worker panicked"))))
            .collect()
    });
    let mut outcomes = results.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat();
    outcomes.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(outcomes)
}
