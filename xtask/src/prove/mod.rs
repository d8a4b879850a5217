//! `cargo xtask prove`: what is tested by the mass, in full. The figures are those that the tests print, and go to docs/proof.md.

mod figures;
mod page;
mod step;

use crate::ci::Steps;
use crate::tests_run::target_dir;
use clap::Args;
use page::Page;
use step::{STEPS, Step};
use xshell::{Shell, cmd};

/// How much is proved.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Make this step alone; may be repeated
    #[arg(long, value_name = "STEP", value_parser = step::names())]
    only: Vec<String>,
    /// A trial: no more than N cases of a step, parts of suites, nothing optimised. The page stays as it is
    #[arg(long, value_name = "N")]
    cases: Option<u64>,
}

/// Makes the steps that are asked for, and after each writes its figures down. Whether all passed.
pub(crate) fn run(shell: &Shell, options: &Options) -> anyhow::Result<bool> {
    let page = Page::open(shell, options.cases.is_some())?;
    // The command as it is released.
    let release: &[&str] = if options.cases.is_some() { &[] } else { &["--release"] };
    cmd!(shell, "cargo build --quiet {release...} --package nono-cli").run()?;
    let built = target_dir(shell)?.join(if options.cases.is_some() { "debug" } else { "release" });
    let (mut steps, mut said) = (Steps::default(), Vec::new());
    let wanted = |step: &&Step| options.only.is_empty() || options.only.iter().any(|name| name == step.name);
    for step in STEPS.iter().filter(wanted) {
        // A step that fails says nothing of the others.
        steps.make_anyway(step.name, || {
            let figures = step.run(shell, &built, options.cases)?;
            page.write(step, &figures)?;
            said.push((step, figures));
            Ok(true)
        });
    }
    println!();
    for (step, figures) in &said {
        println!("{:<24} {}", step.title, figures.says());
    }
    println!("{}", page.says());
    Ok(steps.end())
}
