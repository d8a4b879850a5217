//! A set of capabilities and requests drawn from the bytes: the profile for macOS, read back, allows what the model allows.
#![no_main]

#[path = "../../nono-macos/tests/model/judge.rs"]
mod judge;
#[allow(dead_code, reason = "its strategies are for property tests")]
#[path = "../../nono-macos/tests/model/world.rs"]
mod world;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use nono_core::{
    Builder, CapabilitySet, FsAccess, Host, NetworkMode, NodeKind, OpenFlags, PathKind, Port, Reach, Request,
};
use nono_macos::{generate, parse, profile};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Where paths begin: ordinary places, links of macOS, and what every profile opens in part.
const ROOTS: [&str; 8] = ["/w", "/w", "/w", "/private/tmp", "/Users/me", "/", "/usr/lib", "/dev"];
const KINDS: [NodeKind; 7] = [
    NodeKind::Regular,
    NodeKind::Directory,
    NodeKind::Symlink,
    NodeKind::Socket,
    NodeKind::Fifo,
    NodeKind::CharDevice,
    NodeKind::BlockDevice,
];

fuzz_target!(|bytes: &[u8]| check(bytes).unwrap_or_default());

/// An error is the end of the bytes.
fn check(bytes: &[u8]) -> Result<()> {
    let mut from = Unstructured::new(bytes);
    let Some(set) = set(&mut from)? else { return Ok(()) };
    let (model, text) = (judge::reduced(&set), generate(&set));
    let read_back = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert!(profile(&set).rules().eq(read_back.rules()), "{text}");
    for _ in 0..12 {
        let request = request(&mut from)?;
        if let Err(error) = judge::judge((&set, &model), &request, (&read_back, &text)) {
            panic!("{request:?}: {error}");
        }
    }
    Ok(())
}

/// None where the wishes contradict each other.
fn set(from: &mut Unstructured<'_>) -> Result<Option<CapabilitySet>> {
    let mut builder = CapabilitySet::builder();
    builder = match from.int_in_range(0..=3)? {
        0 => builder.network(NetworkMode::AllowAll),
        1 => builder.network(NetworkMode::ProxyOnly { port: port(from)?, bind_ports: vec![port(from)?] }),
        _ => builder,
    };
    if from.arbitrary()? {
        builder = builder.signals(Reach::Anywhere);
    }
    for _ in 0..from.int_in_range(0..=2)? {
        let add =
            *from.choose(&[Builder::allow_tcp_connect, Builder::allow_tcp_bind, Builder::allow_localhost_port])?;
        builder = add(builder, port(from)?);
    }
    for _ in 0..from.int_in_range(1..=5)? {
        let (path, directory) = (path(from)?, from.ratio(4, 5)?);
        let kind = if directory { PathKind::Directory } else { PathKind::File };
        builder = match world::grant(&path, kind, FsAccess::from_bits_truncate(from.arbitrary()?)) {
            Some(grant) => builder.grant(grant),
            None => builder,
        };
    }
    for _ in 0..from.int_in_range(0..=2)? {
        builder = builder.deny_resolved(path(from)?).expect("it is resolved");
    }
    Ok(builder.build().ok())
}

fn port(from: &mut Unstructured<'_>) -> Result<Port> {
    Ok(Port::try_from(*from.choose(&[80_u16, 443, 8080])?).expect("no port is 0"))
}

fn path(from: &mut Unstructured<'_>) -> Result<PathBuf> {
    let mut path = PathBuf::from(from.choose(&ROOTS)?);
    for _ in 0..from.int_in_range(0..=3)? {
        // Mostly one of a few names, so that paths meet.
        let (few, all) = (world::NAMES.split_at(4).0, world::NAMES);
        let name = if from.ratio(3, 4)? { from.choose(few)? } else { from.choose(all)? };
        path.push(OsStr::from_bytes(name));
    }
    Ok(path)
}

fn request(from: &mut Unstructured<'_>) -> Result<Request> {
    let (path, kind) = (path(from)?, *from.choose(&KINDS)?);
    Ok(match from.int_in_range(0..=15)? {
        0..5 => {
            let drawn = OpenFlags::from_bits_truncate(from.arbitrary()?).difference(OpenFlags::UNNAMED);
            // A directory can be listed, and no more: open(2) refuses the rest.
            let listing = drawn.contains(OpenFlags::DIRECTORY);
            let flags = if listing { OpenFlags::READ | OpenFlags::DIRECTORY } else { drawn };
            Request::Open { path, flags }
        }
        5 => Request::Make { path, kind },
        6 => Request::Remove { path, kind },
        7 | 8 => {
            let replaces = if from.arbitrary()? { Some(*from.choose(&KINDS)?) } else { None };
            Request::Rename { from: path, to: self::path(from)?, kind, replaces }
        }
        9 => Request::Link { from: path, to: self::path(from)?, kind },
        10 => Request::Truncate { path },
        11 => Request::Execute { path },
        12 => Request::UnixConnect { path },
        13 => Request::Connect { port: port(from)?, host: *from.choose(&[Host::ThisMachine, Host::Other])? },
        14 => Request::Bind { port: port(from)? },
        _ => Request::Ioctl { path },
    })
}
