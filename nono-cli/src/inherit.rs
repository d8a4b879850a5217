//! What the command inherits beside the standard streams: descriptors and variables.

use crate::args::Grants;
use crate::error::CliError;
use crate::platform;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::process::Command;

/// The descriptors of `--pass-fd`, and pipes that the command line names: `<(..)` of a shell is `/dev/fd/63`.
///
/// To be asked before anything else is opened, so that a number means what it meant to the caller.
pub(crate) fn descriptors(passed: &[u32], command: &[OsString]) -> Vec<u32> {
    let pipes = command.iter().flat_map(|word| named(word.as_bytes())).filter(|number| is_pipe(*number));
    passed.iter().copied().chain(pipes).collect()
}

/// The descriptors above 2 that a word names, alone or behind an option's `=`.
fn named(word: &[u8]) -> Vec<u32> {
    let mut numbers = Vec::new();
    for directory in [&b"/dev/fd/"[..], b"/proc/self/fd/"] {
        for (at, _) in word.windows(directory.len()).enumerate().filter(|(_, part)| *part == directory) {
            let rest = word.get(at.saturating_add(directory.len())..).unwrap_or_default();
            let digits = rest.split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
            let number: Option<u32> = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            // More of a path behind it: not the descriptor itself.
            let ends = !matches!(rest.get(digits.len()), Some(b'/' | b'.'));
            numbers.extend(number.filter(|number| ends && *number > 2));
        }
    }
    numbers
}

fn is_pipe(number: u32) -> bool {
    fs::metadata(format!("{}/{number}", platform::DESCRIPTORS)).is_ok_and(|found| found.file_type().is_fifo())
}

/// Sets what was asked for, over `defaults` of nono's own.
pub(crate) fn environment<'a>(
    command: &mut Command,
    grants: &Grants,
    defaults: impl IntoIterator<Item = (&'a OsStr, OsString)>,
) -> Result<(), CliError> {
    if grants.env_clear {
        command.env_clear();
    }
    for (name, value) in defaults {
        command.env(name, value);
    }
    for given in &grants.env {
        let mut parts = given.as_bytes().splitn(2, |byte| *byte == b'=');
        let name = OsStr::from_bytes(parts.next().unwrap_or_default());
        if name.is_empty() {
            return Err(CliError::Variable { given: given.clone() });
        }
        match parts.next() {
            Some(value) => command.env(name, OsStr::from_bytes(value)),
            None => match std::env::var_os(name) {
                Some(value) => command.env(name, value),
                None => command,
            },
        };
    }
    Ok(())
}

/// Makes the C library look names up by TCP: `use-vc` of resolv.conf(5), before what the user set.
pub(crate) fn lookups_by_tcp() -> OsString {
    let mut options = OsString::from("use-vc");
    if let Some(own) = std::env::var_os("RES_OPTIONS") {
        options.push(" ");
        options.push(own);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_descriptor_is_named_by_its_path() {
        for (word, expected) in [
            ("/dev/fd/63", &[63][..]),
            ("--config=/dev/fd/62", &[62]),
            ("/proc/self/fd/9", &[9]),
            ("/dev/fd/5,/dev/fd/6", &[5, 6]),
            ("/dev/fd/1", &[]),
            ("/dev/fd/", &[]),
            ("/dev/fd/x", &[]),
            ("/dev/fd/7/etc", &[]),
            ("/dev/fd/7.txt", &[]),
            ("/dev/fd/99999999999", &[]),
            ("dev/fd/7", &[]),
        ] {
            assert_eq!(named(word.as_bytes()), expected, "{word}");
        }
    }

    #[test]
    fn only_pipes_are_passed_unasked() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let file = fs::File::open("/dev/null").unwrap();
        let [pipe, file] = [reader.as_raw_fd(), file.as_raw_fd()];
        let command = [OsString::from(format!("/dev/fd/{pipe}")), OsString::from(format!("/dev/fd/{file}"))];
        assert_eq!(descriptors(&[], &command), [u32::try_from(pipe).unwrap()]);
        assert_eq!(descriptors(&[9], &[]), [9]);
    }
}
