//! Which errors a call is made to fail with: those of its manual page that its caller could meet.

use rustix::io::Errno;

/// Calls, and their errors.
const ERRNOS: &[(&[&str], &[Errno])] = &[
    (
        &["openat", "openat2", "open"],
        &[
            Errno::ACCESS,
            Errno::NOENT,
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOMEM,
            Errno::PERM,
            Errno::NOSYS,
            Errno::AGAIN,
        ],
    ),
    // That nothing is there is an answer, and no fault.
    (&["statx", "newfstatat", "fstat", "access"], &[Errno::ACCESS, Errno::NOMEM, Errno::NOSYS, Errno::LOOP]),
    (&["wait4"], &[Errno::INTR]),
    // They cannot fail.
    (&["getuid", "geteuid", "getgid", "getegid", "getpid", "gettid"], &[]),
    (&["getrandom"], &[Errno::INTR, Errno::NOSYS]),
    (&["readlink", "readlinkat", "getcwd"], &[Errno::ACCESS, Errno::NOENT, Errno::NOMEM]),
    (
        &["landlock_create_ruleset"],
        &[Errno::NOSYS, Errno::OPNOTSUPP, Errno::INVAL, Errno::NOMEM, Errno::PERM, Errno::NOMSG, Errno::MFILE],
    ),
    (&["landlock_add_rule"], &[Errno::INVAL, Errno::NOMEM, Errno::PERM, Errno::BADFD, Errno::NOMSG]),
    (&["landlock_restrict_self"], &[Errno::PERM, Errno::NOMEM, Errno::TOOBIG, Errno::INVAL]),
    (&["seccomp"], &[Errno::INVAL, Errno::ACCESS, Errno::NOMEM, Errno::FAULT, Errno::NOSYS]),
    (&["prctl"], &[Errno::INVAL, Errno::PERM]),
    (&["capset", "capget"], &[Errno::PERM, Errno::INVAL]),
    (&["prlimit64", "setrlimit", "getrlimit"], &[Errno::PERM, Errno::INVAL]),
    (&["close_range"], &[Errno::NOSYS, Errno::INVAL, Errno::NOMEM, Errno::MFILE]),
    (&["fcntl"], &[Errno::INVAL, Errno::PERM]),
    (&["close"], &[Errno::IO, Errno::INTR]),
    (&["chdir", "fchdir"], &[Errno::ACCESS, Errno::NOENT, Errno::NOMEM]),
    (&["unshare"], &[Errno::PERM, Errno::NOSPC, Errno::NOMEM, Errno::INVAL, Errno::NOSYS]),
    (
        &["mount", "umount2", "fsopen", "fsconfig", "fsmount", "open_tree", "move_mount", "mount_setattr"],
        &[Errno::PERM, Errno::NOSYS, Errno::NOMEM, Errno::INVAL, Errno::BUSY],
    ),
    (&["mkdirat", "fchmodat", "chmod", "utimensat"], &[Errno::ACCESS, Errno::NOSPC, Errno::ROFS, Errno::EXIST]),
    (&["clone", "clone3", "fork", "vfork"], &[Errno::AGAIN, Errno::NOMEM]),
    (&["read", "pread64", "getdents64"], &[Errno::IO, Errno::INTR]),
    (&["write"], &[Errno::IO, Errno::PIPE, Errno::NOSPC]),
    (&["mmap", "mprotect", "brk"], &[Errno::NOMEM]),
];

/// The errors of a call; for one that is in no line, some that any call may have.
pub(crate) fn of(name: &str) -> &'static [Errno] {
    let known = ERRNOS.iter().find(|(names, _)| names.contains(&name));
    known.map_or(&[Errno::PERM, Errno::NOSYS, Errno::NOMEM], |(_, errnos)| errnos)
}
