//! What means another thing to whoever looks: /proc, devices, and what belongs to others.

use crate::row::{End, Row, Scene, Stop};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};

pub(crate) const ROWS: &[Row] = &[
    Row::new("proc-self-status", |_| own_status("/proc/self/status")).wide().always("="),
    Row::new("proc-self-status-by-dots", |_| own_status("/proc/../proc/self/./status")).wide().always("="),
    Row::new("proc-thread-self", |_| in_thread(thread_status)).wide().always("="),
    Row::new("proc-self-maps", |_| contains("/proc/self/maps", b"deputy")).wide().always("="),
    Row::new("proc-self-cmdline", |_| contains("/proc/../proc/self/cmdline", b"proc-self-cmdline")).wide().always("="),
    Row::new("proc-self-environ", |_| contains("/proc/self/environ", b"HOME=")).wide().always("="),
    Row::new("proc-self-exe", |scene| scene.try_open("/proc/self/exe", OFlags::RDONLY)).wide().always("="),
    Row::new("proc-self-root", |scene| by_magic(scene, "/proc/self/root")).inside("=|EACCES"),
    Row::new("proc-self-cwd", proc_cwd).inside("=|EACCES"),
    Row::new("proc-self-fd", |scene| again(scene, "/proc/self/fd")).inside("=|EACCES").unapproved("EACCES"),
    Row::new("dev-fd", |scene| again(scene, "/dev/fd")).inside("=|EACCES").unapproved("EACCES"),
    Row::new("dev-fd-pipe", dev_fd_pipe).wide().always("="),
    Row::new("dev-stdin", |scene| scene.try_open("/dev/stdin", OFlags::RDONLY)).wide().always("="),
    Row::new("dev-stdin-of-file", stdin_of_file).inside("=|EACCES"),
    Row::new("mtab", |_| mtab()).wide().always("="),
    Row::new("proc-mounts-by-link", |_| own_name("/proc/mounts", "mounts")).wide().always("="),
    Row::new("proc-of-parent-environ", |_| of_parent("environ", OFlags::RDONLY)).wide_all().always("EACCES|EPERM"),
    Row::new("proc-of-parent-maps", |_| of_parent("maps", OFlags::RDONLY)).wide_all().always("EACCES|EPERM"),
    Row::new("proc-of-parent-memory", |_| of_parent("mem", OFlags::RDWR)).wide_all().always("EACCES|EPERM"),
    Row::new("proc-of-parent-root", |_| of_parent("root/etc/passwd", OFlags::RDONLY)).wide().always("EACCES|EPERM"),
    Row::new("proc-of-parent-fd", |_| of_parent("fd/0", OFlags::RDONLY)).wide().always("EACCES|EPERM"),
    Row::new("proc-of-first-environ", |scene| scene.try_open("/proc/1/environ", OFlags::RDONLY))
        .wide()
        .always("EACCES|EPERM"),
    Row::new("proc-of-first-by-dots", |scene| scene.try_open("/proc/self/../1/environ", OFlags::RDONLY))
        .wide()
        .always("EACCES|EPERM"),
    Row::new("own-memory", |scene| scene.try_open("/proc/self/mem", OFlags::RDWR)).wide_all().always("=|EACCES"),
    Row::new("dev-null", |scene| scene.try_open("/dev/null", OFlags::RDWR)).wide_all().always("="),
    Row::new("dev-null-by-dots", |scene| scene.try_open("/dev/../dev/null", OFlags::RDWR)).wide_all().always("="),
    Row::new("dev-zero", |scene| scene.try_open("/dev/zero", OFlags::RDONLY)).wide().always("="),
    Row::new("dev-random", |scene| scene.try_open("/dev/urandom", OFlags::RDONLY)).wide().always("="),
    Row::new("dev-ptmx", |scene| scene.try_open("/dev/ptmx", OFlags::RDWR.union(OFlags::NOCTTY)))
        .wide_all()
        .always("="),
    Row::new("dev-tty", |scene| scene.try_open("/dev/tty", OFlags::RDWR)).wide_all().always("="),
    Row::new("protected-key", |_| protected(".ssh/id_ed25519", OFlags::RDONLY)).wide().always("EACCES"),
    Row::new("protected-by-dots", |_| protected("../home/.ssh/../.ssh/id_ed25519", OFlags::RDONLY))
        .wide()
        .always("EACCES"),
    Row::new("protected-start-file", |_| protected(".bashrc", OFlags::WRONLY)).wide_all().always("EACCES"),
    Row::new("protected-directory", |_| protected(".ssh", OFlags::DIRECTORY)).wide().always("EACCES"),
    Row::new("home-not-protected", |_| protected("notes.txt", OFlags::RDONLY)).wide(),
];

/// The whole of a file, by openat(2).
fn read(path: &str) -> Result<Vec<u8>, Stop> {
    let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = Vec::new();
    std::fs::File::from(file).take(1 << 20).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn contains(path: &str, part: &[u8]) -> End {
    let bytes = read(path)?;
    let found = bytes.windows(part.len()).any(|window| window == part);
    if found { Ok("own".into()) } else { Err(Stop::Wrong(format!("{path} is somebody else's"))) }
}

/// The number that a status file has for its process.
fn number_in_status(path: &str) -> Result<i32, Stop> {
    let text = read(path)?;
    let line = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Pid:"));
    let number = line.and_then(|number| str::from_utf8(number).ok()?.trim().parse().ok());
    number.ok_or(Stop::Wrong("no number in the status".into()))
}

fn own_status(path: &str) -> End {
    let number = number_in_status(path)?;
    let own = rustix::process::getpid().as_raw_nonzero().get();
    if number == own { Ok("own".into()) } else { Err(Stop::Wrong(format!("the status of {number}, not of {own}"))) }
}

fn thread_status() -> End {
    let number = number_in_status("/proc/thread-self/status")?;
    let own = rustix::thread::gettid().as_raw_nonzero().get();
    if number == own { Ok("own".into()) } else { Err(Stop::Wrong(format!("the status of {number}, not of {own}"))) }
}

/// Runs an act in a thread that is not the first.
pub(crate) fn in_thread(act: impl FnOnce() -> End + Send) -> End {
    std::thread::scope(|scope| scope.spawn(act).join()).unwrap_or_else(|_| Err(Stop::Wrong("a panic".into())))
}

/// An approved file by a way that is another for each process.
fn by_magic(scene: &Scene, base: &str) -> End {
    let path = scene.at("approved/f");
    let path = path.strip_prefix("/").unwrap_or(&path);
    scene.try_open(std::path::Path::new(base).join(path), OFlags::RDONLY)
}

fn proc_cwd(scene: &Scene) -> End {
    rustix::process::chdir(scene.at("approved"))?;
    scene.try_open("/proc/self/cwd/f", OFlags::RDONLY)
}

/// A file that is open already, by its number.
fn again(scene: &Scene, base: &str) -> End {
    let file = open(scene.at("approved/f"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    scene.try_open(format!("{base}/{}", file.as_raw_fd()), OFlags::RDONLY)
}

fn dev_fd_pipe(scene: &Scene) -> End {
    let (reader, _writer) = rustix::pipe::pipe()?;
    scene.try_open(format!("/dev/fd/{}", reader.as_raw_fd()), OFlags::RDONLY | OFlags::NONBLOCK)
}

fn stdin_of_file(scene: &Scene) -> End {
    rustix::stdio::dup2_stdin(open(scene.at("approved/f"), OFlags::RDONLY, Mode::empty())?)?;
    scene.try_open("/dev/stdin", OFlags::RDONLY)
}

/// Whether `path` is a file of this process, by the kernel's name for what was opened.
fn own_name(path: &str, file: &str) -> End {
    let opened: OwnedFd = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let name = std::fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd()))?;
    let own = format!("/proc/{}/{file}", std::process::id());
    if name.to_str() == Some(&own) {
        Ok("own".into())
    } else {
        Err(Stop::Wrong(format!("{path} is {name:?}, not {own}")))
    }
}

fn mtab() -> End {
    match std::fs::read_link("/etc/mtab") {
        Ok(_) => own_name("/etc/mtab", "mounts"),
        Err(_) => Err(Stop::Unsupported("/etc/mtab is no link here".into())),
    }
}

/// What belongs to the process that started this one: inside, that is the supervisor.
fn of_parent(file: &str, flags: OFlags) -> End {
    let parent = rustix::process::getppid().ok_or(Errno::SRCH)?.as_raw_nonzero();
    open(format!("/proc/{parent}/{file}"), flags | OFlags::CLOEXEC, Mode::empty())?;
    Ok("opened".into())
}

/// A file of the home directory.
fn protected(name: &str, flags: OFlags) -> End {
    let home = std::env::var_os("HOME").unwrap_or_default();
    open(std::path::Path::new(&home).join(name), flags | OFlags::CLOEXEC, Mode::empty())?;
    Ok("opened".into())
}
