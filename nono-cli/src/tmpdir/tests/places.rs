//! Where the directory is made.

use super::*;
use crate::tmpdir::TmpError;
use crate::tmpdir::place::PlaceError;
use crate::tmpdir::tree::Outcome;
use std::os::unix::fs::symlink;

#[track_caller]
fn check_private(private: &PrivateTmp) {
    let found = fs::symlink_metadata(private.path()).unwrap();
    assert_eq!((found.mode(), found.uid()), (0o040_700, rustix::process::geteuid().as_raw()));
    fs::write(private.path().join("file"), "writable").unwrap();
}

#[test]
fn the_directory_is_private_and_in_all_variables() {
    let ground = Ground::new();
    let own = ground.own();
    check_private(&own);
    assert_eq!(own.path().parent(), Some(ground.base().as_path()));
    assert_eq!(fs::metadata(ground.base()).unwrap().mode() & 0o7777, 0o700);
    assert!(own.passed_over().is_empty());
    for (variable, value) in own.variables() {
        assert_eq!(value, own.path(), "{variable}");
    }
}

#[test]
fn three_levels_are_short_enough_and_inside_each_other() {
    let ground = Ground::new();
    let mut places = ground.places();
    let mut outer = ground.path("tmp");
    for level in 1..=3 {
        let private = create(&ground.start, &places).unwrap();
        assert!(private.path().starts_with(&outer), "level {level}: {:?}", private.path());
        assert!(private.path().as_os_str().len() <= places.max_len_bytes, "level {level}");
        assert!(private.passed_over().is_empty(), "level {level}");
        check_private(&private);
        outer = private.path().to_owned();
        places.temporary = Some(outer.clone());
    }
}

#[test]
fn deeper_levels_share_the_innermost_directory_that_fits() {
    let ground = Ground::new();
    let outer = ground.own();
    // Long enough for the outer name alone, and no other place may be used.
    let max_len_bytes = outer.path().as_os_str().len();
    let temporary = Some(outer.path().to_owned());
    let places = Places { temporary, max_len_bytes, system: ground.path("missing"), ..ground.places() };
    let shared = create(&ground.start, &places).unwrap();
    assert!(shared.is_shared() && !outer.is_shared());
    assert_eq!(shared.path(), outer.path());
    assert!(matches!(shared.passed_over(), [PlaceError::TooLong { .. }, ..]), "{:?}", shared.passed_over());
    assert_eq!(shared.remove(Duration::from_secs(1)), Outcome::Left);
    check_private(&outer);
}

#[test]
fn a_command_that_moved_tmpdir_is_still_nested() {
    let ground = Ground::new();
    let outer = ground.own();
    let below = outer.path().join("build/tmp");
    for (label, temporary, named) in [
        ("below", Some(below), None),
        ("unset", None, Some(outer.path())),
        ("elsewhere", Some(ground.path("tmp")), Some(outer.path())),
    ] {
        let places = Places { temporary, outer: named.map(Path::to_owned), ..ground.places() };
        let inner = create(&ground.start, &places).unwrap();
        assert_eq!(inner.path().parent(), Some(outer.path()), "{label}");
        fs::remove_dir(inner.path()).unwrap();
    }
}

#[test]
fn a_tmpdir_of_the_users_own_is_respected_if_it_is_short() {
    let ground = Ground::new();
    for (name, respected) in [("t", true), ("far-too-long-to-have-sockets-below", false)] {
        fs::create_dir(ground.path(name)).unwrap();
        let places = Places { temporary: Some(ground.path(name)), ..ground.places() };
        let private = create(&ground.start, &places).unwrap();
        let expected = if respected { ground.path(name) } else { ground.path("tmp") };
        assert!(private.path().starts_with(&expected), "{name}: {:?}", private.path());
        assert!(respected || matches!(private.passed_over(), [PlaceError::TooLong { .. }]), "{name}");
    }
    let places = Places { temporary: Some(PathBuf::from("../t")), ..ground.places() };
    assert!(matches!(create(&ground.start, &places).unwrap().passed_over(), [PlaceError::Relative { .. }]));
}

/// Puts something where the base belongs.
type Squat = fn(&Path, &Ground);

#[test]
fn a_squatted_base_is_not_used() {
    let kinds: [(&str, Squat); 4] = [
        ("link to a directory", |base, ground| symlink(ground.path("victim"), base).unwrap()),
        ("dangling link", |base, _| symlink("/nowhere/at/all", base).unwrap()),
        ("file", |base, _| fs::write(base, "").unwrap()),
        ("writable to others", |base, _| {
            fs::create_dir(base).unwrap();
            set_mode(base, 0o777);
        }),
    ];
    for (label, squat) in kinds {
        let ground = Ground::new();
        squat(&ground.base(), &ground);
        let private = ground.own();
        check_private(&private);
        assert!(!private.path().starts_with(ground.base()), "{label}: {:?}", private.path());
        assert!(private.path().starts_with(ground.path("tmp")), "{label}: {:?}", private.path());
        assert_eq!(private.passed_over().len(), 1, "{label}");
        let beside = private.path().parent().unwrap().to_owned();
        private.remove(Duration::from_secs(9));
        assert!(!is_there(&beside), "{label}: a base for one start goes with it");
        ground.check_victim();
        assert_eq!(entries(&ground.path("victim")), ["below", "file"], "{label}");
    }
}

#[test]
fn a_base_of_another_user_is_not_used() {
    if !is_root() {
        return skip("root, to give a directory away");
    }
    let ground = Ground::new();
    fs::create_dir(ground.base()).unwrap();
    set_mode(&ground.base(), 0o700);
    std::os::unix::fs::chown(ground.base(), Some(12_345), None).unwrap();
    fs::create_dir(ground.path("run")).unwrap();
    let places = Places { runtime: Some(ground.path("run")), ..ground.places() };
    let private = create(&ground.start, &places).unwrap();
    assert!(private.path().starts_with(ground.path("run")), "{:?}", private.path());
    assert!(matches!(private.passed_over(), [PlaceError::Foreign { owner: 12_345, .. }]));
    assert_eq!(entries(&ground.base()), [""; 0]);
}

#[test]
fn a_tmp_where_names_can_be_taken_away_is_not_used() {
    let ground = Ground::new();
    for (mode, fit) in [(0o777, false), (0o775, false), (0o1777, true), (0o755, true)] {
        set_mode(&ground.path("tmp"), mode);
        assert_eq!(create(&ground.start, &ground.places()).is_ok(), fit, "mode {mode:o}");
    }
}

#[test]
fn a_base_of_ours_that_only_we_could_write_to_is_repaired() {
    for mode in [0o000, 0o500, 0o755, 0o2700] {
        let ground = Ground::new();
        fs::create_dir(ground.base()).unwrap();
        set_mode(&ground.base(), mode);
        let private = ground.own();
        assert!(private.passed_over().is_empty(), "mode {mode:o}: {private:?}");
        assert_eq!(fs::metadata(ground.base()).unwrap().mode() & 0o7777, 0o700, "mode {mode:o}");
        check_private(&private);
    }
}

#[test]
fn an_umask_takes_nothing_away() {
    const VARIABLE: &str = "NONO_TEST_UMASK_GROUND";
    if let Some(tmp) = std::env::var_os(VARIABLE) {
        let places = Places { system: PathBuf::from(tmp), max_len_bytes: 99, ..Places::from_environment() };
        let places = Places { temporary: None, outer: None, ..places };
        return check_private(&create(&Start::probe(), &places).unwrap());
    }
    let ground = Ground::new();
    let wrapper = ["/bin/sh", "-c", "umask 777; exec \"$0\" \"$@\""];
    again(&wrapper, "tmpdir::tests::places::an_umask_takes_nothing_away", (VARIABLE, &ground.path("tmp"))).unwrap();
    assert_eq!(entries(&ground.base()).len(), 1);
}

#[test]
fn a_name_that_is_taken_has_other_spellings() {
    let ground = Ground::new();
    let mut paths: Vec<PathBuf> = (0..4).map(|_| ground.own().path().to_owned()).collect();
    paths.dedup();
    assert_eq!(paths.len(), 4);
    let fifth = ground.own();
    assert!(matches!(fifth.passed_over(), [PlaceError::Taken { .. }]));
}

#[test]
fn without_any_place_the_error_says_why_and_what_to_do() {
    let ground = Ground::new();
    let places = Places { max_len_bytes: 20, ..ground.places() };
    let TmpError::NoPlace { passed_over, .. } = create(&ground.start, &places).map(|_| ()).unwrap_err();
    assert!(passed_over.iter().all(|reason| matches!(reason, PlaceError::TooLong { .. })), "{passed_over:?}");
    let places = Places { user: places.user + 1, ..ground.places() };
    let error = create(&ground.start, &places).map(|_| ()).unwrap_err().to_string();
    let owner = format!("belongs to user {}", rustix::process::geteuid().as_raw());
    assert!(error.contains(&owner) && error.contains("set TMPDIR to a directory of yours"), "{error}");
}
