use super::*;
use crate::resolve::Resolved;
use crate::{AccessMode, FsCapability};

fn directory(path: &str, mode: AccessMode) -> FsCapability {
    let found = Resolved { path: path.into(), kind: PathKind::Directory, identity: None, is_device: false };
    FsCapability::from_resolved(path.into(), found, mode.into()).unwrap()
}

/// `/rw` read and write, `/ro` read, `/wo` write.
fn set() -> CapabilitySet {
    let grants = [("/rw", AccessMode::ReadWrite), ("/ro", AccessMode::Read), ("/wo", AccessMode::Write)];
    let all = grants.iter().fold(CapabilitySet::builder(), |all, (path, mode)| all.grant(directory(path, *mode)));
    all.build().unwrap()
}

fn refusal(request: &Request) -> Option<Refusal> {
    refusal_of(&set(), request)
}

fn refusal_of(set: &CapabilitySet, request: &Request) -> Option<Refusal> {
    match decide(set, request) {
        Decision::Allowed { .. } => None,
        Decision::Denied(denial) => Some(denial.refusal),
    }
}

fn rename(from: &str, to: &str, kind: NodeKind) -> Request {
    Request::Rename { from: from.into(), to: to.into(), kind, replaces: None }
}

const NO: Option<Refusal> = Some(Refusal::NoAccess);
const EXDEV: Option<Refusal> = Some(Refusal::CrossDevice);

#[test]
fn opens() {
    let (read, write) = (OpenFlags::READ, OpenFlags::WRITE);
    for (path, flags, expected) in [
        ("/rw/f", read | write | OpenFlags::CREATE | OpenFlags::TRUNCATE, None),
        ("/ro/f", read, None),
        ("/ro/f", write, NO),
        ("/ro/f", read | OpenFlags::TRUNCATE, NO),
        ("/ro/f", read | OpenFlags::CREATE, NO),
        ("/ro", read | OpenFlags::DIRECTORY, None),
        ("/wo/f", write | OpenFlags::CREATE, None),
        ("/wo/f", read, NO),
        ("/wo", read | OpenFlags::DIRECTORY, NO),
        ("/wo", write | OpenFlags::UNNAMED, None),
        ("/rwx/f", read, NO),
        ("/etc/shadow", read, NO),
        ("/etc/shadow", OpenFlags::empty(), None), // O_PATH: never checked
    ] {
        assert_eq!(refusal(&Request::open(path, flags)), expected, "{path} {flags:?}");
    }
}

#[test]
fn names_are_made_and_removed_by_the_right_on_their_directory() {
    for (path, kind, make, remove) in [
        ("/rw/f", NodeKind::Regular, None, None),
        ("/rw/d", NodeKind::Directory, None, None),
        ("/rw/s", NodeKind::Socket, None, None),
        ("/rw/c", NodeKind::CharDevice, NO, None),
        ("/rw/b", NodeKind::BlockDevice, NO, None),
        ("/ro/f", NodeKind::Regular, NO, NO),
        ("/rw", NodeKind::Directory, NO, NO), // the right on "/" is not given
    ] {
        assert_eq!(refusal(&Request::Make { path: path.into(), kind }), make, "make {path}");
        assert_eq!(refusal(&Request::Remove { path: path.into(), kind }), remove, "remove {path}");
    }
}

#[test]
fn moves() {
    use NodeKind::{Directory, Regular};
    for (from, to, kind, expected) in [
        ("/rw/a", "/rw/b", Regular, None),
        ("/rw/x/a", "/rw/y/a", Directory, None),
        ("/ro/a", "/ro/b", Regular, NO),
        ("/ro/a", "/rw/a", Regular, NO),
        ("/rw/a", "/elsewhere/a", Regular, NO),
        ("/rw/a", "/wo/a", Regular, None),
        ("/wo/a", "/rw/a", Regular, EXDEV), // it would become readable
    ] {
        assert_eq!(refusal(&rename(from, to, kind)), expected, "{from} -> {to}");
    }
}

#[test]
fn links_out_of_a_closed_tree_are_refused_like_moves_between_file_systems() {
    let link = |from: &str, to: &str| Request::Link { from: from.into(), to: to.into(), kind: NodeKind::Regular };
    assert_eq!(refusal(&link("/rw/a", "/rw/b")), None);
    assert_eq!(refusal(&link("/rw/x/a", "/rw/b")), None);
    assert_eq!(refusal(&link("/etc/shadow", "/rw/b")), EXDEV);
    assert_eq!(refusal(&link("/rw/a", "/etc/b")), NO);
}

#[test]
fn the_remedy_turns_the_no_into_a_yes() {
    let widened = directory("/wo", AccessMode::ReadWrite);
    for request in [
        Request::open("/etc/hosts", OpenFlags::READ),
        Request::open("/ro/f", OpenFlags::WRITE),
        Request::Make { path: "/ro/f".into(), kind: NodeKind::Regular },
        Request::Execute { path: "/opt/tool".into() },
        rename("/ro/f", "/rw/f", NodeKind::Regular),
        rename("/wo/f", "/rw/f", NodeKind::Regular),
    ] {
        let Decision::Denied(denial) = decide(&set(), &request) else { panic!("{request:?} is allowed") };
        let Remedy::Grant { path, mode, .. } = &denial.remedy else { panic!("{denial:?}") };
        let more = directory(path.to_str().unwrap(), *mode);
        let all = set().fs().iter().cloned().fold(CapabilitySet::builder(), crate::Builder::grant).grant(more);
        assert_eq!(refusal_of(&all.build().unwrap(), &request), None, "{request:?}: {denial:?}");
    }
    assert_eq!(widened.access(), AccessMode::ReadWrite.into());
}

#[test]
fn ports() {
    let port = |number: u16| Port::try_from(number).unwrap();
    let connect = |number, host| Request::Connect { port: port(number), host };
    let set = CapabilitySet::builder()
        .network(NetworkMode::ProxyOnly { port: port(8080), bind_ports: vec![port(9000)] })
        .allow_tcp_connect(port(443))
        .allow_localhost_port(port(3000))
        .build()
        .unwrap();
    for (request, expected) in [
        (connect(443, Host::Other), None),
        (connect(80, Host::Other), NO),
        (connect(8080, Host::ThisMachine), None),
        (connect(8080, Host::Other), NO),
        (connect(3000, Host::ThisMachine), None),
        (Request::Bind { port: port(3000) }, None),
        (Request::Bind { port: port(9000) }, None),
        (Request::Bind { port: port(8080) }, NO),
        (connect(53, Host::Other), NO),
        (Request::UdpSend { port: port(53) }, NO),
        (Request::UdpBind { port: port(3000) }, NO),
    ] {
        assert_eq!(refusal_of(&set, &request), expected, "{request:?}");
    }
    let open = CapabilitySet::builder().network(NetworkMode::AllowAll).build().unwrap();
    assert_eq!(refusal_of(&open, &Request::UdpSend { port: port(123) }), None);
    assert_eq!(refusal_of(&open, &Request::UdpBind { port: port(123) }), None);
    assert_eq!(refusal_of(&open, &Request::Bind { port: port(80) }), None);
}

#[test]
fn name_lookups_are_port_53_and_nothing_else() {
    let port = |number: u16| Port::try_from(number).unwrap();
    let set = CapabilitySet::builder().allow_name_lookups().build().unwrap();
    for (request, expected) in [
        (Request::UdpSend { port: port(53) }, None),
        (Request::UdpSend { port: port(853) }, NO),
        (Request::UdpBind { port: port(53) }, NO),
        (Request::Connect { port: port(53), host: Host::Other }, None),
        (Request::Connect { port: port(443), host: Host::Other }, NO),
        (Request::Bind { port: port(53) }, NO),
    ] {
        assert_eq!(refusal_of(&set, &request), expected, "{request:?}");
    }
    let Decision::Denied(denial) = decide(&self::set(), &Request::UdpSend { port: port(53) }) else { panic!() };
    assert_eq!(denial.remedy, Remedy::NameLookups);
}

#[test]
fn what_has_no_path_and_no_port_stays_inside() {
    assert_eq!(refusal(&Request::Signal), Some(Refusal::NotPermitted));
    assert_eq!(refusal(&Request::AbstractConnect), Some(Refusal::NotPermitted));
    assert_eq!(refusal(&Request::UnixConnect { path: "/rw/socket".into() }), NO);
    let loud = CapabilitySet::builder().signals(Reach::Anywhere).build().unwrap();
    assert_eq!(refusal_of(&loud, &Request::Signal), None);
}

#[test]
fn a_yes_says_whether_the_port_or_the_whole_network_was_granted() {
    let port = Port::try_from(3000).unwrap();
    for (builder, by) in [
        (CapabilitySet::builder().allow_tcp_bind(port), Basis::Port(port)),
        (CapabilitySet::builder().network(NetworkMode::AllowAll), Basis::OpenNetwork),
    ] {
        assert_eq!(decide(&builder.build().unwrap(), &Request::Bind { port }), Decision::Allowed { by });
    }
}

/// The no of this set, which must be one.
#[track_caller]
fn denial_of(set: &CapabilitySet, request: &Request) -> Denial {
    let decision = decide(set, request);
    assert!(!decision.is_allowed(), "{request:?}");
    let Decision::Denied(denial) = decision else { panic!("{decision:?} is no denial") };
    denial
}

#[test]
fn a_no_says_what_is_missing_and_where() {
    let (set, read) = (set(), OpenFlags::READ);
    assert!(decide(&set, &Request::open("/ro/f", read)).is_allowed());
    let emptied = denial_of(&set, &Request::open("/ro/f", OpenFlags::WRITE | OpenFlags::TRUNCATE));
    assert_eq!(emptied.missing(), FsAccess::WRITE_FILE | FsAccess::TRUNCATE);
    let widened = denial_of(&set, &rename("/wo/a", "/rw/a", NodeKind::Regular));
    let only_read = FsAccess::from(AccessMode::ReadWrite).difference(AccessMode::Write.into());
    assert_eq!(widened.missing(), only_read & FsAccess::FILE);
    assert_eq!(denial_of(&set, &Request::Signal).missing(), FsAccess::empty());
    let executed = denial_of(&set, &Request::Execute { path: "/opt/tool".into() });
    assert_eq!(executed.missing(), FsAccess::EXECUTE | FsAccess::READ_FILE);
    for (flags, kind) in [(read, PathKind::File), (read | OpenFlags::DIRECTORY, PathKind::Directory)] {
        let remedy = Remedy::Grant { path: "/etc".into(), mode: AccessMode::Read, kind };
        assert_eq!(denial_of(&set, &Request::open("/etc", flags)).remedy, remedy);
    }
    let socket = denial_of(&set, &Request::UnixConnect { path: "/run/socket".into() });
    assert_eq!(socket.remedy, Remedy::UnixSocket("/run/socket".into()));
}

#[test]
fn a_denied_path_is_named_and_its_deny_would_have_to_go() {
    let builder = CapabilitySet::builder().grant(directory("/rw", AccessMode::ReadWrite));
    let set = builder.deny_resolved("/rw/secret".into()).unwrap().build().unwrap();
    for request in [
        Request::open("/rw/secret/key", OpenFlags::READ),
        Request::open("/rw/secret", OpenFlags::READ),
        Request::Remove { path: "/rw/secret".into(), kind: NodeKind::Directory },
    ] {
        let denial = denial_of(&set, &request);
        assert_eq!(denial.rule, Rule::Denied { deny: "/rw/secret".into() }, "{request:?}");
        assert_eq!(denial.remedy, Remedy::LiftDeny("/rw/secret".into()));
    }
}

/// `/rw` read and write, but for these rights.
fn set_without(missing: FsAccess) -> CapabilitySet {
    let found = Resolved { path: "/rw".into(), kind: PathKind::Directory, identity: None, is_device: false };
    let access = FsAccess::from(AccessMode::ReadWrite).difference(missing);
    let grant = FsCapability::from_resolved("/rw".into(), found, access).unwrap();
    CapabilitySet::builder().grant(grant).build().unwrap()
}

#[test]
fn names_change_within_a_directory_without_the_right_to_move() {
    let set = set_without(FsAccess::REFER);
    assert_eq!(refusal_of(&set, &rename("/rw/a", "/rw/b", NodeKind::Regular)), None);
    assert_eq!(refusal_of(&set, &rename("/rw/x/a", "/rw/b", NodeKind::Regular)), EXDEV);
}

#[test]
fn files_and_directories_are_removed_by_rights_of_their_own() {
    let remove = |kind| Request::Remove { path: "/rw/x".into(), kind };
    for (missing, file, directory) in [(FsAccess::REMOVE_DIR, None, NO), (FsAccess::REMOVE_FILE, NO, None)] {
        let set = set_without(missing);
        assert_eq!(refusal_of(&set, &remove(NodeKind::Regular)), file);
        assert_eq!(refusal_of(&set, &remove(NodeKind::Directory)), directory);
    }
}
