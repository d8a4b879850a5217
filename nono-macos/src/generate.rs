//! From capabilities to a profile.
//!
//! Every rule with a path names single operations, and what is deeper comes later, so the last rule that matches is the
//! one of the deepest grant or deny, as in the model. Denies name the wildcards too.

use crate::base;
use crate::operation::Operation::{
    FileWriteCreate, FileWriteUnlink, MachLookup, NetworkBind, NetworkInbound, NetworkOutbound, PseudoTty, SystemSocket,
};
use crate::place::{above, firmlink_twin, kernel_path, nearest_speakable, speakable};
use crate::rights;
use crate::sbpl::{End, Filter, HostName, Profile, Transport};
use nono_core::{CapabilitySet, FsAccess, NetworkMode, PathKind, Port};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Services that name look-ups and TLS need; given with the whole network only.
const NETWORK_SERVICES: [&str; 4] = [
    "com.apple.SystemConfiguration.DNSConfiguration",
    "com.apple.SystemConfiguration.configd",
    "com.apple.trustd",
    "com.apple.trustd.agent",
];

/// The resolver's socket. It is a way out, so it goes with the whole network only.
const RESOLVER: &str = "/private/var/run/mDNSResponder";

/// The text of the profile that gives what `set` holds, and no more.
///
/// ```
/// use nono_core::CapabilitySet;
///
/// let text = nono_macos::generate(&CapabilitySet::default());
/// assert!(text.starts_with("(version 1)\n") && text.contains("\n(deny default)\n"));
/// ```
pub fn generate(set: &CapabilitySet) -> String {
    profile(set).to_string()
}

/// The profile that gives what `set` holds, and no more.
///
/// A grant of a path that a profile cannot name ([`Unspeakable`](crate::place::Unspeakable)) is left out; in place of a
/// deny of such a path, the nearest directory above that can be named is closed.
pub fn profile(set: &CapabilitySet) -> Profile {
    let mut profile = Profile::default();
    base::open(&mut profile, set.signals());
    network(&mut profile, set);
    files(&mut profile, set);
    base::close(&mut profile);
    profile
}

/// What holds at a path and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Grant(PathKind, FsAccess),
    Deny,
}

fn files(profile: &mut Profile, set: &CapabilitySet) {
    // By depth, so that what is deeper comes later.
    let mut nodes: BTreeMap<(usize, String), Node> = BTreeMap::new();
    let key = |path: &str| (Path::new(path).components().count(), path.to_owned());
    for one in set.fs() {
        let path = kernel_path(one.resolved());
        let Ok(path) = speakable(&path) else { continue };
        // Two spellings of one object: it gets what either was given.
        let before = nodes.get(&key(path)).copied();
        let access = match before {
            Some(Node::Grant(_, access)) => access | one.access(),
            _ => one.access(),
        };
        nodes.insert(key(path), Node::Grant(one.kind(), access));
    }
    let denies: BTreeSet<String> =
        set.denies().iter().map(|path| nearest_speakable(&kernel_path(path)).to_owned()).collect();
    for path in &denies {
        nodes.insert(key(path), Node::Deny);
    }
    if !nodes.is_empty() {
        profile.comment("What was granted and denied: what is deeper comes later, and the later rule holds.");
    }
    for ((_, path), node) in &nodes {
        match node {
            Node::Grant(kind, access) => rights::allow(profile, path, *kind, *access),
            Node::Deny => profile.deny(rights::EVERYTHING, closed(path)),
        }
    }
    guards(profile, &denies);
    if set.access_at(Path::new("/dev/ptmx")).contains(FsAccess::READ_FILE | FsAccess::WRITE_FILE) {
        profile.allow(&[PseudoTty], vec![]);
    }
}

/// A path and all below it, by both of its names.
fn closed(path: &str) -> Vec<Filter> {
    let names = [Some(path.to_owned()), firmlink_twin(path)];
    names.into_iter().flatten().flat_map(|name| [Filter::Literal(name.clone()), Filter::Subpath(name)]).collect()
}

/// Keeps each denied path, and the directories on the way to it, where they are: moved, they would be somewhere else.
fn guards(profile: &mut Profile, denies: &BTreeSet<String>) {
    let ways = denies.iter().flat_map(|deny| above(deny).chain([deny.as_str()]));
    let stay: BTreeSet<&str> = ways.collect();
    if stay.is_empty() {
        return;
    }
    profile.comment("What is denied stays where it is, and so do the directories on the way to it.");
    let names = stay.into_iter().flat_map(|path| [Some(path.to_owned()), firmlink_twin(path)]);
    let filters = names.flatten().map(Filter::Literal).collect();
    profile.deny(&[FileWriteCreate, FileWriteUnlink], filters);
}

fn network(profile: &mut Profile, set: &CapabilitySet) {
    let address = |end, transport, host, port| Filter::Address { end, transport, host, port };
    let tcp = |end, host, ports: &BTreeSet<Port>| -> Vec<Filter> {
        ports.iter().map(|port| address(end, Transport::Tcp, host, Some(*port))).collect()
    };
    let families = |names: &[&str]| names.iter().map(|name| Filter::SocketDomain((*name).to_owned())).collect();
    if *set.network() == NetworkMode::AllowAll {
        profile.comment("The network, with name look-ups.");
        profile.allow(&[SystemSocket], families(&["AF_INET", "AF_INET6", "AF_UNIX"]));
        profile.allow(&[MachLookup], base::services(&NETWORK_SERVICES));
        let resolver = Filter::Literal(RESOLVER.to_owned());
        let anywhere = |end| address(end, Transport::Ip, HostName::Any, None);
        profile.allow(&[NetworkOutbound], vec![anywhere(End::Remote), resolver]);
        profile.allow(&[NetworkBind, NetworkInbound], vec![anywhere(End::Local)]);
        return;
    }
    let connect = tcp(End::Remote, HostName::Any, set.tcp_connect());
    let here = tcp(End::Remote, HostName::Localhost, &set.tcp_connect_here());
    let bind = tcp(End::Local, HostName::Any, &set.tcp_bind());
    if connect.len() + here.len() + bind.len() > 0 {
        profile.comment("Ports. A host can be any or this machine, nothing else.");
        profile.allow(&[SystemSocket], families(&["AF_INET", "AF_INET6"]));
    }
    let out: Vec<Filter> = connect.into_iter().chain(here).collect();
    if !out.is_empty() {
        profile.allow(&[NetworkOutbound], out);
    }
    if !bind.is_empty() {
        profile.allow(&[NetworkBind, NetworkInbound], bind);
    }
    let sockets = FsAccess::RESOLVE_UNIX | FsAccess::MAKE_SOCK;
    if set.fs().iter().any(|one| one.access().intersects(sockets)) {
        profile.comment("Unix sockets: those of the paths granted below.");
        profile.allow(&[SystemSocket], families(&["AF_UNIX"]));
    }
}
