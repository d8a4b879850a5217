//! The user's home directories: the one the environment names, and the one the user database names.
//!
//! They differ under `sudo` and in containers, and secrets may lie in both.

use crate::passwd;
use crate::platform::HOMES;
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// `$HOME` if it is absolute, else the user database's.
pub(crate) fn home() -> Option<PathBuf> {
    from_environment().or_else(passwd::home)
}

/// Every home directory of this user.
pub(crate) fn homes() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = from_environment().into_iter().chain(passwd::home()).collect();
    all.extend(HOMES.map(owned).unwrap_or_default());
    all.dedup();
    all
}

/// The directories in `place` that belong to this user: where the user database is no file, but a service.
fn owned(place: &str) -> Vec<PathBuf> {
    let user = rustix::process::getuid().as_raw();
    let all = fs::read_dir(place).into_iter().flatten().flatten();
    let own = all.filter(|entry| entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == user));
    own.map(|entry| entry.path()).collect()
}

fn from_environment() -> Option<PathBuf> {
    env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_this_user_is_a_home() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("me")).unwrap();
        fs::write(place.path().join("file"), "").unwrap();
        assert_eq!(owned(place.path().to_str().unwrap()), [place.path().join("me")]);
        assert!(owned("/nowhere").is_empty());
    }
}
