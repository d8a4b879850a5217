//! Copying an executable that other threads of the test harness may fork beside.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Copies `from` to `to`, executable for everybody.
///
/// Another process writes it: a descriptor of ours that does, inherited by a child that another thread has just forked,
/// would make executing the copy fail with `ETXTBSY`.
pub(crate) fn executable(from: &Path, to: &Path) -> io::Result<()> {
    let copied = Command::new("cp").arg(from).arg(to).status()?;
    if !copied.success() {
        return Err(io::Error::other(format!("cp {from:?} {to:?}: {copied}")));
    }
    fs::set_permissions(to, Permissions::from_mode(0o755))
}
