//! The attempts: for each guarantee what must not be possible inside, and beside it what was granted.

use super::TOKEN;
use super::fixture::{Fixture, proc_of};
use crate::platform::Trial;
use nono_core::Guarantee;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Resource, getpriority_process, getrlimit, setpriority_process};
use rustix::thread::CapabilitySet;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

/// A device that the child inside may read and not configure.
pub(super) const FORBIDDEN_DEVICE: &str = "/dev/full";
const GRANTED_DEVICE: &str = "/dev/zero";
/// The attempt that need not succeed outside.
pub(super) const CORE_DUMP: &str = "leave a core dump";

/// What became of something that was granted; none where nothing of the kind can be.
pub(super) type Granted = Option<io::Result<()>>;

/// One attempt.
pub(super) struct Act {
    pub(super) guarantee: Guarantee,
    pub(super) name: &'static str,
    pub(super) forbidden: fn(&Fixture) -> io::Result<()>,
    pub(super) granted: fn(&Fixture) -> Granted,
}

/// One for which nothing is granted beside it.
const fn act(guarantee: Guarantee, name: &'static str, forbidden: fn(&Fixture) -> io::Result<()>) -> Act {
    Act { guarantee, name, forbidden, granted: |_| None }
}

/// An attempt on a path, made on the forbidden and on the granted half of the fixture.
macro_rules! on_both_halves {
    ($name:literal, $act:expr) => {
        Act {
            guarantee: Guarantee::Files,
            name: $name,
            forbidden: |fixture| $act(fixture.forbidden()),
            granted: |fixture| Some($act(fixture.granted())),
        }
    };
}

pub(super) const ACTS: &[Act] = &[
    on_both_halves!("read a file", |at: std::path::PathBuf| fs::read(at.join("read")).map(drop)),
    on_both_halves!("list a directory", |at: std::path::PathBuf| fs::read_dir(at).map(drop)),
    on_both_halves!("write a file", |at: std::path::PathBuf| {
        fs::OpenOptions::new().append(true).open(at.join("write")).map(drop)
    }),
    on_both_halves!("make a file", |at: std::path::PathBuf| fs::File::create_new(at.join("new")).map(drop)),
    on_both_halves!("make a directory", |at: std::path::PathBuf| fs::create_dir(at.join("new-dir"))),
    on_both_halves!("remove a file", |at: std::path::PathBuf| fs::remove_file(at.join("delete"))),
    on_both_halves!("rename a file", |at: std::path::PathBuf| fs::rename(at.join("rename"), at.join("renamed"))),
    Act {
        guarantee: Guarantee::Files,
        name: "move a file out",
        forbidden: |fixture| fs::rename(fixture.forbidden().join("list"), fixture.granted().join("moved")),
        granted: |fixture| Some(move_deeper(&fixture.granted())),
    },
    Act {
        guarantee: Guarantee::Files,
        name: "link a file out",
        forbidden: |fixture| fs::hard_link(fixture.forbidden().join("link"), fixture.granted().join("stolen")),
        granted: |fixture| Some(fs::hard_link(fixture.granted().join("link"), fixture.granted().join("linked"))),
    },
    Act {
        guarantee: Guarantee::Truncate,
        name: "empty a file that may be read",
        forbidden: |fixture| truncate(&fixture.read_only().join("truncate")),
        // For writing: below ABI 3 no other way of emptying a file is left, not even inside.
        granted: |fixture| {
            let path = fixture.granted().join("truncate");
            Some(fs::OpenOptions::new().write(true).truncate(true).open(path).map(drop))
        },
    },
    Act {
        guarantee: Guarantee::Deny,
        name: "read what is denied",
        forbidden: |fixture| fs::read(fixture.denied().join("read")).map(drop),
        granted: |fixture| Some(fs::read(fixture.granted().join("read")).map(drop)),
    },
    Act {
        guarantee: Guarantee::Deny,
        name: "move what is denied",
        forbidden: |fixture| fs::rename(fixture.denied(), fixture.granted().join("elsewhere")),
        granted: |fixture| Some(fs::create_dir(fixture.granted().join("beside"))),
    },
    Act {
        guarantee: Guarantee::DeviceIoctl,
        name: "configure a device",
        forbidden: |_| configure(FORBIDDEN_DEVICE),
        granted: |_| Some(configure(GRANTED_DEVICE)),
    },
    Act {
        guarantee: Guarantee::Processes,
        name: "look into a process",
        forbidden: |fixture| fs::read_link(proc_of(fixture.outsider, "cwd")).map(drop),
        granted: |_| Some(fs::read_link(proc_of(std::process::id(), "cwd")).map(drop)),
    },
    Act {
        guarantee: Guarantee::ProcessList,
        name: "read a command line",
        forbidden: |fixture| fs::read(proc_of(fixture.outsider, "cmdline")).map(drop),
        granted: |_| None,
    },
    Act {
        guarantee: Guarantee::Signals,
        name: "signal a process",
        forbidden: |fixture| signal(fixture.outsider),
        granted: |_| Some(signal(std::process::id())),
    },
    Act {
        guarantee: Guarantee::Capabilities,
        name: "keep or gain privileges",
        forbidden: |_| privileged(),
        granted: |_| None,
    },
    Act {
        guarantee: Guarantee::TcpPorts,
        name: "connect by TCP",
        forbidden: |fixture| connect(fixture.port),
        granted: |fixture| Some(connect(fixture.granted_port)),
    },
    Act {
        guarantee: Guarantee::Udp,
        name: "send by UDP",
        forbidden: |fixture| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.send_to(b"x", (Ipv4Addr::LOCALHOST, fixture.udp_port)).map(drop)
        },
        granted: |_| None,
    },
    Act {
        guarantee: Guarantee::UnixSockets,
        name: "connect to a unix socket",
        forbidden: |fixture| UnixStream::connect(fixture.socket()).map(drop),
        granted: |fixture| fixture.unix.then(|| UnixStream::connect(fixture.granted_socket()).map(drop)),
    },
    Act {
        guarantee: Guarantee::AbstractSockets,
        name: "connect to an abstract unix socket",
        forbidden: |fixture| UnixStream::connect_addr(&UnixAddr::from_abstract_name(&fixture.abstract_name)?).map(drop),
        granted: |fixture| fixture.unix.then(own_abstract_socket),
    },
    act(Guarantee::ListenAnyPort, "listen without a port", |_| Trial::ListenUnbound.make()),
    act(Guarantee::OtherProtocols, "talk to the kernel's network", |_| Trial::NetlinkSocket.make()),
    act(Guarantee::Terminal, "type into the terminal", |_| Trial::TypeIntoTerminal.make()),
    act(Guarantee::KernelSurface, "become another personality", |_| Trial::OtherPersonality.make()),
    act(Guarantee::UserNamespaces, "make a namespace", |_| Trial::NewNamespace.make()),
    act(Guarantee::Attributes, "remove an attribute", |_| Trial::RemoveAttribute.make()),
    act(Guarantee::Ipc, "look at shared memory", |_| Trial::SharedMemory.make()),
    act(Guarantee::OtherProcesses, "set a priority", |fixture| same_priority(fixture.outsider)),
    act(Guarantee::Environment, "read a credential", |_| {
        std::env::var_os(TOKEN).map(drop).ok_or_else(|| io::Error::other("the variable is not there"))
    }),
    act(Guarantee::Descriptors, "use an inherited descriptor", |fixture| {
        fs::read_link(format!("/proc/self/fd/{}", fixture.descriptor)).map(drop)
    }),
    act(Guarantee::CoreDumps, CORE_DUMP, |_| dumps_core()),
];

fn move_deeper(granted: &Path) -> io::Result<()> {
    fs::create_dir_all(granted.join("deeper"))?;
    fs::rename(granted.join("list"), granted.join("deeper/moved"))
}

/// A socket of this process, and a message to it. Not a server: listening takes a port to be granted.
fn own_abstract_socket() -> io::Result<()> {
    let own = UnixAddr::from_abstract_name(format!("nono-doctor-child-{}", std::process::id()))?;
    let socket = UnixDatagram::bind_addr(&own)?;
    socket.send_to_addr(b"x", &own).map(drop)
}

/// Gives a process the priority that it has.
fn same_priority(process: u32) -> io::Result<()> {
    let process = process_id(process)?;
    Ok(setpriority_process(Some(process), getpriority_process(Some(process))?)?)
}

/// Whether a crash would write a file or start a handler: a limit of 1 alone prevents both, 0 the former (core(5)).
fn dumps_core() -> io::Result<()> {
    let piped = || fs::read("/proc/sys/kernel/core_pattern").map_or(true, |pattern| pattern.starts_with(b"|"));
    match getrlimit(Resource::Core).maximum {
        Some(1) => Err(io::Error::other("the limit is 1")),
        Some(0) if !piped() => Err(io::Error::other("the limit is 0")),
        _ => Ok(()),
    }
}

/// Empties a file without opening it for writing: needs the right to truncate alone.
fn truncate(path: &Path) -> io::Result<()> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::TRUNC | OFlags::CLOEXEC, Mode::empty())?;
    match fs::metadata(path)?.len() {
        0 => Ok(()),
        _ => Err(io::Error::other("the file is as long as it was")),
    }
}

/// Asks a device for terminal settings. It has none: to be told so by the device is what counts.
fn configure(device: &str) -> io::Result<()> {
    let device = rustix::fs::open(device, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    match rustix::termios::tcgetattr(&device) {
        Ok(_) | Err(Errno::NOTTY) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether there are capabilities, or a set-user-ID program could bring some.
fn privileged() -> io::Result<()> {
    // Those for files of other users stay where such files were granted, and let nobody do more.
    let kept = CapabilitySet::DAC_OVERRIDE;
    let held = rustix::thread::capabilities(None)?.permitted;
    if kept.contains(held) && rustix::thread::no_new_privs()? {
        return Err(Errno::PERM.into());
    }
    Ok(())
}

fn process_id(process: u32) -> io::Result<rustix::process::Pid> {
    let number = i32::try_from(process).map_err(io::Error::other)?;
    Ok(rustix::process::Pid::from_raw(number).ok_or(io::ErrorKind::InvalidInput)?)
}

fn signal(process: u32) -> io::Result<()> {
    Ok(rustix::process::test_kill_process(process_id(process)?)?)
}

fn connect(port: u16) -> io::Result<()> {
    let address = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(2)).map(drop)
}
