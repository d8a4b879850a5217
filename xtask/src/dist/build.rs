//! One program, built so that nothing of this machine is in it.

use crate::cross::{self, Environment};
use crate::fetch;
use anyhow::{Context, bail, ensure};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use xshell::{Shell, cmd};

/// What is built.
pub(super) struct Source {
    root: PathBuf,
    /// The package's.
    pub(super) version: String,
    commit: String,
    changed: bool,
    /// The commit's time, in seconds since 1970.
    time: String,
    /// Who compiles and links.
    tools: String,
    /// Paths, and the names that take their place.
    places: Vec<(PathBuf, String)>,
}

impl Source {
    pub(super) fn find(shell: &Shell) -> anyhow::Result<Source> {
        let root = shell.current_dir();
        let metadata = cmd!(shell, "cargo metadata --format-version 1 --no-deps").quiet().read()?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
        let packages = metadata.get("packages").and_then(serde_json::Value::as_array).context("cargo metadata")?;
        let version = |package: &serde_json::Value| {
            (package.get("name")? == "nono-cli").then(|| package.get("version")?.as_str().map(str::to_owned)).flatten()
        };
        let version = packages.iter().find_map(version).context("there is no package nono-cli")?;
        let git = "dist needs the sources in git: it copies what git knows";
        let commit = cmd!(shell, "git rev-parse --short=12 HEAD").quiet().read().context(git)?;
        let time = cmd!(shell, "git log -1 --format=%ct").quiet().read().context(git)?;
        let changed = !cmd!(shell, "git status --porcelain").quiet().read()?.is_empty();
        let tools = format!(
            "{}, {}",
            super::first_line(shell, "rustc", "--version"),
            super::first_line(shell, &env::var("CC").unwrap_or_else(|_| "cc".to_owned()), "--version")
        );
        let places = places(shell)?;
        Ok(Source { root, version, commit, changed, time, tools, places })
    }

    pub(super) fn described(&self) -> String {
        let changed = if self.changed { ", with changes that are not committed" } else { "" };
        format!("nono {} of commit {}{changed}, by {}", self.version, self.commit, self.tools)
    }

    /// Copies what git knows and does not ignore.
    fn copy_to(&self, place: &Path) -> anyhow::Result<()> {
        let mut list = Command::new("git");
        list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(&self.root);
        let list = list.output().context("git")?;
        ensure!(list.status.success(), "git ls-files: {}", list.stderr.escape_ascii());
        for file in list.stdout.split(|byte| *byte == 0).filter(|file| !file.is_empty()) {
            let name = Path::new(OsStr::from_bytes(file));
            let (from, to) = (self.root.join(name), place.join(name));
            let parent = to.parent().context("a file has a directory")?;
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            match fs::copy(&from, &to) {
                Ok(_) => {}
                // Removed, and the removal not committed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && fs::symlink_metadata(&from).is_err() => {}
                Err(error) => bail!("cannot copy {} to {}: {error}", from.display(), to.display()),
            }
        }
        Ok(())
    }
}

/// How a program is built.
pub(super) struct Build<'a> {
    source: &'a Source,
    target: &'a str,
    environment: Environment,
}

impl<'a> Build<'a> {
    /// For the machine's own target as its C compiler links; for others by the toolchain of `cross`.
    pub(super) fn of(shell: &Shell, target: &'a str, host: &str, source: &'a Source) -> anyhow::Result<Build<'a>> {
        let environment = if target == host {
            Environment::native(target)
        } else {
            ensure!(target.ends_with("-linux-musl"), "dist makes static programs of Linux: {host}, or one with musl");
            cross::environment(shell, target, true)?
        };
        Ok(Build { source, target, environment })
    }

    /// From the sources as they lie, into `place`.
    pub(super) fn here(&self, place: &Path) -> anyhow::Result<PathBuf> {
        self.make(&self.source.root, place)
    }

    /// From a copy of the sources in `place`, into another directory of it.
    pub(super) fn elsewhere(&self, place: &Path) -> anyhow::Result<PathBuf> {
        let sources = place.join("sources");
        match fs::remove_dir_all(&sources) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => bail!("cannot remove {}: {error}", sources.display()),
        }
        self.source.copy_to(&sources)?;
        self.make(&sources, &place.join("built"))
    }

    fn make(&self, sources: &Path, place: &Path) -> anyhow::Result<PathBuf> {
        let mut command = Command::new(env!("CARGO"));
        command.current_dir(sources).args(["build", "--locked", "--release", "--package", "nono-cli", "--bin", "nono"]);
        command.arg("--quiet").arg("--target-dir").arg(place);
        for (name, _) in env::vars_os().filter(|(name, _)| changes_the_result(name)) {
            command.env_remove(name);
        }
        self.environment.apply(&mut command);
        let mut flags = self.environment.rustflags.clone();
        flags.extend(remapped(&self.source.places, sources, place));
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join(OsStr::from_bytes(b"\x1f")));
        command.env("SOURCE_DATE_EPOCH", &self.source.time).env("LC_ALL", "C").env("TZ", "UTC");
        println!("building {} in {}", self.target, sources.display());
        let status = command.status().context("cargo")?;
        ensure!(status.success(), "it does not build in {}", sources.display());
        Ok(place.join(self.target).join("release/nono"))
    }
}

/// Variables of the caller's that would make another program of the same sources.
fn changes_the_result(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let prefixes: [&[u8]; 3] = [b"CARGO_PROFILE_", b"CARGO_TARGET_", b"CARGO_BUILD_"];
    let names: [&[u8]; 5] = [b"RUSTFLAGS", b"CARGO_ENCODED_RUSTFLAGS", b"CFLAGS", b"LDFLAGS", b"RUSTC_WRAPPER"];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name)
}

/// Where the compiler and the sources of other packages are, and fixed names for that.
fn places(shell: &Shell) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let (commit, release) = (cross::of_rustc(shell, "commit-hash")?, cross::of_rustc(shell, "release")?);
    // As the compiler calls the sources of its own library, wherever they are.
    let library = format!("/rustc/{commit}");
    let sysroot = cross::sysroot(shell)?;
    let mut places = vec![(sysroot.join("lib/rustlib/src/rust"), library.clone()), (sysroot, "/rust".to_owned())];
    if let Ok(cache) = fetch::cache() {
        places.push((cache.join(format!("rust-src/{release}/usr/src/rustc-{release}")), library));
        places.push((cache, "/cache".to_owned()));
    }
    if let Some(home) = cargo_home() {
        // One directory a registry, named after its address; what is in it does not depend on that.
        let registries = fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
        places.extend(registries.map(|one| (one.path(), "/cargo".to_owned())));
        places.push((home, "/cargo-home".to_owned()));
    }
    Ok(places)
}

/// Flags that put fixed names in place of paths.
fn remapped(places: &[(PathBuf, String)], sources: &Path, target_dir: &Path) -> Vec<OsString> {
    let own = [(sources.to_owned(), "/nono".to_owned()), (target_dir.to_owned(), "/built".to_owned())];
    let mut pairs: Vec<_> = places.iter().chain(&own).collect();
    // The last one that fits is taken (rustc's book, "Remap source paths"): the most special one.
    pairs.sort_by_key(|(path, _)| path.as_os_str().len());
    let flag = |(path, name): &(PathBuf, String)| {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(path);
        flag.push("=");
        flag.push(name);
        flag
    };
    pairs.into_iter().map(flag).collect()
}

/// Where cargo keeps the sources of other packages.
fn cargo_home() -> Option<PathBuf> {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))
}

impl Source {
    /// Beginnings of paths of this machine, none of which a program that is given away holds.
    pub(super) fn private_paths(&self) -> Vec<Vec<u8>> {
        // Root's is everybody's, and text that begins with a slash may lie behind "/root" in any program.
        let home = env::var_os("HOME").map(PathBuf::from).filter(|home| home != Path::new("/root"));
        let all = self.places.iter().map(|(path, _)| path.clone()).chain(home).chain([self.root.clone()]);
        let mut told: Vec<Vec<u8>> = all.map(|path| path.join("").into_os_string().into_vec()).collect();
        // Not every machine's: `/` and what stands in messages.
        told.retain(|path| path.len() > 2);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_set_for_other_builds_does_not_count() {
        for name in ["RUSTFLAGS", "CARGO_PROFILE_RELEASE_LTO", "CARGO_TARGET_DIR", "CARGO_BUILD_RUSTFLAGS"] {
            assert!(changes_the_result(name.as_ref()), "{name}");
        }
        for name in ["PATH", "CARGO_HOME", "CC", "HOME"] {
            assert!(!changes_the_result(name.as_ref()), "{name}");
        }
    }

    #[test]
    fn the_longer_path_is_mapped_last() {
        let places = [("/srv/nono/a/b".into(), "/x".into()), ("/srv".into(), "/y".into())];
        let flags = remapped(&places, "/srv/nono".as_ref(), "/srv/nono/a".as_ref());
        let flag = |pair| OsString::from(format!("--remap-path-prefix={pair}"));
        assert_eq!(flags, ["/srv=/y", "/srv/nono=/nono", "/srv/nono/a=/built", "/srv/nono/a/b=/x"].map(flag));
    }
}
