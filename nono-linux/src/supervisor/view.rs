//! The file system as a target sees it: its working directory, its descriptors, its root, and who it is.
//!
//! Where the target has a mount namespace of its own, paths are looked up in that: from its root and its descriptors, so by
//! its mounts, and never by those of this process.
//!
//! All by descriptors below one `/proc/<thread>`: when the call still waits after that was opened, they are the target's,
//! whatever becomes of its number. A target that sees another root, other mounts, or is another user than this process is
//! left alone: the kernel answers it, under Landlock.

use super::call::Open;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags, fstat, openat, openat2, readlinkat, statx};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// How often a lookup is begun anew that the kernel could not finish because names moved meanwhile (openat2(2), `EAGAIN`).
const ATTEMPTS: usize = 4;

/// Who this process is and where it is: what a target has to have in common with it.
#[derive(Debug)]
pub(crate) struct Own {
    root: Place,
    user: u32,
    group: u32,
    /// The targets' mount namespace, which ends with the last of them: what is mounted would be gone from below what is still
    /// to be looked up.
    _namespace: Option<OwnedFd>,
}

/// A directory in a mount. Mounts have numbers of their own in every namespace, so equal numbers are one namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    device: (u32, u32),
    inode: u64,
    mount: u64,
}

impl Own {
    pub(crate) fn probe() -> Result<Own, Errno> {
        let root = openat(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        Ok(Own { root: place(&root)?, user, group, _namespace: None })
    }

    /// Of targets that have a mount namespace of their own: one of them is this process, a child that was not waited for.
    pub(crate) fn probe_in_namespace(process: u32) -> Result<Own, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, format!("/proc/{process}/root"), flags, Mode::empty())?;
        let namespace =
            openat(CWD, format!("/proc/{process}/ns/mnt"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Own { root: place(&root)?, _namespace: Some(namespace), ..Own::probe()? })
    }
}

/// Mount numbers are there since Linux 5.8; Landlock is younger.
fn place(directory: &OwnedFd) -> Result<Place, Errno> {
    let found = statx(directory, "", AtFlags::EMPTY_PATH, StatxFlags::INO | StatxFlags::MNT_ID)?;
    let device = (found.stx_dev_major, found.stx_dev_minor);
    Ok(Place { device, inode: found.stx_ino, mount: found.stx_mnt_id })
}

/// A target's view.
#[derive(Debug)]
pub(crate) struct View {
    process: OwnedFd,
    root: OwnedFd,
}

impl View {
    /// None if the target sees another file system, or is someone else, or is gone. The caller asks afterwards whether its
    /// call still waits: until then this may be another process.
    pub(crate) fn of(thread: u32, own: &Own) -> Option<View> {
        let path = format!("/proc/{thread}");
        let process = openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        // The owner of /proc/PID is the effective user, and root where the process must not be looked at (proc(5)).
        let owner = fstat(&process).ok()?;
        if (owner.st_uid, owner.st_gid) != (own.user, own.group) {
            return None;
        }
        let root = openat(&process, "root", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        (place(&root).ok()? == own.root).then_some(View { process, root })
    }

    /// Pins what `open` names, as `O_PATH`: the last link is followed unless the target asked otherwise.
    pub(super) fn pin(&self, open: &Open) -> Result<OwnedFd, Errno> {
        let kept = open.flags & (OFlags::NOFOLLOW | OFlags::DIRECTORY);
        self.look_up((open.directory, open.resolve), open.path.as_bytes(), kept)
    }

    /// Pins the directory in which `open` would make a file, and gives the file's name; none if its path does not end in a
    /// name.
    pub(super) fn pin_parent<'o>(&self, open: &'o Open) -> Result<Option<(OwnedFd, &'o OsStr)>, Errno> {
        let path = open.path.as_bytes();
        let cut = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash.saturating_add(1));
        let (parent, name) = path.split_at_checked(cut).unwrap_or_default();
        if matches!(name, b"" | b"." | b"..") {
            return Ok(None);
        }
        let parent = if parent.is_empty() { b"." } else { parent };
        let pinned = self.look_up((open.directory, open.resolve), parent, OFlags::DIRECTORY)?;
        Ok(Some((pinned, OsStr::from_bytes(name))))
    }

    /// Pins what a path names that comes without a directory, as the address of a socket does.
    pub(super) fn pin_path(&self, path: &CStr) -> Result<OwnedFd, Errno> {
        self.look_up((libc::AT_FDCWD, ResolveFlags::empty()), path.to_bytes(), OFlags::empty())
    }

    /// Pins what a path from the root names.
    pub(crate) fn pin_from_root(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        self.look_up((libc::AT_FDCWD, ResolveFlags::empty()), path, flags)
    }

    /// Where paths begin that start with a slash.
    pub(crate) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// The path of a directory of the target's, by its name below `/proc/<thread>`: `cwd`, or `fd/N`. None if it was removed,
    /// or is no file of a name.
    pub(crate) fn directory(&self, name: &str) -> Result<Vec<u8>, Errno> {
        let path = readlinkat(&self.process, name, Vec::with_capacity(256))?.into_bytes();
        let reachable = path.starts_with(b"/") && !path.ends_with(b" (deleted)");
        if reachable { Ok(path) } else { Err(Errno::NOENT) }
    }

    /// Looks `path` up from a directory of the target's, or its root, in the way it asks for.
    fn look_up(&self, (directory, asked): (i32, ResolveFlags), path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut resolve = asked | ResolveFlags::NO_MAGICLINKS;
        let from_root = path.starts_with(b"/") && !asked.contains(ResolveFlags::IN_ROOT);
        let base;
        let base = if from_root {
            // Both are about the way from the directory to the root, which is not gone here.
            if asked.intersects(ResolveFlags::BENEATH | ResolveFlags::NO_XDEV) {
                return Err(Errno::XDEV);
            }
            resolve |= ResolveFlags::IN_ROOT;
            &self.root
        } else {
            base = self.base(directory)?;
            &base
        };
        let mut attempts = ATTEMPTS;
        loop {
            match openat2(base, path, flags | OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
                Err(Errno::AGAIN) if attempts > 0 => attempts -= 1,
                looked_up => return looked_up,
            }
        }
    }

    /// The directory that a path of the target's starts from.
    fn base(&self, directory: i32) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if directory == libc::AT_FDCWD {
            openat(&self.process, "cwd", flags, Mode::empty())
        } else {
            openat(&self.process, format!("fd/{directory}"), flags, Mode::empty())
        }
    }

    /// The process's number, and the permissions it takes from new files: `proc_pid_status(5)`.
    pub(crate) fn status(&self) -> Option<(u32, Mode)> {
        let file = openat(&self.process, "status", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut text = Vec::with_capacity(4096);
        rustix::io::read(file.as_fd(), rustix::buffer::spare_capacity(&mut text)).ok()?;
        let field = |name: &[u8]| {
            let value = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name))?;
            str::from_utf8(value).ok().map(str::trim)
        };
        let process = field(b"Tgid:")?.parse().ok()?;
        let umask = u32::from_str_radix(field(b"Umask:")?, 8).ok()?;
        Some((process, Mode::from_raw_mode(umask)))
    }

    /// What the process executes.
    pub(crate) fn program(&self) -> Option<PathBuf> {
        let name = readlinkat(&self.process, "exe", Vec::new()).ok()?;
        Some(PathBuf::from(OsStr::from_bytes(name.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    /// Says it past the harness, and where skips are counted. (`need::skip` of the black-box tests, which depend on this crate.)
    fn skip(reason: &str) {
        let name = "nono-linux::view::a_view_outlives_its_target_with_all_that_is_mounted";
        writeln!(std::io::stdout(), "SKIPPED {name}: {reason}").unwrap();
        if let Some(list) = std::env::var_os("NONO_TEST_SKIPS") {
            let mut list = std::fs::File::options().append(true).create(true).open(list).unwrap();
            writeln!(list, "{name}\t{reason}").unwrap();
        }
    }

    /// What is mounted in the targets' namespace would be gone with the last of them.
    #[test]
    fn a_view_outlives_its_target_with_all_that_is_mounted() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let script = "mount -t tmpfs none \"$1\" && : > \"$1/there\" && echo mounted && read -r end";
        let mut line = Command::new("unshare");
        line.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(&place);
        let Ok(mut target) = line.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
            return skip("no program unshare in PATH");
        };
        let mut said = String::new();
        BufReader::new(target.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let seen = (said == "mounted\n").then(|| {
            let own = Own::probe_in_namespace(target.id()).unwrap();
            let view = View::of(target.id(), &own).unwrap();
            (own, view)
        });
        target.kill().unwrap();
        target.wait().unwrap();
        let Some((_own, view)) = seen else { return skip("no user namespaces") };
        let there = place.join("there");
        assert!(std::fs::metadata(&there).is_err(), "it is mounted for the target alone");
        view.pin_from_root(there.as_os_str().as_bytes(), OFlags::empty()).unwrap();
    }
}
