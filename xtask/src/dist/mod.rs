//! `cargo xtask dist`: static programs with their checksums, each built twice in two places and alike.
//!
//! Whoever builds the same commit with the same compiler and C library gets the same bytes: no path of this machine, no
//! time and no random number is in them. That is not believed but tried: the sources are copied to another directory,
//! built there into another one, and the two programs compared.

mod build;
mod elf;

use crate::cross;
use crate::tests_run::target_dir;
use anyhow::{Context, bail, ensure};
use build::{Build, Source};
use clap::Args;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use xshell::{Shell, cmd};

/// A program is copied into containers and started before every command: 3 MB.
const LARGEST_BYTES: u64 = 3_000_000;

/// What is made.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Build for TARGET: this machine's, or a Linux target with musl [default: x86_64-unknown-linux-musl and
    /// aarch64-unknown-linux-musl where their toolchain is there, else this machine's]
    #[arg(long, value_name = "TARGET")]
    target: Vec<String>,
}

/// What is built where that is possible. A program with musl starts sooner than one with glibc, which at each start asks the
/// processor for its caches (CPUID): in a virtual machine the hypervisor has to answer (docs/benchmarks.md).
const MUSL: [&str; 2] = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"];

/// A finished program.
struct Made {
    name: String,
    bytes: u64,
    digest: String,
    started: String,
    seconds: u64,
}

/// Builds, checks and lists; whether all is well.
pub(crate) fn run(options: &Options, shell: &Shell) -> anyhow::Result<bool> {
    let target_dir = target_dir(shell)?;
    let (dist, work) = (target_dir.join("dist"), target_dir.join("dist-work"));
    let source = Source::find(shell)?;
    println!("{}", source.described());
    let host = cross::host(shell)?;
    let mut targets = options.target.clone();
    if targets.is_empty() {
        let own = own_target(shell, &host);
        targets.push(own.clone());
        if cross::is_there(shell) {
            targets.extend(MUSL.iter().filter(|other| **other != own).map(|other| (*other).to_owned()));
        } else {
            println!("left out: {}, whose toolchain is not there; `cargo xtask cross` fetches it", MUSL.join(", "));
        }
    }
    // What was made earlier must not be taken for a result.
    shell.remove_path(&dist)?;
    shell.create_dir(&dist)?;
    let mut made = Vec::new();
    for target in &targets {
        let started = Instant::now();
        let build = Build::of(shell, target, &host, &source)?;
        let name = format!("nono-{}-{target}", source.version);
        let program = build.here(&work.join("first")).with_context(|| name.clone())?;
        let bytes = check(&program, &source).with_context(|| format!("{name} ({})", program.display()))?;
        compare(&program, &build.elsewhere(&work.join("another-place-with-a-longer-name"))?)
            .with_context(|| name.clone())?;
        let started_here = cross::start(&program, target, &host).with_context(|| name.clone())?;
        let started_here = started_here.unwrap_or_else(|| "no: no emulator here".to_owned());
        let place = dist.join(&name);
        fs::copy(&program, &place).with_context(|| format!("cannot write {}", place.display()))?;
        let digest = digest(&place)?;
        made.push(Made { name, bytes, digest, started: started_here, seconds: started.elapsed().as_secs() });
    }
    let sums = made.iter().fold(String::new(), |mut sums, one| {
        // As sha256sum(1) writes and checks them.
        writeln!(sums, "{}  {}", one.digest, one.name).unwrap_or_default();
        sums
    });
    fs::write(dist.join("SHA256SUMS"), sums).with_context(|| format!("cannot write to {}", dist.display()))?;
    table(&made, &dist);
    Ok(true)
}

/// The target of the program that is given away for this machine.
fn own_target(shell: &Shell, host: &str) -> String {
    let musl = host.strip_suffix("gnu").map(|of| format!("{of}musl"));
    let musl = musl.filter(|name| MUSL.contains(&name.as_str()) && cross::is_there(shell));
    musl.unwrap_or_else(|| host.to_owned())
}

/// The program for this machine, built once.
pub(crate) fn program(shell: &Shell) -> anyhow::Result<PathBuf> {
    let (source, host) = (Source::find(shell)?, cross::host(shell)?);
    let target = own_target(shell, &host);
    Build::of(shell, &target, &host, &source)?.here(&target_dir(shell)?.join("dist-work/first"))
}

/// Bytes of the program for this machine. One that is too large is refused by `dist` itself.
pub(crate) fn size(shell: &Shell) -> anyhow::Result<u64> {
    let bytes = read(&program(shell)?)?;
    elf::check(&bytes)?;
    Ok(bytes.len() as u64)
}

fn table(made: &[Made], dist: &Path) {
    let width = made.iter().map(|one| one.name.len()).max().unwrap_or(0);
    println!("\n{:<width$}  {:>9}  static  two builds  {:<24}  {:>4}  sha256", "program", "bytes", "started here", "s");
    for Made { name, bytes, digest, started, seconds } in made {
        let digest = digest.get(..16).unwrap_or(digest);
        println!("{name:<width$}  {bytes:>9}  yes     identical   {started:<24}  {seconds:>4}  {digest}..");
    }
    println!("\nin {}, with SHA256SUMS", dist.display());
}

/// Refuses two programs that are not the same.
fn compare(first: &Path, second: &Path) -> anyhow::Result<()> {
    let (one, other) = (read(first)?, read(second)?);
    if one == other {
        return Ok(());
    }
    let at = one.iter().zip(&other).position(|(one, other)| one != other).unwrap_or(one.len().min(other.len()));
    bail!(
        "two builds differ, from byte {at} on{}: {} ({} bytes) and {} ({} bytes); `diffoscope` shows how",
        elf::section(&one, at as u64).map(|name| format!(" (in {name})")).unwrap_or_default(),
        first.display(),
        one.len(),
        second.display(),
        other.len()
    );
}

/// Refuses a program that is too large, needs others, or tells more than it should.
fn check(program: &Path, source: &Source) -> anyhow::Result<u64> {
    let bytes = read(program)?;
    elf::check(&bytes)?;
    let size = bytes.len() as u64;
    ensure!(size < LARGEST_BYTES, "it has {size} bytes; {LARGEST_BYTES} are too many");
    for told in source.private_paths() {
        let found = bytes.windows(told.len()).any(|part| part == told.as_slice());
        ensure!(!found, "it holds {:?}, a path of this machine", told.escape_ascii().to_string());
    }
    Ok(size)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// SHA-256 of a file, in hexadecimal digits.
fn digest(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for byte in Sha256::digest(read(path)?) {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}

/// What is written down of a command that names a program and what it printed first.
fn first_line(shell: &Shell, program: &str, argument: &str) -> String {
    let said = cmd!(shell, "{program} {argument}").quiet().ignore_stderr().read().unwrap_or_default();
    said.lines().next().unwrap_or("unknown").to_owned()
}
