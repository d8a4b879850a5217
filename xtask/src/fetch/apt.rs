//! Debian's packages by an apt with a state of its own: nothing is installed, nothing of the machine's is changed, and apt
//! checks signatures and checksums.

use super::{Version, cache, lock, put, room, source};
use anyhow::{Context, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;
use xshell::{Shell, cmd};

/// How old lists of packages may be.
const FRESH: Duration = Duration::from_hours(24);

/// Megabytes that must be free to fetch: lists and what apt makes of them are 130, a package with what is in it 150.
const ROOM: u64 = 300;

/// A machine that packages are for, by Debian's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    Amd64,
    Arm64,
}

impl Architecture {
    /// Debian's name.
    pub(crate) fn debian(self) -> &'static str {
        match self {
            Architecture::Amd64 => "amd64",
            Architecture::Arm64 => "arm64",
        }
    }
}

/// A package that can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: Version,
    /// Of the file, as the signed list states it.
    sha256: String,
}

/// An apt for one architecture.
#[derive(Debug)]
pub(crate) struct Apt<'a> {
    shell: &'a Shell,
    architecture: Architecture,
    root: PathBuf,
    /// Nobody else changes the state meanwhile.
    _lock: File,
}

impl<'a> Apt<'a> {
    /// Sets it up in the cache, with lists that are at most a day old; older ones if no newer can be had.
    pub(crate) fn open(shell: &'a Shell, architecture: Architecture) -> anyhow::Result<Apt<'a>> {
        let root = cache()?.join(format!("apt-{}", architecture.debian()));
        for directory in source::directories(&root) {
            fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        let lock = lock(&root)?;
        let list = source::list(shell)?;
        let changed = fs::read_to_string(root.join("sources.list")).ok().as_deref() != Some(list.as_str());
        for (name, text) in [
            ("status", String::new()),
            ("sources.list", list),
            ("apt.conf", source::configuration(&root, architecture.debian())),
        ] {
            let path = root.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let apt = Apt { shell, architecture, root, _lock: lock };
        if changed || !apt.is_fresh() {
            apt.update()?;
        }
        Ok(apt)
    }

    /// What its packages are for.
    pub(crate) fn architecture(&self) -> Architecture {
        self.architecture
    }

    fn is_fresh(&self) -> bool {
        let changed = fs::metadata(self.root.join("updated")).and_then(|file| file.modified());
        changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age < FRESH))
    }

    fn command(&self, program: &str) -> xshell::Cmd<'a> {
        let command = self.shell.cmd(program).env("APT_CONFIG", self.root.join("apt.conf")).env("LC_ALL", "C").quiet();
        // Images of containers switch this cache off, after our file is read: every question then takes seconds.
        command.args(["-o", "Dir::Cache::pkgcache=pkgcache.bin", "-o", "Dir::Cache::srcpkgcache=srcpkgcache.bin"])
    }

    /// Fetches the lists of packages. A suite that is gone is said, and its packages are not found.
    fn update(&self) -> anyhow::Result<()> {
        room(self.shell, &self.root, ROOM)?;
        eprintln!("fetching the lists of Debian's packages");
        let update = self.command("apt-get").args(["update", "-q", "-q"]).ignore_status().output()?;
        for line in String::from_utf8_lossy(&update.stderr).lines() {
            eprintln!("  {line}");
        }
        let lists = fs::read_dir(self.root.join("state/lists"))?.flatten();
        let has_some = lists.filter(|list| list.file_name().to_string_lossy().contains("_Packages")).count() > 0;
        if !has_some {
            bail!("no list of packages could be fetched; apt says why above");
        }
        if update.status.success() {
            fs::write(self.root.join("updated"), "")?;
        }
        Ok(())
    }

    /// The names of all packages that begin with `prefix`.
    pub(crate) fn names(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let names = self.command("apt-cache").args(["pkgnames", prefix]).read()?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// The versions of the package `name`, the newest first.
    pub(crate) fn versions(&self, name: &str) -> anyhow::Result<Vec<Package>> {
        let shown = self.command("apt-cache").args(["show", name]).ignore_stderr().read();
        let shown = shown.with_context(|| format!("there is no package {name}"))?;
        let mut all: Vec<Package> = shown.split("\n\n").filter_map(package).collect();
        all.sort_by(|one, other| other.version.cmp(&one.version));
        Ok(all)
    }

    /// The file of `package`, fetched if it is not there or not what it should be.
    pub(crate) fn fetch(&self, package: &Package) -> anyhow::Result<PathBuf> {
        let packages = self.root.join("packages");
        let file = packages.join(format!("{}_{}.deb", package.name, package.sha256));
        if file.is_file() {
            if sha256(self.shell, &file)? == package.sha256 {
                return Ok(file);
            }
            eprintln!("{} is not what it was when it was fetched: once more", file.display());
            fs::remove_file(&file)?;
        }
        room(self.shell, &self.root, ROOM)?;
        let place = packages.join("partial");
        drop(fs::remove_dir_all(&place));
        fs::create_dir_all(&place)?;
        let (name, version) = (&package.name, package.version.as_str());
        eprintln!("fetching {name} {version}");
        let _there = self.shell.push_dir(&place);
        let wanted = format!("{name}={version}");
        let fetched = self.command("apt-get").args(["download", "-q", "-q"]).arg(wanted).run();
        fetched.with_context(|| format!("the package {name} {version} could not be fetched"))?;
        let made = fs::read_dir(&place)?.flatten().next().context("apt-get wrote no file")?.path();
        if sha256(self.shell, &made)? != package.sha256 {
            bail!("the package {name} {version} was damaged on its way; try again");
        }
        put(&made, &file)?;
        Ok(file)
    }

    /// Takes what `pattern` (tar's wildcards, in any directory) names out of `package`, into the new directory `place`.
    pub(crate) fn extract(&self, package: &Path, pattern: &str, place: &Path) -> anyhow::Result<()> {
        let shell = self.shell;
        let made = place.with_extension("partial");
        drop(fs::remove_dir_all(&made));
        fs::create_dir_all(&made)?;
        let archive = made.join("data.tar");
        let unpacked = File::create(&archive).map_err(anyhow::Error::from).and_then(|tar| {
            let status =
                std::process::Command::new("dpkg-deb").arg("--fsys-tarfile").arg(package).stdout(tar).status()?;
            anyhow::ensure!(status.success(), "dpkg-deb failed");
            Ok(cmd!(shell, "tar -x -C {made} -f {archive} --wildcards --no-anchored {pattern}").quiet().run()?)
        });
        if unpacked.is_err() {
            // On a full disk it would keep others from theirs.
            drop(fs::remove_dir_all(&made));
        }
        unpacked.with_context(|| format!("cannot take {pattern} out of {}", package.display()))?;
        fs::remove_file(&archive)?;
        drop(fs::remove_dir_all(place));
        fs::rename(&made, place).with_context(|| format!("cannot put {} in its place", place.display()))
    }
}

/// A package from its paragraph in a list: `deb-control(5)`.
fn package(paragraph: &str) -> Option<Package> {
    let field = |name: &str| paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let (name, version, sha256) = (field("Package")?, field("Version")?, field("SHA256")?);
    Some(Package { name: name.to_owned(), version: Version::new(version), sha256: sha256.to_owned() })
}

fn sha256(shell: &Shell, file: &Path) -> anyhow::Result<String> {
    let sum = cmd!(shell, "sha256sum --binary {file}").quiet().read()?;
    Ok(sum.split(' ').next().unwrap_or_default().trim_start_matches('\\').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_a_package() {
        let text = "Package: linux-binary\nVersion: 7.3.4-1~bpo13+1\nSize: 7\nSHA256: abc\nDescription: x\n SHA256: no";
        let found = package(text).expect("it has all fields");
        assert_eq!(
            (found.name.as_str(), found.version.as_str(), found.sha256.as_str()),
            ("linux-binary", "7.3.4-1~bpo13+1", "abc")
        );
        assert_eq!(package("Package: linux-binary\nVersion: 1"), None, "one that no list vouches for");
    }
}
