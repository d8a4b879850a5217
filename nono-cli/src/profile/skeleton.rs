//! `nono profile new`: a file with a comment for each thing that a profile can say.

use super::find;
use crate::error::CliError;
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

const TEXT: &str = include_str!("../../data/new-profile.toml");

/// Writes a new profile: `name` in the user's configuration, or the file `output`. Nothing is overwritten.
pub(crate) fn write_new(name: &str, output: Option<&Path>) -> Result<PathBuf, CliError> {
    find::check_name(name).map_err(|source| CliError::ProfileCommand { source })?;
    let path = output.map_or_else(|| place_of(name), |path| Ok(path.to_owned()))?;
    let failed = |source: io::Error| {
        let exists = source.kind() == io::ErrorKind::AlreadyExists;
        let hint = if exists { "; it is left as it is" } else { "" };
        CliError::New { path: path.clone(), hint, source }
    };
    // New: neither a file nor what a link leads to is written over.
    let mut file = File::create_new(&path).map_err(failed)?;
    file.write_all(TEXT.replace("NAME", name).as_bytes()).map_err(failed)?;
    Ok(path)
}

/// Where the user's profile `name` is, or will be: its directory is made.
pub(crate) fn place_of(name: &str) -> Result<PathBuf, CliError> {
    find::check_name(name).map_err(|source| CliError::ProfileCommand { source })?;
    let directory = find::directory().ok_or_else(|| CliError::NoConfiguration { name: name.to_owned() })?;
    // As the XDG base directory specification wants it.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
    made.map_err(|source| CliError::New { path: directory.clone(), hint: "", source })?;
    Ok(directory.join(format!("{name}.toml")))
}
