//! What a guest has: a small userland, the test programs where cargo put them, and the files of this repository.

use super::archive::Archive;
use super::programs::{Programs, TestProgram};
use crate::fetch::Apt;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use xshell::{Shell, cmd};

/// Static packages that guests live on, and the program of each.
const USERLAND: [(&str, &str, &str); 2] =
    [("busybox-static", "busybox", "/bin/busybox"), ("bash-static", "bash-static", "/bin/bash")];

/// The user that is not root.
pub(super) const USER: &str = "user";

const INIT: &str = include_str!("init.sh");

/// Files of the system that programs expect.
const ETC: [(&str, &str); 8] = [
    (
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n\
         nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    ),
    ("/etc/group", "root:x:0:\ntty:x:5:\nuser:x:1000:\nnogroup:x:65534:\n"),
    ("/etc/shadow", "root:*:19000:0:99999:7:::\n"),
    ("/etc/hosts", "127.0.0.1 localhost guest\n::1 localhost\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ("/etc/resolv.conf", ""),
    ("/etc/hostname", "guest\n"),
    ("/etc/ld.so.cache", ""),
];

/// What is run in a guest.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) programs: &'a Programs,
    /// The runs: user and test program.
    pub(super) runs: Vec<(&'static str, &'a TestProgram)>,
    /// Arguments of each test program: the tests that are wanted.
    pub(super) tests: Option<&'a str>,
    /// Variables of the tests.
    pub(super) variables: Vec<(&'static str, String)>,
}

/// Writes the archive that a guest begins with.
pub(super) fn write(shell: &Shell, apt: &Apt<'_>, work: &Work<'_>, cache: &Path, place: &Path) -> anyhow::Result<()> {
    let made = pack(shell, apt, work, cache, place);
    made.with_context(|| format!("cannot make what guests begin with, {}", place.display()))
}

fn pack(shell: &Shell, apt: &Apt<'_>, work: &Work<'_>, cache: &Path, place: &Path) -> anyhow::Result<()> {
    let mut archive = Archive::create(place)?;
    archive.text(Path::new("/init"), 0o755, INIT.as_bytes())?;
    archive.device(Path::new("/dev/console"), 0o600, (5, 1))?;
    archive.device(Path::new("/dev/null"), 0o666, (1, 3))?;
    for directory in
        ["/proc", "/sys", "/run", "/usr/bin", "/usr/lib", "/usr/share", "/lib", "/sbin", "/var/tmp", "/opt"]
    {
        archive.directory(Path::new(directory), 0o755)?;
    }
    archive.directory(Path::new("/tmp"), 0o1777)?;
    // Closed, as everywhere; a repository that lies below is reached by both users all the same.
    let below = shell.current_dir().starts_with("/root");
    archive.directory(Path::new("/root"), if below { 0o711 } else { 0o700 })?;
    // Everything in an archive of this kind is root's: the init gives it to the user.
    archive.directory(Path::new("/home/user"), 0o755)?;
    for (package, program, at) in USERLAND {
        archive.file(Path::new(at), 0o755, &userland(apt, package, program, cache)?)?;
    }
    for (path, text) in ETC {
        archive.text(Path::new(path), if path.ends_with("shadow") { 0o640 } else { 0o644 }, text.as_bytes())?;
    }
    archive.text(Path::new("/vm/environment"), 0o644, environment(work)?.as_bytes())?;
    archive.text(Path::new("/vm/runs"), 0o644, runs(work)?.as_bytes())?;
    let programs = work.programs;
    let tests = programs.tests.iter().map(|test| &test.file);
    let mut files: Vec<&PathBuf> = tests.chain(&programs.started).chain([&programs.weak]).collect();
    files.sort();
    files.dedup();
    for file in files {
        archive.file(file, 0o755, file)?;
    }
    let root = shell.current_dir();
    let tracked = cmd!(shell, "git ls-files -z --cached --others --exclude-standard").quiet().read()?;
    for name in tracked.split('\0').filter(|name| !name.is_empty()) {
        let path = root.join(name);
        match path.symlink_metadata() {
            Ok(is) if is.is_symlink() => archive.link(&path, path.read_link()?.as_os_str())?,
            Ok(is) if is.is_file() => archive.file(&path, 0o644, &path)?,
            // Removed and not yet committed.
            _ => {}
        }
    }
    archive.finish()
}

/// A static program out of Debian's package of it.
fn userland(apt: &Apt<'_>, package: &str, program: &str, cache: &Path) -> anyhow::Result<PathBuf> {
    let newest = apt.versions(package)?.into_iter().next().with_context(|| format!("there is no package {package}"))?;
    let file = apt.fetch(&newest)?;
    let place = cache.join(format!("{package}_{}_{}", newest.version.as_str(), apt.architecture().debian()));
    if !place.is_dir() {
        apt.extract(&file, program, &place)?;
    }
    for directory in ["usr/bin", "bin"] {
        let found = place.join(directory).join(program);
        if found.is_file() {
            return Ok(found);
        }
    }
    bail!("the package {package} has no {program}")
}

/// A shell script that sets the variables of the tests.
fn environment(work: &Work<'_>) -> anyhow::Result<String> {
    let programs = work.programs;
    let paths = [("NONO_TEST_BIN_DIR", &programs.directory), ("NONO_TEST_WEAK", &programs.weak)];
    let mut variables: Vec<(&str, String)> = vec![("PATH", "/bin:/usr/bin:/sbin".into()), ("TERM", "linux".into())];
    for (name, path) in paths {
        variables.push((name, path.to_str().context("a path is not UTF-8")?.to_owned()));
    }
    variables.extend(work.variables.iter().cloned());
    let line = |(name, value): &(&str, String)| format!("export {name}={}\n", quoted(value));
    Ok(variables.iter().map(line).collect())
}

/// The lines of `/vm/runs`: user, group, directory, program, arguments.
fn runs(work: &Work<'_>) -> anyhow::Result<String> {
    let mut text = String::new();
    for (user, test) in &work.runs {
        let (directory, file) = (test.directory.to_str(), test.file.to_str());
        let (Some(directory), Some(file)) = (directory, file) else { bail!("a path is not UTF-8: {test:?}") };
        let tests = work.tests.map(quoted).unwrap_or_default();
        text.push_str(&format!("{user}\t{}\t{directory}\t{file}\t{tests}\n", test.group));
    }
    Ok(text)
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
