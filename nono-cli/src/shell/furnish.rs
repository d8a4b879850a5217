//! What a shell is started with, so that its prompt has a marker and its history stays in the sandbox.
//!
//! Start files of the user's are not written to, and often may not be read: they are protected paths. So the shell reads
//! files of nono's from the private temporary directory, and these read the user's first, if they can be opened. A shell
//! that is not interactive, because its input is no terminal, reads none of them, as outside.

use super::Kind;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::{io, iter};

/// Arguments and variables for the shell.
#[derive(Debug, Default)]
pub(crate) struct Furnished {
    pub(crate) arguments: Vec<OsString>,
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

/// Why a shell has no start files.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the start files of the shell below {directory:?}")]
pub(crate) struct FurnishError {
    directory: PathBuf,
    source: io::Error,
}

/// Writes what a shell of this kind reads below `tmp`, in a directory of its own: another sandbox may share `tmp`. `own` tells
/// what the user's variables are.
pub(crate) fn furnish(
    kind: Kind,
    tmp: &Path,
    own: impl Fn(&str) -> Option<OsString>,
) -> Result<Furnished, FurnishError> {
    let failed = |source| FurnishError { directory: tmp.to_owned(), source };
    let made = tempfile::Builder::new().prefix("shell.").tempdir_in(tmp).map_err(failed)?;
    // It goes with `tmp`, when the shell has ended.
    let directory = made.keep();
    for (name, text) in files(kind) {
        let file = directory.join(name);
        fs::create_dir_all(file.parent().unwrap_or(tmp)).and_then(|()| fs::write(&file, text)).map_err(failed)?;
    }
    Ok(told(kind, &directory, own))
}

fn files(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Bash => &[("bashrc", include_str!("../../data/shell/bashrc"))],
        Kind::Zsh => {
            &[(".zshenv", include_str!("../../data/shell/zshenv")), (".zshrc", include_str!("../../data/shell/zshrc"))]
        }
        Kind::Fish => &[("fish/config.fish", include_str!("../../data/shell/config.fish"))],
        Kind::Posix => &[("shrc", include_str!("../../data/shell/shrc"))],
        Kind::Other => &[],
    }
}

/// How the shell learns of the files in `directory`, and of where the history goes.
fn told(kind: Kind, directory: &Path, own: impl Fn(&str) -> Option<OsString>) -> Furnished {
    let here = || directory.as_os_str().to_owned();
    let history = ("HISTFILE", directory.join("history").into());
    let kept = |name, own_name| own(name).map(|own| (own_name, own));
    match kind {
        Kind::Bash => {
            Furnished { arguments: vec!["--rcfile".into(), directory.join("bashrc").into()], variables: vec![history] }
        }
        Kind::Zsh => {
            let variables = [history, ("ZDOTDIR", here())].into_iter().chain(kept("ZDOTDIR", "NONO_ZDOTDIR"));
            Furnished { arguments: Vec::new(), variables: variables.collect() }
        }
        Kind::Fish => {
            let homes = [("XDG_CONFIG_HOME", "NONO_XDG_CONFIG_HOME"), ("XDG_DATA_HOME", "NONO_XDG_DATA_HOME")];
            let variables = homes.into_iter().flat_map(|(name, own)| iter::once((name, here())).chain(kept(name, own)));
            Furnished { arguments: Vec::new(), variables: variables.collect() }
        }
        Kind::Posix => {
            let file = ("ENV", directory.join("shrc").into());
            let variables = [history, file].into_iter().chain(kept("ENV", "NONO_ENV"));
            Furnished { arguments: Vec::new(), variables: variables.collect() }
        }
        Kind::Other => Furnished { arguments: Vec::new(), variables: vec![history] },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn each_shell_is_told_of_its_files_and_of_a_history_beside_them() {
        for (kind, names) in [
            (Kind::Bash, &["HISTFILE"][..]),
            (Kind::Zsh, &["HISTFILE", "ZDOTDIR", "NONO_ZDOTDIR"]),
            (Kind::Fish, &["XDG_CONFIG_HOME", "NONO_XDG_CONFIG_HOME", "XDG_DATA_HOME", "NONO_XDG_DATA_HOME"]),
            (Kind::Posix, &["HISTFILE", "ENV", "NONO_ENV"]),
            (Kind::Other, &["HISTFILE"]),
        ] {
            let tmp = tempfile::tempdir().unwrap();
            let told = furnish(kind, tmp.path(), |name| Some(format!("own {name}").into())).unwrap();
            let directory = fs::read_dir(tmp.path()).unwrap().next().unwrap().unwrap().path();
            assert_eq!(told.variables.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names, "{kind:?}");
            for (name, value) in &told.variables {
                match name.strip_prefix("NONO_") {
                    Some(own) => assert_eq!(value, OsStr::new(&format!("own {own}"))),
                    None => assert!(Path::new(value).starts_with(&directory), "{kind:?}: {name}"),
                }
            }
            for (name, text) in files(kind) {
                assert_eq!(&fs::read_to_string(directory.join(name)).unwrap(), text);
            }
        }
    }
}
