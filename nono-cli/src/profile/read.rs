//! Reading a file that may be anything: a device, a pipe that nobody writes to, a terabyte.

use super::error::ProfileError;
use super::place::Place;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// The longest profile: ten thousand grants are half of it.
const LIMIT: u64 = 1024 * 1024;

/// The text of the profile at `path`.
pub(crate) fn text(path: &Path) -> Result<String, ProfileError> {
    let failed = |source: io::Error| match fs::read_link(path) {
        Ok(target) if source.kind() == io::ErrorKind::NotFound => {
            ProfileError::DanglingLink { path: path.to_owned(), target }
        }
        _ => ProfileError::Read { path: path.to_owned(), source },
    };
    // Opening a pipe waits for its other end, and a terminal may become one's own: open(2).
    let nowait = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = File::options().read(true).custom_flags(nowait).open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if let Some(kind) = kind(found.file_type()) {
        return Err(ProfileError::NotAFile { path: path.to_owned(), kind });
    }
    // A byte more, so that its end is seen at once. What is no length (in /proc it is 0) is no harm.
    let length = usize::try_from(found.len().min(LIMIT)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(length.saturating_add(1));
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(ProfileError::TooLarge { path: path.to_owned(), limit_kib: LIMIT / 1024 });
    }
    decode(path, bytes)
}

fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, ProfileError> {
    let binary = |at: usize, what, bytes: &[u8]| {
        let line = line_of(bytes.get(..at).unwrap_or_default());
        Err(ProfileError::Binary { place: Place { file: path.into(), line }, what })
    };
    // The quicker question first: a profile has none.
    if bytes.contains(&0) {
        let at = bytes.iter().position(|byte| *byte == 0).unwrap_or_default();
        return binary(at, "a byte 0", &bytes);
    }
    String::from_utf8(bytes).or_else(|error| {
        let at = error.utf8_error().valid_up_to();
        binary(at, "bytes that are no text", error.as_bytes())
    })
}

fn line_of(before: &[u8]) -> u32 {
    u32::try_from(before.split(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// The name of what is no regular file.
fn kind(file_type: fs::FileType) -> Option<&'static str> {
    [
        (file_type.is_dir(), "a directory"),
        (file_type.is_fifo(), "a pipe"),
        (file_type.is_socket(), "a socket"),
        (file_type.is_char_device() || file_type.is_block_device(), "a device"),
    ]
    .into_iter()
    .find(|(is, _)| *is)
    .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_told_with_its_line() {
        for (bytes, expected) in [
            (&b"a = 1\n\xff"[..], "\"p\" line 2: bytes that are no text; a profile is text in UTF-8"),
            (b"a\0", "\"p\" line 1: a byte 0; a profile is text in UTF-8"),
        ] {
            assert_eq!(decode(Path::new("p"), bytes.to_vec()).unwrap_err().to_string(), expected);
        }
        assert_eq!(decode(Path::new("p"), "ä".into()).unwrap(), "ä");
    }
}
