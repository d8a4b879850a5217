//! Every disagreement that was ever found, by name: each was one of the model, of the backend, or of this test.

use crate::case::Case;
use crate::run::Counts;

/// One a line of a title; the lines below it are the case.
const FOUND: &[(&str, &str)] = &[
    (
        "what is granted above a covered directory adds up in what is granted below it: a missing path there could be made",
        "dir a
         grant READ_FILE|READ_DIR|EXECUTE|WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_DIR|MAKE_SYM|MAKE_SOCK|MAKE_FIFO|REMOVE_FILE|REMOVE_DIR|REFER a
         grant WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_DIR|MAKE_SYM|MAKE_SOCK|MAKE_FIFO|REMOVE_FILE|REMOVE_DIR|REFER ..
         deny-inherited a/b
         deny-inherited .
         call mkdir a/b
         call mkdir a/c",
    ),
    (
        "a read-only mount does not keep a pipe from being written to: it is not granted for reading below a grant for writing",
        "fifo a
         grant READ_FILE|READ_DIR|EXECUTE a
         grant WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_DIR|MAKE_SYM|MAKE_SOCK|MAKE_FIFO|REMOVE_FILE|REMOVE_DIR|REFER .
         deny-inherited a
         call open RDWR a",
    ),
    (
        "what is moved onto itself takes the rights to be made and removed",
        "fifo a
         grant WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_FIFO|REMOVE_FILE|REFER .
         deny a
         deny b
         call exchange a a",
    ),
    (
        "a directory on the way to a denied path that does not exist may go",
        "dir a
         dir a/b
         grant READ_FILE|WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_DIR|REMOVE_FILE|REMOVE_DIR|REFER .
         deny a/b/c
         call rmdir a/b
         call mkdir a/d",
    ),
    (
        "a covered file cannot be opened in the mode that is for drivers alone",
        "file a
         grant READ_FILE|WRITE_FILE .
         deny a
         call open MODE3 a
         call open MODE3|TRUNC a
         call open PATH a",
    ),
    (
        "a name beside what is granted in a covered directory is not there",
        "dir a
         dir a/b
         dir a/c
         grant READ_FILE|READ_DIR|WRITE_FILE|MAKE_DIR|REMOVE_DIR|REFER .
         grant READ_FILE|READ_DIR a/b
         deny a
         call list a/c
         call list a
         call list a/b
         call mkdir a/d
         call rmdir a/b
         call rename a/b d",
    ),
    (
        "a denied path may be moved onto itself, which moves nothing",
        "file a
         grant READ_FILE|WRITE_FILE|MAKE_REG|REMOVE_FILE .
         deny a
         call rename a a
         call rename a b
         call unlink a",
    ),
    (
        "a file without a name is made on no read-only mount, whatever it is opened for",
        "dir a
         dir a/b
         grant READ_FILE|READ_DIR|EXECUTE|WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_DIR|MAKE_SYM|MAKE_SOCK|MAKE_FIFO|REMOVE_FILE|REMOVE_DIR|REFER .
         grant READ_FILE|READ_DIR|EXECUTE a/b
         deny a
         call open MODE3|TMPFILE a/b",
    ),
    (
        "another name for a denied link is a matter of rights on directories",
        "dir a
         symlink b a
         grant READ_FILE|READ_DIR|EXECUTE .
         grant WRITE_FILE|MAKE_REG|MAKE_SYM|REMOVE_FILE|REFER a
         deny b
         no-namespaces
         call link b a/c
         call rename b a/c
         call unlink b",
    ),
    (
        "a grant of another name of a denied file would open it where grants are narrowed: there is no such sandbox",
        "dir a
         file b
         hard a/c b
         grant READ_FILE|WRITE_FILE b
         grant READ_FILE|READ_DIR a
         deny a/c
         no-namespaces
         call open RDWR a/c",
    ),
    (
        "a right that is withheld so that a denied path cannot be made is told before a link between directories is judged",
        "file a
         dir b
         grant READ_FILE|READ_DIR|MAKE_REG b
         deny b/c
         call link a b/c
         call link a b/d",
    ),
    (
        "a hard link of a granted file is hidden by the cover that it lies below",
        "file c
         hard b c
         dir a
         fifo d
         hard a/c c
         grant READ_FILE|WRITE_FILE|TRUNCATE b
         grant READ_FILE|READ_DIR|EXECUTE .
         deny-inherited a
         call link d a/e
         call open RDONLY a/c",
    ),
    (
        "what is granted below another name of a denied directory is hidden by the cover there",
        "dir a
         bind b a
         file a/c
         grant WRITE_FILE|TRUNCATE|MAKE_REG|REMOVE_FILE .
         grant READ_FILE|WRITE_FILE|TRUNCATE a/c
         deny b
         call open MODE3|TRUNC a/c
         call open RDWR a/c",
    ),
    (
        "nothing beside a denied file is granted in another name of a denied directory",
        "dir a
         dir b
         bind b/b a
         dir b/b/a
         file a/c
         dir a/a/a
         grant READ_FILE|READ_DIR|EXECUTE .
         deny a/c
         deny b/b
         no-namespaces
         call open RDONLY b/b/a/a",
    ),
    (
        "what is mounted below a denied directory is not open by its other name",
        "dir a
         dir b
         file b/c
         bind a/b b
         grant READ_FILE|READ_DIR|EXECUTE .
         deny a
         no-namespaces
         call open RDONLY a/b/c
         call open RDONLY b/c",
    ),
    (
        "a file beside a denied one is granted by a rule, which opens its other names",
        "dir a
         file a/b
         file a/c
         hard d a/b
         grant READ_FILE|READ_DIR|EXECUTE a
         deny a/c
         no-namespaces
         call open RDONLY d",
    ),
    (
        "what is mounted beside a missing path that is denied is granted by a rule, which opens its other names",
        "dir c
         dir b
         dir b/a
         dir c/a
         bind b/a/a c
         grant READ_FILE|READ_DIR|EXECUTE|WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_DIR|REMOVE_FILE|REMOVE_DIR|REFER b
         deny b/a/d
         call open RDWR|TRUNC|APPEND|TMPFILE c/a",
    ),
    (
        "what is withheld from a directory around a denied path is withheld at its other names",
        "dir a
         dir a/b
         bind a/c a/b
         grant WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_DIR|MAKE_FIFO|REMOVE_FILE|REMOVE_DIR|REFER a/c
         deny a/c/b
         call mknod-fifo a/b/d",
    ),
    (
        "two granted names of a directory are both narrowed around a denied path, and neither is dropped",
        "dir a
         bind b a
         program a/c
         grant READ_FILE|READ_DIR|EXECUTE|WRITE_FILE|TRUNCATE|MAKE_REG|REMOVE_FILE a
         grant READ_FILE|READ_DIR|EXECUTE|WRITE_FILE|TRUNCATE|MAKE_REG|REMOVE_FILE|RESOLVE_UNIX b
         deny a/d
         call open RDWR|EXCL|NOFOLLOW a/c",
    ),
    (
        "of an exchange with a covered path, what gains a right is told before what is a mount",
        "datagram-server c
         dir a
         dir a/b
         grant READ_FILE|READ_DIR|EXECUTE|WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_DIR|MAKE_SOCK|REMOVE_FILE|REMOVE_DIR|REFER|IOCTL_DEV a
         grant READ_FILE|READ_DIR|EXECUTE|WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_DIR|MAKE_SOCK|REMOVE_FILE|REMOVE_DIR|REFER .
         deny c
         call exchange a/b c",
    ),
    (
        "what is granted below a denied path is there, though the path is another name of a denied one",
        "dir b
         bind a b
         dir a/d
         program a/c
         grant READ_FILE|READ_DIR|EXECUTE a/c
         grant READ_FILE|READ_DIR|EXECUTE .
         deny b
         deny a
         call open RDONLY a/d
         call open RDONLY a/c",
    ),
    (
        "a directory on the way to what may not be made is not moved to where it could be",
        "dir c
         dir b
         dir b/b
         dir b/b/ab
         dir c/b
         grant READ_FILE|READ_DIR|EXECUTE|WRITE_FILE|TRUNCATE|MAKE_REG|MAKE_DIR|REMOVE_FILE|REMOVE_DIR|REFER .
         deny b/b/ab/a
         call rename b c/b/ab",
    ),
    (
        "what is mounted below a denied directory and granted there has its other name",
        "dir c
         dir a
         dir c/b
         bind c/b/d a
         grant READ_FILE|READ_DIR|WRITE_FILE|TRUNCATE|MAKE_REG|REMOVE_DIR c/b/d
         grant READ_FILE|READ_DIR|EXECUTE .
         deny c
         no-namespaces
         call mknod-regular a/b",
    ),
    (
        "what is granted for writing below does not open the denied directory that is granted for reading",
        "file a
         dir b
         dir b/d
         hard b/ab a
         file b/d/c
         grant WRITE_FILE|TRUNCATE|MAKE_REG|REMOVE_FILE b/ab
         grant READ_FILE|READ_DIR|EXECUTE b
         grant WRITE_FILE|TRUNCATE|MAKE_REG|REMOVE_FILE .
         deny-inherited b
         call truncate b/d/c
         call open WRONLY b/d/c
         call mknod-regular b/e
         call open RDWR b/ab",
    ),
    (
        "what a cover hides would have to be made, and that is on a read-only mount",
        "dir a
         dir a/d
         file a/b
         grant READ_FILE|READ_DIR|EXECUTE a/d
         grant READ_FILE|READ_DIR|EXECUTE .
         deny a
         call open RDONLY|CREAT|TRUNC a/b
         call open RDONLY|CREAT a/b
         call open RDONLY|TRUNC a/b",
    ),
    (
        "a directory on the way to a denied path has no rule of its own, which would open its other names",
        "dir c
         dir b
         file c/d
         bind b/a c
         grant READ_FILE|READ_DIR|EXECUTE|WRITE_FILE|TRUNCATE|MAKE_REG|REMOVE_FILE b
         deny b/a/ab
         call open WRONLY|APPEND c/d",
    ),
    (
        "abstract sockets are granted with all others where no rule tells them apart, and that is said",
        "abstract-sockets
         call connect-abstract",
    ),
    (
        "below ABI 4 a port is bound by a gap, and nobody listens on it",
        "proxy 20055
         abi 1
         call listen 20054
         call bind 20054",
    ),
];

pub(crate) fn what_was_found_is_mended() -> Result<Vec<String>, String> {
    crate::for_users(|_| {
        let (bench, _terminal) = crate::bench();
        for (name, text) in FOUND {
            if let Err(why) = bench.judge(&Case::parse(text), &mut Counts::new()) {
                panic!("{name}: {}", why.what);
            }
        }
        format!("{} cases", FOUND.len())
    })
}

pub(crate) fn a_case_is_read_back_as_it_was_printed() -> Result<Vec<String>, String> {
    for seed in 0..500 {
        let case = crate::random::case(seed, crate::random::Means { root: true, abi: 7 });
        if Case::parse(&case.to_string()) != case {
            return Err(format!("{case}{case:?}"));
        }
    }
    Ok(Vec::new())
}
