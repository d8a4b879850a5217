//! What a profile grants and a command did not use.

use super::uses::Uses;
use crate::quote::quoted;
use nono_core::{CapabilitySet, FsCapability, NetworkMode, Port, Source};
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Grants by which nothing was done.
#[derive(Debug, Default)]
pub(super) struct Unused {
    pub(super) paths: BTreeSet<PathBuf>,
    pub(super) network: UnusedNetwork,
}

/// Those of the network, by their keys in a profile.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct UnusedNetwork {
    /// Of `port` too, which is for both.
    connect: BTreeSet<Port>,
    bind: BTreeSet<Port>,
    dns: bool,
    open: bool,
}

impl Unused {
    /// Of `known`, when these were all the uses.
    pub(super) fn of(known: &CapabilitySet, uses: &Uses) -> Unused {
        let is_used = |grant: &&FsCapability| {
            let below = |path: &PathBuf| path.starts_with(grant.resolved());
            uses.paths.keys().any(below) || uses.unix.iter().any(below)
        };
        let of_profile = |grant: &&FsCapability| matches!(grant.source(), Source::Profile { .. });
        let unused = known.fs().iter().filter(of_profile).filter(|grant| !is_used(grant));
        let paths = unused.map(|grant| grant.resolved().to_owned()).collect();
        Unused { paths, network: UnusedNetwork::of(known, uses) }
    }

    /// A line for each.
    pub(super) fn lines(&self) -> Vec<String> {
        let paths = self.paths.iter().map(quoted);
        let connect = self.network.connect.iter().map(|port| format!("connecting to port {port}"));
        let bind = self.network.bind.iter().map(|port| format!("listening on port {port}"));
        let dns = self.network.dns.then(|| "name lookups".to_owned());
        let open = self.network.open.then(|| "the open network".to_owned());
        paths.chain(connect).chain(bind).chain(dns).chain(open).collect()
    }
}

impl UnusedNetwork {
    fn of(known: &CapabilitySet, uses: &Uses) -> UnusedNetwork {
        let connect = known.tcp_connect().iter().copied().chain(known.tcp_connect_here());
        // Connections to this port are taken for lookups, which it allows by TCP.
        let looked_up = |port: &Port| *port == Port::DNS && uses.lookups;
        let none = uses.connect.is_empty() && uses.bind.is_empty() && !uses.lookups && !uses.network;
        UnusedNetwork {
            connect: connect.filter(|port| !uses.connect.contains(port) && !looked_up(port)).collect(),
            bind: known.tcp_bind().difference(&uses.bind).copied().collect(),
            dns: known.name_lookups() && !uses.lookups,
            open: *known.network() == NetworkMode::AllowAll && none,
        }
    }
}

/// A path as it is in every JSON of this command.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown<'a>(#[serde(with = "nono_core::serial::path")] &'a Path);

pub(super) fn paths<S: Serializer>(paths: &BTreeSet<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| Shown(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::{Host, Request};

    fn port(number: u16) -> Port {
        Port::try_from(number).unwrap()
    }

    #[test]
    fn ports_are_unused_one_by_one() {
        let set = CapabilitySet::builder()
            .allow_tcp_connect(port(80))
            .allow_tcp_connect(port(443))
            .allow_tcp_connect(Port::DNS)
            .allow_tcp_bind(port(8080))
            .allow_name_lookups()
            .build()
            .unwrap();
        let seen = [
            Request::Connect { port: port(443), host: Host::Other },
            Request::UdpSend { port: Port::DNS },
            Request::Bind { port: port(9) },
        ];
        let seen = seen.map(crate::platform::What::Request);
        let found = UnusedNetwork::of(&set, &Uses::of(&seen));
        let expected = UnusedNetwork {
            connect: BTreeSet::from([port(80)]),
            bind: BTreeSet::from([port(8080)]),
            ..UnusedNetwork::default()
        };
        assert_eq!(found, expected);
        let nothing = UnusedNetwork::of(&set, &Uses::default());
        assert!(nothing.dns && nothing.connect.len() == 3 && !nothing.open, "{nothing:?}");
    }

    #[test]
    fn an_open_network_is_used_by_anything() {
        let set = CapabilitySet::builder().network(NetworkMode::AllowAll).build().unwrap();
        assert!(UnusedNetwork::of(&set, &Uses::default()).open);
        let bind = [crate::platform::What::Request(Request::Bind { port: port(9) })];
        assert_eq!(UnusedNetwork::of(&set, &Uses::of(&bind)), UnusedNetwork::default());
    }
}
