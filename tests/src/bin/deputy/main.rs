//! Makes one act in which a supervisor that opens files for others could be led astray: see `tests/deputy.rs`.
//!
//! `deputy list` prints the rows, one a line: name, rule, how it may end inside, how where nothing is approved, and what it
//! needs, with tabs between. `deputy run NAME PLACE` makes one, and prints `ok WHAT`, `errno=NAME`, `unsupported WHY` or
//! `wrong WHAT`; then `leaked` and the numbers of descriptors that the act left behind.
//!
//! For the harness and for acts: `deputy hold FILE MILLISECONDS` holds a lease so long once somebody wants the file,
//! `deputy open FILE`, `deputy close-in-and-open FILE`, `deputy open-when-told FILE`, `deputy open-for-ever FILE`, `deputy open-and-execute FILE`.

mod create;
mod files;
mod how;
mod identity;
mod lease;
mod memory;
mod process;
mod relative;
mod row;
mod sys;
mod system;

use nono_tests::errno;
use row::{Row, Scene, Stop};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

fn rows() -> impl Iterator<Item = &'static Row> {
    let places = [files::ROWS, system::ROWS, memory::ROWS, how::ROWS, create::ROWS, relative::ROWS];
    places.into_iter().chain([process::ROWS, lease::ROWS, identity::ROWS]).flatten()
}

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (verb, rest) = args.split_first().map_or((None, args.as_slice()), |(verb, rest)| (verb.to_str(), rest));
    let done = match (verb, rest) {
        (Some("list"), []) => list(),
        (Some("run"), [name, place]) => run(name, place),
        (Some("hold"), [file, time]) => hold(file, time),
        (Some("open"), [file]) => return ExitCode::from(open_once(file)),
        (Some("close-in-and-open"), [file]) => return ExitCode::from(close_in_and_open(file)),
        (Some("open-when-told"), [file]) => open_when_told(file),
        (Some("open-for-ever"), [file]) => open_for_ever(file),
        (Some("open-and-execute"), [file]) => open_and_execute(file),
        _ => Err(io::Error::other("deputy list | run NAME PLACE | hold FILE MILLISECONDS | open FILE")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without standard error there is still the status.
            drop(writeln!(io::stderr(), "deputy: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn list() -> io::Result<()> {
    for row in rows() {
        writeln!(io::stdout(), "{}\t{}\t{}\t{}\t{}", row.name, row.rule, row.inside, row.unapproved, row.needs)?;
    }
    Ok(())
}

fn run(name: &OsString, place: &OsString) -> io::Result<()> {
    let row = rows().find(|row| name == row.name).ok_or(io::Error::other("there is no such row"))?;
    let scene = Scene::new(place);
    let before = sys::open_descriptors();
    let end = row.run(&scene);
    let after = sys::open_descriptors();
    match end {
        Ok(said) => writeln!(io::stdout(), "ok {said}")?,
        Err(Stop::Refused(errno)) => writeln!(io::stdout(), "errno={}", errno::name(errno))?,
        Err(Stop::Unsupported(why)) => writeln!(io::stdout(), "unsupported {why}")?,
        Err(Stop::Wrong(what)) => writeln!(io::stdout(), "wrong {what}")?,
    }
    let leaked: Vec<_> = after.iter().filter(|number| !before.contains(number)).collect();
    writeln!(io::stdout(), "leaked {leaked:?}")
}

/// Holds a lease on the file until somebody has wanted it for so long, or standard input ends.
fn hold(file: &OsString, time: &OsString) -> io::Result<()> {
    let time: i64 = time.to_str().and_then(|time| time.parse().ok()).unwrap_or(0);
    let file = open(file, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    sys::take_lease(file.as_fd())?;
    writeln!(io::stdout(), "held")?;
    let mut left = None;
    loop {
        // Nothing tells of it that would not interrupt this, so it is looked at every few milliseconds.
        let stdin = io::stdin();
        let mut input = [PollFd::new(&stdin, PollFlags::IN)];
        if poll(&mut input, Some(&Timespec { tv_sec: 0, tv_nsec: 5_000_000 }))? != 0 {
            break;
        }
        if left.is_some() || sys::lease_is_wanted(file.as_fd())? {
            let rest = left.unwrap_or(time) - 5;
            if rest <= 0 {
                break;
            }
            left = Some(rest);
        }
    }
    sys::end_lease(file.as_fd())?;
    // For the rows that take a second look, it stays around until the end.
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}

/// The number of the error, or 0.
fn open_once(file: &OsString) -> u8 {
    let opened = open(file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    opened.map_or_else(|errno| u8::try_from(errno.raw_os_error()).unwrap_or(255), |_| 0)
}

/// The same from within a sandbox of its own.
fn close_in_and_open(file: &OsString) -> u8 {
    match sys::close_in() {
        Ok(()) => open_once(file),
        Err(errno) => u8::try_from(errno.raw_os_error()).unwrap_or(255),
    }
}

/// Opens once there is something to be read from standard input, and says how it ended.
fn open_when_told(file: &OsString) -> io::Result<()> {
    writeln!(io::stdout(), "ready")?;
    io::stdin().read_line(&mut String::new())?;
    writeln!(io::stdout(), "{}", open_once(file))
}

fn open_for_ever(file: &OsString) -> io::Result<()> {
    open_once(file);
    writeln!(io::stdout(), ".")?;
    loop {
        open_once(file);
    }
}

/// Ends threads that open by executing a program, which ends at once.
fn open_and_execute(file: &OsString) -> io::Result<()> {
    for _ in 0..8 {
        let file = file.clone();
        std::thread::spawn(move || {
            loop {
                open_once(&file);
            }
        });
    }
    for _ in 0..100 {
        open_once(file);
    }
    Err(Command::new("/bin/true").exec())
}
