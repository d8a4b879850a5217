use crate::resolve::Resolved;
use crate::*;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn grant(path: &str, kind: PathKind, access: FsAccess) -> FsCapability {
    let found = Resolved { path: path.into(), kind, identity: None, is_device: false };
    FsCapability::from_resolved(path.into(), found, access).unwrap()
}

fn directory(path: &str, mode: AccessMode) -> FsCapability {
    grant(path, PathKind::Directory, mode.into())
}

fn set(grants: impl IntoIterator<Item = FsCapability>) -> CapabilitySet {
    grants.into_iter().fold(CapabilitySet::builder(), Builder::grant).build().unwrap()
}

fn with_denies(grants: &[FsCapability], denies: &[&str]) -> CapabilitySet {
    let mut set = CapabilitySet { fs: grants.to_vec(), ..CapabilitySet::default() };
    set.denies = denies.iter().map(PathBuf::from).collect();
    super::normalise(set, &[]).unwrap()
}

#[test]
fn the_same_path_twice_merges() {
    let twice = set([directory("/a", AccessMode::Read), directory("/a", AccessMode::Write)]);
    assert_eq!(twice, set([directory("/a", AccessMode::ReadWrite)]));
    assert_eq!(twice.fs().len(), 1);
}

#[test]
fn a_grant_that_its_parent_covers_is_dropped_and_listed() {
    let set = set([directory("/a/b", AccessMode::Read), directory("/a", AccessMode::ReadWrite)]);
    assert_eq!(set.fs().len(), 1);
    assert_eq!(set.redundant()[0].resolved(), Path::new("/a/b"));
}

#[test]
fn a_name_that_only_begins_alike_is_not_below() {
    let set = set([
        directory("/a", AccessMode::Read),
        directory("/a-b", AccessMode::Read),
        directory("/a/c", AccessMode::Write),
    ]);
    assert_eq!(set.fs().len(), 3);
    assert_eq!(set.access_at(Path::new("/a-c")), FsAccess::empty());
}

#[test]
fn rights_add_up_on_the_way_down() {
    let one = set([directory("/a", AccessMode::Read), directory("/a/b", AccessMode::Write)]);
    let other = set([directory("/a", AccessMode::Read), directory("/a/b", AccessMode::ReadWrite)]);
    assert_eq!(one, other);
    assert_eq!(one.access_at(Path::new("/a/b/c")), FsAccess::from(AccessMode::ReadWrite));
    assert_eq!(one.access_at(Path::new("/a/c")), FsAccess::from(AccessMode::Read));
}

#[test]
fn a_file_grant_covers_nothing_below() {
    let set = set([grant("/a", PathKind::File, FsAccess::READ_FILE)]);
    assert_eq!(set.access_at(Path::new("/a")), FsAccess::READ_FILE);
    assert_eq!(set.access_at(Path::new("/a/b")), FsAccess::empty());
}

#[test]
fn a_deny_closes_what_is_below_and_a_deeper_grant_opens_it_again() {
    let grants = [directory("/a", AccessMode::ReadWrite), directory("/a/b/c", AccessMode::Read)];
    let set = with_denies(&grants, &["/a/b", "/z"]);
    assert_eq!(set.denies(), [Path::new("/a/b")], "a deny outside every grant says nothing");
    assert_eq!(set.access_at(Path::new("/a/x")), AccessMode::ReadWrite.into());
    assert_eq!(set.access_at(Path::new("/a/b")), FsAccess::empty());
    assert_eq!(set.access_at(Path::new("/a/b/x")), FsAccess::empty());
    assert_eq!(set.access_at(Path::new("/a/b/c/d")), AccessMode::Read.into());
    assert!(set.required().contains(&Guarantee::Deny));
}

#[test]
fn a_grant_in_spite_of_a_deny_holds_alone() {
    let grants = [directory("/a", AccessMode::ReadWrite), directory("/a/b", AccessMode::Read)];
    let made = grants.into_iter().fold(CapabilitySet::builder(), Builder::grant);
    let set = made.deny_inherited("/a/b".into()).unwrap().build().unwrap();
    for path in ["/a/b", "/a/b/c"] {
        assert_eq!(set.access_at(Path::new(path)), AccessMode::Read.into(), "{path}");
    }
    assert_eq!(set.denies(), [Path::new("/a/b")]);
    assert_eq!(Builder::from(set.clone()).build().unwrap(), set, "it is still there when it is built again");
    let wide = CapabilitySet::builder().grant(directory("/a", AccessMode::ReadWrite)).build().unwrap();
    assert!(set.is_subset_of(&wide) && set.is_subset_of(&set) && !wide.is_subset_of(&set));
}

#[test]
fn a_deny_that_was_resolved_before_is_taken_as_it_is() {
    let made = CapabilitySet::builder().grant(directory("/a", AccessMode::Read)).deny_resolved("/a/b".into());
    assert_eq!(made.unwrap().build().unwrap(), with_denies(&[directory("/a", AccessMode::Read)], &["/a/b"]));
    assert!(CapabilitySet::builder().deny_resolved("/a/../b".into()).is_err());
}

#[test]
fn wishes_that_contradict_each_other_are_named() {
    let port = Port::try_from(80).unwrap();
    let open = CapabilitySet::builder().network(NetworkMode::AllowAll);
    assert_eq!(open.allow_tcp_bind(port).build().unwrap_err(), ConflictError::PortUnderOpenNetwork { port });
    let both = CapabilitySet::builder().allow_tcp_connect(port).allow_localhost_port(port);
    assert_eq!(both.build().unwrap_err(), ConflictError::LocalAndAnyHost { port });
    let denied = CapabilitySet {
        fs: vec![directory("/a", AccessMode::Read)],
        denies: vec!["/a".into()],
        ..CapabilitySet::default()
    };
    assert_eq!(super::normalise(denied, &[]).unwrap_err(), ConflictError::GrantedAndDenied { path: "/a".into() });
}

#[test]
fn a_subset_allows_no_more() {
    let wide = set([directory("/a", AccessMode::ReadWrite)]);
    let narrow = set([directory("/a/b", AccessMode::Read)]);
    assert!(narrow.is_subset_of(&wide));
    assert!(!wide.is_subset_of(&narrow));
    let holed = with_denies(&[directory("/a", AccessMode::ReadWrite)], &["/a/b"]);
    assert!(holed.is_subset_of(&wide));
    assert!(!wide.is_subset_of(&holed));
    assert!(!narrow.is_subset_of(&holed));
    let port = Port::try_from(80).unwrap();
    let connects = CapabilitySet::builder().allow_tcp_connect(port).build().unwrap();
    let here = CapabilitySet::builder().network(NetworkMode::ProxyOnly { port, bind_ports: vec![] }).build().unwrap();
    assert!(here.is_subset_of(&connects), "this machine is one of all hosts");
    assert!(!connects.is_subset_of(&here));
    let lookups = CapabilitySet::builder().allow_name_lookups().build().unwrap();
    assert!(!lookups.is_subset_of(&connects) && connects != lookups);
    let loud = CapabilitySet::builder().signals(Reach::Anywhere).build().unwrap();
    assert!(!loud.is_subset_of(&CapabilitySet::default()));
}

/// A path of one to four components out of three names, one a prefix of another.
fn path() -> impl Strategy<Value = PathBuf> {
    let name = prop_oneof![Just("a"), Just("ab"), Just("b")];
    prop::collection::vec(name, 1..5).prop_map(|names| Path::new("/").join(names.iter().collect::<PathBuf>()))
}

fn capability() -> impl Strategy<Value = FsCapability> {
    (path(), 1..=FsAccess::all().bits())
        .prop_map(|(path, bits)| grant(path.to_str().unwrap(), PathKind::Directory, FsAccess::from_bits_truncate(bits)))
}

proptest! {
    #[test]
    fn the_normal_form_means_what_was_granted(grants in prop::collection::vec(capability(), 0..8), asked in path()) {
        let union = grants.iter().filter(|one| asked.starts_with(one.resolved())).map(FsCapability::access).collect();
        let made = set(grants.clone());
        prop_assert_eq!(made.access_at(&asked), union);
        prop_assert_eq!(&set(grants.into_iter().rev()), &made, "the order does not matter");
        prop_assert_eq!(&set(made.fs().to_vec()), &made, "it is its own normal form");
        prop_assert!(made.is_subset_of(&made));
    }
}
