//! What came of it all: a table for the terminal, JSON, and the page docs/kernels.md.

use super::console::Run;
use super::guest::Ending;
use super::image::USER;
use super::kernels::Kernel;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A kernel and its guest.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) kernel: Kernel,
    pub(super) ending: Ending,
    /// How often a guest hung before.
    pub(super) retries: usize,
}

impl Tested {
    /// Everything was run, nothing failed, and `doctor` had its say. Where no test was found nothing was shown.
    pub(super) fn is_good(&self) -> bool {
        let story = &self.ending.story;
        let ran = story.runs.iter().any(|run| run.passed + run.skipped > 0);
        let said = story.runs.iter().all(|run| story.doctors.contains_key(&run.user));
        self.ending.fault.is_none() && ran && said && story.runs.iter().all(|run| run.failed == 0)
    }

    /// As the kernel calls itself, without the name of its flavour; else by its package.
    fn release(&self) -> &str {
        let name = self.ending.story.release.as_deref().unwrap_or(self.kernel.package.version.as_str());
        name.split(['+', '-']).next().unwrap_or(name)
    }

    fn sum(&self, of: fn(&Run) -> usize) -> usize {
        self.ending.story.runs.iter().map(of).sum()
    }

    fn abi(&self) -> Option<u64> {
        let mut doctors = self.ending.story.doctors.values();
        doctors.find_map(|doctor| doctor.get("landlock_abi")?.as_u64())
    }

    /// What `doctor` says of each guarantee as the user `user`: its mechanism, `gap` or `limit`.
    fn guarantees(&self, user: &str) -> BTreeMap<String, String> {
        let doctor = self.ending.story.doctors.get(user);
        let list = doctor.and_then(|doctor| doctor.get("guarantees")?.as_array()).into_iter().flatten();
        let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
        list.filter_map(|row| {
            let status = text(row, "status")?;
            let word = if status == "enforced" { text(row, "mechanism")? } else { status };
            Some((text(row, "name")?, word))
        })
        .collect()
    }

    /// How many of them are gaps; where there is no sandbox, nothing can be counted.
    fn gaps(&self) -> String {
        let story = &self.ending.story;
        let Some(doctor) = story.doctors.get(USER).or_else(|| story.doctors.values().next()) else { return "?".into() };
        match doctor.get("guarantees").and_then(Value::as_array) {
            Some(rows) if !rows.is_empty() => {
                rows.iter().filter(|row| row.get("status") == Some(&json!("gap"))).count().to_string()
            }
            _ => "-".into(),
        }
    }

    /// What is said of a guarantee that `doctor` does not name.
    fn nothing(&self) -> &'static str {
        let doctors = &self.ending.story.doctors;
        let has_none = |doctor: &Value| doctor.get("sandbox") == Some(&json!(false));
        if doctors.values().any(has_none) { "no sandbox" } else { "?" }
    }
}

/// Two tables: kernels with their sums, and test programs by kernel.
pub(super) fn text(all: &[Tested], gone: &[String]) -> String {
    let mut text = format!(
        "\n{:<10} {:>4} {:>7} {:>7} {:>8} {:>5} {:>6}\n",
        "kernel", "ABI", "passed", "failed", "skipped", "gaps", "time"
    );
    for one in all {
        let abi = one.abi().map_or("?".to_owned(), |abi| abi.to_string());
        let state = if one.is_good() { "" } else { "  FAILED" };
        let (passed, failed, skipped) =
            (one.sum(|run| run.passed), one.sum(|run| run.failed), one.sum(|run| run.skipped));
        let _infallible = writeln!(
            text,
            "{:<10} {abi:>4} {passed:>7} {failed:>7} {skipped:>8} {:>5} {:>4} s{state}",
            one.release(),
            one.gaps(),
            one.ending.took.as_secs()
        );
    }
    let rows = rows(all);
    let width = rows.keys().map(|(group, user)| group.len() + user.len() + 3).max().unwrap_or(0);
    let heading: String = all.iter().map(|one| format!(" {:>9}", one.release())).collect();
    let _infallible = writeln!(text, "\n{:<width$}{heading}   passed/failed/skipped", "test program");
    for ((group, user), cells) in &rows {
        let cells: String = cells.iter().map(|cell| format!(" {cell:>9}")).collect();
        let _infallible = writeln!(text, "{:<width$}{cells}", format!("{group} ({user})"));
    }
    for one in all {
        failures(&mut text, one);
    }
    for reason in gone {
        let _infallible = writeln!(text, "\nskipped: {reason}");
    }
    text
}

/// What failed on one kernel.
fn failures(text: &mut String, one: &Tested) {
    if one.retries > 0 {
        let _infallible = writeln!(text, "\n{}: a guest hung, and was started once more", one.release());
    }
    if let Some(fault) = &one.ending.fault {
        let _infallible = writeln!(text, "\n{} FAILED: {fault}", one.release());
    }
    for run in one.ending.story.runs.iter().filter(|run| run.failed > 0) {
        for failure in &run.failures {
            let _infallible = writeln!(text, "{} FAILED: {} ({}): {failure}", one.release(), run.group, run.user);
        }
    }
}

/// The cells of each test program that was run anywhere: one a kernel.
fn rows(all: &[Tested]) -> BTreeMap<(String, String), Vec<String>> {
    let runs =
        all.iter().flat_map(|one| &one.ending.story.runs).filter(|run| run.passed + run.failed + run.skipped > 0);
    let names: BTreeSet<(String, String)> = runs.map(|run| (run.group.clone(), run.user.clone())).collect();
    let cell = |one: &Tested, name: &(String, String)| {
        let run = one.ending.story.runs.iter().find(|run| run.group == name.0 && run.user == name.1);
        run.map_or("-".to_owned(), |run| match (run.failed, run.skipped) {
            (0, 0) => run.passed.to_string(),
            (failed, skipped) => format!("{}/{failed}/{skipped}", run.passed),
        })
    };
    names.into_iter().map(|name| (name.clone(), all.iter().map(|one| cell(one, &name)).collect())).collect()
}

/// Everything, for programs.
pub(super) fn json(all: &[Tested], gone: &[String], architecture: &str, date: &str) -> Value {
    let kernels: Vec<Value> = all
        .iter()
        .map(|one| {
            json!({
                "release": one.ending.story.release, "package": one.kernel.package.name,
                "package_version": one.kernel.package.version.as_str(), "landlock_abi": one.abi(),
                "expected_abi": one.kernel.series.abi, "seconds": one.ending.took.as_secs(), "retries": one.retries,
                "fault": one.ending.fault, "doctor": one.ending.story.doctors, "runs": one.ending.story.runs,
            })
        })
        .collect();
    json!({ "version": 1, "date": date, "architecture": architecture, "kernels": kernels, "skipped": gone })
}

/// The page for people.
pub(super) fn page(all: &[Tested], gone: &[String], architecture: &str, date: &str, partly: &str) -> String {
    let mut page = format!(
        "# Kernels\n\nMade by `cargo xtask test-vm --kernel all --write`, {date}, {architecture}. Each kernel is Debian's, \
         booted in a virtual machine,\nwith every test program of this repository as root and as an ordinary user.\n{partly}\n"
    );
    let heading: String = all.iter().map(|one| format!(" {} |", one.release())).collect();
    let line = "---|".repeat(all.len());
    let row = |name: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!(" {cell} |")).collect();
        format!("| {name} |{cells}\n")
    };
    let each = |of: &dyn Fn(&Tested) -> String| all.iter().map(of).collect::<Vec<_>>();
    page.push_str(&format!("\n## Tests\n\n| |{heading}\n|---|{line}\n"));
    page.push_str(&row("Landlock ABI", each(&|one| one.abi().map_or("?".into(), |abi| abi.to_string()))));
    page.push_str(&row("passed", each(&|one| one.sum(|run| run.passed).to_string())));
    page.push_str(&row("failed", each(&|one| one.sum(|run| run.failed).to_string())));
    page.push_str(&row("skipped", each(&|one| one.sum(|run| run.skipped).to_string())));
    page.push_str(&row("escapes named as gaps", each(&|one| one.sum(|run| run.gaps).to_string())));
    page.push_str("\n## What holds, and by what\n\n");
    page.push_str(
        "What `nono doctor` found by trying, as an ordinary user; what root finds different is in brackets.\n\n",
    );
    page.push_str(&format!("| guarantee |{heading}\n|---|{line}\n"));
    let names: Vec<String> = {
        let mut names = Vec::new();
        let lists = all.iter().filter_map(|one| one.ending.story.doctors.get(USER)?.get("guarantees")?.as_array());
        for name in lists.flatten().filter_map(|row| row.get("name")?.as_str()) {
            if !names.iter().any(|other| other == name) {
                names.push(name.to_owned());
            }
        }
        names
    };
    for name in &names {
        let cells = each(&|one| {
            let of = |user| one.guarantees(user).get(name).cloned();
            match (of(USER), of("root")) {
                (Some(user), Some(root)) if user != root => format!("{} ({})", short(&user), short(&root)),
                (Some(user), _) => short(&user),
                (None, _) => one.nothing().to_owned(),
            }
        });
        page.push_str(&row(name, cells));
    }
    page.push_str("\n## Tests by program\n\npassed, or passed/failed/skipped.\n\n");
    page.push_str(&format!("| program (user) |{heading}\n|---|{line}\n"));
    for ((group, user), cells) in rows(all) {
        page.push_str(&row(&format!("{group} ({user})"), cells));
    }
    if !gone.is_empty() {
        page.push_str(&format!("\nNot tested: {}.\n", gone.join("; ")));
    }
    page
}

/// A mechanism in a narrow column.
fn short(mechanism: &str) -> String {
    match mechanism {
        "landlock" => "L".to_owned(),
        "seccomp" => "S".to_owned(),
        "landlock-and-seccomp" => "L+S".to_owned(),
        "gap" => "**gap**".to_owned(),
        other => other.to_owned(),
    }
}
