//! macOS tells no program what another one uses, so `nono learn` is an error that says so.

use crate::args::Learn;
use crate::error::CliError;

pub(crate) fn run(_given: &Learn) -> Result<u8, CliError> {
    Err(CliError::LearnUnsupported)
}
