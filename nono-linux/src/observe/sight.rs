//! Where the names of calls lead, as the target sees them, in as few system calls as can be.
//!
//! A call costs the target what is done here before it goes on, so what was looked up once is kept: where threads are, and
//! where directories lead. Both can be out of date: a number was given to another thread, a directory was moved, a link
//! leads elsewhere. That is harmless, for nothing is decided by it: the kernel answers the call, and a report names a path
//! that was right a moment before. What is known to change them (`chdir(2)`, `execve(2)`, a link or directory that is made,
//! moved or removed) makes it forgotten.

use super::call::{Name, kind_of};
use crate::supervisor::object::Descriptors;
use crate::supervisor::view::{Own, View};
use nono_core::{CapabilitySet, FsAccess, NodeKind};
use nono_seccomp::Notification;
use rustix::fs::{AtFlags, FileType, OFlags, fstat, readlinkat, statat};
use rustix::io::Errno;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// How many threads are kept, with two descriptors each.
const THREADS: usize = 64;
/// How many directories are kept.
const DIRECTORIES: usize = 4096;
/// How many abstract sockets are kept.
const ABSTRACT: usize = 1024;
/// How many links are followed that lead to a name which is not there.
const DANGLING: usize = 8;

/// Where a name leads.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// None if there is nothing of that name; its directory is there.
    pub(super) kind: Option<NodeKind>,
    /// The rights granted on all that is in its directory.
    pub(super) around: FsAccess,
}

/// A thread of the target's.
#[derive(Debug)]
struct Thread {
    view: View,
    directory: Option<Vec<u8>>,
    program: Option<PathBuf>,
    process: Option<u32>,
}

/// A directory, by where it leads.
#[derive(Debug, Clone)]
struct Directory {
    path: PathBuf,
    around: FsAccess,
}

#[derive(Debug)]
pub(super) struct Sight {
    in_namespace: bool,
    own: Option<Own>,
    descriptors: Descriptors,
    threads: HashMap<u32, Thread>,
    directories: HashMap<Vec<u8>, Directory>,
    /// The names of abstract unix sockets that were made inside.
    abstracts: HashSet<Vec<u8>>,
}

impl Sight {
    /// Of targets that have a mount namespace of their own, or this process's.
    pub(super) fn new(in_namespace: bool) -> Result<Sight, Errno> {
        let descriptors = Descriptors::of_this_process()?;
        let (threads, directories, abstracts) = (HashMap::new(), HashMap::new(), HashSet::new());
        Ok(Sight { in_namespace, own: None, descriptors, threads, directories, abstracts })
    }

    /// Makes the caller known; none if it cannot be looked at. To be called while its call waits.
    pub(super) fn meet(&mut self, notification: &Notification<'_>) -> Option<u32> {
        let number = notification.thread()?;
        if self.threads.contains_key(&number) {
            return Some(number);
        }
        if self.own.is_none() {
            let probe = || if self.in_namespace { Own::probe_in_namespace(number) } else { Own::probe() };
            self.own = probe().ok();
        }
        let view = View::of(number, self.own.as_ref()?)?;
        if !notification.is_pending().unwrap_or(false) {
            return None;
        }
        if self.threads.len() >= THREADS {
            self.threads.clear();
        }
        self.threads.insert(number, Thread { view, directory: None, program: None, process: None });
        Some(number)
    }

    /// It changes its directory or what it executes, and so may others that share it.
    pub(super) fn forget_directories_of_threads(&mut self) {
        for thread in self.threads.values_mut() {
            thread.directory = None;
        }
    }

    pub(super) fn forget_program(&mut self, thread: u32) {
        if let Some(thread) = self.threads.get_mut(&thread) {
            thread.program = None;
        }
    }

    /// Names lead elsewhere from now on.
    pub(super) fn forget_ways(&mut self) {
        self.directories.clear();
    }

    /// An abstract unix socket is made inside.
    pub(super) fn makes_abstract(&mut self, name: &[u8]) {
        if self.abstracts.len() < ABSTRACT {
            self.abstracts.insert(name.to_vec());
        }
    }

    pub(super) fn made_abstract(&self, name: &[u8]) -> bool {
        self.abstracts.contains(name)
    }

    /// What the thread executes, and the number of its process.
    pub(super) fn introduce(&mut self, thread: u32) -> (u32, Option<PathBuf>) {
        let Some(known) = self.threads.get_mut(&thread) else { return (thread, None) };
        if known.program.is_none() {
            known.program = known.view.program();
        }
        if known.process.is_none() {
            known.process = known.view.status().map(|(process, _)| process);
        }
        (known.process.unwrap_or(thread), known.program.clone())
    }

    pub(super) fn view(&self, thread: u32) -> Option<&View> {
        self.threads.get(&thread).map(|thread| &thread.view)
    }

    /// The name from the root: what it starts from is written before it. To be called while the call waits.
    pub(super) fn written_from_root(&mut self, thread: u32, name: &Name) -> Result<Vec<u8>, Errno> {
        let path = name.path.as_bytes();
        if path.starts_with(b"/") {
            return Ok(path.to_vec());
        }
        let known = self.threads.get_mut(&thread).ok_or(Errno::SRCH)?;
        let mut whole = if name.directory == libc::AT_FDCWD {
            if known.directory.is_none() {
                known.directory = Some(known.view.directory("cwd")?);
            }
            known.directory.clone().unwrap_or_default()
        } else {
            known.view.directory(&format!("fd/{}", name.directory))?
        };
        whole.push(b'/');
        whole.extend_from_slice(path);
        Ok(whole)
    }

    /// Looks up where a name from the root leads. What is covered by a deny cannot be looked at, and neither can root look at
    /// what it has no privileges for until it is granted: that is judged by its name, as a file that is there.
    pub(super) fn find(
        &mut self,
        set: &CapabilitySet,
        thread: u32,
        name: Vec<u8>,
        follow: bool,
    ) -> Result<Found, Errno> {
        let written = without_dots(&name);
        let found = self.look_up(set, thread, name, follow);
        let path = match &found {
            Ok(Found { path, kind: None, .. }) => path,
            Err(Errno::NOENT | Errno::ACCESS | Errno::NOTDIR) => &written,
            _ => return found,
        };
        let covered = set.denies().iter().any(|deny| path.starts_with(deny));
        let is_root = || rustix::process::geteuid().is_root();
        let closed = matches!(found, Err(Errno::ACCESS)) && is_root();
        if covered || closed {
            return Ok(Found { path: path.clone(), kind: Some(NodeKind::Regular), around: FsAccess::empty() });
        }
        found
    }

    fn look_up(&mut self, set: &CapabilitySet, thread: u32, name: Vec<u8>, follow: bool) -> Result<Found, Errno> {
        let mut name = name;
        for _ in 0..DANGLING {
            let (parent, last, slashes) = split(&name);
            if matches!(last, b"" | b"." | b"..") {
                let found = self.directory(set, thread, &name)?;
                return Ok(Found { path: found.path, kind: Some(NodeKind::Directory), around: found.around });
            }
            let Directory { path, around } = self.directory(set, thread, parent)?;
            let path = path.join(OsStr::from_bytes(last));
            let view = self.view(thread).ok_or(Errno::SRCH)?;
            let kind = match statat(view.root(), below(&path), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) => FileType::from_raw_mode(found.st_mode),
                Err(Errno::NOENT) => return Ok(Found { path, kind: None, around }),
                Err(errno) => return Err(errno),
            };
            if kind != FileType::Symlink || !(follow || slashes) {
                return Ok(Found { path, kind: kind_of(kind), around });
            }
            match view.pin_from_root(path.as_os_str().as_bytes(), OFlags::empty()) {
                Ok(pinned) => {
                    let kind = kind_of(FileType::from_raw_mode(fstat(&pinned)?.st_mode));
                    let path = self.descriptors.path_of(&pinned).ok_or(Errno::NOENT)?;
                    let around = set.access_at(path.parent().unwrap_or(&path));
                    return Ok(Found { path, kind, around });
                }
                // It leads to a name that is not there, and may be made there.
                Err(Errno::NOENT) => {
                    let to = readlinkat(view.root(), below(&path), Vec::with_capacity(256))?.into_bytes();
                    let from = path.parent().unwrap_or(Path::new("/")).as_os_str().as_bytes();
                    name = if to.starts_with(b"/") { to } else { [from, b"/", &to].concat() };
                }
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::LOOP)
    }

    /// Where a directory leads. What is not there is looked for each time: it may be made.
    fn directory(&mut self, set: &CapabilitySet, thread: u32, name: &[u8]) -> Result<Directory, Errno> {
        if let Some(known) = self.directories.get(name) {
            return Ok(known.clone());
        }
        let view = self.view(thread).ok_or(Errno::SRCH)?;
        let name_or_root: &[u8] = if name.is_empty() { b"/" } else { name };
        let pinned = view.pin_from_root(name_or_root, OFlags::DIRECTORY)?;
        let path = self.descriptors.path_of(&pinned).ok_or(Errno::NOENT)?;
        // Where something below is denied, the rights here say nothing of what is in it.
        let closed = set.denies().iter().any(|deny| deny.starts_with(&path));
        let around = if closed { FsAccess::empty() } else { set.access_at(&path) };
        let found = Directory { path, around };
        if self.directories.len() >= DIRECTORIES {
            self.directories.clear();
        }
        self.directories.insert(name.to_vec(), found.clone());
        Ok(found)
    }
}

/// A name from the root, with the dots taken out as if there were no links.
fn without_dots(name: &[u8]) -> PathBuf {
    let mut path = PathBuf::from("/");
    for part in Path::new(OsStr::from_bytes(name)).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(part) => path.push(part),
            _ => {}
        }
    }
    path
}

/// A path from the root, for calls that start from a descriptor of it.
fn below(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

/// The directory of a name, its last part, and whether slashes follow it, which make the kernel follow a link too.
fn split(name: &[u8]) -> (&[u8], &[u8], bool) {
    let end = name.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at.saturating_add(1));
    let trimmed = name.get(..end).unwrap_or_default();
    let cut = trimmed.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at.saturating_add(1));
    let (parent, last) = trimmed.split_at_checked(cut).unwrap_or_default();
    let parent = match parent {
        [b'/'] => parent,
        _ => parent.strip_suffix(b"/").unwrap_or(parent),
    };
    (parent, last, end < name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_lead_up_and_not_above_the_root() {
        for (name, expected) in [("/a/./b/../c", "/a/c"), ("/../a", "/a"), ("/", "/"), ("/a//b/", "/a/b")] {
            assert_eq!(without_dots(name.as_bytes()), Path::new(expected), "{name}");
        }
    }

    #[test]
    fn a_name_is_split_as_the_kernel_does() {
        for (name, expected) in [
            ("/a/b", ("/a", "b", false)),
            ("/a/b/", ("/a", "b", true)),
            ("/a//b//", ("/a/", "b", true)),
            ("/a", ("/", "a", false)),
            ("/", ("", "", true)),
            ("/a/..", ("/a", "..", false)),
            ("/a/.", ("/a", ".", false)),
        ] {
            let (parent, last, slashes) = split(name.as_bytes());
            let shown = (str::from_utf8(parent).unwrap(), str::from_utf8(last).unwrap(), slashes);
            assert_eq!(shown, expected, "{name}");
        }
    }
}
