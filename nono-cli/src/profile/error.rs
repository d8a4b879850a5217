//! What can be wrong with a profile: one cause a variant, each with the file and, where there is one, the line.

use super::place::Place;
use crate::spelling::NoGuarantee;
use nono_core::CapabilityError;
use std::io;
use std::path::{Path, PathBuf};

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfileError {
    /// A name that neither the user nor nono has.
    #[error("no profile is called {name:?}; {hint}")]
    Unknown { name: String, hint: String },
    /// A name that cannot be that of a file.
    #[error("{name:?} is no name of a profile: letters, digits, \"-\", \"_\" and \".\", without an ending")]
    Name { name: String },
    /// Missing or unreadable.
    #[error("cannot read {path:?}")]
    Read { path: PathBuf, source: io::Error },
    /// A symbolic link that leads nowhere.
    #[error("{path:?} is a symbolic link to {target:?}, which does not exist")]
    DanglingLink { path: PathBuf, target: PathBuf },
    /// Something that reading might wait for, or never end.
    #[error("{path:?} is {kind}; a profile is a regular file")]
    NotAFile { path: PathBuf, kind: &'static str },
    /// More than a person writes.
    #[error("{path:?} has more than {limit_kib} KiB; a profile is a text of a few lines")]
    TooLarge { path: PathBuf, limit_kib: u64 },
    /// Not text.
    #[error("{place}: {what}; a profile is text in UTF-8")]
    Binary { place: Place, what: &'static str },
    /// Neither TOML nor JSON.
    #[error("{place}: not {format}: {message}")]
    Syntax { place: Place, format: &'static str, message: String },
    /// A key that means nothing here.
    #[error("{place}: unknown key {key:?}{within}; {hint}")]
    Key { place: Place, key: String, within: String, hint: String },
    /// A key of nono 0.11 for something that nono does not have.
    #[error("{place}: {key:?} of nono 0.11 is not supported: {why}")]
    Unsupported { place: Place, key: String, why: &'static str },
    /// A value of another type than is wanted.
    #[error("{place}: {key:?} is {found}; it takes {expected}")]
    Type { place: Place, key: String, found: &'static str, expected: &'static str },
    /// A value of the right type that makes no sense.
    #[error("{place}: {key:?} is {value:?}; it takes {expected}")]
    Value { place: Place, key: String, value: String, expected: &'static str },
    /// A guarantee that there is none of.
    #[error("{place}: accept_gap")]
    Gap { place: Place, source: NoGuarantee },
    /// A profile that extends itself.
    #[error("{place}: profiles extend each other in a circle: {chain}")]
    Cycle { place: Place, chain: String },
    /// More levels of `extends` than anybody needs.
    #[error("{place}: profiles extend each other over more than {limit} levels")]
    TooDeep { place: Place, limit: usize },
    /// More profiles than anybody needs: each of two extends two others, ..
    #[error("{place}: more than {limit} profiles are extended")]
    TooMany { place: Place, limit: usize },
    /// What is wrong with a profile that another one extends.
    #[error("{place}: extends {name:?}")]
    Extends { place: Place, name: String, source: Box<ProfileError> },
    /// A variable without a value.
    #[error("{place}: ${name} is not set; set it, or say `optional = true`")]
    Unset { place: Place, name: String },
    /// A dollar that is followed by no name.
    #[error("{place}: {given:?} has a \"$\" without a name behind it; a \"$\" itself is written \"$$\"")]
    Dollar { place: Place, given: String },
    /// `~` of another user, or where there is no home directory.
    #[error("{place}: {given:?}: {why}")]
    Home { place: Place, given: String, why: &'static str },
    /// A pattern.
    #[error("{place}: {given:?} does not exist, and patterns are not expanded; grant the directory")]
    Pattern { place: Place, given: String },
    /// A relative path that is not below the working directory.
    #[error("{place}: {given:?} leads out of the working directory, to {resolved:?}; write where it is meant to lead")]
    Outside { place: Place, given: String, resolved: PathBuf },
    /// A path in a table that is not about the working directory.
    #[error("{place}: {given:?} is neither absolute nor begins with ~/ or a variable")]
    Relative { place: Place, given: String },
    /// A path that cannot be granted.
    #[error("{place}: {key}")]
    Grant { place: Place, key: &'static str, source: CapabilityError },
    /// `create = true`
    #[error("{place}: cannot make the directory {path:?}")]
    Create { place: Place, path: PathBuf, source: io::Error },
    /// Not a unix socket.
    #[error("{place}: unix: {path:?} is neither a unix socket nor a directory")]
    NotASocket { place: Place, path: PathBuf },
    /// Two things that cannot both hold.
    #[error("{place}: {one} contradicts {other}; leave out one of the two")]
    Contradiction { place: Place, one: &'static str, other: String },
}

impl ProfileError {
    /// A path of `deny` that cannot be denied.
    pub(crate) fn denied(file: &Path, line: u32, source: CapabilityError) -> ProfileError {
        ProfileError::Grant { place: Place { file: file.into(), line }, key: "deny", source }
    }

    /// What to do about it, where the message does not say so.
    pub(crate) fn remedy(&self) -> Option<&'static str> {
        match self {
            ProfileError::Extends { source, .. } => source.remedy(),
            ProfileError::Grant { key: "deny", source: CapabilityError::NotFound { .. }, .. } => {
                Some("say `optional = true` there, or use --allow-missing")
            }
            ProfileError::Grant { source: CapabilityError::NotFound { .. }, .. } => {
                Some("say `create = true` or `optional = true` there, or use --allow-missing")
            }
            ProfileError::Grant { source: CapabilityError::DanglingLink { .. }, .. } => {
                Some("create that, or say `optional = true` there")
            }
            _ => None,
        }
    }
}
