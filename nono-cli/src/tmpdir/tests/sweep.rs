//! Which directories are left over.

use super::*;
use crate::tmpdir::age::{Look, Search};
use crate::tmpdir::name::SCOPES;
use crate::tmpdir::sweep::Swept;
use crate::tmpdir::tree::Deadline;
use crate::tmpdir::tree::Outcome;
use rustix::fd::AsFd;
use rustix::fs::FlockOperation;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::Instant;

#[test]
fn only_the_leader_and_the_hour_decide() {
    let hours = |count| SystemTime::now() + Duration::from_hours(count);
    let own = Start::probe();
    let reused = Start { ticks: own.ticks + 1, ..own };
    let elsewhere = Start { scope: own.scope % (SCOPES - 1) + 1, ..own };
    let unknown = Start { scope: 0, ..own };
    let yesterday = SystemTime::now() - Duration::from_hours(24);
    let in_fifty_minutes = SystemTime::now() + Duration::from_mins(50);
    let rows = [
        ("leader runs", own, hours(2), true),
        ("leader runs, for a year", own, hours(9000), true),
        ("its pid was given out again", reused, hours(2), false),
        ("the same, but younger than an hour", reused, in_fifty_minutes, true),
        ("the same, but changed in the future", reused, yesterday, true),
        ("another namespace, two hours", elsewhere, hours(2), true),
        ("another namespace, eight days", elsewhere, hours(8 * 24), false),
        ("namespace not known, two hours", unknown, hours(2), true),
        ("namespace not known, eight days", unknown, hours(8 * 24), false),
    ];
    for (label, leader, now, stays) in rows {
        let ground = Ground::new();
        let path = ground.made_for(&leader);
        fs::write(path.join("file"), "").unwrap();
        let swept = ground.own().sweep_beside(&Limits { now, ..in_two_hours() });
        assert_eq!((is_there(&path), swept.removed), (stays, u32::from(!stays)), "{label}");
    }
}

#[test]
fn a_leader_that_ended_is_gone() {
    let ground = Ground::new();
    let mut child = Command::new("/bin/true").spawn().unwrap();
    child.wait().unwrap();
    let path = ground.made_for(&Start { pid: child.id(), ..ground.start });
    ground.own().sweep_beside(&in_two_hours());
    assert!(!is_there(&path));
}

#[test]
fn a_modification_time_in_the_future_keeps_nothing() {
    let ground = Ground::new();
    let path = ground.left_over(1);
    let touched = fs::File::open(&path).unwrap();
    touched.set_modified(SystemTime::now() + Duration::from_hours(999_999)).unwrap();
    assert_eq!(ground.own().sweep_beside(&in_two_hours()).removed, 1);
    assert!(!is_there(&path));
}

#[test]
fn a_change_two_levels_down_counts() {
    let ground = Ground::new();
    let path = ground.left_over(1);
    fs::create_dir(path.join("a")).unwrap();
    let mut file = fs::File::create(path.join("a/file")).unwrap();
    let made = fs::metadata(path.join("a/file")).unwrap().ctime();
    let (parent, name) = (open_dir(&ground.base()), path.file_name().unwrap().to_str().unwrap());
    let name = std::ffi::CString::new(name).unwrap();
    let deadline = Deadline::after(Duration::from_secs(30));
    let search = Search { before: made, deadline: &deadline };
    assert_eq!(search.below(parent.as_fd(), &name), Look::Unchanged);
    // Until the file system's clock says the next second: no directory above changes.
    while fs::metadata(path.join("a/file")).unwrap().ctime() == made {
        assert!(!deadline.is_over());
        file.write_all(b"still written to").unwrap();
    }
    assert_eq!(search.below(parent.as_fd(), &name), Look::Changed);
    let late = Deadline::after(Duration::ZERO);
    assert_eq!(Search { before: made, deadline: &late }.below(parent.as_fd(), &name), Look::Late);
}

#[test]
fn what_is_not_ours_stays() {
    let ground = Ground::new();
    let own = ground.own();
    let name = ground.left_over(1);
    fs::remove_dir(&name).unwrap();
    let base = ground.base();
    for other in ["file.txt", "directory", ".hidden"] {
        fs::create_dir(base.join(other)).unwrap();
    }
    symlink(ground.path("victim"), &name).unwrap();
    symlink(ground.path("victim"), ground.base().join("00001A--")).unwrap();
    fs::write(ground.base().join("00001B-"), "").unwrap();
    let before = entries(&base);
    let swept = own.sweep_beside(&in_two_hours());
    assert_eq!((swept.removed, swept.left), (0, 0));
    assert_eq!(entries(&base), before);
    ground.check_victim();
}

#[test]
fn an_outer_directory_is_shared_with_its_command() {
    let ground = Ground::new();
    let outer = ground.own();
    let places = Places { temporary: Some(outer.path().to_owned()), ..ground.places() };
    let inner = create(&ground.start, &places).unwrap();
    let left_over = create(&Start { ticks: ground.start.ticks + 1, ..ground.start }, &places).unwrap();
    let alike = outer.path().join("00001B-");
    fs::create_dir(&alike).unwrap();
    set_mode(&alike, 0o755);
    let swept = inner.sweep_beside(&in_two_hours());
    assert_eq!(swept, Swept { removed: 1, left: 0, kept: 2, late: false });
    assert!(is_there(&alike) && is_there(inner.path()) && !is_there(left_over.path()));
}

#[test]
fn a_planted_mark_changes_nothing_elsewhere() {
    let ground = Ground::new();
    let (own, mark) = (ground.own(), ground.base().join(".swept"));
    let path = ground.left_over(1);
    let times = || fs::metadata(ground.path("victim")).map(|found| (found.mtime(), found.ctime_nsec())).unwrap();
    let before = times();
    symlink(ground.path("victim"), &mark).unwrap();
    assert_eq!(own.sweep_beside(&in_two_hours()), Swept::default());
    fs::remove_file(&mark).unwrap();
    fs::hard_link(ground.path("victim/file"), &mark).unwrap();
    assert_eq!(own.sweep_beside(&in_two_hours()), Swept::default());
    fs::remove_file(&mark).unwrap();
    assert_eq!(times(), before);
    assert!(is_there(&path));
    ground.check_victim();
}

#[test]
fn one_sweeps_at_a_time_and_once_a_minute() {
    let ground = Ground::new();
    let own = ground.own();
    let limits = Limits { pause: Duration::from_mins(1), ..in_two_hours() };
    let first = ground.left_over(1);
    assert_eq!(own.sweep_beside(&limits).removed, 1);
    assert!(!is_there(&first));
    let second = ground.left_over(2);
    assert_eq!(own.sweep_beside(&limits), Swept::default(), "within the minute");
    let mark = fs::File::open(ground.base().join(".swept")).unwrap();
    rustix::fs::flock(&mark, FlockOperation::LockExclusive).unwrap();
    assert_eq!(own.sweep_beside(&in_two_hours()), Swept::default(), "somebody else's turn");
    rustix::fs::flock(&mark, FlockOperation::Unlock).unwrap();
    let set_back = Limits { now: limits.now - Duration::from_mins(30), ..limits };
    assert_eq!(own.sweep_beside(&set_back).removed, 1, "a mark of the future keeps nobody");
    assert!(!is_there(&second));
}

#[test]
fn where_time_was_too_short_a_second_is_waited() {
    let ground = Ground::new();
    let own = ground.own();
    let _left = ground.left_over(1);
    let none = Limits { budget: Duration::ZERO, pause: Duration::from_mins(1), ..in_two_hours() };
    let late = Swept { late: true, ..Swept::default() };
    assert_eq!(own.sweep_beside(&none), late);
    assert_eq!(own.sweep_beside(&none), Swept::default(), "within the second");
    let later = Limits { now: none.now + Duration::from_secs(2), ..none };
    assert_eq!(own.sweep_beside(&later), late);
    let enough = Limits { now: later.now + Duration::from_secs(2), budget: Duration::from_mins(1), ..none };
    assert_eq!(own.sweep_beside(&enough).removed, 1);
    let again = Limits { now: enough.now + Duration::from_secs(2), ..enough };
    let _second = ground.left_over(2);
    assert_eq!(own.sweep_beside(&again), Swept::default(), "within the minute");
}

#[test]
fn sweeping_at_once_is_harmless() {
    let ground = Ground::new();
    let own = ground.own();
    for number in 1..64 {
        fs::create_dir_all(ground.left_over(number).join("a/b/c")).unwrap();
    }
    let removed: u32 = std::thread::scope(|scope| {
        let sweeps: Vec<_> = (0..4).map(|_| scope.spawn(|| own.sweep_beside(&in_two_hours()).removed)).collect();
        sweeps.into_iter().map(|sweep| sweep.join().unwrap()).sum()
    });
    assert_eq!((removed, entries(&ground.base()).len()), (63, 1));
}

#[test]
fn an_interrupted_removal_goes_on_without_waiting_an_hour() {
    let ground = Ground::new();
    let (own, path) = (ground.own(), ground.left_over(1));
    for number in 0..5000 {
        fs::create_dir_all(path.join(format!("{number}/a"))).unwrap();
    }
    let mut short = Limits { budget: Duration::from_millis(5), pause: Duration::from_mins(1), ..in_two_hours() };
    while is_there(&path) {
        let swept = in_turn(&own, &short);
        assert!(swept.late && swept.removed == 0, "{swept:?}");
        // A slow machine may have had no time to begin with it, and leaves a mark then; an emulated one never would.
        short.now += Duration::from_secs(61);
        short.budget *= 2;
    }
    assert_eq!(entries(&ground.base()).len(), 2, "it has the name of a dying one");
    let now = Limits { now: SystemTime::now(), pause: Duration::from_mins(1), ..in_two_hours() };
    assert_eq!(in_turn(&own, &now).removed, 1);
}

/// A sweep that finds something. What other tests start has the lock of the last one, from its fork to its exec.
fn in_turn(own: &PrivateTmp, limits: &Limits) -> Swept {
    let mut sweeps = (0..100).map(|_| {
        let swept = own.sweep_beside(limits);
        if swept == Swept::default() {
            std::thread::sleep(Duration::from_millis(20));
        }
        swept
    });
    sweeps.find(|swept| *swept != Swept::default()).unwrap_or_default()
}

#[test]
fn a_parent_removes_its_own() {
    let ground = Ground::new();
    let own = ground.own();
    fs::create_dir_all(own.path().join("a/b/c")).unwrap();
    fs::write(own.path().join("a/b/file"), "").unwrap();
    assert_eq!(own.remove(Duration::from_secs(9)), Outcome::Gone);
    assert_eq!(entries(&ground.base()), [""; 0]);
    let (own, beside) = (ground.own(), ground.left_over(1));
    fs::create_dir_all(own.path().join("a/b/c")).unwrap();
    assert_eq!(own.remove(Duration::ZERO), Outcome::Unfinished);
    let now = Limits { now: SystemTime::now(), ..in_two_hours() };
    assert_eq!(ground.own().sweep_beside(&now).removed, 1);
    assert!(is_there(&beside));
}

#[test]
fn a_sweep_that_finds_nothing_is_not_made_again_within_a_minute() {
    let ground = Ground::new();
    let own = ground.own();
    for number in 1..64 {
        ground.left_over(number);
    }
    let sweeps = [Duration::ZERO, Duration::from_mins(1)].map(|pause| {
        let begin = Instant::now();
        // Time enough for any machine: what is asked is whether it looks.
        let swept = own.sweep_beside(&Limits { pause, budget: Duration::from_mins(1), ..Limits::standard() });
        println!("pause {pause:?}: {swept:?} in {:?}", begin.elapsed());
        swept
    });
    assert_eq!(sweeps, [Swept { kept: 64, ..Swept::default() }, Swept::default()]);
}
