//! A temporary tree and the command under test in it.
//!
//! ```no_run
//! # use nono_tests::jail::Jail;
//! Jail::new().args(["run", "--allow-cwd", "--"]).cmd(["cat", "../secrets/key"]).run().status(1).stderr_has("denied");
//! ```
//! The tree: `home` (the command's HOME, with the start files a program meets there), `work` (where it is started) and
//! `secrets` (which nobody grants it).

use crate::capture::{self, Captured, Group, text};
use crate::need;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The user and group that stand for an unprivileged one.
pub const NOBODY: u32 = 65534;

/// Where the programs under test are.
const BIN_DIR: &str = "NONO_TEST_BIN_DIR";

const FILES: [(&str, &str); 9] = [
    ("home/.gitconfig", "[user]\n\tname = A Tester\n\temail = tester@example.org\n[alias]\n\tst = status\n"),
    ("home/.bashrc", "alias ll='ls -l'\nexport FROM_BASHRC=1\n"),
    ("home/.profile", "export FROM_PROFILE=1\n"),
    ("home/.npmrc", "//registry.example.org/:_authToken=npm-token-of-the-tests\n"),
    ("home/.ssh/id_ed25519", "private key of the tests\n"),
    ("home/.ssh/config", "Host example.org\n"),
    ("home/notes.txt", "in the home directory\n"),
    ("work/file.txt", "in the working directory\n"),
    ("secrets/key", "the secret of the tests\n"),
];

/// As whom the command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// As who runs the tests.
    Same,
    /// As user and group 65534 without further groups; for tests that run as root.
    Nobody,
}

impl User {
    /// As whom a program is run by every test of programs: as who runs the tests, and as nobody when that is root, unless
    /// `NONO_TEST_USERS` is `own`.
    pub fn all() -> Vec<Self> {
        let own = std::env::var_os("NONO_TEST_USERS").is_some_and(|users| users == "own");
        if need::is_root() && !own { vec![Self::Same, Self::Nobody] } else { vec![Self::Same] }
    }

    /// Makes `command` run as this user.
    pub fn apply(self, command: &mut Command) {
        if self == Self::Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
    }

    /// Gives `path`, and all below it, to this user.
    ///
    /// # Errors
    /// What listing the tree or changing an owner gave.
    pub fn own(self, path: &Path) -> io::Result<()> {
        if self == Self::Same {
            return Ok(());
        }
        lchown(path, Some(NOBODY), Some(NOBODY))?;
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.own(&entry?.path())?;
            }
        }
        Ok(())
    }
}

/// A temporary tree; it is removed when dropped.
#[derive(Debug)]
pub struct Jail {
    dir: TempDir,
    user: User,
}

impl Default for Jail {
    fn default() -> Self {
        Self::new()
    }
}

impl Jail {
    /// Makes the tree, for the user who runs the tests.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new() -> Self {
        Self::of(User::Same)
    }

    /// Makes the tree, for commands that run as `user`.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn of(user: User) -> Self {
        let made = Self::make(user);
        let Ok(jail) = made else { fail(&format!("cannot make the tree of a test: {made:?}")) };
        jail
    }

    fn make(user: User) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("nono-test.").permissions(Permissions::from_mode(0o755)).tempdir()?;
        for (name, content) in FILES {
            let path = dir.path().join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        user.own(dir.path())?;
        Ok(Self { dir, user })
    }

    /// The tree, resolved: what a program sees as its working directory.
    ///
    /// # Panics
    /// When the tree is gone.
    pub fn root(&self) -> PathBuf {
        let resolved = self.dir.path().canonicalize();
        resolved.unwrap_or_else(|error| fail(&format!("the tree of the test is gone: {error}")))
    }

    /// `HOME` of the command.
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// Where the command is started.
    pub fn work(&self) -> PathBuf {
        self.root().join("work")
    }

    /// What is not granted.
    pub fn secrets(&self) -> PathBuf {
        self.root().join("secrets")
    }

    /// Writes a file below the tree, for the jail's user, with the directories it needs, and returns its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(name);
        let parent = path.parent().unwrap_or(Path::new("/"));
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, content));
        let owned = written.and_then(|()| self.user.own(&self.root()));
        if let Err(error) = owned {
            fail(&format!("cannot write {path:?}: {error}"));
        }
        path
    }

    /// The command `nono` with these arguments.
    ///
    /// # Panics
    /// When `NONO_TEST_BIN_DIR` is not set: black-box tests do not pass for want of what they test.
    pub fn args<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run<'_> {
        let Some(dir) = std::env::var_os(BIN_DIR) else {
            fail(&format!("{BIN_DIR} is not set: run the black-box tests with `cargo xtask test`"));
        };
        self.program(PathBuf::from(dir).join("nono")).cmd(args)
    }

    /// Where the jail's user can execute `program`: for another user it is copied into the tree, since build directories
    /// are often below a private home.
    ///
    /// # Panics
    /// When it is not there, or cannot be copied.
    pub fn executable(&self, program: impl AsRef<Path>) -> PathBuf {
        let program = program.as_ref();
        let reachable = || {
            if self.user == User::Same {
                return program.symlink_metadata().map(|_| program.to_owned());
            }
            let name = program.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
            let copy = self.dir.path().join("bin").join(name);
            if copy.symlink_metadata().is_err() {
                fs::create_dir_all(self.dir.path().join("bin"))?;
                crate::copy::executable(program, &copy)?;
            }
            Ok(copy)
        };
        reachable().unwrap_or_else(|error| fail(&format!("{program:?}: {error}")))
    }

    /// Any program, in the tree and the environment in which `nono` would run.
    pub fn program(&self, program: impl Into<PathBuf>) -> Run<'_> {
        Run {
            jail: self,
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: self.work(),
            input: None,
            deadline: Duration::from_mins(1),
        }
    }
}

/// A command that is about to be run.
#[derive(Debug)]
#[must_use = "nothing runs until `run`"]
pub struct Run<'a> {
    jail: &'a Jail,
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    cwd: PathBuf,
    input: Option<Vec<u8>>,
    deadline: Duration,
}

impl Run<'_> {
    /// Adds arguments: those of `nono`, or the command to sandbox and its own.
    pub fn cmd<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Adds a variable; without it there are `HOME`, `PATH`, `USER` and `LANG` only.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Starts it in another directory than `work`.
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = dir.into();
        self
    }

    /// Gives it something to read; without, it reads `/dev/null`.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Kills it, and all of its process group, after this time (60 seconds if not given).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The command itself, for tests that start it in their own way.
    ///
    /// # Panics
    /// When the program is not there.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.jail.executable(&self.program));
        command.args(&self.args).current_dir(&self.cwd).stdin(Stdio::null()).env_clear();
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        command.env("HOME", self.jail.home()).env("PATH", path).env("USER", "tester").env("LANG", "C.UTF-8");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        self.jail.user.apply(&mut command);
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run(self) -> Ran {
        let mut command = self.command();
        let captured = capture::run(&mut command, self.input.as_deref(), Group::Own, self.deadline);
        let line = format!("{command:?}");
        match captured {
            Ok(captured) => Ran { line, captured },
            Err(error) => fail(&format!("cannot run {line}: {error}")),
        }
    }
}

/// A command that has run. What is not as expected is shown with the command line and both texts, whole.
#[derive(Debug)]
pub struct Ran {
    line: String,
    captured: Captured,
}

impl Ran {
    /// What it wrote to stdout, with bytes that are not UTF-8 escaped.
    pub fn stdout(&self) -> String {
        text(&self.captured.stdout)
    }

    /// What it wrote to stderr, with bytes that are not UTF-8 escaped.
    pub fn stderr(&self) -> String {
        text(&self.captured.stderr)
    }

    /// All of it, as captured.
    pub fn captured(&self) -> &Captured {
        &self.captured
    }

    /// Its exit status was `code`.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn status(&self, code: i32) -> &Self {
        self.require(self.captured.status.code() == Some(code), &format!("exit status {code}"))
    }

    /// It succeeded.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn success(&self) -> &Self {
        self.status(0)
    }

    /// It was ended by this signal.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn killed_by(&self, signal: i32) -> &Self {
        self.require(self.captured.status.signal() == Some(signal), &format!("death by signal {signal}"))
    }

    /// Its stdout was exactly this.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn stdout_is(&self, expected: &str) -> &Self {
        self.require(self.stdout() == expected, &format!("on stdout exactly {expected:?}"))
    }

    /// Its stdout contains this.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn stdout_has(&self, part: &str) -> &Self {
        self.require(self.stdout().contains(part), &format!("on stdout {part:?}"))
    }

    /// Its stdout does not contain this.
    ///
    /// # Panics
    /// When it does.
    #[track_caller]
    pub fn stdout_lacks(&self, part: &str) -> &Self {
        self.require(!self.stdout().contains(part), &format!("nowhere on stdout {part:?}"))
    }

    /// Its stderr was exactly this.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn stderr_is(&self, expected: &str) -> &Self {
        self.require(self.stderr() == expected, &format!("on stderr exactly {expected:?}"))
    }

    /// Its stderr contains this.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn stderr_has(&self, part: &str) -> &Self {
        self.require(self.stderr().contains(part), &format!("on stderr {part:?}"))
    }

    #[track_caller]
    fn require(&self, holds: bool, wanted: &str) -> &Self {
        let late = if self.captured.timed_out { "\n(the deadline ended it)" } else { "" };
        let (status, stdout, stderr) = (self.captured.status, self.stdout(), self.stderr());
        assert!(
            holds && !self.captured.timed_out,
            "wanted {wanted}{late}\n  {}\n{status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---",
            self.line
        );
        self
    }
}

#[expect(clippy::panic, reason = "this is how a test fails")]
#[track_caller]
fn fail(message: &str) -> ! {
    panic!("{message}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::{Child, Outcome};

    #[test]
    fn a_program_runs_in_the_tree() {
        let jail = Jail::new();
        let ran =
            jail.program("/bin/sh").cmd(["-c", "pwd; cat; cat ~/.gitconfig; echo no >&2; exit 4"]).stdin("in\n").run();
        ran.status(4)
            .stdout_has("A Tester")
            .stdout_has("in\n")
            .stdout_has(jail.work().to_str().unwrap())
            .stderr_is("no\n");
    }

    #[test]
    fn the_environment_is_small() {
        let ran = Jail::new().program("/usr/bin/env").env("MORE", "1").run();
        let out = ran.success().stdout();
        let mut names: Vec<_> = out.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["HOME", "LANG", "MORE", "PATH", "USER"]);
    }

    #[test]
    fn a_mismatch_shows_everything() {
        let outcome = Child::default().outcome(|| {
            Jail::new().program("/bin/sh").cmd(["-c", "echo said; echo complained >&2"]).run().status(9);
        });
        let Outcome::Panicked(message) = outcome else { panic!("{outcome:?}") };
        for part in ["exit status 9", "echo said", "--- stdout\nsaid", "--- stderr\ncomplained"] {
            assert!(message.contains(part), "{part:?} is not in {message}");
        }
    }

    #[test]
    fn without_the_command_its_tests_fail() {
        let outcome = Child::default().outcome(|| match std::env::var_os(BIN_DIR) {
            None => drop(Jail::new().args(["run"]).run()),
            Some(_) => fail("cargo xtask test"),
        });
        assert!(matches!(&outcome, Outcome::Panicked(message) if message.contains("cargo xtask test")), "{outcome:?}");
    }

    #[test]
    fn nobody_can_use_the_tree() {
        crate::need!(need::Need::Root);
        let jail = Jail::of(User::Nobody);
        jail.file("work/more/file", "more");
        let ran = jail
            .program("/bin/sh")
            .cmd(["-c", "id -u; id -G; cat more/file > ../secrets/copy; cat ../secrets/copy"])
            .run();
        ran.success().stdout_is("65534\n65534\nmore");
    }
}
