//! Other sandboxes, each with the arguments that give `/bin/true` what nono gives it: ordinary directories for reading, the
//! working directory for writing.

use super::{read_directories, timed, words};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names that are looked for in PATH.
const NAMES: [&str; 5] = ["nono", "sandlock", "bwrap", "firejail", "landrun"];

/// A sandbox that works here.
pub(super) struct Peer {
    /// With its version.
    pub(super) name: String,
    pub(super) command: Vec<OsString>,
}

/// Those of `given` and of PATH; says which are left out, and why.
pub(super) fn find(given: &[PathBuf], workdir: &Path) -> Vec<Peer> {
    let mut all = given.to_vec();
    for name in NAMES.into_iter().filter(|name| !given.iter().any(|path| path.file_name() == Some(OsStr::new(name)))) {
        match in_path(name) {
            Some(path) => all.push(path),
            None => println!("SKIPPED {name}: not in PATH, and no --peer"),
        }
    }
    all.iter().filter_map(|path| peer(path, workdir)).collect()
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(name)).find(|file| fs::metadata(file).is_ok())
}

/// Started once, to see whether it works.
fn peer(path: &Path, workdir: &Path) -> Option<Peer> {
    let kind = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let version = version(path);
    let Some(mut arguments) = arguments(kind, &version) else {
        println!("SKIPPED {}: it is none of {}", path.display(), NAMES.join(", "));
        return None;
    };
    arguments.push("/bin/true".into());
    let mut command = Command::new(path);
    command.args(&arguments).current_dir(workdir);
    if let Err(error) = timed(&mut command) {
        println!("SKIPPED {kind} {version}: {error:#}");
        return None;
    }
    Some(Peer { name: format!("{kind} {version}"), command: [path.into()].into_iter().chain(arguments).collect() })
}

/// The first word with a digit and a point of what it says of itself; `?` if it says none.
fn version(path: &Path) -> String {
    let said = Command::new(path).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let said = str::from_utf8(&said).unwrap_or_default();
    let number = |word: &&str| word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit());
    said.split_whitespace().find(number).unwrap_or("?").to_owned()
}

/// All but the program to run.
fn arguments(kind: &str, version: &str) -> Option<Vec<OsString>> {
    let each = |flags: &[&str]| -> Vec<OsString> {
        let of = |path: &'static str| flags.iter().copied().chain([path]).map(OsString::from).collect::<Vec<_>>();
        read_directories().flat_map(of).collect()
    };
    Some(match kind {
        // The old one stays beside the command unless told otherwise.
        "nono" if version.starts_with("0.11.") => {
            [words(["run", "--silent", "--exec", "--allow-cwd"]), each(&["--read"]), words(["--"])].concat()
        }
        "nono" => [words(["run", "--silent", "--allow-cwd"]), each(&["--read"]), words(["--"])].concat(),
        "sandlock" => [words(["run", "-w", "."]), each(&["-r"]), words(["--"])].concat(),
        "bwrap" => {
            let mounts = read_directories().flat_map(|path| words(["--ro-bind", path, path]));
            mounts.chain(words(["--bind", ".", "/mnt", "--chdir", "/mnt", "--"])).collect()
        }
        // Of the whole file system it shows what its defaults show.
        "firejail" => words(["--quiet", "--noprofile", "--"]),
        "landrun" => [words(["--rwx", "."]), each(&["--rox"])].concat(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_form() {
        for name in NAMES {
            assert!(arguments(name, "1.0.0").is_some_and(|arguments| !arguments.is_empty()), "{name}");
        }
        assert_ne!(arguments("nono", "0.11.0"), arguments("nono", "0.81.0"));
        assert_eq!(arguments("sh", "1.0"), None);
    }
}
