//! What building for other systems takes, and where it comes from: the sources of Rust's standard library (of the compiler's
//! own installation, or Debian's package `rust-src` of exactly its version), and zig, which links and compiles C (the package
//! `ziglang` of the Python package index).
//!
//! Both are kept in the user's cache directory; nothing is installed. What has its name there is complete: it is put
//! together beside its place and renamed.

use crate::fetch::{self, Apt, Architecture};
use anyhow::{Context, bail, ensure};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use xshell::{Shell, cmd};

/// The version of zig, which is pinned: its arguments are not stable.
const ZIG: &str = "0.17.1";

/// What was found or fetched.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    /// The workspace of the standard library.
    pub(super) library: PathBuf,
    /// None where nothing is linked.
    pub(super) zig: Option<PathBuf>,
}

/// What is there without fetching anything.
pub(super) fn found(shell: &Shell) -> anyhow::Result<Toolchain> {
    let library = library(shell)?.with_context(|| "the sources of Rust's standard library are not there")?;
    let zig = zig()?;
    Ok(Toolchain { library, zig: there(&zig)?.then_some(zig) })
}

/// The toolchain, fetched as far as it is not there; without a linker if it is not needed.
pub(super) fn fetch(shell: &Shell, links: bool) -> anyhow::Result<Toolchain> {
    let library = match library(shell)? {
        Some(library) => library,
        None => fetch_sources(shell).context("the sources of Rust's standard library cannot be had")?,
    };
    let zig = zig()?;
    if links && !there(&zig)? {
        fetch_zig().context("zig, which links for other systems, cannot be had")?;
    }
    Ok(Toolchain { library, zig: there(&zig)?.then_some(zig) })
}

/// Something that `rustc -vV` says.
pub(crate) fn of_rustc(shell: &Shell, key: &str) -> anyhow::Result<String> {
    let said = cmd!(shell, "rustc -vV").quiet().read().context("rustc")?;
    let line = said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    line.map(str::to_owned).with_context(|| format!("rustc -vV says no {key}"))
}

/// Where sources of this compiler's library are kept.
fn place_of_sources(shell: &Shell) -> anyhow::Result<(String, PathBuf)> {
    let version = of_rustc(shell, "release")?;
    let place = fetch::cache()?.join("rust-src").join(&version);
    Ok((version, place))
}

/// The sources, if they are there: rustup's component `rust-src` has them too.
fn library(shell: &Shell) -> anyhow::Result<Option<PathBuf>> {
    let (version, place) = place_of_sources(shell)?;
    let all = [
        super::sysroot(shell)?.join("lib/rustlib/src/rust/library"),
        place.join(format!("usr/src/rustc-{version}/library")),
    ];
    for library in all {
        if there(&library.join("std/Cargo.toml"))? {
            return Ok(Some(library));
        }
    }
    Ok(None)
}

fn zig() -> anyhow::Result<PathBuf> {
    Ok(fetch::cache()?.join("zig").join(ZIG).join("ziglang/zig"))
}

fn there(path: &Path) -> anyhow::Result<bool> {
    path.try_exists().with_context(|| format!("cannot look at {}", path.display()))
}

/// From Debian, of exactly this compiler's version.
fn fetch_sources(shell: &Shell) -> anyhow::Result<PathBuf> {
    let (version, place) = place_of_sources(shell)?;
    let apt = Apt::open(shell, Architecture::Amd64)?;
    // Debian's upstream version is the compiler's, with a mark for what was left out: 1.95.0+dfsg1-2.
    let all = apt.versions("rust-src")?;
    let is_ours = |found: &str| found.strip_prefix(&version).is_some_and(|rest| rest.starts_with(['+', '-', '~']));
    let Some(package) = all.iter().find(|package| is_ours(package.version.as_str())) else {
        let has: Vec<_> = all.iter().map(|package| package.version.as_str()).collect();
        bail!(
            "Debian has no rust-src of Rust {version}, only {}; `rustup component add rust-src` has it too",
            has.join(", ")
        );
    };
    let file = apt.fetch(package)?;
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    apt.extract(&file, &format!("rustc-{version}/library"), &place)?;
    library(shell)?.with_context(|| format!("{} has no library of Rust's in it", file.display()))
}

/// By pip, which checks what it downloads against the index, and unpacks it.
fn fetch_zig() -> anyhow::Result<()> {
    let cache = fetch::cache()?;
    let python = "python3";
    let has_pip = Command::new(python).args(["-m", "pip", "--version"]).output();
    ensure!(
        has_pip.is_ok_and(|said| said.status.success()),
        "there is no `python3 -m pip`: `apt-get install python3-pip`, or put ziglang {ZIG} into {}",
        cache.join("zig").join(ZIG).display()
    );
    let (downloads, place) = (cache.join("zig/download"), cache.join("zig"));
    fs::create_dir_all(&downloads).with_context(|| format!("cannot make {}", downloads.display()))?;
    let _turn = fetch::lock(&place)?;
    if there(&zig()?)? {
        return Ok(());
    }
    let fresh = place.join(format!("{ZIG}.partial"));
    remove(&fresh)?;
    let wanted = format!("ziglang=={ZIG}");
    let pip = |arguments: &[&OsStr]| -> anyhow::Result<()> {
        let mut command = Command::new(python);
        command.args(["-m", "pip", "--disable-pip-version-check", "--quiet"]).args(arguments).arg(&wanted);
        let status = command.status().context("python3")?;
        ensure!(status.success(), "pip ended with {status}; what it says is above");
        Ok(())
    };
    let words = |words: &[&'static str]| words.iter().map(|word| OsStr::new(*word)).collect::<Vec<_>>();
    let mut download = words(&["download", "--no-deps", "--only-binary", ":all:", "--dest"]);
    download.push(downloads.as_os_str());
    eprintln!("fetching ziglang {ZIG}");
    pip(&download)?;
    let mut unpack = words(&["install", "--no-deps", "--no-index", "--no-compile", "--find-links"]);
    unpack.extend([downloads.as_os_str(), OsStr::new("--target"), fresh.as_os_str()]);
    let unpacked = pip(&unpack).and_then(|()| {
        let said = Command::new(fresh.join("ziglang/zig")).arg("version").output().context("zig does not start")?;
        ensure!(said.status.success() && said.stdout.trim_ascii() == ZIG.as_bytes(), "zig does not say its version");
        fs::rename(&fresh, place.join(ZIG)).with_context(|| format!("cannot rename {}", fresh.display()))
    });
    // Unpacked it is of no use, and one that cannot be unpacked is fetched anew the next time.
    remove(&downloads)?;
    if unpacked.is_err() {
        remove(&fresh)?;
    }
    unpacked
}

fn remove(directory: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}
