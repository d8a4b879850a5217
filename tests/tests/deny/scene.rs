//! The tree of these tests: see `src/bin/denied`.

use nono_tests::jail::{Jail, User};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The flags that deny everything there is to deny, under a grant of the working directory.
pub(crate) const THERE: [&str; 8] =
    ["--deny", "secret", "--deny", "deep/down/hidden", "--deny", "empty", "--deny", "denied.txt"];
/// What does not exist.
pub(crate) const MISSING: [&str; 4] = ["--deny", "missing", "--deny", "later/on"];

const FILES: [(&str, &str); 6] = [
    ("work/secret/file", "a secret\n"),
    ("work/secret/program", "#!/bin/sh\nexit 0\n"),
    ("work/deep/down/hidden/file", "a secret\n"),
    ("work/denied.txt", "a secret\n"),
    ("work/plain.txt", "plain\n"),
    ("work/kept/file", "kept\n"),
];

pub(crate) fn scene(user: User) -> Jail {
    let jail = Jail::of(user);
    fs::create_dir(jail.work().join("empty")).unwrap();
    for (name, content) in FILES {
        let path = jail.file(name, content);
        if name.ends_with("program") {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    jail
}

/// What of the scene is denied, as it is seen from outside.
pub(crate) fn state(jail: &Jail) -> Vec<String> {
    let mut lines = Vec::new();
    for name in ["secret", "deep/down/hidden", "empty", "denied.txt", "missing", "later"] {
        note(&jail.work().join(name), name, &mut lines);
    }
    lines.sort();
    lines
}

fn note(path: &Path, name: &str, lines: &mut Vec<String>) {
    let Ok(found) = fs::symlink_metadata(path) else { return lines.push(format!("{name}: none")) };
    let content = if found.is_file() { fs::read_to_string(path).unwrap() } else { String::new() };
    lines.push(format!("{name}: {:o} {content:?}", found.permissions().mode()));
    if found.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            note(&entry.path(), &format!("{name}/{}", entry.file_name().to_str().unwrap()), lines);
        }
    }
}

/// The program of the ways, where the jail's user may execute it.
pub(crate) fn denied(jail: &Jail) -> PathBuf {
    jail.executable(env!("CARGO_BIN_EXE_denied"))
}

/// `nono`, likewise.
pub(crate) fn nono(jail: &Jail) -> String {
    jail.args([""; 0]).command().get_program().to_str().unwrap().to_owned()
}

/// Runs a command where no namespace can be made: see `src/bin/without-namespaces.rs`.
pub(crate) fn without_namespaces(jail: &Jail) -> PathBuf {
    jail.executable(env!("CARGO_BIN_EXE_without-namespaces"))
}

/// A process outside with the working directory of the jail, which is its descriptor 0 too. It ends when dropped.
pub(crate) struct Outsider(Child);

impl Outsider {
    pub(crate) fn of(jail: &Jail, user: User) -> Outsider {
        let mut command = Command::new("sleep");
        command.arg("600").current_dir(jail.work()).stdin(File::open(jail.work()).unwrap()).stdout(Stdio::null());
        user.apply(&mut command);
        Outsider(command.spawn().unwrap())
    }

    pub(crate) fn id(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Outsider {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}
