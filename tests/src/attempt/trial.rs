//! Making one attempt, outside or inside, and seeing what came of it.

use super::row::{Party, Proof, Row};
use super::scene::Scene;
use crate::capture::{self, Group, text};
use crate::jail::User;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What one trial showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// How the attempt says it ended.
    pub end: End,
    /// Whether the effect was seen; for [`Proof::Word`] the attempt's own word.
    pub proved: bool,
    /// All it wrote, and its command line.
    pub said: String,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The act succeeded.
    Succeeded,
    /// It was refused: an error's name, `SIGSYS`, or `NOEFFECT` when the call succeeded in vain.
    Refused(String),
    /// There is nothing of the kind on this kernel.
    Unsupported(String),
    /// None of these: it was killed, or never started.
    Strange(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("done"),
            Self::Refused(errno) => f.write_str(errno),
            Self::Unsupported(why) => write!(f, "unsupported ({why})"),
            Self::Strange(how) => write!(f, "strange ({how})"),
        }
    }
}

/// The program that makes attempts.
#[derive(Debug, Clone)]
pub struct Attempts {
    program: PathBuf,
}

impl Attempts {
    /// The program in `NONO_TEST_BIN_DIR`, else `built`, which cargo gives the tests of its package.
    pub fn find(built: &Path) -> Self {
        let dir = std::env::var_os("NONO_TEST_BIN_DIR").map(PathBuf::from);
        let beside = dir.map(|dir| dir.join("attempt")).filter(|path| path.symlink_metadata().is_ok());
        Self { program: beside.unwrap_or_else(|| built.to_owned()) }
    }

    /// Its table.
    ///
    /// # Errors
    /// When it does not run, or prints something else.
    pub fn rows(&self) -> io::Result<Vec<Row>> {
        let output = Command::new(&self.program).arg("list").output()?;
        let parsed: Option<serde_json::Value> = serde_json::from_slice(&output.stdout).ok();
        let rows = parsed.as_ref().and_then(|list| list.as_array()?.iter().map(Row::from_json).collect());
        rows.ok_or_else(|| io::Error::other(format!("{:?} list: no table, {}", self.program, text(&output.stderr))))
    }

    /// Prepares a scene and makes the attempt there as `user`, behind the command line that `sandbox` makes for the
    /// scene (nothing: outside). `inspect` sees the scene afterwards.
    ///
    /// # Errors
    /// What preparing, starting or looking gave: the trial did not take place.
    pub fn make<T>(
        &self,
        row: &Row,
        user: User,
        sandbox: impl FnOnce(&Scene) -> Vec<OsString>,
        inspect: impl FnOnce(&Scene) -> T,
    ) -> io::Result<(Trial, T)> {
        self.make_with(row, user, |scene| (scene.command(row, &sandbox(scene)), ()), |scene, ()| inspect(scene))
    }

    /// The same with a command that `start` makes and restricts itself, and something of its own for `inspect`.
    ///
    /// # Errors
    /// As [`Attempts::make`].
    pub fn make_with<S, T>(
        &self,
        row: &Row,
        user: User,
        start: impl FnOnce(&Scene) -> (Command, S),
        inspect: impl FnOnce(&Scene, S) -> T,
    ) -> io::Result<(Trial, T)> {
        let mut scene = Scene::prepare(row, &self.program, user)?;
        let (mut command, own) = start(&scene);
        let group = if row.party == Party::Terminal { Group::LeftToProgram } else { Group::Own };
        let captured = capture::run(&mut command, None, group, Duration::from_secs(30))?;
        let (out, err) = (text(&captured.stdout), text(&captured.stderr));
        let end = match (captured.timed_out, captured.status.code(), captured.status.signal()) {
            (true, ..) => End::Strange("not done after 30 seconds".into()),
            (_, Some(0), _) => End::Succeeded,
            (_, Some(1), _) => {
                value(&out, "errno").map_or_else(|| End::Strange("status 1, no errno".into()), End::Refused)
            }
            (_, Some(2), _) => {
                value(&out, "unsupported").map_or_else(|| End::Strange("status 2".into()), End::Unsupported)
            }
            (.., Some(signal)) | (_, Some(signal @ 128..), _) if signal & 127 == libc::SIGSYS => {
                End::Refused("SIGSYS".into())
            }
            _ => End::Strange(captured.status.to_string()),
        };
        let proved = match row.proof {
            Proof::Word => end == End::Succeeded,
            proof => scene.proves(proof, &captured.stdout)?,
        };
        let said = format!("{command:?}\n--- stdout\n{out}\n--- stderr\n{err}\n---");
        Ok((Trial { end, proved, said }, inspect(&scene, own)))
    }
}

/// The rest of the line `KEY=` in what an attempt printed.
fn value(out: &str, key: &str) -> Option<String> {
    out.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned)
}
