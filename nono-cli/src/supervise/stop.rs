//! Whether anybody would continue nono if it stopped.

use rustix::process::{Pid, getpgid, getpgrp, getpid, getsid};
use std::fs;

/// Whether nono's process group is orphaned (setpgid(2)): no member has a parent that is in another group of the same
/// session, as a shell with job control is. The kernel does not let keys stop such a group. The members that are asked are
/// the leader of the group and nono, one of which is the shell's child.
pub(super) fn is_orphaned() -> bool {
    let members = [getpgrp(), getpid()];
    !members.into_iter().filter_map(parent).any(|parent| watches(parent).unwrap_or(false))
}

fn watches(parent: Pid) -> rustix::io::Result<bool> {
    Ok(getsid(Some(parent))? == getsid(None)? && getpgid(Some(parent))? != getpgrp())
}

/// The parent of a process, by its `stat` (proc(5)).
fn parent(process: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    Pid::from_raw(stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?)
}
