//! Calls that a confined program has no business with, by the reason why.

use super::Rules;
use crate::supervisor::CONFINE;
use nono_seccomp::Operator::{AnyBit, Equal, NoneOf};
use nono_seccomp::{Action, BuildError, Condition, Errno, NamedCall};

/// Refused altogether. An entry is a reason.
const REFUSED: &[(&[NamedCall], Errno)] = &[
    // Memory that nobody can look into, a supervisor neither.
    (calls!["memfd_secret"], Errno::ENOSYS),
    // Another view of the file system.
    (calls!["mount", "umount2", "move_mount", "open_tree", "open_tree_attr", "fspick"], Errno::EPERM),
    (calls!["fsopen", "fsconfig", "fsmount", "mount_setattr", "swapon", "swapoff"], Errno::EPERM),
    // Keys of the user, which outlive the sandbox.
    (calls!["keyctl", "add_key", "request_key"], Errno::EPERM),
    // Looking into the kernel, and holding it up at a page fault.
    (calls!["bpf", "perf_event_open", "userfaultfd", "syslog", "lookup_dcookie"], Errno::EPERM),
    // Files by number instead of by path, and everybody's files.
    (calls!["open_by_handle_at", "name_to_handle_at", "fanotify_init", "fanotify_mark"], Errno::EPERM),
    (calls!["quotactl", "quotactl_fd"], Errno::EPERM),
    // The machine's own: modules, clock, names, power, accounting, and calls that few machines still have.
    (calls!["kexec_load", "kexec_file_load", "create_module", "init_module", "finit_module"], Errno::EPERM),
    (calls!["delete_module", "acct", "reboot", "settimeofday", "clock_settime", "adjtimex"], Errno::EPERM),
    (calls!["clock_adjtime", "sethostname", "setdomainname", "vhangup", "uselib", "nfsservctl"], Errno::EPERM),
    // Ports, and segments for 16-bit code.
    (calls!["iopl", "ioperm", "modify_ldt"], Errno::EPERM),
    // Moving memory between nodes, other processes' too.
    (calls!["move_pages", "migrate_pages", "mbind", "set_mempolicy", "set_mempolicy_home_node"], Errno::EPERM),
];

/// Rings make calls that no filter sees: with them every other rule is void. ENOSYS, so that programs go on without.
const RINGS: &[NamedCall] = calls!["io_uring_setup", "io_uring_enter", "io_uring_register"];

/// `CLONE_NEW*` of linux/sched.h: mounts, cgroup, hostname, IPC, user, process and network.
const NEW_NAMESPACES: u64 = 0x7e02_0000;
/// In `clone(2)` this bit is part of the exit signal.
const NEW_TIME_NAMESPACE: u64 = 0x80;

/// linux/sched.h
const CLONE_PARENT: u64 = 0x8000;
/// linux/prctl.h
const PR_SET_CHILD_SUBREAPER: u64 = 36;

/// Linux, and the question which one is set. The others change what programs see, and how memory is laid out.
const PERSONALITIES: [u64; 2] = [0, 0xffff_ffff];

/// What would make the other rules void.
pub(super) fn close_ways_around(rules: &mut Rules) -> Result<(), BuildError> {
    rules.refuse(RINGS, Errno::ENOSYS)
}

pub(super) fn close_rare_calls(rules: &mut Rules) -> Result<(), BuildError> {
    for (calls, errno) in REFUSED {
        rules.refuse(calls, *errno)?;
    }
    rules.refuse_where(call!("personality"), [Condition::int(0, NoneOf(PERSONALITIES.into()))?], Errno::EPERM)
}

/// Namespaces, where a program has every capability, and what is done with those: other roots, other users' view.
pub(super) fn close_namespaces(rules: &mut Rules) -> Result<(), BuildError> {
    // Its flags are in memory, where a filter cannot look; the C library goes on with clone(2).
    rules.refuse_unseen(call!("clone3"))?;
    rules.refuse(calls!["setns", "chroot", "pivot_root"], Errno::EPERM)?;
    rules.refuse_where(
        call!("unshare"),
        [Condition::int(0, AnyBit(NEW_NAMESPACES | NEW_TIME_NAMESPACE))?],
        Errno::EPERM,
    )?;
    rules.refuse_where(call!("clone"), [Condition::int(0, AnyBit(NEW_NAMESPACES))?], Errno::EPERM)
}

/// A supervisor hands nothing to processes that closed themselves in further, nor to what descends from them: who does so is
/// told to it, and descent stays what `/proc` says. A child is its maker's (`CLONE_PARENT` would make it a sibling), and an
/// orphan goes to nobody inside (a subreaper could be one that is not closed in).
pub(super) fn keep_descent(rules: &mut Rules) -> Result<(), BuildError> {
    if let Some(syscall) = CONFINE.on(rules.arch) {
        rules.program.on(syscall, Action::Notify)?;
    }
    rules.refuse_where(call!("clone"), [Condition::int(0, AnyBit(CLONE_PARENT))?], Errno::EINVAL)?;
    // Its flags are in memory; C libraries go on with clone(2).
    rules.refuse_unseen(call!("clone3"))?;
    rules.refuse_where(call!("prctl"), [Condition::int(0, Equal(PR_SET_CHILD_SUBREAPER))?], Errno::EINVAL)
}
