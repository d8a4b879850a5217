//! `--audit`: each answer as a line of JSON, written before the program has it.

use crate::supervise::wire::Who;
use nono_core::{CapabilitySet, FsAccess, Record, Recorder};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// An open log.
#[derive(Debug)]
pub(crate) struct Audit {
    file: Mutex<File>,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    /// It cannot be opened for appending.
    #[error("--audit: cannot write {path:?}")]
    Open { path: PathBuf, source: io::Error },
    /// The command could change it.
    #[error("--audit: {path:?} is in {grant:?}, which the command may write; put it elsewhere")]
    Writable { path: PathBuf, grant: PathBuf },
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    version: u32,
    /// Seconds since 1970.
    time: f64,
    #[serde(flatten)]
    who: Who<'a>,
    syscall: &'a str,
    verdict: &'static str,
    by: &'a str,
    /// How long the call waited, in milliseconds.
    waited_ms: f64,
}

impl Audit {
    /// Opens `path` for appending, and gives its resolved path too.
    pub(crate) fn open(path: &Path, grants: &CapabilitySet) -> Result<(Audit, PathBuf), AuditError> {
        let failed = |source| AuditError::Open { path: path.to_owned(), source };
        let file = File::options()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)
            .map_err(failed)?;
        let resolved = path.canonicalize().map_err(failed)?;
        let writable = |grant: &&nono_core::FsCapability| {
            grant.access().intersects(FsAccess::CHANGE) && resolved.starts_with(grant.resolved())
        };
        match grants.fs().iter().find(writable) {
            Some(grant) => Err(AuditError::Writable { path: path.to_owned(), grant: grant.resolved().to_owned() }),
            None => Ok((Audit { file: Mutex::new(file) }, resolved)),
        }
    }
}

impl Recorder for Audit {
    fn record(&self, record: &Record<'_>) -> io::Result<()> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let line = Line {
            version: 1,
            time,
            who: Who::of(record.question),
            syscall: record.call,
            verdict: if record.approval.is_yes() { "allow" } else { "deny" },
            by: record.by,
            waited_ms: record.waited.as_secs_f64() * 1e3,
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        // One write a line: lines of several sessions in one file stay whole (write(2), O_APPEND).
        let mut file = self.file.lock().map_err(|_poisoned| io::Error::other("a thread failed while it wrote"))?;
        file.write_all(&text)
    }
}
