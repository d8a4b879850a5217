//! What building for other systems takes, and where it comes from: the sources of Rust's standard library (Debian's package
//! `rust-src`, of exactly this compiler's version), and zig, which links (the package `ziglang` of the Python package index).
//!
//! Both are kept in the user's cache directory; nothing is installed. What is there is complete: it is put together beside
//! its place and renamed into it.

use anyhow::{Context, bail, ensure};
use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
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

/// What is in the cache already; says what is missing.
pub(super) fn found(shell: &Shell) -> anyhow::Result<Toolchain> {
    let (library, zig) = (library(shell)?, zig()?);
    ensure!(there(&library.join("std/Cargo.toml"))?, "the sources of the standard library are not there");
    Ok(Toolchain { library, zig: there(&zig)?.then_some(zig) })
}

/// The toolchain, fetched as far as it is not there; without a linker if it is not needed.
pub(super) fn fetch(shell: &Shell, links: bool) -> anyhow::Result<Toolchain> {
    let cache = cache()?;
    fs::create_dir_all(&cache).with_context(|| format!("cannot make the cache {}", cache.display()))?;
    // One at a time: what another is just fetching is not fetched again.
    let lock = File::create(cache.join("lock")).context("the lock of the cache")?;
    lock.lock().context("the lock of the cache")?;
    let library = library(shell)?;
    if !there(&library.join("std/Cargo.toml"))? {
        fetch_sources(shell, &cache)?;
    }
    let zig = zig()?;
    if links && !there(&zig)? {
        fetch_zig(&cache).context("zig, which links for other systems, cannot be had")?;
    }
    Ok(Toolchain { library, zig: there(&zig)?.then_some(zig) })
}

/// Where everything is kept: `$XDG_CACHE_HOME` or `~/.cache`, and in it `nono-xtask`.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let default = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache =
        named.or_else(default).context("there is no cache directory: neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("nono-xtask"))
}

/// Something that `rustc -vV` says.
pub(crate) fn of_rustc(shell: &Shell, key: &str) -> anyhow::Result<String> {
    let said = cmd!(shell, "rustc -vV").quiet().read().context("rustc")?;
    let line = said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    line.map(str::to_owned).with_context(|| format!("rustc -vV says no {key}"))
}

fn library(shell: &Shell) -> anyhow::Result<PathBuf> {
    let version = of_rustc(shell, "release")?;
    Ok(cache()?.join("rust-src").join(&version).join(format!("usr/src/rustc-{version}/library")))
}

fn zig() -> anyhow::Result<PathBuf> {
    Ok(cache()?.join("zig").join(ZIG).join("ziglang/zig"))
}

fn there(path: &Path) -> anyhow::Result<bool> {
    path.try_exists().with_context(|| format!("cannot look at {}", path.display()))
}

fn fetch_sources(shell: &Shell, cache: &Path) -> anyhow::Result<()> {
    let version = of_rustc(shell, "release")?;
    bail!("the sources of the standard library of Rust {version} are not in {}", cache.display());
}

/// By pip, which checks what it downloads against the index, and unpacks it.
fn fetch_zig(cache: &Path) -> anyhow::Result<()> {
    let python = "python3";
    let has_pip = Command::new(python).args(["-m", "pip", "--version"]).output();
    ensure!(
        has_pip.is_ok_and(|said| said.status.success()),
        "there is no `python3 -m pip`: `apt-get install python3-pip` (or give a directory with ziglang {ZIG} in it as {})",
        cache.join("zig").join(ZIG).display()
    );
    let (downloads, place) = (cache.join("download"), cache.join("zig"));
    let fresh = place.join(format!(".{ZIG}-{}", std::process::id()));
    fs::create_dir_all(&downloads).with_context(|| format!("cannot make {}", downloads.display()))?;
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let wanted = format!("ziglang=={ZIG}");
    let pip = |arguments: &[&OsStr]| -> anyhow::Result<()> {
        let mut command = Command::new(python);
        command.args(["-m", "pip", "--disable-pip-version-check", "--quiet"]).args(arguments).arg(&wanted);
        println!("$ {command:?}");
        let status = command.status().context("python3")?;
        ensure!(status.success(), "pip ended with {status}; what it says is above. What is complete is kept");
        Ok(())
    };
    let words = |words: &[&'static str]| words.iter().map(|word| OsStr::new(*word)).collect::<Vec<_>>();
    let mut download = words(&["download", "--no-deps", "--only-binary", ":all:", "--dest"]);
    download.push(downloads.as_os_str());
    pip(&download)?;
    let mut unpack = words(&["install", "--no-deps", "--no-index", "--no-compile", "--find-links"]);
    unpack.extend([downloads.as_os_str(), OsStr::new("--target"), fresh.as_os_str()]);
    let unpacked = pip(&unpack).and_then(|()| {
        let said = Command::new(fresh.join("ziglang/zig")).arg("version").output().context("zig does not start")?;
        ensure!(said.status.success() && said.stdout.trim_ascii() == ZIG.as_bytes(), "zig does not say its version");
        fs::rename(&fresh, place.join(ZIG)).with_context(|| format!("cannot rename {}", fresh.display()))
    });
    if unpacked.is_err() {
        // A package that cannot be unpacked is fetched anew the next time.
        let _half = fs::remove_dir_all(&fresh);
        let _package = fs::remove_dir_all(&downloads);
    }
    unpacked
}
