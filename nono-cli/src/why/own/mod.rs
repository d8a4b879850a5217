//! `nono why --self`: the sandbox this is run in, by trying. What the kernel answers is the truth of it; what is tried leaves
//! nothing behind, and what cannot be tried so is not.
//!
//! Files are opened neither emptied nor made. A removal is tried by the call for the other kind of object, which the kernel
//! refuses for that alone, after all else was asked (fs/namei.c, `do_rmdir` and `do_unlinkat`). Making and moving are tried
//! with an object of a name that nobody can foresee, which is removed at once. Connections go where none comes about: to
//! addresses of many hosts (`ENETUNREACH`), by a socket of another type than the server's (`EPROTOTYPE`).

mod sockets;

use super::Query;
use super::error::WhyError;
use super::loader::loader;
use super::verdict::Verdict;
use super::walk::{Place, walk};
use crate::args::Op;
use crate::quote::quoted;
use crate::{platform, policy};
use nono_core::NodeKind;
use rustix::fs::{CWD, Mode, OFlags, major, minor, mkdir, open, rename, rmdir, stat, unlink};
use rustix::io::Errno;
use std::io;
use std::path::{Path, PathBuf};

/// Character devices of Linux that opening does nothing to: null, zero, full, random, urandom, and the terminal of the process
/// (Documentation/admin-guide/devices.txt).
const HARMLESS: [(u32, u32); 6] = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0)];

/// Tries it.
pub(super) fn judge(query: &Query) -> Result<Verdict, WhyError> {
    if !platform::is_restricted() {
        return Err(WhyError::Outside);
    }
    match query {
        Query::Path { path, op } => of_path(path, *op),
        Query::Rename { from, to } => of_move(from, to),
        Query::Connect(port) => sockets::connect(*port),
        Query::Bind(port) => sockets::bind(*port),
        Query::Unix(path) => sockets::unix(path, query.abstract_name()),
    }
}

fn of_path(path: &Path, op: Op) -> Result<Verdict, WhyError> {
    let place = match find(path, !matches!(op, Op::Create | Op::Delete)) {
        Ok(place) => place,
        Err(error) => return on_the_way(error),
    };
    let what = || format!("{} {}", op.word(), quoted(path));
    if place.found.is_none() && op != Op::Create {
        return Ok(absent(&place.path));
    }
    if op == Op::Create && place.nearest != place.parent() {
        return Ok(absent(place.parent()));
    }
    let tried = match op {
        Op::Read | Op::List if place.is_directory() => opened(&place.path, OFlags::RDONLY | OFlags::DIRECTORY),
        Op::List => return Err(WhyError::NotADirectory { path: place.path }),
        Op::Write if place.is_directory() => return Err(WhyError::IsADirectory { path: place.path }),
        Op::Read | Op::Write => {
            check_harmless(&place, &what)?;
            let flags = if op == Op::Read { OFlags::RDONLY } else { OFlags::WRONLY };
            opened(&place.path, flags)
        }
        Op::Exec if place.kind() != NodeKind::Regular => return Err(WhyError::NoProgram { path: place.path }),
        Op::Exec => executed(&place.path),
        Op::Create if place.found.is_some() => return Err(WhyError::Exists { path: place.path }),
        Op::Create => created(&place)?,
        Op::Delete => removed(&place),
    };
    told(tried, &what(), Some(&flag(op, &place)))
}

fn find(path: &Path, follow: bool) -> Result<Place, WhyError> {
    let here = policy::current_directory()
        .map_err(|_gone| WhyError::Look { path: PathBuf::from("."), source: io::ErrorKind::NotFound.into() })?;
    walk(&here, path, follow, &|_| false)
}

/// What a path that cannot be followed to its end means. Of a name that is not there, in front of `..`, that it is not there.
fn on_the_way(error: WhyError) -> Result<Verdict, WhyError> {
    match error {
        WhyError::Look { source, .. } if is_refusal(&source) => Ok(no(&source, None)),
        WhyError::LeadsNowhere { path } => Ok(absent(&path)),
        error => Err(error),
    }
}

/// The kernel says no to what is not there (`ENOENT`), whether it is missing or kept out of sight.
fn absent(path: &Path) -> Verdict {
    Verdict::no(format!("nothing is to be seen at {} from inside", quoted(path)), None)
        .noting("whether it does not exist, or is denied and out of sight, cannot be told from here")
}

/// Nothing happens to what opening it alone does something to.
fn check_harmless(place: &Place, what: &dyn Fn() -> String) -> Result<(), WhyError> {
    let untried = |why| Err(WhyError::Untried { what: what(), why });
    let device = stat(&place.path).ok().map(|found| (major(found.st_rdev), minor(found.st_rdev)));
    let is_harmless = |device| cfg!(target_os = "linux") && HARMLESS.contains(&device);
    match place.kind() {
        NodeKind::Fifo => untried("whoever waits at the other end of the pipe would be woken"),
        NodeKind::Socket => untried("a socket is connected to, not opened (--unix)"),
        NodeKind::BlockDevice => untried("opening a device may do something to it"),
        NodeKind::CharDevice if !device.is_some_and(is_harmless) => untried("opening a device may do something to it"),
        _ => Ok(()),
    }
}

fn opened(path: &Path, flags: OFlags) -> io::Result<()> {
    let quiet = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match open(path, flags | quiet, Mode::empty()) {
        // Somebody holds a lease, and was asked after the sandbox was: fs/open.c, do_dentry_open.
        Ok(_) | Err(Errno::WOULDBLOCK) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// It, and what the kernel executes it by.
fn executed(program: &Path) -> io::Result<()> {
    let mut file = program.to_owned();
    // The kernel follows no more (fs/exec.c).
    for _ in 0..5 {
        platform::may_execute(&file)?;
        let Some(next) = loader(&file) else { break };
        file = next;
    }
    Ok(())
}

/// A name beside `place` that nobody can foresee.
fn beside(place: &Place) -> Result<PathBuf, WhyError> {
    let random = platform::random().map_err(|source| WhyError::Unclear { what: "a new name".to_owned(), source })?;
    Ok(place.parent().join(format!(".nono-why-{:016x}", u64::from_ne_bytes(random))))
}

fn created(place: &Place) -> Result<io::Result<()>, WhyError> {
    let probe = beside(place)?;
    Ok(match make(&probe, false) {
        Ok(()) => {
            gone(&probe, false)?;
            Ok(())
        }
        Err(error) => Err(error),
    })
}

fn make(path: &Path, directory: bool) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let private = Mode::RUSR | Mode::WUSR;
    let made =
        if directory { mkdir(path, Mode::RWXU) } else { rustix::fs::openat(CWD, path, flags, private).map(drop) };
    made.map_err(io::Error::from)
}

fn gone(path: &Path, directory: bool) -> Result<(), WhyError> {
    let removed = if directory { rmdir(path) } else { unlink(path) };
    removed.map_err(|errno| WhyError::Left { path: path.to_owned(), source: errno.into() })
}

fn removed(place: &Place) -> io::Result<()> {
    if platform::is_mount_point(&place.path)? {
        return Err(Errno::BUSY.into());
    }
    platform::try_to_remove(&place.path, place.is_directory())
}

/// Another object is moved the same way.
fn of_move(from: &Path, to: &Path) -> Result<Verdict, WhyError> {
    let what = format!("rename {} to {}", quoted(from), quoted(to));
    let (old, new) = match find(from, false).and_then(|old| Ok((old, find(to, false)?))) {
        Ok(places) => places,
        Err(error) => return on_the_way(error),
    };
    if old.found.is_none() {
        return Ok(absent(&old.path));
    }
    if new.found.is_none() && new.nearest != new.parent() {
        return Ok(absent(new.parent()));
    }
    super::files::check_move(&old, &new)?;
    let replaced = new.found.as_ref().map_or(Ok(()), |_| removed(&new));
    if let Err(error) = removed(&old).and(replaced) {
        return told(Err(error), &what, None);
    }
    let (first, second, directory) = (beside(&old)?, beside(&new)?, old.is_directory());
    match make(&first, directory) {
        // To be moved away a file need not be made where it was.
        Err(error) if is_refusal(&error) => {
            return Err(WhyError::Untried { what, why: "nothing can be made beside it to try with" });
        }
        made => made.map_err(|source| WhyError::Unclear { what: what.clone(), source })?,
    }
    let moved = rename(&first, &second);
    gone(if moved.is_ok() { &second } else { &first }, directory)?;
    told(moved.map_err(io::Error::from), &what, None)
}

/// What came of it; `flag` is what would allow it in a run around this.
pub(super) fn told(tried: io::Result<()>, what: &str, flag: Option<&str>) -> Result<Verdict, WhyError> {
    match tried {
        Ok(()) => Ok(Verdict::yes("it was tried, and the kernel allows it")),
        Err(error) if is_refusal(&error) => Ok(no(&error, flag)),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            Err(WhyError::Untried { what: what.to_owned(), why: "the kernel cannot be asked (Linux 6.14 can)" })
        }
        Err(source) => Err(WhyError::Unclear { what: what.to_owned(), source }),
    }
}

/// Errors of rights, of read-only mounts, of mounts in the way, and of a filter.
fn is_refusal(error: &io::Error) -> bool {
    let refusals = [Errno::ACCESS, Errno::PERM, Errno::ROFS, Errno::XDEV, Errno::BUSY, Errno::AFNOSUPPORT];
    Errno::from_io_error(error).is_some_and(|errno| refusals.contains(&errno))
}

fn no(error: &io::Error, flag: Option<&str>) -> Verdict {
    let verdict = Verdict::no(format!("it was tried, and the kernel refuses it: {error}"), None);
    match flag {
        Some(flag) => verdict.noting(format!("in this sandbox it stays so; one that is started with {flag} has it")),
        None => verdict,
    }
}

/// The flag of a sandbox that would allow it, if no deny of its own stands against that.
fn flag(op: Op, place: &Place) -> String {
    let path = match op {
        Op::Create | Op::Delete => place.parent(),
        _ => &place.path,
    };
    let flag = match op {
        Op::Read | Op::List if place.is_directory() => "--read",
        Op::Read | Op::List | Op::Exec => "--read-file",
        Op::Write => "--write-file",
        Op::Create | Op::Delete => "--write",
    };
    format!("{flag} {}", quoted(path))
}
