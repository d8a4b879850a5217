//! The private directory against a real file system: where it is made, what is left over, and trees
//! that were built to make their removal do harm.

mod entries;
mod places;
mod sweep;
mod tree;

use super::leader::Start;
use super::place::Places;
use super::sweep::Limits;
use super::{PrivateTmp, create};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// A part of `whole`: of the mass tests a machine may have time for fewer cases than the 100,000 that `NONO_TEST_CASES` is
/// without being set.
fn part_of(whole: u32) -> u32 {
    let cases = std::env::var("NONO_TEST_CASES").map_or(100_000, |cases| cases.parse().unwrap());
    (whole / 100_000 * cases).clamp(1000, whole)
}

/// A directory in the place of /tmp, with something beside it that must not change.
struct Ground {
    folder: tempfile::TempDir,
    start: Start,
}

impl Ground {
    fn new() -> Self {
        Self::below(Path::new("/tmp"))
    }

    /// For trees of 100,000 files: in memory where that is possible.
    fn large() -> Self {
        let memory = Path::new("/dev/shm");
        let writable = rustix::fs::access(memory, rustix::fs::Access::WRITE_OK).is_ok();
        Self::below(if writable { memory } else { Path::new("/tmp") })
    }

    fn below(parent: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("n").rand_bytes(5).tempdir_in(parent).unwrap();
        let victim = folder.path().join("victim");
        fs::create_dir_all(victim.join("below")).unwrap();
        fs::write(victim.join("file"), "kept").unwrap();
        fs::write(victim.join("below/file"), "kept").unwrap();
        fs::set_permissions(victim.join("file"), fs::Permissions::from_mode(0o640)).unwrap();
        fs::set_permissions(&victim, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder, start: Start::probe() }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn places(&self) -> Places {
        let user = rustix::process::geteuid().as_raw();
        // The path may be longer than with /tmp by as much as this ground's is.
        let max_len_bytes = 40 + self.path("tmp").as_os_str().len() - "/tmp".len();
        Places { system: self.path("tmp"), temporary: None, outer: None, runtime: None, user, max_len_bytes }
    }

    fn base(&self) -> PathBuf {
        self.path(&format!("tmp/nono-{}", super::name::base62(u64::from(self.places().user))))
    }

    /// The directory of this process.
    fn own(&self) -> PrivateTmp {
        create(&self.start, &self.places()).unwrap()
    }

    /// A directory whose leader had this process's pid and another start time.
    fn left_over(&self, number: u64) -> PathBuf {
        assert!((1..64).contains(&number));
        self.made_for(&Start { ticks: self.start.ticks + number, ..self.start })
    }

    fn made_for(&self, start: &Start) -> PathBuf {
        create(start, &self.places()).unwrap().path().to_owned()
    }

    #[track_caller]
    fn check_victim(&self) {
        let victim = self.path("victim");
        for (below, mode, text) in
            [("", 0o755, None), ("file", 0o640, Some("kept")), ("below", 0, None), ("below/file", 0, Some("kept"))]
        {
            let path = victim.join(below);
            let found = fs::symlink_metadata(&path).unwrap();
            assert!(mode == 0 || found.mode() & 0o7777 == mode, "{path:?} has mode {:o}", found.mode());
            assert!(text.is_none_or(|text| fs::read_to_string(&path).unwrap() == text), "{path:?}");
            assert!(found.is_dir() || found.nlink() == 1, "{path:?} has a second link");
        }
    }
}

/// As seen two hours from now, with time enough and no pause.
fn in_two_hours() -> Limits {
    Limits {
        now: SystemTime::now() + Duration::from_hours(2),
        budget: Duration::from_mins(2),
        pause: Duration::ZERO,
        ..Limits::standard()
    }
}

/// The entries of a directory of which we made the names, the mark left out.
fn entries(path: &Path) -> Vec<String> {
    let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != ".swept").collect();
    names.sort();
    names
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn open_dir(path: &Path) -> OwnedFd {
    rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A precondition that this machine lacks: a skip, or a failure where everything is required.
pub(in crate::tmpdir) fn skip(missing: &str) {
    let required = std::env::var("NONO_TEST_REQUIRE").unwrap_or_default();
    assert_ne!(required, "all", "missing: {missing}");
    println!("skipped: {missing}");
}

/// Runs the test `name` of this binary again, below `wrapper`, with `variable` set. `None` if the
/// wrapper itself could not do its part (exit status 77).
fn again(wrapper: &[&str], name: &str, variable: (&str, &Path)) -> Option<()> {
    let (program, arguments) = wrapper.split_first().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(variable.0, variable.1)
        .output()
        .unwrap();
    if output.status.code() == Some(77) {
        return None;
    }
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.windows(8).any(|text| text == b"1 passed"), "no test is called {name}");
    Some(())
}
