//! The choice for every kind of place, with and without namespaces, and the narrower grants.

use super::choose::{Back, Choice, Limits, Mount, choose};
use super::namespaces::{Namespaces, NoNamespace};
use super::narrow::{Entry, NarrowError, narrow};
use super::place::{Found, Place};
use nono_core::{
    Ability, AccessMode, Builder, CapabilitySet, FsAccess, FsCapability, Identity, Loss, Mechanism, PathKind, Resolved,
};
use std::io;
use std::path::{Path, PathBuf};

const NONE: Namespaces = Namespaces::Refused(NoNamespace::Unshare(libc::ENOSPC));

fn grant(path: &str, kind: PathKind, access: FsAccess) -> FsCapability {
    let found = Resolved { path: path.into(), kind, identity: None, is_device: false };
    FsCapability::from_resolved(path.into(), found, access).unwrap()
}

fn directory(path: &str, mode: AccessMode) -> FsCapability {
    grant(path, PathKind::Directory, mode.into())
}

fn set(grants: impl IntoIterator<Item = FsCapability>, denies: &[&str]) -> CapabilitySet {
    let builder = grants.into_iter().fold(CapabilitySet::builder(), Builder::grant);
    denies.iter().fold(builder, |all, deny| all.deny_inherited(deny.into()).unwrap()).build().unwrap()
}

fn home(mode: AccessMode) -> CapabilitySet {
    set([directory("/home/u", mode)], &["/home/u/a/secret"])
}

fn found(place: Place) -> Found {
    let path = PathBuf::from("/home/u/a/secret");
    let (aliases, inner, special) = (Vec::new(), Vec::new(), Vec::new());
    Found { at: path.clone(), path, place, identity: None, aliases, inner, special }
}

fn mounted(choice: &Choice) -> Vec<&str> {
    choice.mounts.keys().map(|path| path.to_str().unwrap()).collect()
}

fn lost(choice: &Choice) -> Vec<(Ability, &str)> {
    choice.lost.iter().map(|Loss { directory, ability }| (*ability, directory.to_str().unwrap())).collect()
}

#[test]
fn each_place_has_its_way() {
    use AccessMode::{Read, ReadWrite};
    let missing = |parent: &str| Place::Missing { parent: parent.into() };
    let nothing = |_: &str| Vec::<&str>::new();
    for kind in [Namespaces::Mount, Namespaces::UserAndMount] {
        for (place, mode, mounts) in [
            (Place::Directory, Read, vec!["/home/u/a/secret"]),
            (Place::File, Read, vec!["/home/u/a/secret"]),
            // What could be moved out of the way is bound over itself.
            (Place::Directory, ReadWrite, vec!["/home/u/a", "/home/u/a/secret"]),
            (Place::File, ReadWrite, vec!["/home/u/a", "/home/u/a/secret"]),
            (Place::Link, ReadWrite, vec!["/home/u/a", "/home/u/a/secret"]),
            (missing("/home/u/a"), Read, nothing("")),
            (missing("/home/u/a"), ReadWrite, nothing("")),
        ] {
            let choice = choose(&home(mode), &[found(place.clone())], kind);
            assert_eq!(mounted(&choice), mounts, "{place:?} {mode:?}");
            let expected = if mounts.is_empty() { Mechanism::Landlock } else { Mechanism::MountNamespace };
            assert_eq!((choice.mechanism(), choice.gap.is_none()), (expected, true), "{place:?} {mode:?}");
        }
    }
    for (place, mode, mechanism) in [
        (Place::Directory, Read, Some(Mechanism::SiblingGrants)),
        (Place::File, Read, Some(Mechanism::SiblingGrants)),
        (Place::Link, Read, Some(Mechanism::Landlock)),
        (Place::Covered, ReadWrite, Some(Mechanism::MountNamespace)),
        (missing("/home/u/a"), Read, Some(Mechanism::Landlock)),
        (missing("/home/u/a"), ReadWrite, Some(Mechanism::Landlock)),
        (Place::Link, ReadWrite, Some(Mechanism::Landlock)),
        (Place::Directory, ReadWrite, None),
        (Place::File, ReadWrite, None),
    ] {
        let choice = choose(&home(mode), &[found(place.clone())], NONE);
        assert!(choice.mounts.is_empty());
        if let Some(mechanism) = mechanism {
            assert_eq!((choice.mechanism(), &choice.gap), (mechanism, &None), "{place:?} {mode:?}");
            continue;
        }
        let gap = choice.gap.unwrap();
        for part in ["/home/u/a/secret", "switched off", "\"/home/u\" is granted for writing"] {
            assert!(gap.risk.contains(part), "{part}: {}", gap.risk);
        }
    }
}

#[test]
fn what_is_lost_is_said() {
    let ways = |ability| vec![(ability, "/home/u"), (ability, "/home/u/a")];
    let sibling = choose(&home(AccessMode::Read), &[found(Place::File)], NONE);
    assert_eq!(lost(&sibling), ways(Ability::List));
    let missing = Place::Missing { parent: "/home/u/a".into() };
    let unmade = choose(&home(AccessMode::ReadWrite), &[found(missing)], NONE);
    assert_eq!(lost(&unmade), ways(Ability::Make));
    let nearer = Place::Missing { parent: "/home/u".into() };
    let unmade = choose(&home(AccessMode::ReadWrite), &[found(nearer)], NONE);
    assert_eq!(lost(&unmade), [(Ability::Make, "/home/u")]);
    let covered = choose(&home(AccessMode::ReadWrite), &[found(Place::File)], Namespaces::Mount);
    // It stays where it is, and what is in it is on a mount of its own.
    assert_eq!(lost(&covered), [(Ability::Move, "/home/u/a")]);
}

#[test]
fn what_is_granted_below_is_bound_back_with_its_own_rights() {
    let wide = directory("/home/u", AccessMode::ReadWrite);
    let file = |mode: AccessMode| FsAccess::from(mode) & FsAccess::FILE;
    let config = grant("/home/u/a/secret/d/config", PathKind::File, file(AccessMode::Read));
    let out = directory("/home/u/a/secret/out", AccessMode::ReadWrite);
    let all = set([wide.clone(), config, out], &["/home/u/a/secret"]);
    let choice = choose(&all, &[found(Place::Directory)], Namespaces::Mount);
    let back = |below: &str, kind, read_only| Back {
        below: below.into(),
        kind,
        limits: Limits { read_only, no_exec: false },
        within: false,
    };
    let expected = vec![back("d/config", PathKind::File, true), back("out", PathKind::Directory, false)];
    assert_eq!(choice.mounts.get(Path::new("/home/u/a/secret")), Some(&Mount::Cover(expected)));
    // Rights that no mount takes away.
    let written = grant("/home/u/a/secret/w", PathKind::File, file(AccessMode::Write));
    let choice =
        choose(&set([wide.clone(), written], &["/home/u/a/secret"]), &[found(Place::Directory)], Namespaces::Mount);
    assert!(choice.gap.unwrap().risk.contains("/home/u/a/secret/w"));
    // Granted itself: it is there, with less than the grant above.
    let itself = directory("/home/u/a/secret", AccessMode::Read);
    let choice = choose(&set([wide, itself], &["/home/u/a/secret"]), &[found(Place::Directory)], Namespaces::Mount);
    let limits = Limits { read_only: true, no_exec: false };
    assert_eq!(choice.mounts.get(Path::new("/home/u/a/secret")), Some(&Mount::Itself(limits, Vec::new())));
}

#[test]
fn what_is_granted_for_writing_below_does_not_open_what_is_granted_for_reading() {
    let secret = directory("/home/u/a/secret", AccessMode::Read);
    let file = |mode: AccessMode| FsAccess::from(mode) & FsAccess::FILE;
    let known = grant("/home/u/a/secret/known", PathKind::File, file(AccessMode::ReadWrite));
    let seen = grant("/home/u/a/secret/seen", PathKind::File, file(AccessMode::Read));
    let original = set([directory("/home/u", AccessMode::ReadWrite), secret, known, seen], &["/home/u/a/secret"]);
    let choice = choose(&original, &[found(Place::Directory)], Namespaces::Mount);
    let limits = Limits { read_only: true, no_exec: false };
    let back = Back { below: "known".into(), kind: PathKind::File, limits: Limits::default(), within: true };
    assert_eq!(choice.mounts.get(Path::new("/home/u/a/secret")), Some(&Mount::Itself(limits, vec![back])));
    let parted = ["/home/u/a", "/home/u/a/secret", "/home/u/a/secret/known"];
    assert_eq!(lost(&choice), parted.map(|path| (Ability::Move, path)));
}

#[test]
fn another_name_of_a_place_is_closed_where_a_grant_reaches_it() {
    let mut all = found(Place::Directory);
    all.aliases = vec!["/srv/alias".into(), "/mnt/far".into()];
    let grants = [directory("/home/u", AccessMode::Read), directory("/srv", AccessMode::Read)];
    let choice = choose(&set(grants.clone(), &["/home/u/a/secret"]), &[all.clone()], Namespaces::Mount);
    assert_eq!(mounted(&choice), ["/home/u/a/secret", "/srv/alias"]);
    let choice = choose(&set(grants, &["/home/u/a/secret"]), &[all], NONE);
    let holes: Vec<_> = choice.holes.iter().map(|hole| hole.path.to_str().unwrap()).collect();
    assert_eq!(holes, ["/home/u/a/secret", "/srv/alias"]);
}

#[test]
fn of_two_denied_names_of_a_place_each_holds_what_is_granted_below_it() {
    let granted = grant("/home/u/a/secret/f", PathKind::File, FsAccess::READ_FILE);
    let denied = ["/home/u/a/secret", "/home/u/b"];
    let original = set([directory("/home/u", AccessMode::Read), granted], &denied);
    let all = [0, 1].map(|at| {
        let [own, other] = [at, 1 - at].map(|at| PathBuf::from(denied[at]));
        Found { at: own.clone(), path: own, aliases: vec![other], ..found(Place::Directory) }
    });
    let choice = choose(&original, &all, Namespaces::Mount);
    let backs: Vec<usize> =
        choice.mounts.values().map(|one| matches!(one, Mount::Cover(backs) if !backs.is_empty()).into()).collect();
    assert_eq!((mounted(&choice), backs), (denied.to_vec(), vec![1, 0]));
    assert_eq!(choice.denied.len(), 2);
}

#[test]
fn other_names_of_what_is_mounted_below_are_closed_where_grants_are_narrowed() {
    let mut all = found(Place::Directory);
    let mount = || PathBuf::from("/home/u/a/secret/disk");
    all.inner = vec![[mount(), "/srv/disk".into()], [mount(), "/mnt/far".into()]];
    let grants = [directory("/home/u", AccessMode::Read), directory("/srv", AccessMode::Read)];
    let original = set(grants.clone(), &["/home/u/a/secret"]);
    assert_eq!(mounted(&choose(&original, &[all.clone()], Namespaces::Mount)), ["/home/u/a/secret"]);
    let choice = choose(&original, &[all.clone()], NONE);
    let holes: Vec<_> = choice.holes.iter().map(|hole| hole.path.to_str().unwrap()).collect();
    assert_eq!(holes, ["/home/u/a/secret", "/srv/disk"]);
    let closed: Vec<_> = choice.denied.iter().map(|one| one.path.to_str().unwrap()).collect();
    assert_eq!(closed, holes);
    // What is mounted there is granted.
    let grants = grants.into_iter().chain([directory("/home/u/a/secret/disk", AccessMode::Read)]);
    let choice = choose(&set(grants, &["/home/u/a/secret"]), &[all], NONE);
    assert_eq!(choice.holes.len(), 1);
}

/// `/home/u`: files `f` and `g`, directories `a` (with `secret`, `x`), `b`.
fn listed(directory: &Path) -> io::Result<Vec<Entry>> {
    let entry =
        |name: &str, kind, inode| Entry { name: name.into(), kind, identity: Some(Identity { device: 1, inode }) };
    let (file, directory_kind) = (PathKind::File, PathKind::Directory);
    match directory.to_str() {
        Some("/home/u") => Ok(vec![
            entry("f", file, 1),
            entry("g", file, 9),
            entry("a", directory_kind, 2),
            entry("b", directory_kind, 3),
        ]),
        Some("/home/u/a") => Ok(vec![entry("secret", file, 9), entry("x", directory_kind, 4)]),
        Some("/many") => Ok((0..3000).map(|number| entry(&number.to_string(), directory_kind, number)).collect()),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

fn rights(set: &CapabilitySet, path: &str) -> FsAccess {
    set.access_at(Path::new(path))
}

#[test]
fn siblings_are_granted_and_the_denied_path_is_not() {
    let mut secret = found(Place::File);
    secret.identity = Some(Identity { device: 1, inode: 9 });
    let original = home(AccessMode::Read);
    let narrowed = narrow(&original, &choose(&original, &[secret], NONE).holes, &listed).unwrap();
    let read = FsAccess::from(AccessMode::Read);
    for (path, expected) in [
        ("/home/u/f", read & FsAccess::FILE),
        ("/home/u/b/deep", read),
        ("/home/u/a/x", read),
        ("/home/u", FsAccess::empty()),
        ("/home/u/a", FsAccess::empty()),
        ("/home/u/a/secret", FsAccess::empty()),
        ("/home/u/later", FsAccess::empty()),
        // Another name of the denied file: a rule on it would open both.
        ("/home/u/g", FsAccess::empty()),
    ] {
        assert_eq!(rights(&narrowed, path), expected, "{path}");
    }
}

/// `/home/u/a` is where the denied `/home/u/b` is too, and has a denied file of its own.
#[test]
fn nothing_is_granted_beside_a_hole_in_another_name_of_a_denied_directory() {
    let original = set([directory("/home/u", AccessMode::Read)], &["/home/u/a/secret", "/home/u/b"]);
    let other = PathBuf::from("/home/u/b");
    let bound = Found { at: other.clone(), path: other, aliases: vec!["/home/u/a".into()], ..found(Place::Directory) };
    for all in [[found(Place::File), bound.clone()], [bound, found(Place::File)]] {
        let narrowed = narrow(&original, &choose(&original, &all, NONE).holes, &listed).unwrap();
        for closed in ["/home/u/a", "/home/u/a/x", "/home/u/a/secret", "/home/u/b"] {
            assert_eq!(rights(&narrowed, closed), FsAccess::empty(), "{closed}");
        }
        assert_eq!(rights(&narrowed, "/home/u/f"), FsAccess::from(AccessMode::Read) & FsAccess::FILE);
    }
}

#[test]
fn two_names_of_a_directory_are_both_narrowed() {
    let identity = Some(Identity { device: 1, inode: 7 });
    let named = |path: &str| {
        let found = Resolved { path: path.into(), kind: PathKind::Directory, identity, is_device: false };
        FsCapability::from_resolved(path.into(), found, AccessMode::ReadWrite.into()).unwrap()
    };
    let original = set([named("/home/u/a"), named("/srv/a")], &["/home/u/a/new"]);
    let place = Place::Missing { parent: "/home/u/a".into() };
    let new = PathBuf::from("/home/u/a/new");
    let missing = Found { at: new.clone(), path: new, aliases: vec!["/srv/a/new".into()], ..found(place) };
    let empty = |_: &Path| Ok(Vec::new());
    let narrowed = narrow(&original, &choose(&original, &[missing], NONE).holes, &empty).unwrap();
    for name in ["/home/u/a", "/srv/a"] {
        assert!(rights(&narrowed, name).contains(FsAccess::READ_FILE | FsAccess::WRITE_FILE), "{name}");
        assert!(!rights(&narrowed, name).intersects(FsAccess::MAKE_REG), "{name}");
    }
}

#[test]
fn making_is_withheld_on_the_way_and_granted_beside_it() {
    let original = home(AccessMode::ReadWrite);
    let missing = found(Place::Missing { parent: "/home/u/a".into() });
    let narrowed = narrow(&original, &choose(&original, &[missing], NONE).holes, &listed).unwrap();
    let all = FsAccess::from(AccessMode::ReadWrite);
    for (path, makes) in
        [("/home/u", false), ("/home/u/a", false), ("/home/u/b", true), ("/home/u/a/x", true), ("/home/u/f", false)]
    {
        assert_eq!(rights(&narrowed, path).contains(FsAccess::MAKE_REG | FsAccess::MAKE_DIR), makes, "{path}");
        let kept = FsAccess::WRITE_FILE | FsAccess::READ_FILE | FsAccess::REMOVE_FILE | FsAccess::REFER;
        assert!(rights(&narrowed, path).contains(kept), "{path}");
    }
    assert_eq!(rights(&narrowed, "/home/u/b"), all);
}

#[test]
fn too_much_to_narrow_is_an_error_that_says_where() {
    let original = set([directory("/many", AccessMode::Read)], &["/many/7"]);
    let deny = Found { path: "/many/7".into(), at: "/many/7".into(), ..found(Place::File) };
    let narrowed = narrow(&original, &choose(&original, &[deny], NONE).holes, &listed);
    assert!(matches!(narrowed, Err(NarrowError::TooMany { path, .. }) if path == Path::new("/many")));
    let original = set([directory("/closed", AccessMode::Read)], &["/closed/7"]);
    let deny = Found { path: "/closed/7".into(), at: "/closed/7".into(), ..found(Place::File) };
    let narrowed = narrow(&original, &choose(&original, &[deny], NONE).holes, &listed);
    assert!(matches!(narrowed, Err(NarrowError::List { .. })), "{narrowed:?}");
}

#[test]
fn every_way_of_being_refused_is_told_apart() {
    let text = |why: NoNamespace| why.to_string();
    assert!(text(NoNamespace::Unshare(libc::ENOSPC)).contains("max_user_namespaces"));
    assert!(text(NoNamespace::Unshare(libc::EPERM)).contains("seccomp"));
    assert!(text(NoNamespace::Unshare(libc::ENOSYS)).contains("built without"));
    assert!(text(NoNamespace::Mount(libc::EPERM)).contains("AppArmor"));
    assert!(text(NoNamespace::Unshare(libc::ENOMEM)).contains("no namespace can be made"));
}

#[test]
fn trying_a_namespace_leaves_this_process_where_it_is() {
    let own = || std::fs::read_link("/proc/thread-self/ns/mnt").unwrap();
    let before = own();
    let found = Namespaces::try_out();
    assert_ne!(found, Namespaces::NotAsked);
    assert_eq!(own(), before);
    assert_eq!(Namespaces::try_out(), found);
}
