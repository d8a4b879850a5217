//! Opens what is approved while other threads change what the call depends on, and says what was opened that was not.
//!
//! `racer ROOT OPENS [KIND]...` makes about OPENS opens in all and prints one line a kind: its name, then `opens=`,
//! `successes=`, `refusals=`, `holes=`, and after them how often which error was met and what the first hole was. Below ROOT the harness lays out
//! `approved`, `secret`, `granted` and more: see `tests/races.rs`. A *hole* is an open of anything but what that kind may
//! open, or one for writing of what may be read, or one that changed a file's length.
//!
//! With nothing around it, every kind finds holes: the races do bite.

mod ground;
mod kinds;
mod race;
mod sys;

use ground::Ground;
use kinds::Kind;
use nono_tests::errno;
use race::Tally;
use rustix::io::Errno;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [root, opens, names @ ..] = args.as_slice() else { return complain("racer ROOT OPENS [KIND]...") };
    let Some(opens) = opens.to_str().and_then(|number| number.parse::<u64>().ok()) else {
        return complain("OPENS is a number");
    };
    let ground = Ground::new(root.into());
    let wanted = |kind: &&Kind| names.is_empty() || names.iter().any(|name| name == kind.0);
    let count = kinds::all().filter(wanted).count().max(1);
    for (name, prepare) in kinds::all().filter(wanted) {
        let tally = prepare(&ground).map(|race| race.run(opens.div_ceil(count as u64)));
        let line = match tally {
            Ok(tally) => line(name, &tally),
            Err(errno) => return complain(&format!("{name} cannot be prepared: {}", errno::name(errno))),
        };
        if writeln!(io::stdout(), "{line}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn line(name: &str, tally: &Tally) -> String {
    let refused: u64 = tally.refusals.values().sum();
    let mut line =
        format!("{name} opens={} successes={} refusals={refused} holes={}", tally.opens, tally.successes, tally.holes);
    for (number, count) in &tally.refusals {
        // A string takes all that is written to it.
        let _ = write!(line, " {}={count}", errno::name(Errno::from_raw_os_error(*number)));
    }
    if let Some(example) = &tally.example {
        let _ = write!(line, " hole: {example}");
    }
    line
}

fn complain(what: &str) -> ExitCode {
    // Without standard error there is still the status.
    drop(writeln!(io::stderr(), "racer: {what}"));
    ExitCode::FAILURE
}
