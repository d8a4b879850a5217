//! What an observer is told of: every call by its path or address that Landlock may refuse.

use super::{Rules, files};
use crate::observe;
use nono_seccomp::{Action, BuildError};

/// Beside what other rules refuse, which they notify themselves. Calls that Landlock has no right for (`stat(2)`,
/// `access(2)`, `readlink(2)`, ...) are left alone: they cannot be refused, and programs make thousands of them.
pub(super) fn notify_all(rules: &mut Rules) -> Result<(), BuildError> {
    files::notify_opens(rules, false)?;
    for syscall in observe::CALLS.iter().filter_map(|(call, _)| call.on(rules.arch)) {
        rules.program.on(syscall, Action::Notify)?;
    }
    Ok(())
}
