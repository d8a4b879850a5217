//! Random sets of capabilities and random requests that are about them.

use nono_core::{
    AccessMode, Builder, CapabilitySet, FsAccess, FsCapability, Host, NetworkMode, NodeKind, OpenFlags, PathKind, Port,
    Reach, Request, Resolved,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Names that are prefixes of one another, and names that would end or change a string, a rule or a comment.
pub const NAMES: &[&[u8]] = &[
    b"a",
    b"ab",
    b"a-b",
    b"b",
    b"a b",
    b"tail ",
    b"q\"x",
    b"\"",
    b"\"))(allow default)",
    b"b\\x",
    b"\\",
    b"\\\"",
    b"n\nl",
    b"\n",
    b"r\rl",
    b"\x01",
    b"\x7f",
    b"(",
    b")",
    b"(p)",
    b"; c",
    b";",
    b"#",
    b"#\"",
    b"'",
    b"$",
    b"{",
    b"*",
    b"..a",
    "é".as_bytes(),
    "e\u{301}".as_bytes(),
    "\u{202e}".as_bytes(),
    b"${v}",
    b"\xff\xfe",
    b"%41",
    b"\\x41",
    b"\\n",
];

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("no byte of a name", |byte| !matches!(byte, 0 | b'/'));
    let random = prop::collection::vec(byte, 1..6).prop_filter("no name", |name| name != b"." && name != b"..");
    let text = prop::collection::vec(select(&b"\"\\()#;'${}\n\t a"[..]), 1..6);
    prop_oneof![
        8 => select(NAMES.split_at(4).0).prop_map(<[u8]>::to_vec),
        6 => select(NAMES).prop_map(<[u8]>::to_vec),
        1 => text,
        1 => random,
    ]
}

fn join(base: &Path, names: &[Vec<u8>]) -> PathBuf {
    names.iter().fold(base.to_owned(), |path, name| path.join(OsStr::from_bytes(name)))
}

fn path() -> impl Strategy<Value = PathBuf> {
    let root = prop_oneof![
        12 => Just("/w"), 2 => Just("/private/tmp"), 1 => Just("/Users/me"), 1 => Just("/"),
        1 => Just("/usr/lib"), 1 => Just("/private/etc"), 1 => Just("/dev"),
    ];
    (root, prop::collection::vec(name(), 0..4)).prop_map(|(root, names)| join(Path::new(root), &names))
}

/// A path equal to, above, below or beside one of `known`, or any other.
fn near(known: Vec<PathBuf>) -> impl Strategy<Value = PathBuf> {
    let known = if known.is_empty() { vec![PathBuf::from("/w")] } else { known };
    let beside = |path: &Path, suffix: &[u8]| {
        PathBuf::from(OsStr::from_bytes(&[path.as_os_str().as_bytes().trim_ascii_end(), suffix].concat()))
    };
    (any::<Index>(), prop::collection::vec(name(), 1..3), path(), 0..12_u8).prop_map(
        move |(index, names, other, how)| {
            let one = index.get(&known);
            match how {
                0..3 => one.clone(),
                3 => one.parent().unwrap_or(one).to_owned(),
                4..8 => join(one, &names),
                8 => join(one.parent().unwrap_or(one), &names),
                9 if one != Path::new("/") => beside(one, b"-"),
                10 if one != Path::new("/") => beside(one, b"b"),
                _ => other,
            }
        },
    )
}

fn access() -> impl Strategy<Value = FsAccess> {
    let mode = |mode: AccessMode| Just(FsAccess::from(mode));
    prop_oneof![
        3 => mode(AccessMode::Read),
        2 => mode(AccessMode::Write),
        3 => mode(AccessMode::ReadWrite),
        1 => Just(FsAccess::all()),
        3 => (0..=FsAccess::all().bits()).prop_map(FsAccess::from_bits_truncate),
    ]
}

pub fn port() -> impl Strategy<Value = Port> {
    select(&[80_u16, 443, 8080, 65535][..]).prop_map(|number| Port::try_from(number).unwrap())
}

fn network() -> impl Strategy<Value = Builder> {
    let ports = || prop::collection::vec(port(), 0..3);
    let mode = prop_oneof![
        2 => Just(NetworkMode::Blocked),
        1 => Just(NetworkMode::AllowAll),
        1 => (port(), ports()).prop_map(|(port, bind_ports)| NetworkMode::ProxyOnly { port, bind_ports }),
    ];
    (mode, ports(), ports(), ports(), any::<bool>()).prop_map(|(mode, connect, bind, here, loud)| {
        let open = mode == NetworkMode::AllowAll;
        let builder = CapabilitySet::builder().network(mode);
        let builder = builder.signals(if loud { Reach::Anywhere } else { Reach::Inside });
        if open {
            return builder;
        }
        let builder = connect.into_iter().fold(builder, Builder::allow_tcp_connect);
        let builder = bind.into_iter().fold(builder, Builder::allow_tcp_bind);
        here.into_iter().fold(builder, Builder::allow_localhost_port)
    })
}

pub fn grant(path: &Path, kind: PathKind, access: FsAccess) -> Option<FsCapability> {
    let found = Resolved { path: path.to_owned(), kind, identity: None, is_device: false };
    let access = if kind == PathKind::File { access & FsAccess::FILE } else { access };
    FsCapability::from_resolved(path.to_owned(), found, access).ok()
}

/// The grants of a set, as they were drawn, and its denies.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub network: CapabilitySet,
    pub grants: BTreeMap<PathBuf, (PathKind, FsAccess)>,
    pub denies: Vec<PathBuf>,
}

impl Drawn {
    /// The set; none if its wishes contradict each other.
    pub fn set(&self, spelled: impl Fn(&Path) -> PathBuf) -> Option<CapabilitySet> {
        let builder = Builder::from(self.network.clone());
        let grants = self.grants.iter().filter_map(|(path, (kind, access))| grant(&spelled(path), *kind, *access));
        let builder = grants.fold(builder, Builder::grant);
        let denies = self.denies.iter().map(|path| spelled(path));
        denies.fold(builder, |builder, path| builder.deny_resolved(path).unwrap()).build().ok()
    }

    pub fn known(&self) -> Vec<PathBuf> {
        self.grants.keys().chain(&self.denies).cloned().collect()
    }
}

/// A set in which grants and denies lie at, below, above and beside each other.
pub fn drawn() -> impl Strategy<Value = Drawn> {
    let first = prop::collection::vec(path(), 1..3);
    let paths = first.prop_flat_map(|first| {
        let more = prop::collection::vec(near(first.clone()), 0..3);
        (Just(first), more).prop_flat_map(|(first, more)| {
            let grants = [first, more].concat();
            (prop::collection::vec(near(grants.clone()), 0..3), Just(grants))
        })
    });
    let rights = prop::collection::vec((access(), prop::bool::weighted(0.2)), 5);
    (paths, rights, network()).prop_filter_map("wishes contradict", |((denies, grants), rights, network)| {
        let kind = |file| if file { PathKind::File } else { PathKind::Directory };
        let grants: BTreeMap<_, _> =
            grants.into_iter().zip(rights).map(|(path, (access, file))| (path, (kind(file), access))).collect();
        let denies = denies.into_iter().filter(|deny| !grants.contains_key(deny)).collect();
        Some(Drawn { network: network.build().ok()?, grants, denies })
    })
}

fn kind() -> impl Strategy<Value = NodeKind> {
    use NodeKind::*;
    select(&[Regular, Regular, Directory, Symlink, Socket, Fifo, CharDevice, BlockDevice][..])
}

/// A request about a path near `known`, or about what has none.
pub fn request(known: Vec<PathBuf>) -> impl Strategy<Value = Request> {
    let near = move || near(known.clone());
    let open = (near(), 0..32_u32).prop_map(|(path, bits)| {
        let bits = OpenFlags::from_bits_truncate(bits).difference(OpenFlags::UNNAMED);
        Request::Open { path, flags: bits }
    });
    let listing = near().prop_map(|path| Request::Open { path, flags: OpenFlags::READ | OpenFlags::DIRECTORY });
    let host = prop_oneof![Just(Host::ThisMachine), Just(Host::Other)];
    prop_oneof![
        6 => open,
        2 => listing,
        3 => (near(), kind()).prop_map(|(path, kind)| Request::Make { path, kind }),
        3 => (near(), kind()).prop_map(|(path, kind)| Request::Remove { path, kind }),
        4 => (near(), near(), kind(), prop::option::of(kind()))
            .prop_map(|(from, to, kind, replaces)| Request::Rename { from, to, kind, replaces }),
        1 => (near(), near(), kind()).prop_map(|(from, to, kind)| Request::Link { from, to, kind }),
        1 => near().prop_map(|path| Request::Truncate { path }),
        2 => near().prop_map(|path| Request::Execute { path }),
        1 => near().prop_map(|path| Request::Ioctl { path }),
        1 => near().prop_map(|path| Request::UnixConnect { path }),
        1 => (port(), host).prop_map(|(port, host)| Request::Connect { port, host }),
        1 => port().prop_map(|port| Request::Bind { port }),
        1 => prop_oneof![port().prop_map(|port| Request::UdpSend { port }), port().prop_map(|port| Request::UdpBind { port }), Just(Request::Signal)],
    ]
}

/// The paths that `request` is about.
pub fn paths(request: &Request) -> Vec<&Path> {
    match request {
        Request::Rename { from, to, .. } | Request::Link { from, to, .. } => vec![from, to],
        Request::Open { path, .. }
        | Request::Make { path, .. }
        | Request::Remove { path, .. }
        | Request::Truncate { path }
        | Request::Execute { path }
        | Request::Ioctl { path }
        | Request::UnixConnect { path } => vec![path],
        _ => vec![],
    }
}
