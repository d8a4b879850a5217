//! What can be wrong with a capability, one cause a variant.

use crate::access::FsAccess;
use crate::guarantee::Guarantee;
use crate::net::Port;
use std::io;
use std::path::PathBuf;

/// Why a path cannot be granted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the fields")]
pub enum CapabilityError {
    /// Nothing is there.
    #[error("{path:?} does not exist; the nearest existing directory is {nearest:?}")]
    NotFound { path: PathBuf, nearest: PathBuf },
    /// The empty string: most often an unset variable in a script.
    #[error("an empty path was given; is a variable in the command line unset?")]
    Empty,
    /// More bytes than the kernel takes. The path is not repeated: it would fill the screen.
    #[error("a path of {len_bytes} bytes was given; the longest is {longest}")]
    TooLong { len_bytes: usize, longest: usize },
    /// A symbolic link that leads nowhere.
    #[error("{path:?} is a symbolic link to {target:?}, which does not exist")]
    DanglingLink { path: PathBuf, target: PathBuf },
    /// A directory is needed.
    #[error("{path:?} is not a directory")]
    NotADirectory { path: PathBuf },
    /// A file is needed.
    #[error("{path:?} is a directory, not a file; grant it as a directory")]
    NotAFile { path: PathBuf },
    /// Rights that a file cannot carry.
    #[error("{path:?} is a file, but {excess:?} exist for directories only; grant its parent instead")]
    DirectoryOnly { path: PathBuf, excess: FsAccess },
    /// No right at all.
    #[error("no access right was given for {path:?}")]
    NoRight { path: PathBuf },
    /// The system refused to resolve it: a loop of links, a name too long, a parent that may not be searched.
    #[error("cannot resolve {path:?}")]
    Resolve { path: PathBuf, source: io::Error },
    /// A resolved path must be absolute and hold neither `.` nor `..`.
    #[error("{path:?} is not a resolved path: it must be absolute, without \".\" and \"..\"")]
    NotResolved { path: PathBuf },
}

/// Which two wishes cannot both hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the fields")]
pub enum ConflictError {
    /// A port rule beside an open network would restrict silently, or not at all.
    #[error("port {port} is granted although the whole network is open; leave out one of the two")]
    PortUnderOpenNetwork { port: Port },
    /// Name lookups beside an open network are part of it.
    #[error("name lookups are granted although the whole network is open; leave out one of the two")]
    LookupsUnderOpenNetwork,
    /// A port of one host kind is also granted to the whole world.
    #[error("port {port} is granted to this machine only and to any host; leave out one of the two")]
    LocalAndAnyHost { port: Port },
    /// The same path granted and denied: neither order of the two is a promise.
    #[error("{path:?} is granted and denied; leave out one of the two")]
    GrantedAndDenied { path: PathBuf },
    /// The path was replaced between two grants of it.
    #[error("{path:?} was replaced by another object while it was being granted; try again")]
    Replaced { path: PathBuf },
}

/// A name that no [`Guarantee`] has.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no guarantee is called {name:?}; there are {}", names())]
#[expect(missing_docs, reason = "the message explains the field")]
pub struct UnknownGuarantee {
    pub name: String,
}

fn names() -> String {
    Guarantee::ALL.iter().map(|guarantee| guarantee.name()).collect::<Vec<_>>().join(", ")
}
