//! Where the acts of `deputy` take place: what is approved, what is secret, and what lies between.

use nono_tests::capture::{self, Captured, Group, text};
use nono_tests::jail::{Jail, User};
use nono_tests::need;
use rustix::fs::{CWD, FileType, Mode, OFlags, mkdirat, mknodat, openat};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The program.
pub(crate) const DEPUTY: &str = env!("CARGO_BIN_EXE_deputy");
/// How long an act may take. Those that are slow outside take a second.
const DEADLINE: Duration = Duration::from_mins(1);
const SECRET: &str = "SECRET";

/// What is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The directory `approved` for reading, `writable` for both, but for `approved/denied`.
    Directory,
    /// Reading everything.
    Wide,
    /// Everything.
    WideAll,
    /// Nothing that an act opens.
    Elsewhere,
}

impl Rule {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "directory" => Some(Self::Directory),
            "wide" => Some(Self::Wide),
            "wide-all" => Some(Self::WideAll),
            _ => None,
        }
    }

    fn text(self, root: &Path) -> String {
        let at = |name: &str| format!("{:?}", root.join(name));
        match self {
            Self::Directory => format!(
                "[approve]\nread = [{}]\nallow = [{}]\ndeny = [{}]\n",
                at("approved"),
                at("writable"),
                at("approved/denied")
            ),
            Self::Wide => "[approve]\nread = [\"/\"]\n".into(),
            Self::WideAll => "[approve]\nallow = [\"/\"]\n".into(),
            Self::Elsewhere => format!("[approve]\nread = [{}]\n", at("elsewhere")),
        }
    }
}

/// One place, in which one act is made.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    jail: &'a Jail,
    user: User,
    root: PathBuf,
}

impl<'a> Place<'a> {
    /// Lays it out below the jail.
    pub(crate) fn new(jail: &'a Jail, user: User, name: &str) -> io::Result<Self> {
        let place = Self { jail, user, root: jail.root().join(name) };
        for dir in ["approved/sub", "approved/denied", "approved/unsearchable", "approved-not", "secret"] {
            fs::create_dir_all(place.at(dir))?;
        }
        for dir in ["writable/sub", "writable/group", "work", "elsewhere"] {
            fs::create_dir_all(place.at(dir))?;
        }
        place.files()?;
        place.links()?;
        place.others()?;
        user.own(&place.root)?;
        place.deep()?;
        // With their own modes only now: to give them away looks into them.
        for (name, mode) in [("approved/closed", 0), ("approved/unsearchable", 0), ("writable/group", 0o2775)] {
            fs::set_permissions(place.at(name), Permissions::from_mode(mode))?;
        }
        Ok(place)
    }

    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    fn files(&self) -> io::Result<()> {
        for name in
            ["f", "hard", "sub/g", "closed", "leased", "unsearchable/f", "f (deleted)", "new\nline \"quoted\"\\"]
        {
            self.file(&format!("approved/{name}"), "approved")?;
        }
        for name in ["secret/f", "approved-not/f", "approved/denied/f"] {
            self.file(name, SECRET)?;
        }
        self.file("writable/f", "writable")?;
        self.file("work/mine", "granted")?;
        let odd = OsStr::from_bytes(b"\xff\xfe\x80");
        for (dir, content) in [("approved", "approved"), ("secret", SECRET)] {
            fs::write(self.at(dir).join(odd), content)?;
        }
        // Each of these is in both directories.
        fs::hard_link(self.at("approved/hard"), self.at("secret/linked"))?;
        fs::hard_link(self.at("approved/f"), self.at("secret/hard"))
    }

    fn file(&self, name: &str, content: &str) -> io::Result<()> {
        fs::write(self.at(name), content)?;
        fs::set_permissions(self.at(name), Permissions::from_mode(0o644))
    }

    fn links(&self) -> io::Result<()> {
        for (name, target) in [
            ("approved/out", "../secret/f"),
            ("approved/outdir", "../secret"),
            ("approved/dirlink", "sub"),
            ("approved/loop", "loop"),
            ("approved/dangling", "nothing"),
            ("approved/rootlink", "/f"),
            ("approved/fifolink", "fifo"),
            ("approved/sub/back", "../f"),
            ("approved/sub/to-denied", "../denied/f"),
            ("secret/in", "../approved/f"),
            ("work/in", "../approved/f"),
            ("writable/link", "f"),
            ("writable/dangling", "made"),
            ("writable/dirlink", "sub"),
            ("writable/out", "../secret/f"),
            ("writable/out-dangling", "../secret/made"),
        ] {
            symlink(target, self.at(name))?;
        }
        symlink(self.at("approved/f"), self.at("approved/link"))
    }

    fn others(&self) -> io::Result<()> {
        let mode = Mode::from_raw_mode(0o666);
        for name in ["approved/fifo", "writable/fifo"] {
            mknodat(CWD, self.at(name), FileType::Fifo, mode, 0)?;
        }
        UnixListener::bind(self.at("approved/socket"))?;
        if need::is_root() {
            // The null device; and a disk that is not there.
            mknodat(CWD, self.at("approved/null"), FileType::CharacterDevice, mode, rustix::fs::makedev(1, 3))?;
            mknodat(CWD, self.at("approved/block"), FileType::BlockDevice, mode, rustix::fs::makedev(7, 200))?;
        }
        Ok(())
    }

    /// Directories deeper than any path reaches.
    fn deep(&self) -> io::Result<()> {
        let (mode, flags) = (Mode::from_raw_mode(0o755), OFlags::PATH | OFlags::CLOEXEC);
        mkdirat(CWD, self.at("approved/deep"), mode)?;
        let mut dir = openat(CWD, self.at("approved/deep"), flags, Mode::empty())?;
        for _ in 0..20 {
            let name = "d".repeat(250);
            mkdirat(&dir, &name, mode)?;
            dir = openat(&dir, &name, flags, Mode::empty())?;
        }
        openat(&dir, "f", OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::from_raw_mode(0o644))?;
        Ok(())
    }

    /// A path in it; its own for no name.
    pub(crate) fn path(&self, name: &str) -> String {
        let path = if name.is_empty() { self.root.clone() } else { self.at(name) };
        path.into_os_string().into_string().unwrap_or_default()
    }

    /// `nono run`, with this approved, up to the command.
    pub(crate) fn nono(&self, rule: Rule, flags: &[&str]) -> io::Result<Vec<OsString>> {
        let rules = self.at("rules.toml");
        fs::write(&rules, rule.text(&self.root))?;
        let nono = self.jail.args::<&str>([]).command().get_program().to_owned();
        let mut line: Vec<OsString> = vec![nono, "run".into(), "-q".into(), "--allow".into(), self.at("work").into()];
        line.extend(["--read-file".into(), self.jail.executable(DEPUTY).into()]);
        line.extend(["--approve-rules".into(), rules.into(), "--audit".into(), self.at("audit.jsonl").into()]);
        line.extend(flags.iter().map(OsString::from));
        line.push("--".into());
        Ok(line)
    }

    /// The act as a command, with `prefix` before it.
    pub(crate) fn command(&self, prefix: &[OsString], act: &str) -> Command {
        self.line(prefix, &["run", act, &self.path("")])
    }

    /// The program with these arguments as a command, with `prefix` before it.
    pub(crate) fn line(&self, prefix: &[OsString], arguments: &[&str]) -> Command {
        let mut line: Vec<OsString> = prefix.to_vec();
        line.push(self.jail.executable(DEPUTY).into());
        line.extend(arguments.iter().map(OsString::from));
        let mut command = Command::new(line.first().cloned().unwrap_or_default());
        command.args(line.iter().skip(1)).current_dir(self.at("work")).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.jail.home()).env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8");
        self.user.apply(&mut command);
        command
    }

    /// Has it run by the user of this place.
    pub(crate) fn own(&self, command: &mut Command) {
        self.user.apply(command);
    }

    /// Makes it.
    pub(crate) fn act(&self, prefix: &[OsString], act: &str) -> io::Result<Captured> {
        capture::run(&mut self.command(prefix, act), None, Group::Own, DEADLINE)
    }

    /// Somebody outside who holds a lease on `approved/leased`, and gives it up late.
    pub(crate) fn hold_lease(&self) -> io::Result<Holder> {
        let mut command = Command::new(self.jail.executable(DEPUTY));
        command.args(["hold".as_ref(), self.at("approved/leased").as_os_str(), "1000".as_ref()]);
        self.user.apply(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let said = child.stdout.take().map(BufReader::new).map(|mut out| out.read_line(&mut line));
        let held = said.transpose()?.is_some() && line == "held\n";
        let holder = Holder(child);
        if held { Ok(holder) } else { Err(io::Error::other("nobody holds a lease")) }
    }

    /// What is wrong with what was written down: a line that is no record, or a yes to what the rule does not approve.
    pub(crate) fn misrecorded(&self, rule: Rule) -> io::Result<Option<String>> {
        let lines = fs::read_to_string(self.at("audit.jsonl"))?;
        let approved = |path: &str| match rule {
            Rule::Wide | Rule::WideAll => true,
            Rule::Elsewhere => false,
            Rule::Directory => {
                let below = |name: &str| Path::new(path).starts_with(self.at(name));
                (below("approved") || below("writable")) && !below("approved/denied")
            }
        };
        let wrong = lines.lines().find(|line| {
            let record: Option<serde_json::Value> = serde_json::from_str(line).ok();
            let verdict = record.as_ref().and_then(|record| record.get("verdict")?.as_str());
            // A path that is not UTF-8 has another field, and is approved in no other way.
            let path = record.as_ref().and_then(|record| record.get("path")?.as_str());
            verdict.is_none() || verdict != Some("deny") && path.is_some_and(|path| !approved(path))
        });
        Ok(wrong.map(str::to_owned))
    }

    /// What is there now and must not be: made, changed or emptied outside of what was approved.
    pub(crate) fn harm(&self) -> io::Result<Option<String>> {
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(self.at("secret"))? {
            names.push(text(entry?.file_name().as_bytes()));
        }
        names.sort();
        let content = |name: &str| fs::read_to_string(self.at(name));
        if names != ["\\xff\\xfe\\x80", "f", "hard", "in", "linked"] {
            return Ok(Some(format!("secret holds {names:?}")));
        }
        let whole = content("secret/f")? == SECRET && content("approved/f")? == "approved";
        Ok((!whole).then(|| "a file was changed".into()))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // So that whoever removes the tree can look into it; if not, something is left in the directory for such.
        drop(fs::set_permissions(self.at("approved/unsearchable"), Permissions::from_mode(0o755)));
        drop(fs::remove_dir_all(&self.root));
    }
}

/// Ends with its standard input.
#[derive(Debug)]
pub(crate) struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}
