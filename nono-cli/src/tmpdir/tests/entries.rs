//! What private directories are full of: links, sockets, directories that lock us out, mounts.

use super::*;
use crate::tmpdir::sweep::Swept;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

/// Sweeps, and checks that the one directory that was left over is gone.
#[track_caller]
fn check_removed(ground: &Ground, left_over: &Path) {
    let own = ground.own();
    let swept = own.sweep_beside(&in_two_hours());
    assert_eq!(swept, Swept { removed: 1, left: 0, kept: 1, late: false });
    assert!(!is_there(left_over) && is_there(own.path()));
    assert_eq!(entries(&ground.base()).len(), 1);
    ground.check_victim();
}

#[test]
fn links_are_removed_and_what_they_name_is_not() {
    let ground = Ground::new();
    let path = ground.left_over(1);
    fs::create_dir_all(path.join("a/b")).unwrap();
    for directory in ["", "a", "a/b"] {
        let directory = path.join(directory);
        symlink(ground.path("victim"), directory.join("to-directory")).unwrap();
        symlink(ground.path("victim/file"), directory.join("to-file")).unwrap();
        symlink("../../../../victim", directory.join("upwards")).unwrap();
        symlink("/", directory.join("to-root")).unwrap();
        symlink("loop", directory.join("loop")).unwrap();
        fs::hard_link(ground.path("victim/file"), directory.join("second-link")).unwrap();
    }
    check_removed(&ground, &path);
}

#[test]
fn pipes_and_sockets_do_not_block() {
    let ground = Ground::new();
    let path = ground.left_over(1);
    let directory = open_dir(&path);
    rustix::fs::mkfifoat(&directory, "pipe", Mode::RWXU).unwrap();
    let _socket = UnixListener::bind(path.join("socket")).unwrap();
    check_removed(&ground, &path);
}

#[test]
fn directories_without_permissions_are_opened_up() {
    let ground = Ground::new();
    let path = ground.left_over(1);
    for (branch, mode) in [("none", 0o000), ("no-write", 0o500), ("no-list", 0o300), ("no-search", 0o600)] {
        let deepest = path.join(branch).join("a/b/c/d");
        fs::create_dir_all(&deepest).unwrap();
        for directory in deepest.ancestors().take(5) {
            fs::write(directory.join("file"), "").unwrap();
            symlink(ground.path("victim"), directory.join("link")).unwrap();
            fs::create_dir(directory.join("empty")).unwrap();
            set_mode(&directory.join("empty"), mode);
            set_mode(directory, mode);
        }
    }
    set_mode(&path, 0o000);
    check_removed(&ground, &path);
}

#[test]
fn names_of_any_bytes_are_removed() {
    use std::os::unix::ffi::OsStrExt;
    let ground = Ground::new();
    let path = ground.left_over(1);
    for name in [b"\xff\xfe".as_slice(), b"new\nline", b"-rf", b"*", b"...", &[b'x'; 255]] {
        fs::create_dir_all(path.join(std::ffi::OsStr::from_bytes(name)).join("a/b")).unwrap();
    }
    check_removed(&ground, &path);
}

#[test]
fn mount_points_are_not_crossed() {
    const VARIABLE: &str = "NONO_TEST_MOUNT_GROUND";
    const NAME: &str = "tmpdir::tests::entries::mount_points_are_not_crossed";
    // The mounted directory is of the same file system: its device number tells nothing.
    const SCRIPT: &str = "mount --bind \"$G/victim\" \"$G/at/a/b\" && mount --bind \"$G/victim\" \"$G/at/top\" || exit 77; \
        exec \"$0\" \"$@\"";
    if let Some(at) = std::env::var_os(VARIABLE) {
        let at = PathBuf::from(at);
        let (ground, target) = (at.parent().unwrap(), fs::read_link(&at).unwrap());
        assert!(is_there(&target.join("a/b/file")), "the mount is not there");
        let base = target.parent().unwrap();
        let (system, user) = (ground.join("tmp"), rustix::process::geteuid().as_raw());
        // In a user namespace we have another number, and the base another name.
        fs::rename(base, base.with_file_name(format!("nono-{}", crate::tmpdir::name::base62(user.into())))).unwrap();
        let places = Places { system, temporary: None, outer: None, runtime: None, user, max_len_bytes: 99 };
        let swept = create(&Start::probe(), &places).unwrap().sweep_beside(&in_two_hours());
        assert_eq!((swept.removed, swept.left), (0, 1));
        return;
    }
    let ground = Ground::new();
    // The child has another pid and start time: a leader that is gone for it too, init at another time.
    let ticks = (0..64).find(|ticks| {
        let name = crate::tmpdir::name::Name { pid: 1, ticks: *ticks, scope: ground.start.scope };
        ground.start.leader(name) == crate::tmpdir::leader::Leader::Gone
    });
    let path = ground.made_for(&Start { pid: 1, ticks: ticks.unwrap(), ..ground.start });
    fs::create_dir_all(path.join("a/b")).unwrap();
    fs::create_dir(path.join("top")).unwrap();
    symlink(&path, ground.path("at")).unwrap();
    let script = SCRIPT.replace("$G", ground.path("").to_str().unwrap().trim_end_matches('/'));
    let mut wrapper = vec!["unshare", "--mount", "--map-root-user", "--user", "sh", "-c", &script];
    if is_root() {
        wrapper.retain(|argument| !["--map-root-user", "--user"].contains(argument));
    }
    if again(&wrapper, NAME, (VARIABLE, &ground.path("at"))).is_none() {
        skip("a mount namespace");
    }
    ground.check_victim();
}

#[test]
fn what_cannot_be_removed_is_left() {
    let ground = Ground::new();
    let path = ground.left_over(1);
    fs::create_dir_all(path.join("a/b/c")).unwrap();
    fs::write(path.join("a/b/c/immutable"), "").unwrap();
    fs::write(path.join("a/removable"), "").unwrap();
    let chattr =
        |flag, path: &Path| Command::new("chattr").arg(flag).arg(path).output().is_ok_and(|o| o.status.success());
    let immutable = path.join("a/b/c/immutable");
    // A program may say that it did what the file system cannot.
    let is_immutable = |file: &Path| {
        let flags = fs::File::open(file).and_then(|file| Ok(rustix::fs::ioctl_getflags(file)?));
        flags.is_ok_and(|flags| flags.contains(rustix::fs::IFlags::IMMUTABLE))
    };
    if !chattr("+i", &immutable) || !is_immutable(&immutable) {
        return skip("root and a file system with immutable files");
    }
    let own = ground.own();
    for attempt in 1..=3 {
        let swept = own.sweep_beside(&in_two_hours());
        assert_eq!(swept, Swept { removed: 0, left: 1, kept: 1, late: false }, "attempt {attempt}");
    }
    let dying = entries(&ground.base()).into_iter().find(|name| name.ends_with("--")).unwrap();
    let below = ground.base().join(dying);
    assert!(Command::new("chattr").arg("-R").arg("-i").arg(&below).output().unwrap().status.success());
    assert_eq!(own.sweep_beside(&in_two_hours()).removed, 1);
}
