//! The steps: which tests, how many cases, and what they have to say.

use super::figures::Figures;
use anyhow::{Context, ensure};
use clap::builder::PossibleValuesParser;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use xshell::Shell;

/// Tests of one kind.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    made: Made,
    extent: Extent,
    /// What it has to count some of; so many of the first as there are cases.
    some: &'static [&'static str],
    /// What it has to count and find none of.
    none: &'static [&'static str],
}

/// What is run.
enum Made {
    /// A test program of a package, and which tests of it; all for none.
    Test { package: &'static str, test: &'static str, only: &'static [&'static str] },
    /// Another task.
    Task(&'static str),
}

/// How much there is of it.
enum Extent {
    /// So many cases, by this variable; with fewer than `least`, the test itself fails for want of some kind.
    Cases { variable: &'static str, all: u64, least: u64 },
    /// All rows of a suite; of so many parts one in a trial.
    Rows { suite: &'static str, parts: u32 },
    /// All there is; less in a trial.
    Full,
    /// All there is; of so many parts one in a trial.
    Shards(u32),
    /// For so long each.
    Seconds { all: u32, trial: u32 },
}

const CASES: &str = "NONO_TEST_CASES";
const MILLION: u64 = 1_000_000;

const fn black_box(test: &'static str, only: &'static [&'static str]) -> Made {
    Made::Test { package: "nono-tests", test, only }
}

/// All of them, the cheaper first.
pub(super) const STEPS: [Step; 13] = [
    Step {
        name: "filters",
        title: "Filters",
        made: Made::Test { package: "nono-seccomp", test: "property", only: &[] },
        extent: Extent::Cases { variable: CASES, all: MILLION, least: 1 },
        some: &["calls compared", "rule sets"],
        none: &["disagreements"],
    },
    Step {
        name: "faults",
        title: "Faults",
        made: black_box("faults", &[]),
        extent: Extent::Rows { suite: "faults", parts: 48 },
        some: &["faults injected", "commands not started"],
        none: &["unsafe outcomes"],
    },
    Step {
        name: "escapes",
        title: "Escapes",
        made: black_box("escape", &[]),
        extent: Extent::Rows { suite: "escape", parts: 16 },
        some: &["attempts", "as promised", "attempts under --explain"],
        none: &["escapes", "ends that it changed"],
    },
    Step {
        name: "sanitize",
        title: "Sanitizers",
        made: Made::Task("sanitize"),
        extent: Extent::Full,
        some: &["tests under the address sanitizer"],
        none: &["that failed there"],
    },
    Step {
        name: "deputies",
        title: "Deputies",
        made: black_box("deputy", &[]),
        extent: Extent::Rows { suite: "deputy", parts: 24 },
        some: &["acts", "acts under --explain"],
        none: &["acts that led astray", "ends that it changed"],
    },
    Step {
        name: "learn",
        title: "Learnt profiles",
        made: black_box("learn", &["learnt_profiles"]),
        extent: Extent::Full,
        some: &["grants taken away and missed", "named", "works"],
        none: &[],
    },
    Step {
        name: "why",
        title: "Answers of `nono why`",
        made: black_box("why", &["why_says"]),
        extent: Extent::Cases { variable: "NONO_TEST_WHY_CASES", all: 5_000, least: 200 },
        some: &["answers", "yes", "no", "flags that were to help and tried", "answers of --self"],
        none: &["wrong"],
    },
    Step {
        name: "macos",
        title: "Profiles of macOS",
        made: Made::Test { package: "nono-macos", test: "model", only: &[] },
        extent: Extent::Cases { variable: "NONO_TEST_MODEL_CASES", all: 100_000, least: 100 },
        some: &["sets", "requests compared with the model"],
        none: &["disagreements"],
    },
    Step {
        name: "fuzz",
        title: "Fuzzing",
        made: Made::Task("fuzz"),
        extent: Extent::Seconds { all: 300, trial: 2 },
        some: &["inputs", "targets"],
        none: &["broken properties"],
    },
    Step {
        name: "mutants",
        title: "Mutants",
        made: Made::Task("mutants"),
        extent: Extent::Shards(50),
        some: &["mutants", "caught"],
        none: &["survivors"],
    },
    Step {
        name: "races",
        title: "Races",
        made: black_box("races", &["nothing_is_opened"]),
        extent: Extent::Cases { variable: CASES, all: MILLION, least: 20_000 },
        some: &["opens", "that succeeded"],
        none: &["of what was not approved"],
    },
    Step {
        name: "answers",
        title: "Answers of a supervisor",
        made: black_box("answers", &[]),
        extent: Extent::Cases { variable: CASES, all: MILLION, least: 800 },
        some: &["opens", "granted", "approved", "refused"],
        none: &["disagreements"],
    },
    Step {
        name: "model",
        title: "Model and kernel",
        made: black_box("model", &[]),
        extent: Extent::Cases { variable: CASES, all: MILLION, least: 100 },
        some: &["cases", "allowed", "denied", "impossible"],
        none: &["disagreements"],
    },
];

/// For the command line.
pub(super) fn names() -> PossibleValuesParser {
    STEPS.iter().map(|step| step.name).collect::<Vec<_>>().into()
}

impl Step {
    /// Runs it, and what it counted. An error if it failed, or did not count what it has to.
    pub(super) fn run(&self, shell: &Shell, built: &Path, trial: Option<u64>) -> anyhow::Result<Figures> {
        let mut command = self.command(trial)?;
        command.current_dir(shell.current_dir()).env("NONO_TEST_BIN_DIR", built);
        let least = self.extent.of(trial, &mut command);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start it")?;
        let (mut figures, mut read) = (Figures::default(), Ok(()));
        for line in BufReader::new(child.stdout.take().context("a pipe")?).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            println!("{line}");
            read = read.and_then(|()| figures.read(&line));
        }
        let status = child.wait()?;
        ensure!(status.success(), "it failed: {status}");
        read?;
        figures.check(least, self.some, self.none)?;
        Ok(figures)
    }

    fn command(&self, trial: Option<u64>) -> anyhow::Result<Command> {
        match self.made {
            Made::Test { package, test, only } => {
                let mut command = Command::new(env!("CARGO"));
                command.args(["test", "--quiet", "--package", package, "--test", test]);
                // Optimised, and checked all the same; not linked as a release is, which takes minutes for each.
                command.args(trial.is_none().then_some("--profile=vm")).arg("--").args(only).arg("--nocapture");
                Ok(command)
            }
            Made::Task(task) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg(task);
                Ok(command)
            }
        }
    }
}

impl Extent {
    /// Tells the command how much it is to do; how many cases that is, if they are counted.
    fn of(&self, trial: Option<u64>, command: &mut Command) -> u64 {
        // What whoever calls this has set would make it less.
        for variable in ["NONO_TEST_FULL", "NONO_TEST_SAMPLE", "NONO_TEST_ROW"] {
            command.env_remove(variable);
        }
        command.envs(trial.is_none().then_some(("NONO_TEST_FULL", "1")));
        match *self {
            Extent::Cases { variable, all, least } => {
                let cases = trial.map_or(all, |cases| cases.clamp(least, all));
                command.env(variable, cases.to_string());
                cases
            }
            Extent::Rows { suite, parts } => {
                command.envs(trial.map(|_| ("NONO_TEST_SAMPLE", format!("{suite}:0/{parts}"))));
                0
            }
            Extent::Full => 0,
            Extent::Shards(parts) => {
                command.args(trial.map(|_| format!("--shard=0/{parts}")));
                0
            }
            Extent::Seconds { all, trial: few } => {
                command.args(["--seconds", &trial.map_or(all, |_| few).to_string()]);
                0
            }
        }
    }
}
