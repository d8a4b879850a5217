//! What a profile says: paths and values as they are written, each with its line. Nothing is looked up yet.

use super::place::{At, Place};
use nono_core::{AccessMode, Guarantee, Port};
use serde::{Serialize, Serializer};

/// A profile, with what it extends already in it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Profile {
    /// Empty once they are in it.
    #[serde(skip)]
    pub(super) extends: Vec<At<String>>,
    pub(super) description: Option<String>,
    pub(super) grants: Vec<Grant>,
    pub(super) denies: Vec<Entry>,
    pub(super) network: Network,
    pub(super) environment: Environment,
    pub(super) workdir: Option<At<Workdir>>,
    pub(super) options: Options,
    pub(super) approve: Option<Approve>,
    /// The files it was read from, those that are extended before those that extend them.
    pub(super) files: Vec<Place>,
}

/// One path of a list, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    #[serde(rename = "path")]
    pub(super) text: String,
    #[serde(rename = "source")]
    pub(super) place: Place,
    pub(super) missing: Missing,
}

/// What to do about a path that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Missing {
    /// It is an error.
    #[default]
    #[serde(rename = "error")]
    Refuse,
    /// Make the directory: `create = true`.
    Create,
    /// Leave it out: `optional = true`.
    #[serde(rename = "optional")]
    LeaveOut,
}

/// The lists of `[filesystem]` that grant something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Right {
    Allow,
    Read,
    Write,
    AllowFile,
    ReadFile,
    WriteFile,
}

impl Right {
    pub(super) const ALL: [Right; 6] =
        [Right::Allow, Right::Read, Right::Write, Right::AllowFile, Right::ReadFile, Right::WriteFile];

    /// The key of its list.
    pub(super) fn key(self) -> &'static str {
        match self {
            Right::Allow => "allow",
            Right::Read => "read",
            Right::Write => "write",
            Right::AllowFile => "allow_file",
            Right::ReadFile => "read_file",
            Right::WriteFile => "write_file",
        }
    }

    pub(super) fn mode(self) -> AccessMode {
        match self {
            Right::Allow | Right::AllowFile => AccessMode::ReadWrite,
            Right::Read | Right::ReadFile => AccessMode::Read,
            Right::Write | Right::WriteFile => AccessMode::Write,
        }
    }

    pub(super) fn is_of_files(self) -> bool {
        matches!(self, Right::AllowFile | Right::ReadFile | Right::WriteFile)
    }
}

/// A path and the list it stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Grant {
    pub(super) right: Right,
    #[serde(flatten)]
    pub(super) entry: Entry,
}

/// `[network]`
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Network {
    pub(super) open: Option<At<bool>>,
    pub(super) block: Option<At<bool>>,
    pub(super) connect: Vec<At<Port>>,
    pub(super) bind: Vec<At<Port>>,
    pub(super) port: Vec<At<Port>>,
    pub(super) proxy_port: Option<At<Port>>,
    pub(super) dns: Option<At<bool>>,
    pub(super) unix: Vec<Entry>,
}

impl Network {
    /// The place that opens the whole network, if one does.
    pub(super) fn opened(&self) -> Option<&Place> {
        said(self.open.as_ref())
    }

    /// The place that closes it aloud, if one does.
    pub(super) fn blocked(&self) -> Option<&Place> {
        said(self.block.as_ref())
    }

    /// The first key, with its place, that opens a part of it: a port or name lookups.
    pub(super) fn part(&self) -> Option<(&'static str, &Place)> {
        [("connect", &self.connect), ("bind", &self.bind), ("port", &self.port)]
            .into_iter()
            .find_map(|(key, ports)| Some((key, &ports.first()?.place)))
            .or_else(|| Some(("proxy_port", &self.proxy_port.as_ref()?.place)))
            .or_else(|| Some(("dns", said(self.dns.as_ref())?)))
    }
}

/// The place of what was said to be so.
pub(super) fn said(flag: Option<&At<bool>>) -> Option<&Place> {
    flag.filter(|flag| flag.value).map(|flag| &flag.place)
}

/// `[environment]`
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Environment {
    pub(super) clear: Option<At<bool>>,
    pub(super) pass: Vec<At<String>>,
    #[serde(serialize_with = "variables")]
    pub(super) set: Vec<(String, At<String>)>,
}

/// One object each: a variable may be set twice, by a profile and by one that it extends.
fn variables<S: Serializer>(set: &[(String, At<String>)], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Variable<'a> {
        name: &'a str,
        #[serde(flatten)]
        value: &'a At<String>,
    }
    serializer.collect_seq(set.iter().map(|(name, value)| Variable { name, value }))
}

/// `[workdir] access`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Workdir {
    None,
    Read,
    Write,
    ReadWrite,
}

impl Workdir {
    pub(super) const WORDS: [(&'static str, Workdir); 4] = [
        ("none", Workdir::None),
        ("read", Workdir::Read),
        ("write", Workdir::Write),
        ("readwrite", Workdir::ReadWrite),
    ];

    pub(super) fn word(self) -> &'static str {
        Workdir::WORDS.iter().find(|(_, access)| *access == self).map_or("", |(word, _)| word)
    }

    pub(super) fn mode(self) -> Option<AccessMode> {
        match self {
            Workdir::None => None,
            Workdir::Read => Some(AccessMode::Read),
            Workdir::Write => Some(AccessMode::Write),
            Workdir::ReadWrite => Some(AccessMode::ReadWrite),
        }
    }
}

/// `[options]`
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Options {
    pub(super) system: Option<At<bool>>,
    pub(super) private_shm: Option<At<bool>>,
    pub(super) accept_gap: Vec<At<Guarantee>>,
    pub(super) keep_cap: Vec<At<String>>,
}

/// `[approve]`: what is answered by yes and by no when it is asked for.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Approve {
    pub(super) allow: Vec<Entry>,
    pub(super) read: Vec<Entry>,
    pub(super) write: Vec<Entry>,
    pub(super) deny: Vec<Entry>,
}
