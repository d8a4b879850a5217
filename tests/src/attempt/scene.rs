//! What an attempt finds: a granted directory, a tree outside of it, and the outside party it needs.
//!
//! Everything lives as long as the [`Scene`]; a victim ends when its standard input does, so none outlives the harness.

use super::row::{Party, Proof, Row};
use crate::copy;
use crate::jail::User;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The place of one trial.
#[derive(Debug)]
pub struct Scene {
    dir: TempDir,
    user: User,
    secret: String,
    token: String,
    party: Present,
    tree: String,
    victim: String,
}

/// The outside party, alive.
#[derive(Debug)]
enum Present {
    Nobody,
    Tcp(TcpListener),
    Udp(UdpSocket),
    Stream(UnixListener),
    Datagram(UnixDatagram),
    Seqpacket(OwnedFd),
    Terminal { _master: OwnedFd, name: PathBuf },
    Victim { child: Child, facts: Vec<String> },
    Queue,
}

impl Scene {
    /// Prepares the place for `row`, made by the program at `attempt` as `user`.
    ///
    /// # Errors
    /// What making a file, a socket or a process gave.
    pub fn prepare(row: &Row, attempt: &Path, user: User) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("nono-try.").permissions(Permissions::from_mode(0o755)).tempdir()?;
        let (secret, token) = (random_word()?, random_word()?);
        lay_out(dir.path(), attempt, &secret)?;
        if row.party == Party::Device {
            make_device(dir.path())?;
        }
        user.own(dir.path())?;
        let mut scene =
            Self { dir, user, secret, token, party: Present::Nobody, tree: String::new(), victim: String::new() };
        scene.party = scene.invite(row.party)?;
        scene.tree = snapshot(&scene.outside())?;
        scene.victim = scene.victim_state();
        Ok(scene)
    }

    /// The tree that nobody grants.
    pub fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    /// The working directory of the attempt, which may be granted.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// The program, where the attempt's user can execute it.
    pub fn program(&self) -> PathBuf {
        self.dir.path().join("bin/attempt")
    }

    /// Where a report can be written that the attempt is not granted.
    pub fn report(&self) -> PathBuf {
        self.outside().with_file_name("report").join("report.json")
    }

    /// The command that makes the attempt, with `prefix` (the sandbox) before it.
    pub fn command(&self, row: &Row, prefix: &[OsString]) -> Command {
        let mut line: Vec<OsString> = self.wrapper(row);
        line.extend(prefix.iter().cloned());
        line.extend([self.program().into(), "run".into(), row.name.as_str().into(), self.outside().into()]);
        line.extend(self.values(row).into_iter().map(OsString::from));
        let program = line.first().cloned().unwrap_or_default();
        let mut command = Command::new(program);
        command.args(line.iter().skip(1)).current_dir(self.work()).stdin(Stdio::null()).env_clear();
        command
            .env("HOME", self.dir.path().join("home"))
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env("LANG", "C.UTF-8");
        if row.party == Party::Variables {
            command.env("AWS_SECRET_ACCESS_KEY", &self.secret).env("GITHUB_TOKEN", &self.secret);
            command.env("LD_PRELOAD", self.outside().join("no-library.so"));
        }
        self.user.apply(&mut command);
        command
    }

    /// What stands before the sandbox, so that it inherits a terminal or a descriptor.
    fn wrapper(&self, row: &Row) -> Vec<OsString> {
        let program = || self.program().into_os_string();
        let descriptor = |mode: &str, name: &str| {
            vec![program(), "with-descriptor".into(), mode.into(), self.outside().join(name).into_os_string()]
        };
        match (&self.party, row.party) {
            (Present::Terminal { name, .. }, _) => vec![program(), "on-terminal".into(), name.clone().into_os_string()],
            (_, Party::ReadDescriptor) => descriptor("read", "secret"),
            (_, Party::WriteDescriptor) => descriptor("write", "victim"),
            (_, Party::DirectoryDescriptor) => descriptor("directory", "list"),
            (_, Party::ListenerDescriptor) => vec![program(), "with-descriptor".into(), "listener".into(), "-".into()],
            _ => Vec::new(),
        }
    }

    /// `KEY=VALUE` arguments: how to reach the party.
    fn values(&self, row: &Row) -> Vec<String> {
        let mut values = Vec::new();
        match &self.party {
            Present::Tcp(listener) => values.extend(listener.local_addr().map(|address| format!("address={address}"))),
            Present::Udp(socket) => values.extend(socket.local_addr().map(|address| format!("address={address}"))),
            Present::Victim { facts, .. } => values.extend(facts.iter().cloned()),
            _ => {}
        }
        if row.proof == Proof::Arrival {
            values.push(format!("token={}", self.token));
        }
        values
    }

    /// Whether the effect shows; `said` is the attempt's standard output.
    ///
    /// # Errors
    /// What looking gave.
    pub fn proves(&mut self, proof: Proof, said: &[u8]) -> io::Result<bool> {
        let contains = |bytes: &[u8], word: &str| bytes.windows(word.len()).any(|part| part == word.as_bytes());
        match proof {
            Proof::Word => Ok(false),
            Proof::Secret => Ok(contains(said, &self.secret)),
            Proof::Tree => Ok(snapshot(&self.outside())? != self.tree),
            Proof::Victim => self.victim_changed(),
            Proof::Arrival => Ok(contains(&self.received(), &self.token)),
        }
    }

    fn invite(&self, party: Party) -> io::Result<Present> {
        let socket_path = self.outside().join("socket");
        let abstract_name = || SocketAddr::from_abstract_name(self.outside().as_os_str().as_encoded_bytes());
        let present = match party {
            Party::Tcp4 => Present::Tcp(TcpListener::bind("127.0.0.1:0")?),
            // Without IPv6 there is no party, and the attempt says so.
            Party::Tcp6 => TcpListener::bind("[::1]:0").map_or(Present::Nobody, Present::Tcp),
            Party::Udp4 => Present::Udp(UdpSocket::bind("127.0.0.1:0")?),
            Party::Udp6 => UdpSocket::bind("[::1]:0").map_or(Present::Nobody, Present::Udp),
            Party::UnixStream => Present::Stream(UnixListener::bind(&socket_path)?),
            Party::UnixDatagram => Present::Datagram(UnixDatagram::bind(&socket_path)?),
            Party::AbstractStream => Present::Stream(UnixListener::bind_addr(&abstract_name()?)?),
            Party::AbstractDatagram => Present::Datagram(UnixDatagram::bind_addr(&abstract_name()?)?),
            Party::UnixSeqpacket => Present::Seqpacket(seqpacket_listener(&socket_path)?),
            Party::Terminal => terminal(self.user)?,
            Party::Victim => self.start_victim()?,
            Party::Queue => Present::Queue,
            _ => Present::Nobody,
        };
        if matches!(party, Party::UnixStream | Party::UnixDatagram | Party::UnixSeqpacket) {
            self.user.own(&self.outside())?;
        }
        Ok(present)
    }

    /// Starts a process that holds the secret in its memory, environment, command line and a descriptor.
    fn start_victim(&self) -> io::Result<Present> {
        let mut command = Command::new(self.program());
        command.arg("victim").arg(&self.secret).current_dir(self.outside()).env_clear().env("SECRET", &self.secret);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        self.user.apply(&mut command);
        let mut child = command.spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let mut facts: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        facts.push(format!("pid={}", child.id()));
        Ok(Present::Victim { child, facts })
    }

    /// What another process can do to the victim, as text. Empty without one.
    fn victim_state(&mut self) -> String {
        let Present::Victim { child, .. } = &mut self.party else { return String::new() };
        if let Ok(Some(status)) = child.try_wait() {
            return status.to_string();
        }
        let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap_or_default();
        let stat = read("stat");
        // After the name: state 1, .., nice 17, .., policy 39 (proc(5), less two).
        let fields: Vec<&str> =
            stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
        let status = read("status");
        let cpus = status.lines().find(|line| line.starts_with("Cpus_allowed:"));
        format!("{:?} {:?} {cpus:?} {} {}", fields.get(16), fields.get(38), read("oom_score_adj"), read("limits"))
    }

    /// Whether the victim is dead or changed. Death by a signal takes a moment, so it is waited for.
    fn victim_changed(&mut self) -> io::Result<bool> {
        if let Present::Victim { child, .. } = &self.party {
            let handle = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
            let moment = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
            poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&moment))?;
        }
        Ok(self.victim_state() != self.victim)
    }

    /// What reached the party. The attempt has ended, so what it sent is here already.
    fn received(&self) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        let read = match &self.party {
            Present::Tcp(listener) => {
                listener.set_nonblocking(true).and_then(|()| listener.accept()).and_then(|(mut from, _)| {
                    from.set_nonblocking(false)?;
                    from.set_read_timeout(Some(Duration::from_secs(2)))?;
                    from.read(&mut bytes)
                })
            }
            Present::Udp(socket) => socket.set_nonblocking(true).and_then(|()| socket.recv(&mut bytes)),
            Present::Stream(listener) => {
                listener.set_nonblocking(true).and_then(|()| listener.accept()).and_then(|(mut from, _)| {
                    from.set_read_timeout(Some(Duration::from_secs(2)))?;
                    from.read(&mut bytes)
                })
            }
            Present::Datagram(socket) => socket.set_nonblocking(true).and_then(|()| socket.recv(&mut bytes)),
            Present::Seqpacket(listener) => rustix::net::accept(listener)
                .and_then(|from| rustix::io::read(from, &mut bytes))
                .map_err(io::Error::from),
            _ => Ok(0),
        };
        bytes.truncate(read.unwrap_or(0));
        bytes
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Present::Victim { child, .. } = &mut self.party {
            // Gone already is as good.
            drop(child.kill());
            drop(child.wait());
        }
        if matches!(self.party, Present::Queue) {
            drop(Command::new(self.program()).arg("remove-queue").arg(self.outside()).stdout(Stdio::null()).status());
        }
    }
}

/// A word nobody can guess, of the letters of a file name.
fn random_word() -> io::Result<String> {
    let mut bytes = [0; 12];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect())
}

fn lay_out(root: &Path, attempt: &Path, secret: &str) -> io::Result<()> {
    for dir in ["outside/list", "outside/empty", "outside/dir", "outside/moveable", "work/sub", "home", "bin", "report"]
    {
        fs::create_dir_all(root.join(dir))?;
    }
    for (name, content) in [
        ("outside/secret", secret),
        ("outside/victim", "content of the victim"),
        ("outside/moveme", "to be moved"),
        ("outside/dir/inner", "inner"),
        ("outside/script", "#!/bin/sh\necho ran\n"),
        ("work/mine", "mine"),
    ] {
        fs::write(root.join(name), content)?;
    }
    fs::write(root.join("outside/list").join(secret), secret)?;
    for name in ["bin/attempt", "outside/program"] {
        copy::executable(attempt, &root.join(name))?;
    }
    fs::set_permissions(root.join("outside/script"), Permissions::from_mode(0o755))
}

/// `/dev/urandom` by another name: it knows an ioctl that harms nobody.
fn make_device(root: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
    let mode = Mode::from_raw_mode(0o666);
    match mknodat(CWD, root.join("work/device"), FileType::CharacterDevice, mode, makedev(1, 9)) {
        // Not root: the attempt says that it cannot be made.
        Ok(()) | Err(rustix::io::Errno::PERM) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn seqpacket_listener(path: &Path) -> io::Result<OwnedFd> {
    let socket =
        socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    listen(&socket, 4)?;
    Ok(socket)
}

fn terminal(user: User) -> io::Result<Present> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = PathBuf::from(OsStr::new(ptsname(&master, Vec::new())?.to_str().map_err(io::Error::other)?));
    user.own(&name)?;
    Ok(Present::Terminal { _master: master, name })
}

/// Everything about the tree that another process can change, as text.
fn snapshot(path: &Path) -> io::Result<String> {
    let meta = fs::symlink_metadata(path)?;
    let mut names = vec![0; 4096];
    let length = rustix::fs::llistxattr(path, &mut names).unwrap_or(0);
    let names = names.get(..length).unwrap_or_default().escape_ascii();
    let content = if meta.is_file() { fs::read(path)? } else { Vec::new() };
    // A FIFO that an attempt made would be waited on for ever.
    let open = (meta.is_file() || meta.is_dir()).then(|| File::open(path).ok()).flatten();
    let flags = open.and_then(|file| rustix::fs::ioctl_getflags(file).ok());
    let mut text = format!(
        "{path:?} {:o} {}:{} {} {}.{} {names} {flags:?} {}\n",
        meta.mode(),
        meta.uid(),
        meta.gid(),
        meta.nlink(),
        meta.mtime(),
        meta.mtime_nsec(),
        summary(&content)
    );
    if meta.is_dir() {
        let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        for entry in entries {
            text.push_str(&snapshot(&entry)?);
        }
    }
    Ok(text)
}

/// Short content as it is, long content (a copied program) by its length and a sum.
fn summary(content: &[u8]) -> String {
    if content.len() < 256 {
        return content.escape_ascii().to_string();
    }
    let mut sum = DefaultHasher::new();
    sum.write(content);
    format!("{} bytes, {:x}", content.len(), sum.finish())
}
