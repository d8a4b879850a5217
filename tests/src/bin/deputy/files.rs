//! Opens of one path, each by open(2), openat(2) and openat2(2).

use crate::row::Row;
use rustix::fs::OFlags;

const READ: OFlags = OFlags::RDONLY;
const WRITE: OFlags = OFlags::WRONLY;

pub(crate) const ROWS: &[Row] = &[
    // As it is asked for, so it is handed over.
    Row::open("file", b"approved/f", READ),
    Row::open("file-cloexec", b"approved/f", OFlags::CLOEXEC),
    Row::open("file-nonblock", b"approved/f", OFlags::NONBLOCK),
    Row::open("file-noctty", b"approved/f", OFlags::NOCTTY),
    Row::open("file-sync", b"approved/f", OFlags::SYNC),
    Row::open("file-dsync", b"approved/f", OFlags::DSYNC),
    Row::open("file-direct", b"approved/f", OFlags::DIRECT),
    Row::open("file-noatime", b"approved/f", OFlags::NOATIME),
    Row::open("file-append", b"approved/f", OFlags::APPEND),
    // It takes more than this flag to be signalled: fcntl(2).
    Row::open("file-async", b"approved/f", OFlags::from_bits_retain(0o20000)).inside("ok"),
    Row::open("file-exclusive-alone", b"approved/f", OFlags::EXCL),
    Row::open("file-unknown-flag", b"approved/f", OFlags::from_bits_retain(1 << 30)).unapproved("refused"),
    // Neither reading nor writing: Landlock asks for no right.
    Row::open("file-mode-three", b"approved/f", OFlags::ACCMODE).always("=|EACCES"),
    Row::open("directory", b"approved/sub", OFlags::DIRECTORY),
    Row::open("directory-plain", b"approved/sub", READ),
    Row::open("directory-itself", b"approved", READ),
    Row::open("directory-slash", b"approved/sub/", READ),
    Row::open("directory-for-writing", b"writable/sub", WRITE),
    Row::open("directory-of-a-file", b"approved/f", OFlags::DIRECTORY),
    Row::open("slash-after-file", b"approved/f/", READ),
    Row::open("through-a-file", b"approved/f/x", READ),
    Row::open("dots", b"approved/./sub/.././/f", READ),
    Row::open("dots-through-a-file", b"approved/f/../f", READ),
    Row::open("missing", b"approved/missing", READ),
    Row::open("missing-directory", b"approved/missing/f", READ),
    // A handle opens nothing; of the secret too.
    Row::open("handle", b"approved/f", OFlags::PATH).unapproved("="),
    Row::open("handle-of-secret", b"secret/f", OFlags::PATH).always("="),
    Row::open("handle-of-link", b"approved/out", OFlags::PATH.union(OFlags::NOFOLLOW)).always("="),
    // Links.
    Row::open("link", b"approved/link", READ),
    Row::open("link-nofollow", b"approved/link", OFlags::NOFOLLOW),
    Row::open("link-nofollow-directory", b"approved/dirlink", OFlags::NOFOLLOW.union(OFlags::DIRECTORY)),
    Row::open("link-nofollow-slash", b"approved/dirlink/", OFlags::NOFOLLOW.union(OFlags::DIRECTORY)),
    Row::open("link-nofollow-middle", b"approved/dirlink/g", OFlags::NOFOLLOW),
    Row::open("link-to-directory", b"approved/dirlink", READ),
    Row::open("link-slash", b"approved/link/", READ),
    Row::open("link-loop", b"approved/loop", READ),
    Row::open("link-dangling", b"approved/dangling", READ),
    Row::open("link-from-outside", b"secret/in", READ),
    // Below a grant by its text, so it goes on without a look.
    Row::open("link-from-grant", b"work/in", READ).inside("=|EACCES"),
    Row::open("link-from-grant-dots", b"work/../work/in", READ),
    Row::open("link-parent", b"approved/dirlink/../f", READ),
    // Out of the approved directory.
    Row::open("out-by-link", b"approved/out", READ).inside("EACCES"),
    Row::open("out-by-dots", b"approved/../secret/f", READ).inside("EACCES"),
    Row::open("out-by-link-and-dots", b"approved/outdir/../secret/f", READ).inside("EACCES"),
    Row::open("secret", b"secret/f", READ).inside("EACCES"),
    Row::open("secret-directory", b"secret", OFlags::DIRECTORY).inside("EACCES"),
    Row::open("name-begins-alike", b"approved-not/f", READ).inside("EACCES"),
    Row::open("denied", b"approved/denied/f", READ).inside("EACCES"),
    Row::open("denied-by-link", b"approved/sub/to-denied", READ).inside("EACCES"),
    Row::open("denied-by-dots", b"approved/sub/../denied/f", READ).inside("EACCES"),
    // A file has the names it has: each is judged for itself.
    Row::open("hard-link-in-approved", b"approved/hard", READ),
    Row::open("hard-link-in-secret", b"secret/hard", READ).inside("EACCES"),
    // Names.
    Row::open("name-not-utf8", b"approved/\xff\xfe\x80", READ),
    Row::open("name-not-utf8-secret", b"secret/\xff\xfe\x80", READ).inside("EACCES"),
    Row::open("name-with-newline", b"approved/new\nline \"quoted\"\\", READ),
    Row::open("name-like-deleted", b"approved/f (deleted)", READ).inside("=|EACCES"),
    // For what is not approved.
    Row::open("write-where-reading", b"approved/f", WRITE).inside("EACCES"),
    Row::open("readwrite-where-reading", b"approved/f", OFlags::RDWR).inside("EACCES"),
    Row::open("truncate-where-reading", b"approved/f", OFlags::TRUNC).inside("EACCES"),
    Row::open("create-where-reading", b"approved/f", OFlags::CREATE).inside("=|EACCES|EINVAL"),
    Row::open("write", b"writable/f", WRITE),
    Row::open("write-append", b"writable/f", WRITE.union(OFlags::APPEND)),
    Row::open("readwrite", b"writable/f", OFlags::RDWR),
    Row::open("mode-of-file", b"approved/closed", READ).inside("=|EACCES"),
    Row::open("mode-of-directory", b"approved/unsearchable/f", READ).inside("=|EACCES"),
    // Not files, and never handed over.
    Row::open("fifo", b"approved/fifo", OFlags::NONBLOCK).inside("EACCES"),
    Row::open("fifo-waiting", b"approved/fifo", READ).inside("EACCES").unapproved("EACCES").needs("inside-only"),
    Row::open("fifo-waiting-writer", b"writable/fifo", WRITE).always("EACCES").needs("inside-only"),
    Row::open("socket", b"approved/socket", READ).always("EACCES|ENXIO"),
    Row::open("character-device", b"approved/null", READ).inside("EACCES").needs("root"),
    Row::open("block-device", b"approved/block", READ).always("EACCES|ENXIO").needs("root"),
    Row::open("fifo-by-link", b"approved/fifolink", OFlags::NONBLOCK).inside("EACCES"),
    // Nobody's system.
    Row::open("empty-path-below-root", b"/", OFlags::DIRECTORY).wide(),
    Row::open("kernel-log", b"/dev/kmsg", OFlags::NONBLOCK).wide().always("EACCES|ENOENT").needs("root"),
    Row::open("disk", b"/dev/vda", READ).wide().always("EACCES|ENOENT").needs("root"),
    Row::open("sys-file", b"/sys/kernel/profiling", READ).wide().always("=|EACCES"),
    Row::open("sys-write", b"/sys/kernel/profiling", WRITE).wide_all().always("EACCES|ENOENT"),
    Row::open("proc-sys-write", b"/proc/sys/kernel/hostname", WRITE).wide_all().always("EACCES"),
    // Protected: not approved by a rule for everything.
    Row::open("shadow", b"/etc/shadow", READ).wide().always("EACCES|ENOENT"),
    Row::open("own-rules", b"rules.toml", WRITE).wide_all().always("EACCES"),
    Row::open("own-audit", b"audit.jsonl", WRITE).wide_all().always("EACCES"),
];
