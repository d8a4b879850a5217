//! Writing a report to a file that a command of yesterday may have prepared: nono writes as the user, outside.
//!
//! In a directory that commands may write to, the name may be a link to a file they may not, and so may any directory on
//! the way. So the file is made anew beside its name and takes its place by rename, which replaces a link instead of
//! following it; and a way that enters a writable grant must end in it.

use crate::platform;
use nono_core::{CapabilitySet, FsAccess};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fchmod, openat, renameat, statat, unlinkat};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

/// Writes `text` to `path`, from the directory nono was started in. What is in `/dev` (`/dev/stderr`, `/dev/fd/3`) is
/// written to; anything else is replaced.
pub(super) fn write(path: &Path, text: &str, set: &CapabilitySet) -> io::Result<()> {
    if is_device(path) {
        return File::options().write(true).open(path)?.write_all(text.as_bytes());
    }
    Place::find(path, set)?.replace(text)
}

/// Whether `path` could be written now: a file is made beside it, and removed.
pub(super) fn check(path: &Path, set: &CapabilitySet) -> io::Result<()> {
    if is_device(path) {
        return File::options().write(true).open(path).map(drop);
    }
    let place = Place::find(path, set)?;
    let there = statat(&place.directory, place.name, AtFlags::SYMLINK_NOFOLLOW).ok();
    if there.is_some_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Directory) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let temporary = temporary_name()?;
    create(&place.directory, &temporary, "", None)?;
    Ok(unlinkat(&place.directory, &temporary, AtFlags::empty())?)
}

/// A name in a directory.
struct Place<'p> {
    directory: OwnedFd,
    name: &'p OsStr,
}

impl<'p> Place<'p> {
    fn find(path: &'p Path, set: &CapabilitySet) -> io::Result<Place<'p>> {
        let name = path.file_name().ok_or_else(|| io::Error::other("it ends in no file name"))?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let flags = platform::HANDLE | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, parent, flags, Mode::empty())?;
        stays_inside(parent, &directory, set)?;
        Ok(Place { directory, name })
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let Place { directory, name } = self;
        let temporary = temporary_name()?;
        // What was there keeps its permissions.
        let there = statat(directory, *name, AtFlags::SYMLINK_NOFOLLOW).ok();
        let file = there.filter(|found| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile);
        let mode = file.map(|found| Mode::from_raw_mode(found.st_mode));
        let written = create(directory, &temporary, text, mode)
            .and_then(|()| renameat(directory, &temporary, directory, *name).map_err(io::Error::from));
        if written.is_err() {
            // Best effort: what failed is reported, and the file is not ours to find any more if this fails too.
            let _outcome = unlinkat(directory, &temporary, AtFlags::empty());
        }
        written
    }
}

/// By its name, for a link to a device may be a trap. `/dev/shm` is for files of everybody.
fn is_device(path: &Path) -> bool {
    let leads_up = path.components().any(|name| name == Component::ParentDir);
    path.starts_with("/dev") && (leads_up || !path.starts_with("/dev/shm"))
}

fn create(directory: &OwnedFd, name: &OsString, text: &str, mode: Option<Mode>) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::from_raw_mode(0o666))?;
    if let Some(mode) = mode {
        fchmod(&file, mode & Mode::from_raw_mode(0o666))?;
    }
    File::from(file).write_all(text.as_bytes())
}

/// Refuses a way that leads into a grant the command may write below, and out of it again. `directory` is what was
/// opened by the way: what is asked of the descriptor cannot be exchanged meanwhile.
fn stays_inside(way: &Path, directory: &OwnedFd, set: &CapabilitySet) -> io::Result<()> {
    let opened = platform::path_of(directory)?;
    let way = std::path::absolute(without_dots(way)?)?;
    for above in way.ancestors().filter_map(|above| above.canonicalize().ok()) {
        for grant in set.fs().iter().filter(|grant| grant.access().intersects(FsAccess::CHANGE)) {
            let place = grant.resolved();
            if above.starts_with(place) && !opened.starts_with(place) {
                return Err(io::Error::other(format!(
                    "a symbolic link leads out of {place:?}, which commands may write to; remove it or name {opened:?}"
                )));
            }
        }
    }
    Ok(())
}

/// Takes the `..` in front off: from where nono was started they lead by directories, and by no link.
fn without_dots(way: &Path) -> io::Result<PathBuf> {
    let mut names = way.components().peekable();
    if !names.peek().is_some_and(|name| matches!(name, Component::ParentDir | Component::CurDir)) {
        return Ok(way.to_owned());
    }
    let mut place = std::env::current_dir()?;
    while let Some(name) = names.next_if(|name| matches!(name, Component::ParentDir | Component::CurDir)) {
        if name == Component::ParentDir {
            place.pop();
        }
    }
    place.extend(names);
    Ok(place)
}

/// A name that nobody can foresee.
fn temporary_name() -> io::Result<OsString> {
    Ok(format!(".nono-report-{:016x}", u64::from_ne_bytes(platform::random()?)).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::AccessMode;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn place() -> (tempfile::TempDir, PathBuf, CapabilitySet) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("granted/sub")).unwrap();
        fs::create_dir(root.join("private")).unwrap();
        fs::write(root.join("private/file"), "mine").unwrap();
        let set = CapabilitySet::builder().allow(root.join("granted"), AccessMode::ReadWrite).unwrap().build().unwrap();
        (dir, root, set)
    }

    #[test]
    fn a_link_in_the_place_of_the_report_is_replaced() {
        let (_dir, root, set) = place();
        let report = root.join("granted/report");
        symlink(root.join("private/file"), &report).unwrap();
        write(&report, "report", &set).unwrap();
        assert_eq!(fs::read_to_string(root.join("private/file")).unwrap(), "mine");
        assert_eq!(fs::read_to_string(&report).unwrap(), "report");
        assert!(!fs::symlink_metadata(&report).unwrap().is_symlink());
        write(&report, "again", &set).unwrap();
        check(&report, &set).unwrap();
        assert_eq!(fs::read_to_string(&report).unwrap(), "again");
        let names: Vec<_> =
            fs::read_dir(root.join("granted")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    #[test]
    fn a_way_into_a_grant_does_not_lead_out() {
        let (_dir, root, set) = place();
        symlink(root.join("private"), root.join("granted/out")).unwrap();
        let error = write(&root.join("granted/out/file"), "report", &set).unwrap_err().to_string();
        assert!(error.contains("leads out of"), "{error}");
        assert_eq!(fs::read_to_string(root.join("private/file")).unwrap(), "mine");
        // Links of the user's own, outside, are as good as any path.
        symlink(root.join("granted/sub"), root.join("private/link")).unwrap();
        write(&root.join("private/link/report"), "report", &set).unwrap();
        assert_eq!(fs::read_to_string(root.join("granted/sub/report")).unwrap(), "report");
    }

    #[test]
    fn dots_in_front_are_no_way_into_the_directory_they_lead_out_of() {
        let here = std::env::current_dir().unwrap();
        let above = here.parent().unwrap();
        assert_eq!(without_dots(Path::new("../reports")).unwrap(), above.join("reports"));
        assert_eq!(without_dots(Path::new("./../..")).unwrap(), above.parent().unwrap());
        // A link may be on the way to these.
        for way in ["a/../b", "/a/..", "a"] {
            assert_eq!(without_dots(Path::new(way)).unwrap(), Path::new(way));
        }
        assert_eq!(without_dots(Path::new("../a/../b")).unwrap(), above.join("a/../b"));
    }

    #[test]
    fn devices_are_written_to_and_shared_memory_has_files() {
        for (path, expected) in [
            ("/dev/stderr", true),
            ("/dev/fd/3", true),
            ("/dev/shm/report", false),
            ("/dev/shm/a/report", false),
            ("/dev/shm/../null", true),
            ("/device", false),
            ("dev/null", false),
        ] {
            assert_eq!(is_device(Path::new(path)), expected, "{path}");
        }
        let (_dir, _, set) = place();
        write(Path::new("/dev/null"), "report", &set).unwrap();
        check(Path::new("/dev/null"), &set).unwrap();
        let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return println!("no files in /dev/shm here") };
        let report = memory.path().join("report");
        write(&report, "report", &set).unwrap();
        assert_eq!(fs::read_to_string(report).unwrap(), "report");
    }

    #[test]
    fn a_directory_or_nothing_is_no_file() {
        let (_dir, root, set) = place();
        for path in [root.join("granted"), root.join("missing/report"), PathBuf::from("/"), root.join("granted/..")] {
            assert!(check(&path, &set).is_err(), "{path:?}");
            assert!(write(&path, "report", &set).is_err(), "{path:?}");
        }
        assert!(
            fs::read_dir(&root).unwrap().all(|entry| !entry.unwrap().file_name().to_str().unwrap().contains("nono"))
        );
    }
}
