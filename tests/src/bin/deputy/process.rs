//! Processes, threads and signals: who opens, how many at once, and what comes in between.

use crate::row::{End, Row, Scene, Stop};
use crate::sys;
use nono_tests::errno;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const ROWS: &[Row] = &[
    Row::new("thread", |scene| crate::system::in_thread(|| read(scene))),
    Row::new("child", child),
    Row::new("child-script", child_script),
    Row::new("vfork-child", |scene| outcome(sys::open_in_vfork(&scene.c_at(b"approved/f"))?)),
    Row::new("spawn-opens", |scene| spawned(sys::spawn_opening(&scene.c_at(b"approved/f")))),
    Row::new("thousand-threads", |scene| many(scene, 1000, 1)),
    Row::new("fifty-threads-forty-times", |scene| many(scene, 50, 40)),
    Row::new("signals-restart", |scene| storm(scene, libc::SA_RESTART)),
    Row::new("signals-without-restart", |scene| storm(scene, 0)),
    Row::new("no-descriptors-left", no_descriptors),
    Row::new("last-descriptor", last_descriptor),
    Row::new("number-is-the-lowest", lowest),
    Row::new("killed-while-opening", killed).always("="),
    Row::new("threads-end-while-opening", ended_by_exec).always("="),
];

fn read(scene: &Scene) -> End {
    scene.try_open(scene.at("approved/f"), OFlags::RDONLY)
}

pub(crate) fn open_once(scene: &Scene) -> Result<OwnedFd, Errno> {
    open(scene.at("approved/f"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// A number of an error, or 0, as an end.
fn outcome(error: i32) -> End {
    if error == 0 { Ok("opened".into()) } else { Err(Stop::Refused(Errno::from_raw_os_error(error))) }
}

/// The library tells why it could not open by the error, and else the status is that of the program.
fn spawned(status: Result<i32, Errno>) -> End {
    match status? {
        0 => Ok("opened".into()),
        // The child ends with 127 where the library has no way to tell.
        status => Err(Stop::Wrong(format!("status {status}"))),
    }
}

/// This program again, which opens and says by its status how that ended.
fn child(scene: &Scene) -> End {
    let program = std::env::current_exe()?;
    let status = Command::new(program).args(["open".as_ref(), scene.at("approved/f").as_os_str()]).status()?;
    outcome(status.code().unwrap_or(libc::EIO))
}

fn child_script(scene: &Scene) -> End {
    let output = Command::new("/bin/cat").arg(scene.at("approved/f")).stderr(Stdio::null()).output()?;
    if output.status.success() { Ok(format!("{:?}", output.stdout)) } else { Err(Stop::Refused(Errno::ACCESS)) }
}

/// So many threads that open at once, so often; each result counted.
fn many(scene: &Scene, threads: usize, times: usize) -> End {
    let start = Barrier::new(threads);
    let one = || {
        start.wait();
        let mut ends = BTreeMap::new();
        for _ in 0..times {
            let end = open_once(scene).map_or_else(errno::name, |_| "ok".to_owned());
            *ends.entry(end).or_insert(0) += 1;
        }
        ends
    };
    let mut all: BTreeMap<String, i32> = BTreeMap::new();
    thread::scope(|scope| {
        let builder = || thread::Builder::new().stack_size(64 * 1024);
        let started: Vec<_> = (0..threads).map_while(|_| builder().spawn_scoped(scope, one).ok()).collect();
        if started.len() < threads {
            // They would wait for each other for ever.
            std::process::abort();
        }
        for ends in started.into_iter().filter_map(|thread| thread.join().ok()) {
            for (end, count) in ends {
                *all.entry(end).or_default() += count;
            }
        }
    });
    match all.iter().collect::<Vec<_>>().as_slice() {
        [(only, _)] if *only == "EACCES" => Err(Stop::Refused(Errno::ACCESS)),
        _ => Ok(format!("{all:?}")),
    }
}

/// Opens while this thread gets a signal every few microseconds, and every millisecond; on a slow machine, where no open would
/// ever come to its end between two of them, every two opens.
fn storm(scene: &Scene, flags: i32) -> End {
    sys::count_signals(flags)?;
    let (over, target) = (AtomicBool::new(false), sys::this_thread());
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    let alone = Instant::now();
    drop(open_once(scene));
    let slowest = u64::try_from(alone.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_mul(2).min(10_000);
    let pause = AtomicU64::new(1000);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                sys::signal_thread(target);
                let until = Instant::now() + Duration::from_micros(pause.load(Ordering::Relaxed));
                while Instant::now() < until {
                    thread::yield_now();
                }
            }
        });
        for (pace, opens) in [(1000, 500), (100, 1000), (20, 1000)] {
            pause.store(slowest.max(pace), Ordering::Relaxed);
            for _ in 0..opens {
                let mut end = open_once(scene);
                while flags == 0 && end.as_ref().err() == Some(&Errno::INTR) {
                    // Who has signals not restart calls has to make them again: here opens are among them.
                    end = open_once(scene);
                }
                let end = end.map_or_else(errno::name, |_| "ok".to_owned());
                *ends.entry(end).or_default() += 1;
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    if sys::signals() == 0 {
        return Err(Stop::Wrong("no signal came".into()));
    }
    match ends.iter().collect::<Vec<_>>().as_slice() {
        [(only, _)] if *only == "EACCES" => Err(Stop::Refused(Errno::ACCESS)),
        _ => Ok(format!("{ends:?}")),
    }
}

/// Lets this process have so many descriptors, and returns those that fill the room.
fn fill(room: u64) -> Result<Vec<OwnedFd>, Stop> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(room), maximum: limit.maximum })?;
    let mut fill = Vec::new();
    while let Ok(copy) = rustix::io::fcntl_dupfd_cloexec(std::io::stderr(), 0) {
        fill.push(copy);
    }
    Ok(fill)
}

fn no_descriptors(scene: &Scene) -> End {
    let fill = fill(32)?;
    let end = open_once(scene).map(drop);
    drop(fill);
    end?;
    Ok("opened".into())
}

fn last_descriptor(scene: &Scene) -> End {
    let mut fill = fill(32)?;
    drop(fill.pop());
    let first = open_once(scene)?;
    let second = open_once(scene).err().map(errno::name);
    drop(first);
    let third = open_once(scene).map(drop).err().map(errno::name);
    Ok(format!("opened, then {second:?}, then {third:?}"))
}

/// The lowest free number is taken, as by every open.
fn lowest(scene: &Scene) -> End {
    let low = rustix::io::fcntl_dupfd_cloexec(std::io::stderr(), 0)?;
    let high = rustix::io::fcntl_dupfd_cloexec(std::io::stderr(), 0)?;
    let free = std::os::fd::AsRawFd::as_raw_fd(&low);
    drop(low);
    let opened = open_once(scene)?;
    let got = std::os::fd::AsRawFd::as_raw_fd(&opened);
    drop(high);
    if got == free { Ok("the lowest".into()) } else { Err(Stop::Wrong(format!("{got}, not {free}"))) }
}

/// Children that open all the time are killed, at no particular moment; the rest goes on.
fn killed(scene: &Scene) -> End {
    let program = std::env::current_exe()?;
    for turn in 0..60_u64 {
        let mut command = Command::new(&program);
        command.args(["open-for-ever".as_ref(), scene.at("approved/f").as_os_str()]).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        // The first byte says that it has begun.
        let mut out = child.stdout.take().ok_or(Errno::IO)?;
        std::io::Read::read_exact(&mut out, &mut [0])?;
        let until = Instant::now() + Duration::from_micros(turn * 37 % 1000);
        while Instant::now() < until {
            thread::yield_now();
        }
        let since = Instant::now();
        child.kill()?;
        child.wait()?;
        if since.elapsed() > Duration::from_secs(5) {
            return Err(Stop::Wrong(format!("a killed process took {:?}", since.elapsed())));
        }
    }
    // Refused or not, it is answered.
    let _answered = open_once(scene);
    Ok("ended".into())
}

/// Threads that open all the time end because another one executes a program.
fn ended_by_exec(scene: &Scene) -> End {
    let program = std::env::current_exe()?;
    for _ in 0..20 {
        let mut command = Command::new(&program);
        let status = command.args(["open-and-execute".as_ref(), scene.at("approved/f").as_os_str()]).status()?;
        if status.code() != Some(0) {
            return Err(Stop::Wrong(format!("{status}")));
        }
    }
    Ok("executed".into())
}
