//! What a sandbox would enforce, as one value with two renderings.

mod file;
mod human;

pub(crate) use human::{gap, grants, human, line, row, source};

use crate::denies::Denies;
use crate::error::CliError;
use crate::explain::Explanation;
use nono_core::serial::LosslessPath;
use nono_core::{
    CapabilitySet, Closed, Enforcement, FsCapability, Gap, GapKind, Guarantee, Loss, Mechanism, NetworkMode, Port,
    Source,
};
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

/// What is enforced for a command.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    version: u32,
    command: Vec<Word>,
    workdir: LosslessPath,
    grants: &'a [FsCapability],
    network: Network<'a>,
    #[serde(flatten)]
    enforcement: Outcomes<'a>,
    denied: Vec<Denied<'a>>,
    /// What grants no longer allow because of what is denied below them.
    lost: &'a [Loss],
    /// With `--explain`, when the command has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<&'a Explanation>,
}

/// A denied path.
#[derive(Debug, Serialize)]
struct Denied<'a> {
    #[serde(flatten)]
    closed: &'a Closed,
    /// Nobody asked for it by name.
    automatic: bool,
    /// Who did.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a Source>,
}

/// What of the network is granted.
#[derive(Debug, Serialize)]
pub(crate) struct Network<'a> {
    #[serde(flatten)]
    mode: &'a NetworkMode,
    /// Ports of any host.
    tcp_connect: &'a BTreeSet<Port>,
    /// Ports of this machine, the proxy's among them.
    tcp_connect_here: BTreeSet<Port>,
    tcp_bind: BTreeSet<Port>,
    name_lookups: bool,
}

impl<'a> From<&'a CapabilitySet> for Network<'a> {
    fn from(set: &'a CapabilitySet) -> Network<'a> {
        Network {
            mode: set.network(),
            tcp_connect: set.tcp_connect(),
            tcp_connect_here: set.tcp_connect_here(),
            tcp_bind: set.tcp_bind(),
            name_lookups: set.name_lookups(),
        }
    }
}

/// What became of each guarantee, gaps apart from limits.
#[derive(Debug, Serialize)]
pub(crate) struct Outcomes<'a> {
    requested: &'a [Guarantee],
    enforced: Vec<Kept>,
    gaps: Vec<&'a Gap>,
    limits: Vec<&'a Gap>,
}

#[derive(Debug, Serialize)]
struct Kept {
    guarantee: Guarantee,
    mechanism: Mechanism,
}

/// An argument of the command: text where it is UTF-8, else `{"bytes": base64}`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Bytes { bytes: String },
}

impl From<&OsString> for Word {
    fn from(word: &OsString) -> Word {
        match LosslessPath::from(Path::new(word)) {
            LosslessPath::Path(text) => Word::Text(text),
            LosslessPath::PathBytes(bytes) => Word::Bytes { bytes },
        }
    }
}

/// `#[serde(serialize_with = "report::words")]` on arguments.
pub(crate) fn words<S: Serializer>(words: &[OsString], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(words.iter().map(Word::from))
}

impl<'a> From<&'a Enforcement> for Outcomes<'a> {
    fn from(all: &'a Enforcement) -> Outcomes<'a> {
        let kept =
            |(guarantee, mechanism): &(Guarantee, Mechanism)| Kept { guarantee: *guarantee, mechanism: *mechanism };
        Outcomes {
            requested: &all.requested,
            enforced: all.enforced.iter().map(kept).collect(),
            gaps: all.closable().collect(),
            limits: all.gaps.iter().filter(|gap| gap.kind == GapKind::Limit).collect(),
        }
    }
}

impl<'a> Report<'a> {
    pub(crate) fn new(
        command: &[OsString],
        workdir: &Path,
        set: &'a CapabilitySet,
        enforcement: &'a Enforcement,
        denies: &'a Denies,
    ) -> Report<'a> {
        Report {
            version: 1,
            command: command.iter().map(Word::from).collect(),
            workdir: LosslessPath::from(workdir),
            grants: set.fs(),
            network: set.into(),
            enforcement: enforcement.into(),
            denied: enforcement
                .denied
                .iter()
                .map(|closed| {
                    let source = denies.source(&closed.path);
                    Denied { closed, automatic: source.is_none(), source }
                })
                .collect(),
            lost: &enforcement.lost,
            explained: None,
        }
    }

    /// The same, with what the command was refused.
    pub(crate) fn explained(self, explanation: &'a Explanation) -> Report<'a> {
        Report { explained: Some(explanation), ..self }
    }
}

/// One JSON value on one line.
#[expect(clippy::expect_used, reason = "serde_json fails on maps with keys that are no strings; there is no map here")]
pub(crate) fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("no map");
    text.push('\n');
    text
}

/// Replaces the file at `path`, or makes it, whatever commands with these `grants` have made of the way to it.
pub(crate) fn replace(path: &Path, text: &str, grants: &CapabilitySet) -> std::io::Result<()> {
    file::write(path, text, grants)
}

/// Whether [`replace`] could do so now.
pub(crate) fn may_replace(path: &Path, grants: &CapabilitySet) -> std::io::Result<()> {
    file::check(path, grants)
}

/// Writes `report` to the file of `--report`.
pub(crate) fn write(path: &Path, report: &Report<'_>, set: &CapabilitySet) -> Result<(), CliError> {
    file::write(path, &json(report), set).map_err(|source| CliError::Report { path: path.to_owned(), source })
}
