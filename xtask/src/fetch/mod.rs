//! Things from elsewhere that tests and builds need: fetched once, checked, and kept under the user's cache directory.

mod apt;
mod source;
mod version;

pub(crate) use apt::{Apt, Architecture, Package};
pub(crate) use version::Version;

use anyhow::{Context, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use xshell::{Shell, cmd};

/// Where fetched things lie: `nono-xtask` in `XDG_CACHE_HOME`, or in `~/.cache`. The directory is there.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = match named.or_else(|| Some(std::env::home_dir()?.join(".cache"))) {
        Some(cache) => cache.join("nono-xtask"),
        None => bail!("there is no place for a cache: set HOME or XDG_CACHE_HOME"),
    };
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    Ok(cache)
}

/// Keeps others from changing `directory` until it is dropped; waits for its turn.
pub(crate) fn lock(directory: &Path) -> anyhow::Result<File> {
    let path = directory.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    if file.try_lock().is_err() {
        eprintln!("waiting for another task that uses {}", directory.display());
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

/// Says so where fewer than `needed` megabytes are free below `place`: on a full disk apt waits for ever instead.
fn room(shell: &Shell, place: &Path, needed: u64) -> anyhow::Result<()> {
    let free = cmd!(shell, "df --output=avail --block-size=1M {place}").quiet().read()?;
    let free: u64 = free.lines().last().unwrap_or_default().trim().parse().context("df says no number")?;
    let at = place.display();
    anyhow::ensure!(
        free >= needed,
        "{free} MB are free at {at}, and what is fetched needs {needed}: make room, or name another place in XDG_CACHE_HOME"
    );
    Ok(())
}

/// Gives `made` its name once all of it is there: whoever is interrupted leaves no half.
pub(crate) fn put(made: &Path, place: &Path) -> anyhow::Result<()> {
    File::open(made).and_then(|file| file.sync_all()).with_context(|| format!("cannot write {}", made.display()))?;
    fs::rename(made, place).with_context(|| format!("cannot put {} in its place", place.display()))
}
