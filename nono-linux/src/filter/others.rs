//! What reaches other programs of the same user without being their memory, their files or a signal.

use super::Rules;
use nono_seccomp::Operator::{NotEqual, OneOf};
use nono_seccomp::{BuildError, Condition, Errno};

/// What types a line into a terminal, now or at the next key: `TIOCSTI`, `TIOCLINUX` (asm-generic/ioctls.h), another line
/// discipline by `TIOCSETD`, and on a console the meaning of keys: `KDSKBENT`, `KDSKBSENT`, `KDSKBDIACR`,
/// `KDSETKEYCODE`, `KDSKBDIACRUC` (linux/kd.h).
const TYPING: [u64; 8] = [0x5412, 0x541c, 0x5423, 0x4b47, 0x4b49, 0x4b4b, 0x4b4d, 0x4bfb];

const PRIO_PROCESS: u64 = 0;
const IOPRIO_WHO_PROCESS: u64 = 1;

pub(super) fn close_terminal(rules: &mut Rules) -> Result<(), BuildError> {
    rules.refuse_where(call!("ioctl"), [Condition::int(1, OneOf(TYPING.into()))?], Errno::EPERM)
}

/// A process may set its own limits and priorities, by naming itself as 0. A thread that names itself or another by
/// number is refused too: a filter does not know whose number it is.
pub(super) fn close_other_processes(rules: &mut Rules) -> Result<(), BuildError> {
    let another = |argument| Condition::int(argument, NotEqual(0));
    for call in calls!["sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"] {
        rules.refuse_where(*call, [another(0)?], Errno::EPERM)?;
    }
    // Asking for limits (no new ones: a null pointer) changes nothing.
    rules.refuse_where(call!("prlimit64"), [another(0)?, Condition::long(2, NotEqual(0))?], Errno::EPERM)?;
    for (call, process) in [(call!("setpriority"), PRIO_PROCESS), (call!("ioprio_set"), IOPRIO_WHO_PROCESS)] {
        rules.refuse_where(call, [Condition::int(0, NotEqual(process))?], Errno::EPERM)?;
        rules.refuse_where(call, [another(1)?], Errno::EPERM)?;
    }
    Ok(())
}

/// The calls that use an object too: its number is small, and can be guessed.
pub(super) fn close_ipc(rules: &mut Rules) -> Result<(), BuildError> {
    rules.refuse(calls!["shmget", "shmat", "shmctl", "mq_open", "mq_unlink"], Errno::EPERM)?;
    rules.refuse(calls!["semget", "semop", "semtimedop", "semctl"], Errno::EPERM)?;
    rules.refuse(calls!["msgget", "msgsnd", "msgrcv", "msgctl"], Errno::EPERM)
}
