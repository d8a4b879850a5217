//! What a sandbox promises, promise by promise, in words that hold on every system.

use crate::error::UnknownGuarantee;
use std::fmt;
use std::str::FromStr;

/// A promise a sandbox makes. How it is kept differs by system and kernel: see [`Mechanism`](crate::Mechanism).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Guarantee {
    /// Files are read, written, created, listed, moved and removed only below grants.
    Files,
    /// No file outside the writable grants is emptied or shortened.
    Truncate,
    /// A path that was denied stays closed although a grant above it is open.
    Deny,
    /// Device-specific `ioctl`s only on granted devices.
    DeviceIoctl,
    /// No process outside is traced, and its memory neither read nor written.
    Processes,
    /// Signals reach no process outside.
    Signals,
    /// The command lines of processes outside are not visible.
    ProcessList,
    /// No typing into the terminal on the user's behalf (`TIOCSTI`, `TIOCLINUX`).
    Terminal,
    /// TCP connects and binds only on granted ports.
    TcpPorts,
    /// A port granted for this machine reaches no other host.
    AnyHost,
    /// Listening only on granted ports, also where some were granted.
    ListenAnyPort,
    /// No UDP but what was granted.
    Udp,
    /// No network by protocols beside TCP and UDP: raw sockets, netlink, other machines' and this kernel's own.
    OtherProtocols,
    /// Unix sockets with a path only where granted.
    UnixSockets,
    /// No unix socket with an abstract name of a process outside.
    AbstractSockets,
    /// No way around the sandbox through rarely used parts of the kernel.
    KernelSurface,
    /// No namespaces of the program's own, in which it would have every capability.
    UserNamespaces,
    /// Extended attributes, access control lists and flags of files stay as they are.
    Attributes,
    /// Permissions, owners and times of files outside stay as they are.
    Metadata,
    /// Limits, priorities and processors of processes outside stay as they are.
    OtherProcesses,
    /// No privileges but an ordinary user's, and none gained by executing a program.
    Capabilities,
    /// No credentials and no orders to the loader in the environment.
    Environment,
    /// No open descriptors but the standard streams and those that were passed.
    Descriptors,
    /// A crash leaves no copy of memory and starts no handler.
    CoreDumps,
    /// No System V and POSIX message queues, semaphores and shared memory.
    Ipc,
}

impl Guarantee {
    /// Every guarantee, in the order of reports.
    pub const ALL: [Guarantee; 25] = [
        Guarantee::Files,
        Guarantee::Truncate,
        Guarantee::Deny,
        Guarantee::DeviceIoctl,
        Guarantee::Processes,
        Guarantee::Signals,
        Guarantee::ProcessList,
        Guarantee::Terminal,
        Guarantee::TcpPorts,
        Guarantee::AnyHost,
        Guarantee::ListenAnyPort,
        Guarantee::Udp,
        Guarantee::OtherProtocols,
        Guarantee::UnixSockets,
        Guarantee::AbstractSockets,
        Guarantee::KernelSurface,
        Guarantee::UserNamespaces,
        Guarantee::Attributes,
        Guarantee::Metadata,
        Guarantee::OtherProcesses,
        Guarantee::Capabilities,
        Guarantee::Environment,
        Guarantee::Descriptors,
        Guarantee::CoreDumps,
        Guarantee::Ipc,
    ];

    /// The name by which users accept its gap, and by which reports call it.
    pub const fn name(self) -> &'static str {
        match self {
            Guarantee::Files => "files",
            Guarantee::Truncate => "truncate",
            Guarantee::Deny => "deny",
            Guarantee::DeviceIoctl => "device-ioctl",
            Guarantee::Processes => "processes",
            Guarantee::Signals => "signals",
            Guarantee::ProcessList => "process-list",
            Guarantee::Terminal => "terminal",
            Guarantee::OtherProtocols => "other-protocols",
            Guarantee::TcpPorts => "tcp-ports",
            Guarantee::AnyHost => "any-host",
            Guarantee::ListenAnyPort => "listen-any-port",
            Guarantee::Udp => "udp",
            Guarantee::UnixSockets => "unix-sockets",
            Guarantee::AbstractSockets => "abstract-sockets",
            Guarantee::KernelSurface => "kernel-surface",
            Guarantee::UserNamespaces => "user-namespaces",
            Guarantee::Attributes => "attributes",
            Guarantee::Metadata => "metadata",
            Guarantee::OtherProcesses => "other-processes",
            Guarantee::Capabilities => "capabilities",
            Guarantee::Environment => "environment",
            Guarantee::Descriptors => "descriptors",
            Guarantee::CoreDumps => "core-dumps",
            Guarantee::Ipc => "ipc",
        }
    }

    /// The promise in a few words, for tables.
    pub const fn promise(self) -> &'static str {
        match self {
            Guarantee::Files => "read, write, create and delete only below grants",
            Guarantee::Truncate => "no file emptied or shortened outside grants",
            Guarantee::Deny => "a denied path below a granted one stays closed",
            Guarantee::DeviceIoctl => "device ioctls only on granted devices",
            Guarantee::Processes => "no process outside traced, read or written",
            Guarantee::Signals => "no signals to processes outside",
            Guarantee::ProcessList => "command lines of processes outside not visible",
            Guarantee::Terminal => "no typing into your terminal",
            Guarantee::OtherProtocols => "no network by protocols beside TCP and UDP",
            Guarantee::TcpPorts => "TCP connect and bind only on granted ports",
            Guarantee::AnyHost => "ports granted for this machine reach no other host",
            Guarantee::ListenAnyPort => "listening only on granted ports",
            Guarantee::Udp => "no UDP but what was granted",
            Guarantee::UnixSockets => "unix sockets by path only where granted",
            Guarantee::AbstractSockets => "no abstract unix sockets of processes outside",
            Guarantee::KernelSurface => "no way around through rarely used system calls",
            Guarantee::UserNamespaces => "no namespaces of the program's own",
            Guarantee::Attributes => "extended attributes and flags of files unchanged",
            Guarantee::Metadata => "permissions, owners and times outside unchanged",
            Guarantee::OtherProcesses => "limits and priorities of processes outside unchanged",
            Guarantee::Capabilities => "no privileges of root, and none gained",
            Guarantee::Environment => "no credentials in the environment",
            Guarantee::Descriptors => "no descriptors but the standard streams",
            Guarantee::CoreDumps => "no copy of memory is left by a crash",
            Guarantee::Ipc => "no System V and POSIX IPC",
        }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Guarantee {
    type Err = UnknownGuarantee;
    fn from_str(name: &str) -> Result<Guarantee, UnknownGuarantee> {
        let found = Guarantee::ALL.into_iter().find(|guarantee| guarantee.name() == name);
        found.ok_or_else(|| UnknownGuarantee { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_parse_back() {
        let names: BTreeSet<&str> = Guarantee::ALL.iter().map(|guarantee| guarantee.name()).collect();
        assert_eq!(names.len(), Guarantee::ALL.len());
        for guarantee in Guarantee::ALL {
            assert_eq!(guarantee.name().parse(), Ok(guarantee));
        }
        assert!("file".parse::<Guarantee>().unwrap_err().to_string().contains("no guarantee is called \"file\""));
    }
}
