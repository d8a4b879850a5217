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
use std::os::unix::fs::PermissionsExt;
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

/// By pip, which checks what it downloads against the index. A wheel is a zip file, which Python unpacks as well.
fn fetch_zig() -> anyhow::Result<()> {
    let cache = fetch::cache()?;
    ensure!(
        python(["-m", "pip", "--version"]).is_ok(),
        "there is no `python3 -m pip`: `apt-get install python3-pip`, or unpack the wheel of ziglang {ZIG} in {}",
        cache.join("zig").join(ZIG).display()
    );
    let (downloads, place) = (cache.join("zig/download"), cache.join("zig"));
    fs::create_dir_all(&downloads).with_context(|| format!("cannot make {}", downloads.display()))?;
    let _turn = fetch::lock(&place)?;
    if there(&zig()?)? {
        return Ok(());
    }
    eprintln!("fetching ziglang {ZIG}");
    let wanted = format!("ziglang=={ZIG}");
    let options = ["-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps", "--only-binary"];
    let options = options.into_iter().chain([":all:", "--dest"]).map(OsStr::new);
    python(options.chain([downloads.as_os_str(), OsStr::new(&wanted)]))?;
    let fresh = place.join(format!("{ZIG}.partial"));
    remove(&fresh)?;
    let unpacked = unpack(&downloads, &fresh).and_then(|()| {
        fs::rename(&fresh, place.join(ZIG)).with_context(|| format!("cannot rename {}", fresh.display()))
    });
    // Unpacked it is of no use, and one that cannot be unpacked is fetched anew the next time.
    remove(&downloads)?;
    if unpacked.is_err() {
        remove(&fresh)?;
    }
    unpacked
}

/// Unpacks the wheel in `downloads`, and tries what was in it.
fn unpack(downloads: &Path, place: &Path) -> anyhow::Result<()> {
    let wheel = fs::read_dir(downloads).context("the wheel of zig")?.next().context("pip fetched nothing")?;
    let wheel = wheel.context("the wheel of zig")?.path();
    python(["-m", "zipfile", "-e"].map(OsStr::new).into_iter().chain([wheel.as_os_str(), place.as_os_str()]))?;
    let zig = place.join("ziglang/zig");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&zig, executable).with_context(|| format!("there is no {}", zig.display()))?;
    let said = Command::new(&zig).arg("version").output().context("zig does not start")?;
    ensure!(said.status.success() && said.stdout.trim_ascii() == ZIG.as_bytes(), "zig does not say its version");
    Ok(())
}

/// Runs Python. The last line of what it says of an error is the error; the others can be thousands.
fn python<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> anyhow::Result<()> {
    let mut command = Command::new("python3");
    let ran = command.args(arguments).output().context("python3")?;
    let last = ran.stderr.trim_ascii().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let shown = last.get(..last.len().min(300)).unwrap_or_default();
    ensure!(ran.status.success(), "{} (python3 {})", shown.escape_ascii(), ran.status);
    Ok(())
}

fn remove(directory: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}
