//! The user's terminal is out of the command's reach when nono asks there: what would open it is refused.

use super::SuperviseError;
use crate::args::Run;
use nono_core::{FsCapability, Guarantee, Source};
use rustix::fs::{major, minor};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Where terminals are.
const TERMINALS: &str = "/dev/pts";
/// Makes terminals, and is in that directory where it is a link.
const MAKER: &str = "/dev/pts/ptmx";

/// Refuses descriptors that the command is to inherit and that are terminals. To be asked before nono opens any.
pub(super) fn check_descriptors(run: &Run) -> Result<(), SuperviseError> {
    let drivers = fs::read_to_string("/proc/tty/drivers").unwrap_or_default();
    let all = run.options.accept_gap.iter().any(|name| name == Guarantee::Descriptors.name());
    let inherited = if all { inherited() } else { run.grants.pass_fd.clone() };
    let is_terminal = |descriptor: &u32| {
        let found = fs::metadata(format!("/proc/self/fd/{descriptor}"));
        found.is_ok_and(|found| {
            found.file_type().is_char_device() && is_of(&drivers, major(found.rdev()), minor(found.rdev()))
        })
    };
    match inherited.into_iter().find(is_terminal) {
        Some(descriptor) => Err(SuperviseError::TerminalPassed { descriptor }),
        None => Ok(()),
    }
}

/// Refuses a grant of the user that covers terminals, or is nono's own.
pub(super) fn check_grants(grants: &[FsCapability]) -> Result<(), SuperviseError> {
    let own = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| terminal_of(&stat));
    let reaches = |grant: &&FsCapability| {
        let path = grant.resolved();
        let covers = Path::new(TERMINALS).starts_with(path) || path.starts_with(TERMINALS);
        let is_own = || {
            let found = fs::metadata(path).ok().filter(|found| found.file_type().is_char_device());
            found.is_some_and(|found| Some((major(found.rdev()), minor(found.rdev()))) == own)
        };
        *grant.source() != Source::System && path != Path::new(MAKER) && (covers || is_own())
    };
    match grants.iter().find(reaches) {
        Some(grant) => Err(SuperviseError::TerminalGranted { granted: grant.original().to_owned() }),
        None => Ok(()),
    }
}

/// The descriptors above 2 that stay open on exec.
fn inherited() -> Vec<u32> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|number| *number > 2 && stays_open(*number)).collect()
}

fn stays_open(descriptor: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).unwrap_or_default();
    let flags = text.lines().find_map(|line| u32::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok());
    flags.is_some_and(|flags| flags & rustix::fs::OFlags::CLOEXEC.bits() == 0)
}

/// Whether a device is a terminal's, by `/proc/tty/drivers`: a name, a path, a major number, minor numbers and a kind.
fn is_of(drivers: &str, major: u32, minor: u32) -> bool {
    drivers.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(2);
        let number = fields.next().and_then(|field| field.parse::<u32>().ok());
        let Some(minors) = fields.next() else { return false };
        let (first, last) = minors.split_once('-').unwrap_or((minors, minors));
        let covers = |first: u32, last: u32| (first..=last).contains(&minor);
        number == Some(major) && matches!((first.parse(), last.parse()), (Ok(first), Ok(last)) if covers(first, last))
    })
}

/// The device of the terminal that controls a process, from its `stat` (proc(5), field 7).
fn terminal_of(stat: &str) -> Option<(u32, u32)> {
    let number: u32 = stat.rsplit_once(')')?.1.split_whitespace().nth(4)?.parse().ok()?;
    // The kernel's new_encode_dev (linux/kdev_t.h).
    Some(((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xf_ff00)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_known_by_their_numbers() {
        let drivers = "/dev/tty             /dev/tty        5       0 system:/dev/tty\n\
                       serial               /dev/ttyS       4 64-95 serial\n\
                       pty_slave            /dev/pts      136 0-1048575 pty:slave\n";
        for (major, minor, expected) in [(5, 0, true), (4, 64, true), (4, 63, false), (136, 7, true), (1, 3, false)] {
            assert_eq!(is_of(drivers, major, minor), expected, "{major}:{minor}");
        }
    }

    #[test]
    fn the_controlling_terminal_is_in_the_seventh_field() {
        assert_eq!(terminal_of("7 (a) b) S 1 7 7 34822 7 0"), Some((136, 6)));
        assert_eq!(terminal_of("7 (sh) S 1 7 7 0 -1 0"), Some((0, 0)));
        assert_eq!(terminal_of(""), None);
    }
}
