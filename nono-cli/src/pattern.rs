//! Patterns of a shell, which nono does not expand: what would be granted or denied depended on what is there at the start.

use crate::args::{Grants, Network};
use crate::error::CliError;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether a shell would take `text` for a pattern: glob(7).
pub(crate) fn is_pattern(text: &OsStr) -> bool {
    let has = |byte: u8| text.as_bytes().contains(&byte);
    has(b'*') || has(b'?') || has(b'[') && has(b']')
}

/// Refuses patterns among the paths of flags, `--deny` above all: a name that is not there yet can be denied.
pub(crate) fn refuse(given: &Grants, network: &Network) -> Result<(), CliError> {
    let paths = [
        ("--allow", &given.allow),
        ("--read", &given.read),
        ("--write", &given.write),
        ("--allow-file", &given.allow_file),
        ("--read-file", &given.read_file),
        ("--write-file", &given.write_file),
        ("--deny", &given.deny),
        ("--allow-unix", &network.allow_unix),
    ];
    for (flag, paths) in paths {
        if let Some(path) = paths.iter().find(|path| is_meant_as_one(path)) {
            return Err(CliError::Pattern { flag, path: path.clone() });
        }
    }
    Ok(())
}

/// Whether `path` is a pattern, and not the odd name of something.
fn is_meant_as_one(path: &Path) -> bool {
    is_pattern(path.as_os_str()) && fs::symlink_metadata(path).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_there_is_no_pattern() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("a[1]*");
        for (path, expected) in [("*.env", true), ("src/?", true), ("[ab]", true), ("plain", false), ("a[", false)] {
            assert_eq!(is_meant_as_one(&dir.path().join(path)), expected, "{path}");
        }
        assert!(is_meant_as_one(&odd));
        fs::write(&odd, "").unwrap();
        assert!(!is_meant_as_one(&odd));
    }
}
