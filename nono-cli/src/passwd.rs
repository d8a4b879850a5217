//! What the user database says of this user: passwd(5). Where it is a service, it says nothing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The fields of a line that are paths, by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Home = 5,
    Shell = 6,
}

/// The user's home directory.
pub(crate) fn home() -> Option<PathBuf> {
    read(Field::Home)
}

/// The user's shell.
pub(crate) fn shell() -> Option<PathBuf> {
    read(Field::Shell)
}

fn read(field: Field) -> Option<PathBuf> {
    /// Read once: it is asked for wherever something lies below the home directory.
    static DATABASE: OnceLock<Vec<u8>> = OnceLock::new();
    let text = DATABASE.get_or_init(|| fs::read("/etc/passwd").unwrap_or_default());
    let uid = rustix::process::getuid().as_raw().to_string();
    find(text, uid.as_bytes(), field)
}

/// A field of the first line whose third is `uid`, if it is an absolute path.
fn find(text: &[u8], uid: &[u8], field: Field) -> Option<PathBuf> {
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        (fields.clone().nth(2)? == uid).then_some(())?;
        Some(PathBuf::from(OsStr::from_bytes(fields.nth(field as usize)?))).filter(|path| path.is_absolute())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_home_and_shell() {
        let text = b"root:x:0:0:root:/root:/bin/sh\nbroken\nu:x:1000:100::/home/u:/bin/zsh\nv:x:7:7::none:\nw:x:8";
        for (uid, home, shell) in [
            ("0", Some("/root"), Some("/bin/sh")),
            ("1000", Some("/home/u"), Some("/bin/zsh")),
            ("100", None, None),
            ("7", None, None), // relative, and empty
            ("8", None, None),
        ] {
            assert_eq!(find(text, uid.as_bytes(), Field::Home), home.map(PathBuf::from), "{uid}");
            assert_eq!(find(text, uid.as_bytes(), Field::Shell), shell.map(PathBuf::from), "{uid}");
        }
    }
}
