//! `cargo xtask bench build`: what a sandbox, and a supervisor, add to a build: bare, `nono run`, and
//! `nono run --approve-rules`.
//!
//! The workspace is made here, for it must be the same everywhere and need no network: packages that use each other, with
//! generic code to compile.

use super::row::{Row, print};
use super::{build_nono, timed};
use crate::tests_run::target_dir;
use anyhow::{Context, ensure};
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use xshell::Shell;

/// Packages of the workspace, and modules of each.
const PACKAGES: usize = 10;
const MODULES: usize = 4;

/// How many times as long a build may take with the sandbox, and supervised.
const LIMITS: [f64; 2] = [1.03, 1.15];

/// One module: its types differ from those of others by their names only.
const MODULE: &str = "
use std::collections::{BTreeMap, HashMap};
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Entry { pub name: String, pub parts: Vec<String>, pub weight: u64 }
pub fn count(text: &str) -> BTreeMap<Entry, usize> {
    let mut all: HashMap<String, usize> = HashMap::new();
    for word in text.split_whitespace() { *all.entry(word.to_owned()).or_default() += 1; }
    let entry = |(name, weight): (String, usize)| {
        let parts = name.split('-').map(str::to_uppercase).collect();
        (Entry { name, parts, weight: weight as u64 }, weight)
    };
    all.into_iter().map(entry).collect()
}
pub fn shown(text: &str) -> String {
    let mut lines: Vec<String> = count(text).iter().map(|(entry, count)| format!(\"{entry:?} {count}\")).collect();
    lines.sort_by_key(|line| (line.len(), line.clone()));
    lines.join(\"\\n\")
}
";

/// Builds from nothing, `runs` times each way in turn.
pub(crate) fn run(shell: &Shell, runs: usize) -> anyhow::Result<Vec<Row>> {
    ensure!(runs > 0, "--runs is at least 1");
    let target = target_dir(shell)?;
    let nono = build_nono(shell, &target)?;
    let place = target.join("bench/workspace");
    workspace(&place)?;
    // Nobody is there to ask: by rules that approve nothing, whatever is not granted is looked at and refused.
    let rules = target.join("bench/approve-nothing.toml");
    shell.write_file(&rules, "[approve]\n")?;
    let supervised = [OsStr::new("--approve-rules"), rules.as_os_str()];
    let ways: [Option<&[&OsStr]>; 3] = [None, Some(&[]), Some(&supervised)];
    let mut times: [Vec<f64>; 3] = Default::default();
    // The first round finds cold caches.
    for round in 0..=runs {
        for (way, times) in ways.iter().zip(&mut times) {
            let took = once(&nono, &place, *way)?;
            if round > 0 {
                times.push(took);
            }
        }
    }
    let [bare, sandboxed, supervised] = &times;
    let [limit, supervised_limit] = LIMITS;
    let rows = vec![
        Row::ratio("cargo build, nono run", sandboxed, bare, Some(limit))?,
        Row::ratio("cargo build, nono run --approve-rules", supervised, bare, Some(supervised_limit))?,
    ];
    print("a build, to that without a sandbox", &rows);
    Ok(rows)
}

/// Each package uses the one before it; the last is a program.
fn workspace(place: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(place)?;
    fs::write(place.join("Cargo.toml"), "[workspace]\nresolver = \"2\"\nmembers = [\"p*\"]\n")?;
    for package in 0..PACKAGES {
        let source = place.join(format!("p{package}/src"));
        fs::create_dir_all(&source)?;
        let mut manifest = format!("[package]\nname = \"p{package}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n");
        let mut root = String::new();
        if let Some(before) = package.checked_sub(1) {
            write!(manifest, "[dependencies]\np{before} = {{ path = \"../p{before}\" }}\n")?;
            writeln!(root, "pub use p{before} as before;")?;
        }
        for module in 0..MODULES {
            writeln!(root, "pub mod m{module};")?;
            fs::write(source.join(format!("m{module}.rs")), MODULE)?;
        }
        let last = package + 1 == PACKAGES;
        if last {
            root += "fn main() { println!(\"{}\", m0::shown(\"a b\")); }\n";
        }
        fs::write(source.join(if last { "main.rs" } else { "lib.rs" }), root)?;
        fs::write(place.join(format!("p{package}/Cargo.toml")), manifest)?;
    }
    Ok(())
}

/// Seconds of a build from nothing; `flags` of nono, if it is run in it.
fn once(nono: &Path, place: &Path, flags: Option<&[&OsStr]>) -> anyhow::Result<f64> {
    let _gone = fs::remove_dir_all(place.join("target"));
    let mut command = match flags {
        None => Command::new("cargo"),
        Some(flags) => {
            // cargo reads its configuration in all directories above.
            let above = place.ancestors().nth(3).context("a target directory in a workspace")?;
            let mut command = Command::new(nono);
            command.args(["run", "-q", "--allow-cwd", "-p", "rust", "--read"]).arg(above).args(flags);
            command.args(["--", "cargo"]);
            command
        }
    };
    command.args(["build", "-q", "--offline"]).current_dir(place);
    timed(&mut command)
}
