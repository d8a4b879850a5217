//! `cargo xtask test`: builds what black-box tests run, tells them where it is, and sums up.

use crate::tally::{Skips, Tally};
use anyhow::Context;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use xshell::{Shell, cmd};

/// Runs all tests; `rest` goes to `cargo test`. Whether all passed.
pub(crate) fn run(shell: &Shell, rest: &[String]) -> anyhow::Result<bool> {
    let started = Instant::now();
    cmd!(shell, "cargo build --quiet --package nono-cli --package nono-tests --bins").run()?;
    let target = target_dir(shell)?;
    let weak = target.join("weak");
    // With a hole that the tests of races must find.
    let build = cmd!(shell, "cargo build --quiet --package nono-cli --target-dir {weak}");
    build.env("RUSTFLAGS", "--cfg weak_broker").run()?;
    // The command as on macOS.
    let seatbelt = target.join("seatbelt");
    let build = cmd!(shell, "cargo build --quiet --package nono-cli --target-dir {seatbelt}");
    build.env("RUSTFLAGS", "--cfg seatbelt").run()?;
    let (skips, table) = (target.join("skipped-tests"), target.join("escape-table"));
    for file in [&skips, &table] {
        shell.remove_path(file)?;
    }
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--workspace", "--all-features", "--no-fail-fast"]).args(rest);
    command.current_dir(shell.current_dir()).env("NONO_TEST_BIN_DIR", target.join("debug"));
    command.env("NONO_TEST_SKIPS", &skips).env("NONO_TEST_TABLE", &table);
    command.env("NONO_TEST_WEAK", weak.join("debug/nono")).env("NONO_TEST_SEATBELT", seatbelt.join("debug/nono"));
    let (tally, succeeded) = follow(&mut command)?;
    let skips = written(&skips)?.map(|text| Skips::parse(&text)).unwrap_or_default();
    if let Some(table) = written(&table)? {
        println!("\n{table}");
    }
    let width = tally.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    println!("\n{:<width$}  passed  failed  ignored", "test program");
    for row in tally.rows.iter().filter(|row| row.passed + row.failed + row.ignored > 0) {
        println!("{:<width$}  {:>6}  {:>6}  {:>7}", row.name, row.passed, row.failed, row.ignored);
    }
    for (title, list) in [("skipped", &skips.tests), ("parts left out", &skips.parts)] {
        if !list.is_empty() {
            println!("\n{title}");
        }
        for (name, reason) in list {
            println!("  {name}: {reason}");
        }
    }
    let (passed, failed, skipped) = tally.totals(&skips);
    println!("\n{passed} passed, {failed} failed, {skipped} skipped, in {} s", started.elapsed().as_secs());
    Ok(succeeded && failed == 0)
}

/// A file that tests write, if one did.
fn written(file: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// Runs `command`, shows its output as it comes, and counts. Cargo says on standard error which program runs, so both
/// streams are one.
pub(crate) fn follow(command: &mut Command) -> anyhow::Result<(Tally, bool)> {
    let (reader, writer) = std::io::pipe()?;
    let mut child = command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The command holds the ends for writing: with them the pipe would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut tally = Tally::default();
    let mut stdout = std::io::stdout();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line?;
        stdout.write_all(&line)?;
        stdout.write_all(b"\n")?;
        tally.line(str::from_utf8(&line).unwrap_or_default());
    }
    let status = child.wait().context("cargo test")?;
    Ok((tally, status.success()))
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir(shell: &Shell) -> anyhow::Result<PathBuf> {
    let metadata = cmd!(shell, "cargo metadata --format-version 1 --no-deps").quiet().read()?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(Path::new(target.context("cargo metadata names no target directory")?).to_owned())
}
