//! Where in a profile something stands, for messages and reports.

use nono_core::Source;
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A line of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    #[serde(flatten, with = "nono_core::serial::path")]
    pub(super) file: Arc<Path>,
    /// From 1.
    pub(super) line: u32,
}

impl Place {
    /// The same, as the origin of a capability.
    pub(super) fn source(&self) -> Source {
        Source::Profile { file: Arc::clone(&self.file), line: self.line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} line {}", self.file, self.line)
    }
}

/// Something a profile says, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct At<T> {
    pub(super) value: T,
    #[serde(rename = "source")]
    pub(super) place: Place,
}
