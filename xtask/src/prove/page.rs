//! docs/proof.md: a row for each step that was run in full, with the commit and the kernel it was run on.

use super::figures::Figures;
use super::step::{STEPS, Step};
use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

const FILE: &str = "docs/proof.md";
const MARKS: [&str; 2] = ["<!-- figures, by cargo xtask prove -->\n", "<!-- end of figures -->"];
const HEADING: &str = "| what | figures of one run | kernel | commit | date |\n|---|---|---|---|---|\n";

/// The page, or why nothing is written to it.
pub(super) struct Page<'s> {
    shell: &'s Shell,
    commit: Result<String, &'static str>,
}

impl<'s> Page<'s> {
    /// For steps that begin now.
    pub(super) fn open(shell: &'s Shell, trial: bool) -> anyhow::Result<Page<'s>> {
        let commit = match (trial, commit(shell)?) {
            (true, _) => Err("a trial: docs/proof.md stays as it is"),
            (_, None) => Err("there are changes that are in no commit: docs/proof.md stays as it is"),
            (_, Some(commit)) => Ok(commit),
        };
        if let Err(why) = commit {
            println!("{why}");
        }
        // Not found out after hours.
        split(&shell.read_file(FILE)?)?;
        Ok(Page { shell, commit })
    }

    /// Writes the figures of a step in place of those it had.
    pub(super) fn write(&self, step: &Step, figures: &Figures) -> anyhow::Result<()> {
        let Ok(begun) = &self.commit else { return Ok(()) };
        ensure!(commit(self.shell)?.as_ref() == Some(begun), "the sources were changed meanwhile: nothing is written");
        let row = format!("| {} | {} | {} |", step.title, figures.says(), stamp(self.shell, begun)?);
        let page = with_row(&self.shell.read_file(FILE)?, step.title, &row)?;
        Ok(self.shell.write_file(FILE, page)?)
    }

    /// What became of it.
    pub(super) fn says(&self) -> &str {
        self.commit.as_ref().map_or_else(|why| *why, |_| "written to docs/proof.md: each step that is ok")
    }
}

/// What the sources are; none if they are in no commit.
fn commit(shell: &Shell) -> anyhow::Result<Option<String>> {
    let changes = cmd!(shell, "git status --porcelain -- . :!{FILE}").quiet().read()?;
    let commit = cmd!(shell, "git rev-parse --short=12 HEAD").quiet().read()?;
    Ok(changes.is_empty().then_some(commit))
}

/// The end of a row: kernel, commit and date.
fn stamp(shell: &Shell, commit: &str) -> anyhow::Result<String> {
    let kernel = shell.read_file("/proc/sys/kernel/osrelease")?;
    let user = cmd!(shell, "id -u").quiet().read()?;
    let user = if user == "0" { "root" } else { "not root" };
    let date = cmd!(shell, "date -u +%Y-%m-%d").quiet().read()?;
    Ok(format!("{}, as {user} | {commit} | {date}", kernel.trim()))
}

/// What is before the table, in it and behind it.
fn split(page: &str) -> anyhow::Result<(&str, &str, &str)> {
    let (before, rest) = page.split_once(MARKS[0]).context("docs/proof.md has no mark where figures begin")?;
    let (table, after) = rest.split_once(MARKS[1]).context("docs/proof.md has no mark where figures end")?;
    Ok((before, table, after))
}

/// The page with this row, in the order of the steps. Rows of steps that are no more are left out.
fn with_row(page: &str, title: &str, row: &str) -> anyhow::Result<String> {
    ensure!(STEPS.iter().any(|step| step.title == title), "no step is called {title}");
    let (before, table, after) = split(page)?;
    let old = |title: &str| table.lines().find(|line| line.starts_with(&format!("| {title} |")));
    let rows = STEPS.iter().filter_map(|step| if step.title == title { Some(row) } else { old(step.title) });
    let rows: String = rows.map(|row| format!("{row}\n")).collect();
    Ok([before, MARKS[0], HEADING, &rows, MARKS[1], after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_the_place_of_its_own_and_leaves_the_others() {
        let page = format!("# Proof\n{}{}\nmore\n", MARKS[0], MARKS[1]);
        let [first, second] = [STEPS[0].title, STEPS[1].title];
        let row = |title: &str, number: u32| format!("| {title} | {number} cases |");
        let page = with_row(&page, second, &row(second, 1)).unwrap();
        let page = with_row(&page, first, &row(first, 2)).unwrap();
        let page = with_row(&page, second, &row(second, 3)).unwrap();
        let table = format!("{HEADING}{}\n{}\n", row(first, 2), row(second, 3));
        assert_eq!(page, format!("# Proof\n{}{table}{}\nmore\n", MARKS[0], MARKS[1]));
        assert!(with_row(&page, "another", "| another |").is_err() && with_row("# Proof\n", first, "").is_err());
    }
}
