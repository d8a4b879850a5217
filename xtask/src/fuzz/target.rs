//! One target: run, watched, and what it found put where it belongs.

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest input: what is longer reaches nothing else.
const LONGEST: &str = "-max_len=4096";
/// How often a target says how far it is.
const PROGRESS: Duration = Duration::from_secs(5);
/// Seconds that an input may take, and that making one small may take.
const SLOWEST: &str = "-timeout=20";
const MINIMISE: &str = "-max_total_time=30";

/// A target and its directories.
pub(super) struct Target {
    pub(super) name: String,
    program: PathBuf,
    /// Committed: inputs to begin with, and what once broke a property.
    corpus: PathBuf,
    broken: PathBuf,
    /// Found by earlier runs.
    found: PathBuf,
    dictionary: Option<PathBuf>,
    scratch: PathBuf,
}

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) inputs: u64,
    /// Places in the code that were reached.
    pub(super) places: u64,
    /// The input that broke a property, made small.
    pub(super) broken: Option<PathBuf>,
}

impl Outcome {
    pub(super) fn says(&self) -> String {
        self.broken.as_ref().map_or_else(|| "held".to_owned(), |input| format!("BROKEN by {}", input.display()))
    }
}

/// A child that ends with this.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

impl Target {
    pub(super) fn new(root: &Path, built: &Path, scratch: &Path, name: String) -> anyhow::Result<Target> {
        let dictionary = root.join("dictionaries").join(format!("{name}.dict"));
        let target = Target {
            program: built.join(&name),
            corpus: root.join("corpus").join(&name),
            broken: root.join("regressions").join(&name),
            found: built.join("found").join(&name),
            dictionary: dictionary.metadata().is_ok().then_some(dictionary),
            scratch: scratch.join(&name),
            name,
        };
        for directory in [&target.corpus, &target.broken, &target.found, &target.scratch] {
            fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        Ok(target)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.scratch).env("TMPDIR", &self.scratch).env("RUST_BACKTRACE", "1");
        command.args([LONGEST, SLOWEST, "-rss_limit_mb=1024"]).stdin(Stdio::null());
        command
    }

    /// Runs it for so long, telling every few seconds how far it is.
    pub(super) fn fuzz(&self, seconds: u64) -> anyhow::Result<Outcome> {
        let artifact = self.scratch.join("broken");
        let mut command = self.command();
        command.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1");
        command.arg(format!("-exact_artifact_path={}", artifact.display()));
        command.args(self.dictionary.iter().map(|file| format!("-dict={}", file.display())));
        // New inputs go to the first of them.
        command.args([&self.found, &self.corpus, &self.broken]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = Ends(command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?);
        let stream = child.0.stderr.take().context("a pipe")?;
        let (mut outcome, mut log, mut told) = (Outcome::default(), Vec::new(), Instant::now());
        for line in BufReader::new(stream).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            outcome.read(&line);
            if !line.starts_with('#') {
                log.push(line);
            } else if told.elapsed() >= PROGRESS {
                println!("{:<16} {line}", self.name);
                told = Instant::now();
            }
        }
        if child.0.wait()?.success() {
            println!("{:<16} held for {} inputs", self.name, outcome.inputs);
            return Ok(outcome);
        }
        println!("{}\n", log.join("\n"));
        if artifact.metadata().is_err() {
            bail!("{} ended without naming an input", self.name);
        }
        outcome.broken = Some(self.small(&artifact)?);
        Ok(outcome)
    }

    /// Makes an input that breaks a property small, and puts it where later runs find it.
    fn small(&self, broken: &Path) -> anyhow::Result<PathBuf> {
        println!("{}: making the input small", self.name);
        let small = self.scratch.join("small");
        let mut command = self.command();
        command.args(["-minimize_crash=1", MINIMISE]).arg(format!("-exact_artifact_path={}", small.display()));
        command.arg(broken).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = Ends(command.spawn()?);
        child.0.wait()?;
        // Where time was up, what is there may be half of it, and break nothing.
        let breaks = small.metadata().is_ok() && !self.holds(&small)?;
        let bytes = fs::read(if breaks { &small } else { broken }).context("the input")?;
        let digest = format!("{:x}", Sha256::digest(&bytes));
        let kept = self.broken.join(digest.get(..12).unwrap_or(&digest));
        fs::write(&kept, bytes).with_context(|| format!("cannot write {}", kept.display()))?;
        println!(
            "{0}: BROKEN. To see it: cargo xtask fuzz --target {0} --input {1}\nCommit that file with the mend.",
            self.name,
            kept.display()
        );
        Ok(kept)
    }

    fn holds(&self, input: &Path) -> anyhow::Result<bool> {
        Ok(self.command().arg(input).stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
    }

    /// Gives one input to the target and shows what it says; whether the property held.
    pub(super) fn show(&self, input: &Path) -> anyhow::Result<bool> {
        let input = input.canonicalize().with_context(|| format!("cannot read {}", input.display()))?;
        Ok(self.command().arg(input).status()?.success())
    }

    /// Adds to the committed corpus the fewest of the inputs found that reach what it does not.
    pub(super) fn keep(&self) -> anyhow::Result<()> {
        let mut command = self.command();
        command.arg("-set_cover_merge=1").args([&self.corpus, &self.found]);
        command.stdout(Stdio::null()).stderr(File::create(self.scratch.join("merge"))?);
        let mut child = Ends(command.spawn()?);
        if !child.0.wait()?.success() {
            bail!("{}: the corpus cannot be merged:\n{}", self.name, fs::read_to_string(self.scratch.join("merge"))?);
        }
        println!("{:<16} {} inputs in {}", self.name, self.corpus.read_dir()?.count(), self.corpus.display());
        Ok(())
    }
}

impl Outcome {
    /// Takes figures out of a line of libFuzzer's.
    fn read(&mut self, line: &str) {
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            self.inputs = count.trim().parse().unwrap_or_default();
        }
        let mut words = line.split_whitespace();
        if line.starts_with('#') && words.any(|word| word == "cov:") {
            self.places = words.next().and_then(|count| count.parse().ok()).unwrap_or(self.places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_taken_from_libfuzzers_lines() {
        let mut outcome = Outcome::default();
        for line in [
            "#2\tINITED cov: 8 ft: 8 corp: 1/1b exec/s: 0 rss: 27Mb",
            "#204\tNEW    cov: 9 ft: 9 corp: 2/6b lim: 6",
            "stat::number_of_executed_units: 312",
            "artifact_prefix='./'",
        ] {
            outcome.read(line);
        }
        assert_eq!((outcome.inputs, outcome.places), (312, 9));
    }
}
