//! Finding the program of a command as a shell would, before anything is restricted: so that a missing command is told
//! from a forbidden one.

use crate::error::CliError;
use nono_core::{CapabilitySet, Decision, Denial, Remedy, Request, decide};
use rustix::fs::{Access, access};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a name on `PATH` turned out to be.
enum Candidate {
    Program,
    Unfit(&'static str),
    Missing,
}

/// Finds `command`: by its path if it has a `/`, else in the directories of `path`. The answer is what exec is to be
/// given in `workdir`: a script sees it as its name.
pub(crate) fn find(command: &OsStr, workdir: &Path, path: Option<&OsStr>) -> Result<PathBuf, CliError> {
    let mut unfit = None;
    let candidates: Vec<PathBuf> = match command.as_bytes() {
        [] => Vec::new(),
        bytes if bytes.contains(&b'/') => vec![PathBuf::from(command)],
        _ => {
            let directories = path.map_or_else(default_path, |path| std::env::split_paths(path).collect());
            directories.iter().map(|directory| directory.join(command)).collect()
        }
    };
    for candidate in candidates {
        match examine(&workdir.join(&candidate)) {
            Candidate::Program => return Ok(candidate),
            Candidate::Unfit(why) => unfit = unfit.or(Some(why)),
            Candidate::Missing => {}
        }
    }
    let command = command.to_owned();
    match unfit {
        Some(why) => Err(CliError::NotExecutable { command, why }),
        None => Err(CliError::NotFound { hint: hint(&command), command }),
    }
}

/// What `execvp(3)` searches without a `PATH`.
fn default_path() -> Vec<PathBuf> {
    vec!["/bin".into(), "/usr/bin".into()]
}

fn examine(path: &Path) -> Candidate {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Candidate::Unfit("is a directory"),
        Ok(found) if !found.is_file() => Candidate::Unfit("is not a regular file"),
        Ok(_) => match access(path, Access::EXEC_OK) {
            Ok(()) => Candidate::Program,
            Err(_) => Candidate::Unfit("permission denied: it is not executable"),
        },
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Candidate::Unfit("permission denied"),
        Err(_) => Candidate::Missing,
    }
}

/// A flag that was meant for nono and came after the command's place is a common slip.
fn hint(command: &OsString) -> &'static str {
    if command.as_bytes().starts_with(b"-") { "; nono's own options go before the command" } else { "" }
}

/// Refuses a program that the policy does not let execute, naming the grant that would.
pub(crate) fn check_allowed(set: &CapabilitySet, program: &Path, workdir: &Path) -> Result<(), CliError> {
    let path = fs::canonicalize(workdir.join(program)).unwrap_or_else(|_| program.to_owned());
    match decide(set, &Request::Execute { path }) {
        Decision::Allowed { .. } => Ok(()),
        Decision::Denied(Denial { remedy: Remedy::Grant { path: grant, .. }, .. }) => {
            Err(CliError::Forbidden { program: program.to_owned(), grant })
        }
        Decision::Denied(_) => Err(CliError::Forbidden { program: program.to_owned(), grant: program.to_owned() }),
    }
}

/// What may have kept the kernel from executing a program that exists and may be executed: its interpreter.
pub(crate) fn exec_hint(program: &Path, error: &io::Error) -> String {
    let interpreter = interpreter(program).map(|name| format!(" {name:?}")).unwrap_or_default();
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("; its interpreter or loader{interpreter} may be outside the grants")
        }
        io::ErrorKind::NotFound => format!("; its interpreter or loader{interpreter} does not exist"),
        _ => String::new(),
    }
}

/// The interpreter that the `#!` line of a script names.
fn interpreter(program: &Path) -> Option<PathBuf> {
    use io::Read;
    let mut start = Vec::new();
    fs::File::open(program).ok()?.take(256).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let name = line.trim_ascii().split(u8::is_ascii_whitespace).next()?;
    Some(PathBuf::from(OsStr::from_bytes(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn status(command: &str, workdir: &Path, path: &str) -> Result<PathBuf, u8> {
        find(OsStr::new(command), workdir, Some(OsStr::new(path))).map_err(|error| error.status())
    }

    #[test]
    fn a_command_is_found_as_a_shell_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("one/directory")).unwrap();
        fs::create_dir_all(root.join("two")).unwrap();
        fs::write(root.join("one/tool"), "").unwrap();
        fs::write(root.join("two/tool"), "#!/bin/sh -e\n").unwrap();
        fs::set_permissions(root.join("two/tool"), fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", root.join("one").display(), root.join("two").display());
        assert_eq!(
            status("tool", root, &path),
            Ok(root.join("two/tool")),
            "one that cannot be executed is passed over"
        );
        assert_eq!(status("./two/tool", root, ""), Ok("./two/tool".into()));
        assert_eq!(status("directory", root, &path), Err(126));
        assert_eq!(status("one/tool", root, &path), Err(126));
        assert_eq!(status("missing", root, &path), Err(127));
        assert_eq!(status("", root, &path), Err(127));
        assert_eq!(interpreter(&root.join("two/tool")), Some("/bin/sh".into()));
    }
}
