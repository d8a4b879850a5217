//! What can go wrong, one cause a variant.

use crate::place::Unspeakable;
use nono_core::Gap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// What is not SBPL, or not the part of it that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the variants")]
pub enum Problem {
    #[error("a profile begins with (version 1)")]
    Version,
    #[error("no such form is known here")]
    Form,
    #[error("no such operation is known here")]
    Operation,
    #[error("no such filter is known here")]
    Filter,
    #[error("a string escapes quotes and backslashes, nothing else")]
    Escape,
    #[error("this is never closed")]
    Unclosed,
    #[error("this closes nothing")]
    Unopened,
    #[error("no expression begins with this character")]
    Character,
    #[error("too many lists within lists")]
    TooDeep,
}

/// Why a text is not a profile that is understood here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
#[expect(missing_docs, reason = "the message explains the fields")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// From 1, in bytes.
    pub column: usize,
    pub problem: Problem,
}

impl ParseError {
    pub(crate) fn new(text: &str, at: usize, problem: Problem) -> ParseError {
        let before = text.as_bytes().get(..at).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len) + 1;
        ParseError { line, column, problem }
    }
}

/// Why a policy cannot be prepared. Nothing is restricted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the fields")]
pub enum PrepareError {
    /// Name lookups without the network: they go through a service of the system that reaches everywhere.
    #[error("name lookups alone cannot be granted on macOS; open the network, or use a proxy that looks names up")]
    NameLookups,
    /// A guarantee that was asked for cannot be kept, and its gap was not accepted.
    #[error(
        "{name} cannot be guaranteed: {risk}; closed by {remedy}; to go on without it: --accept-gap {name}",
        name = gap.guarantee, risk = gap.risk, remedy = gap.remedy
    )]
    Unenforceable { gap: Gap },
    /// A profile cannot name the path.
    #[error("{path:?} cannot stand in a sandbox profile ({reason:?}); rename it, or grant a directory above it")]
    Unspeakable { path: PathBuf, reason: Unspeakable },
    /// The compiled text does not mean what was asked for. This is a bug of nono, and nothing is run.
    #[error("the profile that was made cannot be read back")]
    Unreadable { source: ParseError },
    /// Likewise.
    #[error("the profile that was made is read back as another")]
    Altered,
}

/// Why the calling process could not be restricted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the fields")]
pub enum ApplyError {
    /// Seatbelt exists on macOS only.
    #[error("this system is not macOS, and Seatbelt exists there only")]
    NotMacos,
    /// A sandboxed process cannot be sandboxed again.
    #[error("this process is sandboxed already, and macOS allows that once; start it outside the other sandbox")]
    AlreadySandboxed,
    /// A profile is a C string.
    #[error("the profile holds a NUL byte")]
    Nul { source: std::ffi::NulError },
    /// A library would be loaded into the process that applies the profile, before it is applied.
    #[error(
        "{name:?} is an order to the loader, which the process that sets up the sandbox would obey too, before it is set up"
    )]
    Loader { name: OsString },
    /// The program that applies the profile cannot be started.
    #[error("cannot execute {helper:?}, which sets up the sandbox")]
    Helper { helper: PathBuf, source: io::Error },
    /// It was started, and does not understand what it is to do.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// The program would inherit what is open.
    #[error("cannot find out which descriptors are open (/dev/fd), to keep them from the program")]
    Descriptors { source: io::Error },
    /// The system did not take the profile. The message is Apple's.
    #[error("macOS refused the sandbox profile: {message:?}")]
    SandboxInit { message: String, source: io::Error },
}

/// Why the arguments of a helper are not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the fields")]
pub enum HandoverError {
    /// They end too early.
    #[error("the arguments that say what to run under which profile have no {field}")]
    Missing { field: &'static str },
    /// Another version of nono made them.
    #[error("the arguments that say what to run have version {found:?}, not {expected}; was nono replaced meanwhile?")]
    Version { found: OsString, expected: &'static str },
    /// The numbers are none.
    #[error("{found:?} is no list of descriptors that the program is to inherit")]
    Descriptors { found: OsString, source: std::num::ParseIntError },
    /// A profile is text.
    #[error("the profile to be applied is not UTF-8")]
    NotUtf8,
    /// It is no profile of ours.
    #[error("the profile to be applied is not understood")]
    Profile { source: ParseError },
}
