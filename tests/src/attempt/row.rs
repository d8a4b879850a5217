//! The words an attempt is described in, and their JSON. The table itself is beside the code of the attempts.

use serde_json::{Value, json};

/// Declares an enum whose values have fixed names.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$value_doc:meta])* $value:ident = $name:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $type { $($(#[$value_doc])* #[doc = concat!("`", $name, "`")] $value),+ }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// Its name in tables, reports and JSON.
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $name),+ }
            }

            /// The one of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }
    };
}

named! {
    /// What a sandbox promises, by the names that reports and `--accept-gap` use.
    Guarantee {
        Files = "files", Truncate = "truncate", DeviceIoctl = "device-ioctl", Terminal = "terminal",
        TcpPorts = "tcp-ports", AnyHost = "any-host", ListenAnyPort = "listen-any-port", OtherProtocols = "other-protocols", Udp = "udp",
        AbstractSockets = "abstract-sockets", UnixSockets = "unix-sockets", Signals = "signals",
        ProcessList = "process-list", Metadata = "metadata", Processes = "processes", KernelSurface = "kernel-surface", UserNamespaces = "user-namespaces", Attributes = "attributes",
        OtherProcesses = "other-processes", Capabilities = "capabilities", Environment = "environment",
        Descriptors = "descriptors", CoreDumps = "core-dumps", Ipc = "ipc",
    }
}

named! {
    /// Whether the act must be refused.
    Promise {
        /// It must, where the guarantee is enforced.
        Refused = "refused",
        /// Nobody promised; the row only tells how it is.
        Unpromised = "none",
        /// It must not: programs need it.
        Works = "works",
    }
}

named! {
    /// How the harness sees that the act had its effect.
    Proof {
        /// It cannot from outside: the attempt looks for itself.
        Word = "word",
        /// Something in the tree outside the grants is not as it was.
        Tree = "tree",
        /// The secret was printed.
        Secret = "secret",
        /// The outside party received the token.
        Arrival = "arrival",
        /// The victim is dead, or has other limits, priorities or processors.
        Victim = "victim",
    }
}

named! {
    /// Who, outside the sandbox, is needed.
    Party {
        Nobody = "nobody", Tcp4 = "tcp4", Tcp6 = "tcp6", Udp4 = "udp4", Udp6 = "udp6", UnixStream = "unix-stream",
        UnixDatagram = "unix-datagram", UnixSeqpacket = "unix-seqpacket", AbstractStream = "abstract-stream",
        AbstractDatagram = "abstract-datagram", Victim = "victim",
        /// A terminal, the controlling one and descriptor 0 of the attempt.
        Terminal = "terminal",
        /// An inherited descriptor, open for reading the secret.
        ReadDescriptor = "read-descriptor",
        /// One open for writing a file outside.
        WriteDescriptor = "write-descriptor",
        /// One of a directory outside.
        DirectoryDescriptor = "directory-descriptor",
        /// One of a listening TCP socket.
        ListenerDescriptor = "listener-descriptor",
        /// Variables with the secret and for the loader.
        Variables = "variables",
        /// A character device in the granted directory.
        Device = "device",
        /// Somebody who removes the message queue that the attempt makes: inside it may make one it cannot remove.
        Queue = "queue",
    }
}

/// One attempt, as the harness knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is called by.
    pub name: String,
    /// Which file of the program it is in.
    pub family: String,
    /// Enforcing any of these refuses it.
    pub guarantees: Vec<Guarantee>,
    /// Whether it must be refused.
    pub promise: Promise,
    /// Whether only root can do it outside.
    pub root: bool,
    /// Who is needed.
    pub party: Party,
    /// How success shows.
    pub proof: Proof,
    /// Errors by which a kernel outside says that it does not have this; `ENOSYS` always does.
    pub absent: Vec<String>,
    /// Errors that are a refusal here, beside those that always are.
    pub refusals: Vec<String>,
}

impl Row {
    /// As `attempt list` prints it.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name, "family": self.family, "promise": self.promise.name(), "party": self.party.name(),
            "guarantees": self.guarantees.iter().map(|guarantee| guarantee.name()).collect::<Vec<_>>(),
            "needs": if self.root { vec!["root"] } else { vec![] }, "proof": self.proof.name(),
            "absent": self.absent, "refusals": self.refusals,
        })
    }

    /// Back; `None` when something is missing or misspelt.
    pub fn from_json(value: &Value) -> Option<Self> {
        let word = |key: &str| value.get(key)?.as_str();
        let words = |key: &str| -> Option<Vec<String>> {
            value.get(key)?.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        };
        Some(Self {
            name: word("name")?.to_owned(),
            family: word("family")?.to_owned(),
            guarantees: words("guarantees")?.iter().map(|name| Guarantee::from_name(name)).collect::<Option<_>>()?,
            promise: Promise::from_name(word("promise")?)?,
            root: words("needs")?.iter().any(|need| need == "root"),
            party: Party::from_name(word("party")?)?,
            proof: Proof::from_name(word("proof")?)?,
            absent: words("absent")?,
            refusals: words("refusals")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        for guarantee in Guarantee::ALL {
            assert_eq!(Guarantee::from_name(guarantee.name()), Some(*guarantee));
        }
        for party in Party::ALL {
            assert_eq!(Party::from_name(party.name()), Some(*party));
        }
    }

    #[test]
    fn a_row_survives_json() {
        let row = Row {
            name: "fs-read".into(),
            family: "fs".into(),
            guarantees: vec![Guarantee::Files],
            promise: Promise::Refused,
            root: true,
            party: Party::Victim,
            proof: Proof::Secret,
            absent: vec!["EINVAL".into()],
            refusals: vec![],
        };
        assert_eq!(Row::from_json(&row.to_json()), Some(row));
    }
}
