//! `cargo xtask bench all`: every benchmark with its defaults, written to docs/bench. One that fails does not lose the others.

use super::record::{Machine, Record, table};
use super::row::Row;
use super::{build, explain, memory, open, rules, start, syscalls, why};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::time::Instant;
use xshell::Shell;

/// Measures all; whether none failed.
pub(crate) fn run(shell: &Shell, peers: &[PathBuf]) -> anyhow::Result<bool> {
    let machine = Machine::this(shell)?;
    let place = shell.current_dir().join("docs/bench");
    shell.create_dir(&place)?;
    let begun = Instant::now();
    let mut records = Vec::new();
    let mut make = |name, bench: &dyn Fn() -> anyhow::Result<Vec<Row>>| {
        let started = Instant::now();
        let record = Record::new(name, &machine, bench());
        if let Some(why) = &record.failed {
            eprintln!("xtask: bench {name}: {why}");
        }
        println!("-- {name}: {} s", started.elapsed().as_secs());
        let written = record.write(&place).with_context(|| format!("bench {name}"));
        records.push(record);
        written
    };
    let all = [
        make("start", &|| start(shell, 200, None, peers)),
        make("start-many", &|| start(shell, 30, Some(10_000), &[])),
        make("rules", &|| rules(shell, 50)),
        make("open", &|| open(shell, 20)),
        make("syscalls", &|| syscalls(shell, 50)),
        make("memory", &|| memory(shell, 1_000_000, true)),
        make("build", &|| build(shell, 5)),
        make("explain", &|| explain(shell, 20)),
        make("why", &|| why(shell, 100)),
    ];
    table(&place, &machine, &records)?;
    println!("\nwritten to {} after {} s", relative(shell, &place).display(), begun.elapsed().as_secs());
    all.into_iter().collect::<anyhow::Result<()>>()?;
    Ok(records.iter().all(|record| record.failed.is_none()))
}

fn relative<'a>(shell: &Shell, place: &'a Path) -> &'a Path {
    place.strip_prefix(shell.current_dir()).unwrap_or(place)
}
