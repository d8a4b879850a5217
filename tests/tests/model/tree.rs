//! A tree on the disk, made of its description as often as a call has changed it.

use crate::case::{Kind, Node, Place, Tie};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

/// A program that ends at once, and needs no other file: an ELF header, one segment, `exit(0)`.
pub(crate) fn program() -> Vec<u8> {
    #[cfg(target_arch = "x86_64")]
    let (machine, code): (u16, &[u8]) = (62, &[0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]);
    #[cfg(target_arch = "aarch64")]
    let (machine, code): (u16, &[u8]) = (183, &[0, 0, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 1, 0, 0, 0xd4]);
    let size = 120 + u64::try_from(code.len()).unwrap();
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend([2_u16, machine].iter().flat_map(|half| half.to_le_bytes()));
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([0x40_0078_u64, 64, 0].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend([64_u16, 56, 1, 0, 0, 0].iter().flat_map(|half| half.to_le_bytes()));
    bytes.extend([1_u32, 5].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend([0_u64, 0x40_0000, 0x40_0000, size, size, 0x1000].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend(code);
    bytes
}

/// How many directories of its own a tree lies below: so far a link of a case may lead up, and no further.
pub(crate) const DEPTH: usize = 7;

/// What is there, while it is there.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    /// The directory around it that is its own too.
    outer: PathBuf,
    has_mounts: bool,
    servers: (Vec<UnixListener>, Vec<UnixDatagram>),
}

impl Tree {
    /// Makes `nodes` below `root`, of which nothing exists but the directory [`DEPTH`] levels above. What cannot be made is left out: its directory is missing, or its
    /// name is taken.
    pub(crate) fn make(root: &Path, nodes: &[Node]) -> Tree {
        fs::create_dir_all(root).unwrap();
        fs::write(root.with_file_name("far"), "far").unwrap();
        let outer = root.ancestors().nth(DEPTH).unwrap().to_owned();
        let mut tree = Tree { root: root.to_owned(), outer, has_mounts: false, servers: Default::default() };
        for node in nodes {
            drop(tree.node(node));
        }
        tree
    }

    fn at(&self, place: &Place) -> PathBuf {
        place.under(&self.root, &self.root)
    }

    fn node(&mut self, node: &Node) -> io::Result<()> {
        match node {
            Node::Of(kind, at) => {
                let at = self.at(at);
                self.plain(*kind, &at)
            }
            Node::Tied(Tie::Symlink, at, target) => symlink(std::ffi::OsStr::from_bytes(&target.0), self.at(at)),
            Node::Tied(Tie::Hard, at, of) => fs::hard_link(self.at(of), self.at(at)),
            Node::Tied(Tie::Script, at, interpreter) => {
                let line = [b"#!", self.at(interpreter).as_os_str().as_bytes(), b"\n"].concat();
                executable(&self.at(at), &line)
            }
            Node::Tied(Tie::Bind, at, of) => {
                let (at, of) = (self.at(at), self.at(of));
                // Nothing is mounted below itself, by a link either: a tree without end.
                let below = |at: &Path| Some(at.parent()?.canonicalize().ok()?.starts_with(of.canonicalize().ok()?));
                if below(&at) != Some(false) {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
                fs::create_dir(&at)?;
                mount_bind(&of, &at)?;
                self.has_mounts = true;
                Ok(())
            }
        }
    }

    fn plain(&mut self, kind: Kind, at: &Path) -> io::Result<()> {
        match kind {
            Kind::Directory => fs::create_dir(at),
            Kind::File => {
                fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(at)?.write_all(b"text\n")
            }
            Kind::Program => executable(at, &program()),
            Kind::Fifo => Ok(mknodat(CWD, at, FileType::Fifo, Mode::from_raw_mode(0o644), 0)?),
            Kind::Stream => {
                self.servers.0.push(UnixListener::bind(at)?);
                Ok(())
            }
            Kind::Datagram => {
                self.servers.1.push(UnixDatagram::bind(at)?);
                Ok(())
            }
            Kind::Tmpfs => {
                fs::create_dir(at)?;
                mount(c"tmpfs", at, c"tmpfs", MountFlags::NOSUID, None)?;
                self.has_mounts = true;
                Ok(())
            }
        }
    }

    /// Every path in it, with what is there in a line: two that are equal are the same tree.
    pub(crate) fn lines(&self) -> Vec<(PathBuf, String)> {
        let mut lines = Vec::new();
        list(&self.outer, 0, &mut lines);
        lines
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if self.has_mounts {
            unmount_below(&self.outer);
        }
        let removed = fs::remove_dir_all(&self.outer);
        assert!(removed.is_ok(), "{:?} is left: {removed:?}", self.outer);
    }
}

/// Takes all mounts below `root` away, wherever they were moved to.
fn unmount_below(root: &Path) {
    let mounts = fs::read("/proc/self/mountinfo").unwrap();
    let points = mounts.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    let points: Vec<PathBuf> = points.map(unescaped).filter(|at| at.starts_with(root) && at != root).collect();
    for at in points.iter().rev() {
        unmount(at, UnmountFlags::DETACH).unwrap();
    }
}

/// Space, tab, newline and backslash are written in octal (`proc_pid_mountinfo(5)`).
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = field.iter().copied();
    while let Some(byte) = rest.next() {
        let octal = |digits: [Option<u8>; 3]| digits.iter().fold(0, |all, digit| all * 8 + (digit.unwrap() - b'0'));
        bytes.push(if byte == b'\\' { octal([rest.next(), rest.next(), rest.next()]) } else { byte });
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

fn executable(at: &Path, content: &[u8]) -> io::Result<()> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(at)?.write_all(content)?;
    fs::set_permissions(at, Permissions::from_mode(0o755))
}

fn list(at: &Path, depth: usize, lines: &mut Vec<(PathBuf, String)>) {
    let Ok(found) = fs::symlink_metadata(at) else { return };
    lines.push((
        at.to_owned(),
        format!("{:o} {} {}", found.mode(), found.len() * u64::from(!found.is_dir()), found.nlink()),
    ));
    // A tree bound into itself has no end.
    if found.is_dir() && depth < 8 + DEPTH {
        let mut entries: Vec<_> = fs::read_dir(at).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for entry in entries {
            list(&entry, depth + 1, lines);
        }
    }
}
