//! The ways. Each must succeed where nothing is denied.

use crate::sys;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, openat, renameat_with};
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Act {
    pub(crate) name: &'static str,
    /// `root`, `userns`, or nothing.
    pub(crate) needs: &'static str,
    pub(crate) make: fn() -> io::Result<()>,
}

const fn act(name: &'static str, make: fn() -> io::Result<()>) -> Act {
    Act { name, needs: "", make }
}

pub(crate) const ACTS: &[Act] = &[
    act("read", || read("secret/file")),
    act("read-deep", || read("deep/down/hidden/file")),
    act("read-a-file", || read("denied.txt")),
    act("read-by-dots", || read("kept/../secret/../secret/./file")),
    act("read-by-absolute-path", || read(std::env::current_dir()?.join("secret/file"))),
    act("list-names", || has_entry("secret", "file")),
    act("list-deep", || has_entry("deep/down/hidden", "file")),
    act("stat", || fs::metadata("secret/file").map(drop)),
    act("change-into", || std::env::set_current_dir("secret").and_then(|()| read("file"))),
    act("change-into-and-back", || {
        std::env::set_current_dir("secret")?;
        read("../secret/file")
    }),
    act("write", || append("secret/file")),
    act("write-a-file", || append("denied.txt")),
    act("empty-a-file", || rustix_truncate("denied.txt")),
    act("change-mode", || fs::set_permissions("denied.txt", fs::Permissions::from_mode(0o777))),
    act("create", || File::create_new("secret/new").map(drop)),
    act("create-deep", || File::create_new("deep/down/hidden/new").map(drop)),
    act("make-directory", || fs::create_dir("secret/new")),
    act("make-link", || symlink("/etc/passwd", "secret/new")),
    act("remove-file-in", || fs::remove_file("secret/file")),
    act("remove-a-file", || fs::remove_file("denied.txt")),
    act("remove-a-directory", || fs::remove_dir("empty")),
    act("rename-away", || fs::rename("secret", "moved").and_then(|()| read("moved/file"))),
    act("rename-a-file-away", || fs::rename("denied.txt", "moved").and_then(|()| read("moved"))),
    act("rename-over-a-file", || fs::rename("plain.txt", "denied.txt")),
    act("rename-over-a-directory", || {
        fs::create_dir("other")?;
        fs::rename("other", "empty")
    }),
    act("rename-into", || fs::rename("plain.txt", "secret/new")),
    act("rename-out", || fs::rename("secret/file", "moved").and_then(|()| read("moved"))),
    act("exchange", || {
        renameat_with(CWD, "kept", CWD, "secret", RenameFlags::EXCHANGE)?;
        read("kept/file").and_then(|()| has_content("kept/file", "secret"))
    }),
    act("exchange-files", || {
        renameat_with(CWD, "plain.txt", CWD, "denied.txt", RenameFlags::EXCHANGE)?;
        has_content("plain.txt", "secret")
    }),
    act("rename-the-way", || {
        fs::rename("deep", "moved")?;
        fs::create_dir_all("deep/down/hidden")?;
        fs::write("deep/down/hidden/file", "another's")
    }),
    act("rename-part-of-the-way", || {
        fs::rename("deep/down", "deep/up")?;
        fs::create_dir_all("deep/down/hidden")
    }),
    act("link-out", || fs::hard_link("secret/file", "linked").and_then(|()| read("linked"))),
    act("link-a-file-out", || fs::hard_link("denied.txt", "linked").and_then(|()| read("linked"))),
    act("link-into", || fs::hard_link("plain.txt", "secret/new")),
    act("link-by-descriptor", || {
        let file = openat(CWD, "denied.txt", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let name = format!("/proc/self/fd/{}", file.as_raw_fd());
        linkat(CWD, name, CWD, "linked", AtFlags::SYMLINK_FOLLOW)?;
        has_content("linked", "secret")
    }),
    act("follow-a-link", || symlink("secret", "link").and_then(|()| read("link/file"))),
    act("follow-a-link-to-a-file", || symlink("denied.txt", "link").and_then(|()| read("link"))),
    act("execute", || {
        let status = Command::new("./secret/program").status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("it failed")) }
    }),
    act("reopen", || {
        let file = openat(CWD, "denied.txt", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        read(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }),
    act("from-a-directory", || {
        let directory = openat(CWD, "secret", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let file = openat(&directory, "file", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        content(File::from(file))
    }),
    act("own-root", || read(in_proc("self", "root", &std::env::current_dir()?))),
    act("own-working-directory", || read("/proc/self/cwd/secret/file")),
    act("root-of-another", || read(in_proc(&outsider()?, "root", &std::env::current_dir()?))),
    act("working-directory-of-another", || read(format!("/proc/{}/cwd/secret/file", outsider()?))),
    act("descriptors-of-another", || {
        // It has the working directory open, as descriptor 0.
        read(format!("/proc/{}/fd/0/secret/file", outsider()?))
    }),
    Act {
        name: "uncover",
        needs: "userns",
        make: || {
            let _made = sys::new_mounts();
            let _gone = unmount("secret", UnmountFlags::DETACH);
            read("secret/file")
        },
    },
    Act {
        name: "bind-elsewhere",
        needs: "userns",
        make: || {
            let _made = sys::new_mounts();
            mount_bind(".", "kept")?;
            read("kept/secret/file")
        },
    },
    Act {
        name: "open-by-handle",
        needs: "root",
        make: || sys::open_by_handle(&fs::read(handle()?)?).and_then(content),
    },
    act("make-what-is-missing", || File::create_new("missing").map(drop)),
    act("make-a-directory-that-is-missing", || fs::create_dir("missing")),
    act("make-a-missing-link", || symlink("plain.txt", "missing")),
    act("rename-to-what-is-missing", || fs::rename("plain.txt", "missing")),
    act("rename-a-directory-to-what-is-missing", || fs::rename("kept", "missing")),
    act("link-to-what-is-missing", || fs::hard_link("plain.txt", "missing")),
    act("make-below-what-is-missing", || fs::create_dir_all("later/on")),
    act("unnamed-then-named", || {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(CWD, ".", flags, Mode::RUSR | Mode::WUSR)?;
        linkat(CWD, format!("/proc/self/fd/{}", file.as_raw_fd()), CWD, "missing", AtFlags::SYMLINK_FOLLOW)?;
        fs::metadata("missing").map(drop)
    }),
];

/// Reads the secret, wherever it is called so: an empty file is none.
fn read(path: impl AsRef<Path>) -> io::Result<()> {
    content(File::open(path)?)
}

fn content(mut file: File) -> io::Result<()> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    if text.contains("secret") { Ok(()) } else { Err(io::Error::other(format!("it holds {text:?}"))) }
}

fn has_content(path: &str, part: &str) -> io::Result<()> {
    let text = fs::read_to_string(path)?;
    if text.contains(part) { Ok(()) } else { Err(io::Error::other(format!("it holds {text:?}"))) }
}

fn has_entry(directory: &str, name: &str) -> io::Result<()> {
    let found = fs::read_dir(directory)?.filter_map(Result::ok).any(|entry| entry.file_name() == name);
    if found { Ok(()) } else { Err(io::Error::other("it is empty")) }
}

fn append(path: &str) -> io::Result<()> {
    OpenOptions::new().append(true).open(path)?.write_all(b"more")
}

fn rustix_truncate(path: &str) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(0)
}

fn outsider() -> io::Result<String> {
    std::env::var("OUTSIDER").map_err(io::Error::other)
}

fn handle() -> io::Result<String> {
    std::env::var("HANDLE").map_err(io::Error::other)
}

fn in_proc(process: &str, entry: &str, directory: &Path) -> PathBuf {
    let below = directory.strip_prefix("/").unwrap_or(directory);
    Path::new("/proc").join(process).join(entry).join(below).join("secret/file")
}
