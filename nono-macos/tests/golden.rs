//! Profiles as files, so that a change of what is generated can be read. `NONO_UPDATE_GOLDEN=1` writes them anew.
#![expect(clippy::tests_outside_test_module, reason = "a test program is one test module")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_core::{AccessMode, Builder, CapabilitySet, FsAccess, FsCapability, NetworkMode, PathKind, Port, Resolved};
use std::path::Path;

fn grant(path: &str, kind: PathKind, access: FsAccess) -> FsCapability {
    let found = Resolved { path: path.into(), kind, identity: None, is_device: false };
    let access = if kind == PathKind::File { access & FsAccess::FILE } else { access };
    FsCapability::from_resolved(path.into(), found, access).unwrap()
}

fn directory(builder: Builder, path: &str, mode: AccessMode) -> Builder {
    builder.grant(grant(path, PathKind::Directory, mode.into()))
}

fn port(number: u16) -> Port {
    Port::try_from(number).unwrap()
}

fn read_only_project() -> Builder {
    directory(CapabilitySet::builder(), "/Users/me/project", AccessMode::Read)
}

fn working_directory_and_tools() -> Builder {
    let tools = ["/bin", "/opt/homebrew", "/usr/bin"];
    let builder = tools.iter().fold(CapabilitySet::builder(), |all, path| directory(all, path, AccessMode::Read));
    let builder = directory(builder, "/Users/me/project", AccessMode::ReadWrite);
    let builder = directory(builder, "/var/folders/zz/0123/T", AccessMode::ReadWrite);
    builder.grant(grant("/Users/me/.gitconfig", PathKind::File, AccessMode::Read.into()))
}

fn network_with_ports() -> Builder {
    let network = NetworkMode::ProxyOnly { port: port(8080), bind_ports: vec![port(9000)] };
    let builder =
        CapabilitySet::builder().network(network).allow_tcp_connect(port(443)).allow_localhost_port(port(3000));
    builder.grant(grant("/private/tmp/server.socket", PathKind::File, FsAccess::RESOLVE_UNIX))
}

fn denies_with_hostile_names() -> Builder {
    let builder = directory(CapabilitySet::builder(), "/w", AccessMode::ReadWrite);
    let builder = directory(builder, "/w/secret/open", AccessMode::Read);
    let names = ["secret", "quote\"))(allow default)(\"", "back\\slash\\", "new\nline", "(paren", "; comment", "tail "];
    let builder = names.iter().fold(builder, |all, name| all.deny_resolved(format!("/w/{name}").into()).unwrap());
    // What cannot be named is left out or closed by its parent; `prepare` refuses such a set.
    let builder = directory(builder, "/x/${HOME}", AccessMode::ReadWrite);
    directory(builder, "/y", AccessMode::Read).deny_resolved("/y/kept/${HOME}".into()).unwrap()
}

#[test]
fn profiles_are_as_they_were_reviewed() {
    let update = std::env::var_os("NONO_UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let mut changed = Vec::new();
    for (name, builder) in [
        ("nothing-granted", CapabilitySet::builder()),
        ("read-only-project", read_only_project()),
        ("working-directory-and-tools", working_directory_and_tools()),
        ("network-with-ports", network_with_ports()),
        ("denies-with-hostile-names", denies_with_hostile_names()),
    ] {
        let made = nono_macos::generate(&builder.build().unwrap());
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("sb");
        if update {
            std::fs::write(&file, &made).unwrap();
        }
        let reviewed = std::fs::read_to_string(&file).unwrap_or_default();
        if reviewed != made {
            changed.push(format!("{}:\n{made}", file.display()));
        }
    }
    assert!(changed.is_empty(), "NONO_UPDATE_GOLDEN=1 writes these anew:\n{}", changed.join("\n"));
}
