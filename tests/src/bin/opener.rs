//! `opener`: opens what standard input lists, a line `FLAGS PATH` each, and says a line each: 0, or the error's number.

use rustix::fs::{Mode, OFlags, open};
use std::io::Read;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut list = String::new();
    if std::io::stdin().read_to_string(&mut list).is_err() {
        return ExitCode::from(70);
    }
    for line in list.lines() {
        let Some((flags, path)) = line.split_once(' ') else { return ExitCode::from(70) };
        let Ok(flags) = flags.parse() else { return ExitCode::from(70) };
        let opened = open(path, OFlags::from_bits_retain(flags) | OFlags::CLOEXEC, Mode::from_raw_mode(0o644));
        #[expect(clippy::print_stdout, reason = "this is what it is asked for")]
        {
            println!("{}", opened.map_or_else(rustix::io::Errno::raw_os_error, |_opened| 0));
        }
    }
    ExitCode::SUCCESS
}
