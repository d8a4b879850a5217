//! Leases: files that somebody holds, so that an open waits or fails.

use crate::process::open_once;
use crate::row::{End, Row, Scene, Stop};
use crate::sys;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const ROWS: &[Row] = &[
    Row::new("lease", |scene| leased(scene, OFlags::RDONLY)).inside("=|EAGAIN").needs("lease"),
    Row::new("lease-nonblocking", |scene| leased(scene, OFlags::NONBLOCK)).needs("lease"),
    Row::new("lease-holds-up-nobody", beside_lease).inside("=").needs("lease"),
    Row::new("lease-of-its-own", own_lease).always("=|EAGAIN"),
];

fn leased(scene: &Scene, flags: OFlags) -> End {
    scene.try_open(scene.at("approved/leased"), flags)
}

/// While one thread waits for a lease to end, another opens what it may.
fn beside_lease(scene: &Scene) -> End {
    let begun = Barrier::new(3);
    let slowest = thread::scope(|scope| {
        let wait = || {
            begun.wait();
            // Whether it gets the file is another row's matter.
            let _opened = open(scene.at("approved/leased"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        };
        scope.spawn(wait);
        scope.spawn(wait);
        begun.wait();
        let mut slowest = Duration::ZERO;
        for _ in 0..200 {
            let since = Instant::now();
            open_once(scene)?;
            slowest = slowest.max(since.elapsed());
        }
        Ok::<_, Errno>(slowest)
    })?;
    if slowest < Duration::from_millis(700) {
        Ok("not held up".into())
    } else {
        Err(Stop::Wrong(format!("{slowest:?}")))
    }
}

/// A lease on a file of its own, opened by a way that the supervisor has to look at.
fn own_lease(scene: &Scene) -> End {
    let file = open(scene.at("work/mine"), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    sys::take_lease(file.as_fd())?;
    thread::scope(|scope| {
        let opened = scope.spawn(|| {
            let path = scene.at("approved/../work/mine");
            open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map(drop)
        });
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until && !opened.is_finished() && !sys::lease_is_wanted(file.as_fd())? {
            thread::yield_now();
        }
        sys::end_lease(file.as_fd())?;
        opened.join().unwrap_or(Err(Errno::IO))
    })?;
    Ok("opened".into())
}
