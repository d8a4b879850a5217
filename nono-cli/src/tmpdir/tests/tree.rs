//! Trees that are very deep, very wide, or change while they are removed.

use super::*;
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus,
};
use rustix::fs::{AtFlags, RenameFlags};
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Sweeps with the real budget until the base is clean. Returns how often, and the longest time taken.
fn sweep_in_steps(ground: &Ground, own: &PrivateTmp) -> (u32, Duration) {
    let limits = Limits { budget: Duration::from_millis(5), ..in_two_hours() };
    let mut longest = Duration::ZERO;
    for count in 1..100_000 {
        let begin = Instant::now();
        let swept = own.sweep_beside(&limits);
        longest = longest.max(begin.elapsed());
        assert_eq!(swept.left, 0);
        if entries(&ground.base()).len() == 1 {
            return (count, longest);
        }
    }
    panic!("no end");
}

/// `levels` directories inside each other, with some pipes, and directories without permissions.
fn deep(path: &Path, levels: u32) {
    let mut directory = open_dir(path);
    for level in 0..levels {
        let (name, fifo) = (format!("d{}", level % 7), format!("p{level}"));
        rustix::fs::mkdirat(&directory, &name, Mode::RWXU).unwrap();
        if level % 1000 == 0 {
            rustix::fs::mkfifoat(&directory, fifo, Mode::RWXU).unwrap();
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let below = rustix::fs::openat(&directory, &name, flags, Mode::empty()).unwrap();
        if level % 100 == 0 {
            rustix::fs::mkdirat(&directory, "locked", Mode::empty()).unwrap();
        }
        directory = below;
    }
}

#[test]
fn a_deep_tree() {
    let ground = Ground::large();
    let (own, path) = (ground.own(), ground.left_over(1));
    let levels = part_of(100_000);
    deep(&path, levels);
    let begin = Instant::now();
    let (sweeps, longest) = sweep_in_steps(&ground, &own);
    println!("{levels} levels: {sweeps} sweeps, {:?} in all, the longest {longest:?}", begin.elapsed());
    assert!(sweeps > 1);
}

#[test]
fn a_wide_tree() {
    let ground = Ground::large();
    let (own, path) = (ground.own(), ground.left_over(1));
    let directory = open_dir(&path);
    let files = part_of(200_000);
    for number in 0..files {
        let flags = OFlags::CREATE | OFlags::WRONLY;
        drop(rustix::fs::openat(&directory, format!("{number}"), flags, Mode::RUSR).unwrap());
    }
    let begin = Instant::now();
    let (sweeps, longest) = sweep_in_steps(&ground, &own);
    println!("{files} files: {sweeps} sweeps, {:?} in all, the longest {longest:?}", begin.elapsed());
    assert!(sweeps > 1);
}

#[test]
fn a_tree_that_is_written_to_meanwhile() {
    let ground = Ground::new();
    let (own, path) = (ground.own(), ground.left_over(1));
    fs::create_dir(path.join("seed")).unwrap();
    let (top, seed, stop) = (open_dir(&path), open_dir(&path.join("seed")), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                for directory in [&top, &seed] {
                    let name = format!("w{number}");
                    let _ = rustix::fs::mkdirat(directory, &name, Mode::RWXU);
                    let _ = rustix::fs::mkdirat(directory, format!("{name}/below"), Mode::RWXU);
                    let _ = rustix::fs::symlinkat(ground.path("victim"), directory, format!("{name}/below/link"));
                }
            }
        });
        for _ in 0..40 {
            let begin = Instant::now();
            own.sweep_beside(&Limits { budget: Duration::from_millis(5), ..in_two_hours() });
            assert!(begin.elapsed() < Duration::from_secs(5), "it must end though the writer does not");
        }
        stop.store(true, Ordering::Relaxed);
    });
    own.sweep_beside(&in_two_hours());
    assert_eq!(entries(&ground.base()).len(), 1);
    ground.check_victim();
}

#[test]
fn directories_that_become_links_meanwhile() {
    let ground = Ground::new();
    let (own, stop) = (ground.own(), AtomicBool::new(false));
    for round in 1..20 {
        let path = ground.left_over(round);
        for number in 0..50 {
            fs::create_dir_all(path.join(format!("d{number}/file/below"))).unwrap();
            symlink(ground.path("victim"), path.join(format!("l{number}"))).unwrap();
        }
        let top = open_dir(&path);
        stop.store(false, Ordering::Relaxed);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    for number in 0..50 {
                        let (directory, link) = (format!("d{number}"), format!("l{number}"));
                        let _ = rustix::fs::renameat_with(&top, directory, &top, link, RenameFlags::EXCHANGE);
                    }
                }
            });
            own.sweep_beside(&in_two_hours());
            stop.store(true, Ordering::Relaxed);
        });
        ground.check_victim();
        own.sweep_beside(&in_two_hours());
        assert_eq!(entries(&ground.base()).len(), 1, "round {round}");
    }
}

#[test]
fn a_directory_that_is_moved_out_meanwhile() {
    // What an orphan may do with its own directories: take them out of the dying tree and back.
    let ground = Ground::new();
    let (own, path, stop) = (ground.own(), ground.left_over(1), AtomicBool::new(false));
    fs::create_dir(ground.path("elsewhere")).unwrap();
    fs::write(ground.path("elsewhere/kept"), "").unwrap();
    fs::create_dir_all(path.join("d/a/b/c/d/e")).unwrap();
    let (top, elsewhere) = (open_dir(&path), open_dir(&ground.path("elsewhere")));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = rustix::fs::renameat(&top, "d", &elsewhere, "d");
                let _ = rustix::fs::renameat(&elsewhere, "d", &top, "d");
            }
        });
        for _ in 0..50 {
            own.sweep_beside(&Limits { budget: Duration::from_millis(2), ..in_two_hours() });
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(is_there(&ground.path("elsewhere/kept")));
    ground.check_victim();
    let _ = rustix::fs::unlinkat(&elsewhere, "d", AtFlags::REMOVEDIR);
}

#[test]
fn where_directories_cannot_be_moved_ordinary_depths_are_removed() {
    const VARIABLE: &str = "NONO_TEST_LANDLOCK_GROUND";
    const NAME: &str = "tmpdir::tests::tree::where_directories_cannot_be_moved_ordinary_depths_are_removed";
    if let Some(tmp) = std::env::var_os(VARIABLE) {
        let all = AccessFs::from_all(ABI::V1);
        let rule = |path: &Path, access| PathBeneath::new(PathFd::new(path).unwrap(), access);
        let ruleset = Ruleset::default().handle_access(all).unwrap().create().unwrap();
        let ruleset = ruleset.add_rule(rule(Path::new(&tmp), all)).unwrap();
        let ruleset = ruleset.add_rule(rule(Path::new("/proc"), AccessFs::from_read(ABI::V1))).unwrap();
        assert_eq!(ruleset.restrict_self().unwrap().ruleset, RulesetStatus::FullyEnforced);
        let places = Places { system: PathBuf::from(tmp), max_len_bytes: 99, ..Places::from_environment() };
        let own = create(&Start::probe(), &Places { temporary: None, outer: None, ..places }).unwrap();
        fs::create_dir_all(own.path().join("a/b")).unwrap();
        let moved = fs::rename(own.path().join("a/b"), own.path().join("b")).unwrap_err();
        assert_eq!(moved.kind(), std::io::ErrorKind::CrossesDevices);
        let swept = own.sweep_beside(&in_two_hours());
        return assert_eq!((swept.removed, swept.left), (1, 1));
    }
    let required = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    if required.handle_access(AccessFs::from_all(ABI::V1)).is_err() {
        return skip("Landlock");
    }
    let ground = Ground::new();
    let gone = Start { ticks: ground.start.ticks + 1, ..ground.start };
    let mut child = Command::new("/bin/true").spawn().unwrap();
    child.wait().unwrap();
    let shallow = ground.made_for(&Start { pid: child.id(), ..gone });
    let too_deep = ground.made_for(&Start { pid: child.id(), ticks: gone.ticks + 1, ..gone });
    for branch in ["a", "b"] {
        fs::create_dir_all(shallow.join(branch).join("1/2/3/4/5/6/7/8/9/10")).unwrap();
        set_mode(&shallow.join(branch).join("1/2"), 0o000);
    }
    deep(&too_deep, 200);
    again(&["env"], NAME, (VARIABLE, &ground.path("tmp"))).unwrap();
    assert!(!is_there(&shallow));
    assert_eq!(ground.own().sweep_beside(&in_two_hours()).left, 0, "outside, it can be removed");
    assert_eq!(entries(&ground.base()).len(), 1);
}
