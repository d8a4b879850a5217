//! What was answered in this session: by the identity of objects, not by the text of paths.

use nono_core::{Approval, Identity, OpenFlags, Question};
use rustix::fs::{AtFlags, CWD, statat};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How many answers are kept of each kind. A program that makes more objects to be asked about is asked about no more:
/// what is not remembered then is no.
const ROOM: usize = 4096;

/// What an answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// A file or directory that is there.
    There(Identity),
    /// A name that is not yet in a directory.
    New(Identity, OsString),
}

/// Answers of this session.
#[derive(Debug, Default)]
pub(super) struct Memory {
    allowed: HashMap<Subject, OpenFlags>,
    denied: HashMap<Subject, OpenFlags>,
    /// Directories with all below them.
    directories: Vec<(PathBuf, Identity, OpenFlags)>,
}

/// How a file is used; whether it exists matters to the first use only.
fn use_of(flags: OpenFlags) -> OpenFlags {
    flags.difference(OpenFlags::CREATE | OpenFlags::DIRECTORY)
}

impl Memory {
    /// The answer that stands for this, if there is one.
    pub(super) fn recall(&self, subject: &Subject, question: &Question) -> Option<Approval> {
        let wanted = use_of(question.flags);
        if self.allowed.get(subject).is_some_and(|flags| flags.contains(wanted)) {
            return Some(Approval::File);
        }
        let is_in = |(directory, identity, flags): &&(PathBuf, Identity, OpenFlags)| {
            flags.contains(wanted) && question.path.starts_with(directory) && identity_at(directory) == Some(*identity)
        };
        if self.directories.iter().find(is_in).is_some() {
            return Some(Approval::Directory);
        }
        let refused = self.denied.get(subject).is_some_and(|flags| wanted.contains(*flags));
        (refused || self.denied.len() >= ROOM).then_some(Approval::Deny)
    }

    /// Keeps an answer for the rest of the session. One that does not last is not kept.
    pub(super) fn keep(&mut self, subject: Subject, question: &Question, approval: Approval) {
        let flags = use_of(question.flags);
        match approval {
            Approval::File if self.allowed.len() < ROOM => *self.allowed.entry(subject).or_default() |= flags,
            Approval::Directory if self.directories.len() < ROOM => {
                let is_directory = question.flags.contains(OpenFlags::DIRECTORY);
                let directory = if is_directory { Some(question.path.as_path()) } else { question.path.parent() };
                if let Some((directory, identity)) = directory.and_then(|path| Some((path, identity_at(path)?))) {
                    self.directories.push((directory.to_owned(), identity, flags));
                }
            }
            Approval::Deny if self.denied.len() < ROOM => *self.denied.entry(subject).or_insert(flags) &= flags,
            Approval::Once | Approval::File | Approval::Directory | Approval::Deny => {}
        }
    }

    /// A file that was made under an answer that lasts is the same file from now on.
    pub(super) fn made(&mut self, name: &Subject, identity: Identity) {
        if let Some(flags) = self.allowed.get(name).copied().filter(|_| self.allowed.len() < ROOM) {
            *self.allowed.entry(Subject::There(identity)).or_default() |= flags;
        }
    }
}

fn identity_at(directory: &Path) -> Option<Identity> {
    let found = statat(CWD, directory, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(Identity { device: found.st_dev, inode: found.st_ino })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(path: &Path, flags: OpenFlags) -> Question {
        Question { process: 1, program: None, path: path.to_owned(), flags }
    }

    fn there(inode: u64) -> Subject {
        Subject::There(Identity { device: 1, inode })
    }

    #[test]
    fn a_file_is_remembered_by_what_it_is_and_for_what_was_asked() {
        let mut memory = Memory::default();
        let read = question(Path::new("/a"), OpenFlags::READ);
        memory.keep(there(1), &read, Approval::Once);
        assert_eq!(memory.recall(&there(1), &read), None);
        memory.keep(there(1), &read, Approval::File);
        let elsewhere = question(Path::new("/b"), OpenFlags::READ);
        assert_eq!(memory.recall(&there(1), &elsewhere), Some(Approval::File), "another name for it");
        assert_eq!(memory.recall(&there(2), &read), None, "another file of that name");
        assert_eq!(memory.recall(&there(1), &question(Path::new("/a"), OpenFlags::READ | OpenFlags::WRITE)), None);
    }

    #[test]
    fn a_no_lasts_for_that_access_and_more() {
        let mut memory = Memory::default();
        memory.keep(there(1), &question(Path::new("/a"), OpenFlags::WRITE), Approval::Deny);
        let both = OpenFlags::READ | OpenFlags::WRITE;
        assert_eq!(memory.recall(&there(1), &question(Path::new("/a"), both)), Some(Approval::Deny));
        assert_eq!(memory.recall(&there(1), &question(Path::new("/a"), OpenFlags::READ)), None);
    }

    #[test]
    fn a_directory_is_remembered_with_what_is_in_it_until_another_takes_its_place() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().canonicalize().unwrap().join("d");
        std::fs::create_dir(&directory).unwrap();
        let mut memory = Memory::default();
        memory.keep(there(1), &question(&directory.join("a"), OpenFlags::READ), Approval::Directory);
        let below = question(&directory.join("x/y"), OpenFlags::READ);
        assert_eq!(memory.recall(&there(7), &below), Some(Approval::Directory));
        assert_eq!(memory.recall(&there(7), &question(&root.path().join("dx"), OpenFlags::READ)), None);
        std::fs::rename(&directory, root.path().join("old")).unwrap();
        std::fs::create_dir(&directory).unwrap();
        assert_eq!(memory.recall(&there(7), &below), None);
    }

    #[test]
    fn a_file_made_by_a_lasting_answer_keeps_it() {
        let mut memory = Memory::default();
        let name = Subject::New(Identity { device: 1, inode: 2 }, "new".into());
        let make = question(Path::new("/d/new"), OpenFlags::WRITE | OpenFlags::CREATE);
        memory.keep(name.clone(), &make, Approval::File);
        memory.made(&name, Identity { device: 1, inode: 9 });
        assert_eq!(memory.recall(&there(9), &question(Path::new("/d/new"), OpenFlags::WRITE)), Some(Approval::File));
    }

    #[test]
    fn a_flood_of_objects_ends_in_no() {
        let mut memory = Memory::default();
        for inode in 0..=ROOM as u64 {
            memory.keep(there(inode), &question(Path::new("/a"), OpenFlags::READ), Approval::Deny);
        }
        assert_eq!(memory.denied.len(), ROOM);
        assert_eq!(memory.recall(&there(u64::MAX), &question(Path::new("/b"), OpenFlags::READ)), Some(Approval::Deny));
    }
}
