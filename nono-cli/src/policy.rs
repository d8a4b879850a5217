//! From the flags that were typed to the capabilities they mean: every path is resolved here, once.

use crate::args::{Grants, Options};
use crate::error::CliError;
use crate::{home, protected, system, terminal};
use nono_core::{
    Accepted, AccessMode, Builder, CachedResolver, CapabilityError, CapabilitySet, FsCapability, Guarantee, Source,
};
use std::path::{Path, PathBuf};

/// Resolves all grants, relative ones from the caller's working directory; `--allow-cwd` means `workdir`, where the
/// command starts.
pub(crate) fn grants(given: &Grants, workdir: &Path, quiet: bool) -> Result<Vec<FsCapability>, CliError> {
    let resolver = CachedResolver::default();
    let mut all = Vec::new();
    for (flag, paths, mode, file_only) in [
        ("--allow", &given.allow, AccessMode::ReadWrite, false),
        ("--read", &given.read, AccessMode::Read, false),
        ("--write", &given.write, AccessMode::Write, false),
        ("--allow-file", &given.allow_file, AccessMode::ReadWrite, true),
        ("--read-file", &given.read_file, AccessMode::Read, true),
        ("--write-file", &given.write_file, AccessMode::Write, true),
    ] {
        for path in paths {
            let granted = FsCapability::resolve(path, mode, &resolver);
            let granted = if file_only { granted.and_then(FsCapability::require_file) } else { granted };
            match granted {
                Ok(one) => all.push(one.with_source(Source::Flag(flag.into()))),
                Err(error) if given.allow_missing && is_missing(&error) => {
                    if !quiet {
                        terminal::note(&format!("{flag} {path:?} is left out: it does not exist"));
                    }
                }
                Err(source) => return Err(CliError::Grant { flag, source }),
            }
        }
    }
    if given.allow_cwd {
        let flag = "--allow-cwd";
        let granted = FsCapability::resolve(workdir, AccessMode::ReadWrite, &resolver);
        let granted = granted.map_err(|source| CliError::Grant { flag, source })?;
        all.push(granted.with_source(Source::Flag(flag.into())));
    }
    protected::check(&all, &home::homes())?;
    if !given.no_system {
        all.extend(system::grants(home::home().as_deref(), &resolver));
    }
    Ok(all)
}

/// The set of all `grants`, in normal form.
pub(crate) fn set(grants: Vec<FsCapability>) -> Result<CapabilitySet, CliError> {
    Ok(grants.into_iter().fold(CapabilitySet::builder(), Builder::grant).build()?)
}

/// The gaps the user accepts.
pub(crate) fn accepted(options: &Options) -> Result<Accepted, CliError> {
    let parse = |name: &String| name.parse::<Guarantee>().map_err(|source| CliError::AcceptGap { source });
    let accepted: Accepted = options.accept_gap.iter().map(parse).collect::<Result<_, _>>()?;
    Ok(if options.strict { accepted.strict() } else { accepted })
}

/// The directory the command starts in.
pub(crate) fn workdir(options: &Options) -> Result<PathBuf, CliError> {
    match &options.workdir {
        Some(path) => {
            let failed = |source| CliError::Workdir { path: path.clone(), source };
            let found = std::fs::canonicalize(path).map_err(failed)?;
            // Refuses what is no directory, or may not be entered, before anything is set up.
            std::fs::metadata(found.join(".")).map_err(failed)?;
            Ok(found)
        }
        None => std::env::current_dir().map_err(|source| CliError::CurrentDirectory { source }),
    }
}

fn is_missing(error: &CapabilityError) -> bool {
    matches!(error, CapabilityError::NotFound { .. } | CapabilityError::DanglingLink { .. })
}
