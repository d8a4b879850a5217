//! `cargo xtask mutants`: cargo-mutants changes one thing at a time in what decides, plans and filters, and the tests of that
//! crate must notice. Changes that nothing can notice are left out by `.cargo/mutants.toml`, each with its reason.

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::fs;
use std::path::Path;
use std::process::Command;
use xshell::Shell;

/// Which files are changed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only in this crate; may be repeated
    #[arg(long, value_name = "CRATE", value_parser = crates())]
    package: Vec<String>,
    /// Only part K, from 0, of N
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
}

/// Crates, and what is changed in them.
const FILES: [(&str, &[&str]); 3] = [
    ("nono-core", &["nono-core/src/decide/mod.rs"]),
    ("nono-seccomp", &["nono-seccomp/src/assemble/mod.rs", "nono-seccomp/src/program.rs"]),
    ("nono-linux", &["nono-linux/src/plan/mod.rs", "nono-linux/src/guarantee.rs", "nono-linux/src/filter/*.rs"]),
];

fn crates() -> PossibleValuesParser {
    FILES.map(|(package, _)| package).into()
}

/// How many changes came to what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    caught: usize,
    survivors: usize,
    unviable: usize,
    /// The tests did not end: noticed as well.
    timeouts: usize,
}

/// Runs it for the crates that are asked for, or all; whether nothing survived.
pub(crate) fn run(shell: &Shell, options: &Options) -> anyhow::Result<bool> {
    let wanted = |name: &str| options.package.is_empty() || options.package.iter().any(|one| one == name);
    let (mut all, mut names) = (Outcome::default(), Vec::new());
    for (package, files) in FILES.iter().filter(|(name, _)| wanted(name)) {
        let one = mutate(shell, package, files, options.shard.as_deref())?;
        println!("{package}: {}", one.says());
        all.add(one);
        names.push(*package);
    }
    println!("figures: mutants: {}; of {}", all.says(), names.join(" "));
    Ok(all.survivors == 0)
}

fn mutate(shell: &Shell, package: &str, files: &[&str], shard: Option<&str>) -> anyhow::Result<Outcome> {
    let root = shell.current_dir();
    let output = root.join("target/mutants").join(package);
    fs::create_dir_all(&output)?;
    let mut command = Command::new(env!("CARGO"));
    // Installed beside the build, or wherever cargo looks.
    let tools = root.join("target/tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(&path)))?;
    command.env("PATH", places).current_dir(&root).args(["mutants", "--package", package, "--test-package", package]);
    command.args(["-j1", "--timeout", "120", "--no-shuffle", "--colors", "never", "--output"]).arg(&output);
    for file in files {
        command.args(["--file", file]);
    }
    command.args(shard.map(|shard| format!("--shard={shard}")));
    // Only the tests that stand beside the code: what restricts a process is slow, and tested elsewhere.
    command.args(["--", "--lib"]);
    let status = command.status().context("cargo mutants")?;
    // 2: some survived; 3: some tests did not end (cargo-mutants, exit codes).
    match status.code() {
        Some(0 | 2 | 3) => Outcome::read(&output.join("mutants.out")),
        Some(101) => bail!("is cargo-mutants there? cargo install --locked cargo-mutants --root target/tools"),
        _ => bail!("cargo mutants failed: {status}"),
    }
}

impl Outcome {
    fn read(directory: &Path) -> anyhow::Result<Outcome> {
        let lines = |name: &str| {
            let file = directory.join(name);
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            Ok::<usize, anyhow::Error>(text.lines().count())
        };
        Ok(Outcome {
            caught: lines("caught.txt")?,
            survivors: lines("missed.txt")?,
            unviable: lines("unviable.txt")?,
            timeouts: lines("timeout.txt")?,
        })
    }

    fn add(&mut self, other: Outcome) {
        self.caught += other.caught;
        self.survivors += other.survivors;
        self.unviable += other.unviable;
        self.timeouts += other.timeouts;
    }

    fn says(self) -> String {
        let all = self.caught + self.survivors + self.unviable + self.timeouts;
        format!(
            "{all} mutants, {} caught, {} whose tests did not end, {} that do not compile, {} survivors",
            self.caught, self.timeouts, self.unviable, self.survivors
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_each_list_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [("caught.txt", "a\nb\n"), ("missed.txt", "c\n"), ("unviable.txt", ""), ("timeout.txt", "")]
        {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let outcome = Outcome::read(directory.path()).unwrap();
        assert_eq!(outcome, Outcome { caught: 2, survivors: 1, unviable: 0, timeouts: 0 });
        let says = "3 mutants, 2 caught, 0 whose tests did not end, 0 that do not compile, 1 survivors";
        assert_eq!(outcome.says(), says);
    }
}
