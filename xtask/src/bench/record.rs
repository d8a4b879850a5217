//! What `cargo xtask bench all` writes down: for each benchmark a file in JSON and plots, and one table of all.

use super::plot::plot;
use super::row::Row;
use anyhow::Context;
use serde::Serialize;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use xshell::{Shell, cmd};

/// Of the form of the files in JSON.
const VERSION: u32 = 1;

/// Where and when it was measured. Names of machines say nothing, and are nobody's business.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    architecture: &'static str,
    cores: usize,
    kernel: String,
    date: String,
}

impl Machine {
    pub(super) fn this(shell: &Shell) -> anyhow::Result<Machine> {
        let release = cmd!(shell, "uname -r").quiet().read()?;
        // What a distribution adds to the number may name a machine.
        let kernel = release.split('-').next().unwrap_or_default().to_owned();
        let date = cmd!(shell, "date -u +%F").quiet().read()?;
        let cores = std::thread::available_parallelism()?.get();
        Ok(Machine { architecture: std::env::consts::ARCH, cores, kernel, date })
    }

    fn told(&self) -> String {
        let Machine { architecture, cores, kernel, date } = self;
        format!("{date}, Linux {kernel}, {architecture}, {cores} cores")
    }
}

/// One benchmark.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    version: u32,
    pub(super) bench: &'static str,
    machine: Machine,
    rows: Vec<Row>,
    /// Why there are none.
    pub(super) failed: Option<String>,
}

impl Record {
    pub(super) fn new(bench: &'static str, machine: &Machine, found: anyhow::Result<Vec<Row>>) -> Record {
        let (rows, failed) = match found {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(format!("{error:#}"))),
        };
        Record { version: VERSION, bench, machine: machine.clone(), rows, failed }
    }

    /// The file in JSON, and a plot of the figures of each unit. What was plotted before and is not any more goes away.
    pub(super) fn write(&self, place: &Path) -> anyhow::Result<()> {
        let file = place.join(format!("{}.json", self.bench));
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        for unit in ["times", "ns", "us", "KB"] {
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.unit == unit).collect();
            let file = place.join(format!("{}-{}.svg", self.bench, unit.to_lowercase()));
            if rows.is_empty() {
                let _was_not_there = fs::remove_file(&file);
            } else {
                plot(&file, &format!("{}, {unit} ({})", self.bench, self.machine.told()), &rows)?;
            }
        }
        Ok(())
    }
}

/// Writes the table of all.
pub(super) fn table(place: &Path, machine: &Machine, records: &[Record]) -> anyhow::Result<()> {
    let mut text = String::from(
        "# Figures\n\nWritten by `cargo xtask bench all`; [benchmarks.md](../benchmarks.md) says what is measured.\n\n",
    );
    writeln!(text, "{}.", machine.told())?;
    for Record { bench, rows, failed, .. } in records {
        writeln!(text, "\n## {bench}\n")?;
        if let Some(why) = failed {
            writeln!(text, "Failed: {why}")?;
            continue;
        }
        if rows.is_empty() {
            writeln!(text, "Skipped: something that it takes is missing.")?;
            continue;
        }
        writeln!(text, "| figure | median | best | unit | runs | limit | kept |\n|---|---|---|---|---|---|---|")?;
        for row in rows {
            let Row { what, unit, median, best, runs, .. } = row;
            let digits = row.digits();
            let limit = row.limit.map(|limit| format!("{limit:.digits$}")).unwrap_or_default();
            let kept = row.keeps().map_or("", |kept| if kept { "yes" } else { "no" });
            writeln!(text, "| {what} | {median:.digits$} | {best:.digits$} | {unit} | {runs} | {limit} | {kept} |")?;
        }
    }
    let file = place.join("README.md");
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_fails_is_told_beside_the_others() {
        let place = tempfile::tempdir().unwrap();
        let machine = Machine { architecture: "x86_64", cores: 2, kernel: "6.18".into(), date: "2026-01-01".into() };
        let kept = Row::ratio("a start", &[3.0, 2.0], &[2.0, 2.0], Some(1.5)).unwrap();
        let records = [
            Record::new("start", &machine, Ok(vec![kept])),
            Record::new("open", &machine, Err(anyhow::anyhow!("no file"))),
        ];
        for record in &records {
            record.write(place.path()).unwrap();
        }
        table(place.path(), &machine, &records).unwrap();
        let read = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
        assert!(read("README.md").contains("| a start | 1.25 | 1.00 | times | 2 | 1.50 | yes |"));
        assert!(read("README.md").contains("Failed: no file"));
        assert!(read("start-times.svg").contains("a start"));
        let json: serde_json::Value = serde_json::from_str(&read("open.json")).unwrap();
        assert_eq!(json["failed"], "no file");
        assert_eq!(json["version"], 1);
    }
}
