//! How one kind of race is run: threads that open, threads that flip, and what came of it.

use crate::ground::Object;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a kind may go on until both sides were met.
const PATIENCE: Duration = Duration::from_secs(40);
/// Threads that open: the broker can be at work for two at once.
const OPENERS: usize = 2;

type Opener<'a> = Box<dyn Fn(u64) -> Result<OwnedFd, Errno> + Sync + 'a>;
type Judge<'a> = Box<dyn Fn(&OwnedFd, u64) -> bool + Sync + 'a>;
type Flip<'a> = Box<dyn FnMut(u64) + Send + 'a>;

/// A race that is ready to be run.
pub(crate) struct Race<'a> {
    open: Opener<'a>,
    approved: Judge<'a>,
    flips: Vec<Flip<'a>>,
    patience: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) opens: u64,
    pub(crate) successes: u64,
    pub(crate) holes: u64,
    /// What the first hole was.
    pub(crate) example: Option<String>,
    /// How often which error was the answer.
    pub(crate) refusals: BTreeMap<i32, u64>,
}

impl<'a> Race<'a> {
    /// `open` is called with a number that counts; what it opens for reading may only be one of `approved`.
    pub(crate) fn new(approved: Vec<Object>, open: impl Fn(u64) -> Result<OwnedFd, Errno> + Sync + 'a) -> Self {
        let read_only = move |file: &OwnedFd, _: u64| {
            let mode = rustix::fs::fcntl_getfl(file).map(|flags| flags & OFlags::ACCMODE);
            mode == Ok(OFlags::RDONLY) && Object::of(file).is_ok_and(|object| approved.contains(&object))
        };
        Self::judged(read_only, open)
    }

    /// The same with a judge of its own, who says whether what was opened is approved.
    pub(crate) fn judged(
        approved: impl Fn(&OwnedFd, u64) -> bool + Sync + 'a,
        open: impl Fn(u64) -> Result<OwnedFd, Errno> + Sync + 'a,
    ) -> Self {
        Self { open: Box::new(open), approved: Box::new(approved), flips: Vec::new(), patience: PATIENCE }
    }

    /// Adds a thread that changes something again and again; its number counts.
    pub(crate) fn flip(mut self, flip: impl FnMut(u64) + Send + 'a) -> Self {
        self.flips.push(Box::new(flip));
        self
    }

    /// Does not go on until both sides are met: a broker may refuse all of this kind.
    pub(crate) fn one_sided(mut self) -> Self {
        self.patience = Duration::ZERO;
        self
    }

    /// Makes at least `opens` opens, and goes on until both sides were met.
    pub(crate) fn run(self, opens: u64) -> Tally {
        let Self { open, approved, flips, patience } = self;
        let (over, made, met) =
            (AtomicBool::new(false), AtomicU64::new(0), [AtomicBool::new(false), AtomicBool::new(false)]);
        let until = Instant::now() + patience;
        let mut total = Tally::default();
        thread::scope(|scope| {
            let over = &over;
            for (seed, flip) in (1..).zip(flips) {
                scope.spawn(move || keep_flipping(flip, seed, over));
            }
            let one = || {
                let mut tally = Tally::default();
                loop {
                    let number = made.fetch_add(1, Ordering::Relaxed);
                    let both = met.iter().all(|side| side.load(Ordering::Relaxed));
                    if number >= opens && (both || Instant::now() > until) {
                        break tally;
                    }
                    let side = tally.count(open(number), |file| approved(file, number));
                    if let Some(side) = met.get(side) {
                        side.store(true, Ordering::Relaxed);
                    }
                }
            };
            let openers: Vec<_> = (0..OPENERS).map(|_| scope.spawn(one)).collect();
            for opener in openers {
                // A thread that panicked has said so, and what it did not count is missed by the harness.
                total.add(opener.join().unwrap_or_default());
            }
            over.store(true, Ordering::Relaxed);
        });
        total
    }
}

impl Tally {
    /// Counts one open: 0 when it was approved, 1 when it was refused or should have been, 2 for neither.
    fn count(&mut self, answer: Result<OwnedFd, Errno>, approved: impl Fn(&OwnedFd) -> bool) -> usize {
        self.opens += 1;
        match answer {
            Err(errno) => {
                *self.refusals.entry(errno.raw_os_error()).or_default() += 1;
                // Other errors come of what is half changed.
                if errno == Errno::ACCESS { 1 } else { 2 }
            }
            // A handle opens nothing: whoever has one can read nothing with it.
            Ok(file) if rustix::fs::fcntl_getfl(&file).is_ok_and(|flags| flags.contains(OFlags::PATH)) => 2,
            Ok(file) => {
                let hole = !approved(&file);
                self.successes += 1;
                self.holes += u64::from(hole);
                if hole && self.example.is_none() {
                    self.example = Some(describe(&file));
                }
                usize::from(hole)
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.opens += other.opens;
        self.successes += other.successes;
        self.holes += other.holes;
        self.example = self.example.take().or(other.example);
        for (errno, count) in other.refusals {
            *self.refusals.entry(errno).or_default() += count;
        }
    }
}

/// What the kernel calls an open file, and how it is open.
fn describe(file: &OwnedFd) -> String {
    let name = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let size = rustix::fs::fstat(file).map(|stat| stat.st_size);
    format!("{name:?} {:?} size={size:?}", rustix::fs::fcntl_getfl(file))
}

/// Flips at a pace that varies, so that no step of whoever looks is always met by the same side.
fn keep_flipping(mut flip: Flip<'_>, seed: u64, over: &AtomicBool) {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        flip(number);
        number += 1;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        for _ in 0..random % 512 {
            std::hint::spin_loop();
        }
        // On a machine with fewer processors than threads nothing else would run.
        if random.is_multiple_of(16) {
            thread::yield_now();
        }
    }
}
