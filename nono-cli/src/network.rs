//! From the network flags to capabilities.

use crate::args::Network;
use crate::error::CliError;
use crate::platform::LONGEST_SOCKET;
use nono_core::{Builder, CachedResolver, FsAccess, FsCapability, Guarantee, NetworkMode, PathKind, Source};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Which two flags contradict each other, if any do: an open network goes with no other flag, a closed one only with
/// unix sockets.
fn conflict(given: &Network) -> Option<(&'static str, &'static str)> {
    let mode = if given.net { "--net" } else { "--net-block" };
    if !given.net && !given.net_block {
        return None;
    }
    let goes = |flag: &str| flag == mode || flag == "--allow-unix" && !given.net;
    given.given().find(|flag| !goes(flag)).map(|other| (mode, other))
}

/// Refuses flags that contradict each other.
pub(crate) fn check(given: &Network) -> Result<(), CliError> {
    conflict(given).map_or(Ok(()), |(one, other)| Err(CliError::NetworkConflict { one, other }))
}

/// Adds ports and modes to `builder`.
pub(crate) fn add(mut builder: Builder, given: &Network) -> Builder {
    if given.net {
        builder = builder.network(NetworkMode::AllowAll);
    }
    if given.net_block {
        builder = builder.require(Guarantee::OtherProtocols).require(Guarantee::TcpPorts).require(Guarantee::Udp);
    }
    if let Some(port) = given.proxy_port {
        builder = builder.network(NetworkMode::ProxyOnly { port, bind_ports: Vec::new() });
    }
    builder = given.allow_connect.iter().copied().fold(builder, Builder::allow_tcp_connect);
    builder = given.allow_bind.iter().copied().fold(builder, Builder::allow_tcp_bind);
    builder = given.allow_port.iter().copied().fold(builder, Builder::allow_localhost_port);
    if given.allow_dns { builder.allow_name_lookups() } else { builder }
}

/// The unix sockets, resolved.
pub(crate) fn sockets(given: &Network, resolver: &CachedResolver) -> Result<Vec<FsCapability>, CliError> {
    let flag = "--allow-unix";
    let one = |path: &std::path::PathBuf| {
        let granted = FsCapability::resolve_exactly(path, FsAccess::RESOLVE_UNIX, resolver);
        let granted = granted.map_err(|source| CliError::Grant { flag, source })?;
        if granted.kind() == PathKind::File {
            check_socket(path, granted.resolved())?;
        }
        Ok(granted.with_source(Source::Flag(flag.into())))
    };
    given.allow_unix.iter().map(one).collect()
}

fn check_socket(given: &Path, resolved: &Path) -> Result<(), CliError> {
    let length = given.as_os_str().as_bytes().len();
    if length > LONGEST_SOCKET {
        return Err(CliError::LongSocket { length, longest: LONGEST_SOCKET });
    }
    let found = fs::metadata(resolved).map_err(|source| CliError::Socket { path: given.to_owned(), source })?;
    if found.file_type().is_socket() { Ok(()) } else { Err(CliError::NotASocket { path: given.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::Port;

    #[test]
    fn an_open_or_closed_network_goes_with_nothing_that_opens_a_part() {
        let port = Port::try_from(443).unwrap();
        let base = || Network { allow_connect: vec![port], ..Network::default() };
        assert_eq!(conflict(&base()), None);
        assert_eq!(conflict(&Network { net: true, ..base() }), Some(("--net", "--allow-connect")));
        assert_eq!(conflict(&Network { net_block: true, ..base() }), Some(("--net-block", "--allow-connect")));
        let sockets = || Network { allow_unix: vec!["/run/socket".into()], ..Network::default() };
        assert_eq!(conflict(&Network { net_block: true, ..sockets() }), None);
        assert_eq!(conflict(&Network { net: true, ..sockets() }), Some(("--net", "--allow-unix")));
        let both = Network { net: true, net_block: true, ..Network::default() };
        assert_eq!(conflict(&both), Some(("--net", "--net-block")));
        let all = Network { proxy_port: Some(port), allow_dns: true, allow_port: vec![port], ..base() };
        assert_eq!(conflict(&all), None, "the rest adds up");
    }
}
