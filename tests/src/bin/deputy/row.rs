//! What an act is written with: its row, the place it acts in, and how it can end.

use crate::sys::{self, legacy};
use nono_tests::capture::text;
use nono_tests::errno;
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use std::ffi::{CString, OsStr, OsString};
use std::fmt::Write as _;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One act: what the harness must know, and what is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Which rule approves it: `directory`, `wide` or `wide-all`.
    pub(crate) rule: &'static str,
    /// How it may end where the rule approves: see `tests/deputy.rs`.
    pub(crate) inside: &'static str,
    /// How it may end where nothing is approved.
    pub(crate) unapproved: &'static str,
    /// What is needed, or how it is run: words.
    pub(crate) needs: &'static str,
    act: Act,
}

/// What is done.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// A path below the place is opened, by every call that can.
    Open(&'static [u8], OFlags),
    Other(fn(&Scene) -> End),
}

/// How an act ends: what was seen, or why not.
pub(crate) type End = Result<String, Stop>;

/// Why an act came to no end of its own.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(Errno),
    /// There is nothing of the kind here.
    Unsupported(String),
    /// It ended as it must not.
    Wrong(String),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Refused(errno)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Errno::from_io_error(&error).map_or_else(|| Self::Wrong(error.to_string()), Self::Refused)
    }
}

impl Row {
    /// An act under the rule for the approved directory: as outside, and refused where nothing is approved.
    pub(crate) const fn new(name: &'static str, act: fn(&Scene) -> End) -> Self {
        Self { name, rule: "directory", inside: "=", unapproved: "!", needs: "", act: Act::Other(act) }
    }

    /// An open of this path by every call.
    pub(crate) const fn open(name: &'static str, path: &'static [u8], flags: OFlags) -> Self {
        Self { name, rule: "directory", inside: "=", unapproved: "!", needs: "", act: Act::Open(path, flags) }
    }

    /// Under the rule that approves reading everything.
    pub(crate) const fn wide(mut self) -> Self {
        self.rule = "wide";
        self
    }

    /// Under the rule that approves everything.
    pub(crate) const fn wide_all(mut self) -> Self {
        self.rule = "wide-all";
        self
    }

    /// Ends like this where it is approved.
    pub(crate) const fn inside(mut self, ends: &'static str) -> Self {
        self.inside = ends;
        self
    }

    /// Ends like this where nothing is approved.
    pub(crate) const fn unapproved(mut self, ends: &'static str) -> Self {
        self.unapproved = ends;
        self
    }

    /// Ends like this either way.
    pub(crate) const fn always(self, ends: &'static str) -> Self {
        self.inside(ends).unapproved(ends)
    }

    /// Needs these.
    pub(crate) const fn needs(mut self, words: &'static str) -> Self {
        self.needs = words;
        self
    }

    /// Acts.
    pub(crate) fn run(&self, scene: &Scene) -> End {
        match self.act {
            Act::Open(path, flags) => scene.open_by_all(path, flags),
            Act::Other(act) => act(scene),
        }
    }
}

/// The place: what the harness laid out.
#[derive(Debug)]
pub(crate) struct Scene {
    root: PathBuf,
}

impl Scene {
    pub(crate) fn new(root: &OsString) -> Self {
        Self { root: root.into() }
    }

    /// A path below the place.
    pub(crate) fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// The same for a system call.
    pub(crate) fn c_at(&self, name: &[u8]) -> CString {
        let mut path = self.root.as_os_str().as_bytes().to_vec();
        if name.starts_with(b"/") {
            path.clear();
        } else {
            path.push(b'/');
        }
        path.extend(name);
        // No row has a NUL in it; without the name there is an ENOENT to be seen.
        CString::new(path).unwrap_or_default()
    }

    fn open_by_all(&self, path: &[u8], flags: OFlags) -> End {
        let path = self.c_at(path);
        let (at, flags) = (sys::address(path.to_bytes_with_nul()), u64::from(flags.bits()));
        let cwd = i64::from(libc::AT_FDCWD).cast_unsigned();
        let how = [flags, 0, 0];
        let calls = [
            (legacy::OPEN, [at, flags, 0, 0]),
            (libc::SYS_openat, [cwd, at, flags, 0]),
            (libc::SYS_openat2, [cwd, at, sys::address(&how), 24]),
        ];
        let calls = calls.into_iter().filter(|(number, _)| *number >= 0);
        let mut ends: Vec<Result<String, Errno>> = Vec::new();
        for (number, arguments) in calls {
            ends.push(sys::open_raw(number, arguments).and_then(|file| self.describe(&file)));
        }
        ends.dedup();
        match ends.as_slice() {
            [one] => Ok(one.clone()?),
            // The calls do not agree: then that is what is compared.
            more => Ok(more.iter().map(|end| end.clone().unwrap_or_else(errno::name)).collect::<Vec<_>>().join(" | ")),
        }
    }

    /// What was opened, in words that are the same in every place.
    pub(crate) fn describe(&self, file: &OwnedFd) -> Result<String, Errno> {
        let stat = rustix::fs::fstat(file)?;
        // That no link was followed is part of how it was found, not of what it is.
        let flags = rustix::fs::fcntl_getfl(file)?.difference(OFlags::NOFOLLOW);
        let close = rustix::io::fcntl_getfd(file)?.contains(rustix::io::FdFlags::CLOEXEC);
        let kind = FileType::from_raw_mode(stat.st_mode);
        let mut said = format!("{} {kind:?} {:o} flags={:#o}", self.name_of(file), stat.st_mode & 0o7777, flags.bits());
        let readable = (flags & OFlags::ACCMODE) == OFlags::RDONLY || (flags & OFlags::ACCMODE) == OFlags::RDWR;
        if kind == FileType::RegularFile && readable && !flags.contains(OFlags::PATH) && stat.st_size < 100 {
            let mut bytes = [0; 100];
            let length = rustix::io::pread(file, &mut bytes, 0).unwrap_or(0);
            // A string takes all that is written to it.
            let _ = write!(said, " size={} {:?}", stat.st_size, text(bytes.get(..length).unwrap_or_default()));
        }
        if kind == FileType::Directory && !flags.contains(OFlags::PATH) {
            let entries = rustix::fs::Dir::read_from(file)?.filter_map(Result::ok);
            let mut names: Vec<String> = entries.map(|entry| text(entry.file_name().to_bytes())).collect();
            names.sort();
            let _ = write!(said, " {names:?}");
        }
        if close {
            said.push_str(" cloexec");
        }
        Ok(said)
    }

    /// What the kernel calls it; the place is `PLACE`, and this process `SELF`.
    pub(crate) fn name_of(&self, file: impl AsFd) -> String {
        let link = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
        let name = std::fs::read_link(link).map_or_else(|_| "?".into(), |name| text(name.as_os_str().as_bytes()));
        let own = format!("/proc/{}/", std::process::id());
        let name = name
            .replace(&text(self.root.as_os_str().as_bytes()), "PLACE")
            .replace(&own, "/proc/SELF/")
            .replace('\n', "\\n");
        // Of a file without a name, or a pipe, only the number of it differs.
        name.split_once('#').or_else(|| name.split_once(":[")).map_or(name.clone(), |(before, _)| before.to_owned())
    }

    /// Opens by openat(2), and describes.
    pub(crate) fn try_open(&self, path: impl AsRef<OsStr>, flags: OFlags) -> End {
        let file = rustix::fs::open(path.as_ref(), flags, rustix::fs::Mode::from_raw_mode(0o666))?;
        Ok(self.describe(&file)?)
    }
}
