//! In place of the call to Seatbelt on systems that do not have it.

use crate::error::ApplyError;

/// Says that this is not macOS.
pub(crate) fn apply(_profile: &str) -> Result<(), ApplyError> {
    Err(ApplyError::NotMacos)
}
