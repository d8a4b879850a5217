//! Why there is no answer.

use std::io;
use std::path::PathBuf;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WhyError {
    /// A path of no bytes.
    #[error("an empty path was given; is a variable in the command line unset?")]
    Empty,
    /// More than the kernel takes.
    #[error("a path of {len_bytes} bytes was given; the longest is {longest}")]
    TooLong { len_bytes: usize, longest: usize },
    /// `..` behind a name that is not there.
    #[error("{path:?} does not exist, so that \"..\" leads nowhere from it")]
    LeadsNowhere { path: PathBuf },
    /// A file in the middle of a path.
    #[error("{path:?} is not a directory")]
    NotADirectory { path: PathBuf },
    /// Links in a circle.
    #[error("{path:?}: too many symbolic links")]
    Loop { path: PathBuf },
    /// It is another thing for each process.
    #[error("{path:?} leads to what a process has open, which is another thing for the command; ask for its own path")]
    Magic { path: PathBuf },
    /// The kernel does not let it be looked at.
    #[error("cannot look at {path:?}")]
    Look { path: PathBuf, source: io::Error },
    /// A directory where a file is meant.
    #[error("{path:?} is a directory; what is made in it is asked by --op create, and its names by --op list")]
    IsADirectory { path: PathBuf },
    /// Something that is no program.
    #[error("{path:?} is not a regular file, which no kernel executes")]
    NoProgram { path: PathBuf },
    /// Something else than a socket.
    #[error("{path:?} is not a unix socket")]
    NotASocket { path: PathBuf },
    /// It cannot be made once more.
    #[error(
        "{path:?} exists; whether it may be changed is asked by --op write, replaced by --rename, removed by --op delete"
    )]
    Exists { path: PathBuf },
    /// A move that no kernel makes.
    #[error("{from:?} cannot be moved to {to:?}: {why}")]
    NoMove { from: PathBuf, to: PathBuf, why: &'static str },
    /// Grants beside `--self`.
    #[error("--self asks about the sandbox this is run in, which no flag changes; leave out the grants")]
    Idle,
    /// Not in a sandbox.
    #[error("--self: this is not run in a sandbox; to ask about one that is not there yet, leave out --self")]
    Outside,
    /// What would have to be done is more than a question.
    #[error("--self: {what} cannot be tried: {why}")]
    Untried { what: String, why: &'static str },
    /// Something came of it that says neither yes nor no.
    #[error("--self: trying {what} did not tell")]
    Unclear { what: String, source: io::Error },
    /// What was made to try could not be removed again.
    #[error("--self: {path:?} was made to try, and cannot be removed")]
    Left { path: PathBuf, source: io::Error },
}
