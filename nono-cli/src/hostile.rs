//! The functions that hostile text gets to first, for the benchmarks and fuzz targets of this workspace. Nothing else may rely on
//! them.

pub use crate::profile::Language;

use crate::profile::{self, Profile, ProfileError};
use serde_json::Value;
use std::path::Path;
#[cfg(not(seatbelt))]
use {
    crate::supervise::{question, wire},
    nono_core::{Approval, Question},
};

/// What the text of a profile says, without what it extends, as `nono profile show --json` has it. `file` is what messages name.
///
/// # Errors
/// The message, with its causes.
pub fn read_profile(text: &str, language: Language, file: &Path) -> Result<Value, String> {
    said(language.read(text, file.into()))
}

/// What the profile in a file says, with what it extends.
///
/// # Errors
/// The message, with its causes.
pub fn load_profile(file: &Path) -> Result<Value, String> {
    said(profile::load(file.as_os_str()))
}

fn said(profile: Result<Profile, ProfileError>) -> Result<Value, String> {
    let profile = profile.map_err(|error| crate::terminal::chain(&error))?;
    serde_json::to_value(profile).map_err(|error| error.to_string())
}

/// The answer in a line of an approver, and to which question; none if it is anything else.
#[cfg(not(seatbelt))]
pub fn answer_in_line(line: &str) -> Option<(u64, Approval)> {
    wire::answer(line)
}

/// A question as an approver reads it: one line.
///
/// # Errors
/// Never: all that a question holds can be written.
#[cfg(not(seatbelt))]
pub fn question_in_line(id: u64, question: &Question) -> Result<Vec<u8>, serde_json::Error> {
    wire::question(id, question)
}

/// What was typed, as an answer; none if it is not understood, which is no.
#[cfg(not(seatbelt))]
pub fn answer_on_terminal(line: &[u8]) -> Option<Approval> {
    question::answer(line)
}

/// A question as a terminal shows it.
#[cfg(not(seatbelt))]
pub fn question_on_terminal(question: &Question) -> String {
    question::text(question)
}
