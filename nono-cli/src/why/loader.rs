//! What the kernel executes beside a program: the interpreter of its `#!` line, or the loader that an ELF file names.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// elf(5): the kind of a program header that names a loader.
const PT_INTERP: u64 = 3;
/// More program headers than any program has.
const MOST_HEADERS: u64 = 128;
/// `BINPRM_BUF_SIZE`: of a `#!` line the kernel reads no more.
const LINE: usize = 256;

/// It, as `program` names it; none if there is none, or it cannot be read.
pub(super) fn loader(program: &Path) -> Option<PathBuf> {
    let mut file = File::open(program).ok()?;
    let mut start = [0; LINE];
    let read = file.read(&mut start).ok()?;
    let start = start.get(..read)?;
    let name = match start {
        [b'#', b'!', line @ ..] => {
            let line = line.split(|byte| *byte == b'\n').next()?;
            line.trim_ascii().split(u8::is_ascii_whitespace).next()?.to_owned()
        }
        [0x7f, b'E', b'L', b'F', ..] => interpreter(&mut file, start)?,
        _ => return None,
    };
    (!name.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(&name)))
}

fn interpreter(file: &mut File, head: &[u8]) -> Option<Vec<u8>> {
    let wide = *head.get(4)? == 2;
    // Where a field is, in 64-bit files and in 32-bit ones, and its length in bytes.
    let head_at = |at64, at32, len64, len32| number(head, if wide { (at64, len64) } else { (at32, len32) });
    let (offset, size) = (head_at(0x20, 0x1c, 8, 4)?, head_at(0x36, 0x2a, 2, 2)?);
    let count = head_at(0x38, 0x2c, 2, 2)?.min(MOST_HEADERS);
    for index in 0..count {
        let header = part(file, offset.checked_add(index.checked_mul(size)?)?, size.min(64))?;
        if number(&header, (0, 4))? != PT_INTERP {
            continue;
        }
        let (offset, length) = if wide { ((0x08, 8), (0x20, 8)) } else { ((0x04, 4), (0x10, 4)) };
        let name = part(file, number(&header, offset)?, number(&header, length)?.min(4096))?;
        return Some(name.split(|byte| *byte == 0).next()?.to_owned());
    }
    None
}

fn part(file: &mut File, offset: u64, length: u64) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// A number at `at`, of `length` bytes. What the kernel executes has the machine's own order.
fn number(bytes: &[u8], (at, length): (usize, usize)) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    let digits: Box<dyn Iterator<Item = &u8>> =
        if cfg!(target_endian = "little") { Box::new(bytes.iter().rev()) } else { Box::new(bytes.iter()) };
    Some(digits.fold(0, |all, byte| all << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_named_in_the_first_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script");
        for (text, expected) in [
            ("#!/bin/sh -e\n", Some("/bin/sh")),
            ("#! /usr/bin/env python\n", Some("/usr/bin/env")),
            ("#!\n", None),
            ("text", None),
            ("", None),
            ("\x7fELF", None),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(loader(&path).as_deref(), expected.map(Path::new), "{text:?}");
        }
    }

    #[test]
    #[cfg_attr(not(target_os = "linux"), ignore = "programs are no ELF files there")]
    fn this_test_has_the_loader_that_runs_it() {
        let own = loader(&std::env::current_exe().unwrap());
        // None where tests are linked statically.
        assert!(own.is_none_or(|loader| std::fs::metadata(loader).is_ok()));
    }
}
