//! `nono run`: prepares everything, restricts itself, and becomes the command. Nothing of nono stays behind.

use crate::args::{Grants, Options, Run};
use crate::error::CliError;
use crate::platform::{ExecError, Sandbox, exec};
use crate::report::{self, Report};
use crate::tmpdir::{Limits, Places, PrivateTmp, Start};
use crate::{exit, policy, program, terminal, tmpdir};
use nono_core::{
    Accepted, AccessMode, Backend, CachedResolver, CapabilitySet, Enforcement, FsCapability, Prepared, Source,
};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Runs the command; returns only for a dry run, or when it was not started.
pub(crate) fn run(run: &Run) -> Result<ExitCode, CliError> {
    let workdir = policy::workdir(&run.options)?;
    let accepted = policy::accepted(&run.options)?;
    let mut grants = policy::grants(&run.grants, &workdir, run.options.quiet)?;
    if run.options.dry_run {
        return dry_run(run, &policy::set(grants)?, &accepted, &workdir);
    }
    let tmp = private_tmp(&run.options)?;
    let granted = grant_tmp(&tmp).and_then(|grant| {
        grants.push(grant);
        policy::set(grants)
    });
    let failed = match granted {
        Ok(set) => start(run, &set, &accepted, &workdir, &tmp),
        Err(error) => error,
    };
    // Still here: the command was not started, and its temporary directory is of no use. What cannot be removed in
    // time, a later start removes.
    let _outcome = tmp.remove(REMOVAL);
    Err(failed)
}

/// How long a command that was not started keeps its user waiting for an empty directory to be removed.
const REMOVAL: Duration = Duration::from_secs(1);

/// Makes the private temporary directory, and removes what earlier commands left beside it.
fn private_tmp(options: &Options) -> Result<PrivateTmp, CliError> {
    let tmp = tmpdir::create(&Start::probe(), &Places::from_environment())?;
    for reason in tmp.passed_over() {
        if options.verbose || reason.is_suspicious() && !options.quiet {
            terminal::note(&format!("temporary files are in {:?}: {reason}", tmp.path()));
        }
    }
    if tmp.is_shared() && !options.quiet {
        terminal::note("temporary files are shared with the sandbox around this one");
    }
    let _swept = tmp.sweep_beside(&Limits::standard());
    Ok(tmp)
}

fn dry_run(run: &Run, set: &CapabilitySet, accepted: &Accepted, workdir: &Path) -> Result<ExitCode, CliError> {
    let prepared = Sandbox::probe().inherit_standard_streams().prepare(set, accepted)?;
    let report = Report::new(&run.command, workdir, set, prepared.enforcement());
    if let Some(path) = &run.options.report {
        report::write(path, &report, set)?;
    }
    let json = run.options.json;
    terminal::output(&if json { report::json(&report) } else { report::human(&report, run.options.verbose) });
    Ok(exit::SUCCESS)
}

/// Prepares the policy, and becomes the command; comes back with the reason why not.
fn start(run: &Run, set: &CapabilitySet, accepted: &Accepted, workdir: &Path, tmp: &PrivateTmp) -> CliError {
    let prepared = (|| {
        let prepared = Sandbox::probe().inherit_standard_streams().prepare(set, accepted)?;
        let [name, arguments @ ..] = run.command.as_slice() else {
            return Err(CliError::NotFound { command: OsString::new(), hint: "" });
        };
        let path = search_path(&run.grants);
        let found = program::find(name, workdir, path.as_deref())?;
        program::check_allowed(set, &found, workdir)?;
        if let Some(path) = &run.options.report {
            report::write(path, &Report::new(&run.command, workdir, set, prepared.enforcement()), set)?;
        }
        let mut command = Command::new(&found);
        command.arg0(name).args(arguments).current_dir(workdir);
        environment(&mut command, &run.grants, tmp)?;
        Ok((prepared, command, found))
    })();
    let (prepared, mut command, found) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return error,
    };
    if !run.options.quiet {
        note_gaps(prepared.enforcement(), accepted, run.options.verbose);
    }
    match exec(prepared, &mut command) {
        ExecError::Exec { source } => {
            CliError::Exec { hint: program::exec_hint(&workdir.join(&found), &source), program: found, source }
        }
        ExecError::Apply(source) => CliError::Apply { source },
        other => CliError::Exec { program: found, hint: String::new(), source: std::io::Error::other(other) },
    }
}

fn grant_tmp(tmp: &PrivateTmp) -> Result<FsCapability, CliError> {
    let granted = FsCapability::resolve(tmp.path(), AccessMode::ReadWrite, &CachedResolver::default());
    let granted = granted.map_err(|source| CliError::Grant { flag: "the private temporary directory", source })?;
    Ok(granted.with_source(Source::Implied("private temporary directory".into())))
}

/// `PATH` as the command will see it: where a program is found must not depend on who looks.
fn search_path(grants: &Grants) -> Option<OsString> {
    let named = |given: &&OsString| given.as_bytes() == b"PATH" || given.as_bytes().starts_with(b"PATH=");
    match grants.env.iter().rfind(named) {
        Some(given) => match given.as_bytes().strip_prefix(b"PATH=") {
            Some(value) => Some(OsStr::from_bytes(value).to_owned()),
            None => std::env::var_os("PATH"),
        },
        None if grants.env_clear => None,
        None => std::env::var_os("PATH"),
    }
}

/// Sets what was asked for, and the private temporary directory under its names.
fn environment(command: &mut Command, grants: &Grants, tmp: &PrivateTmp) -> Result<(), CliError> {
    if grants.env_clear {
        command.env_clear();
    }
    for (name, path) in tmp.variables() {
        command.env(name, path);
    }
    for given in &grants.env {
        let mut parts = given.as_bytes().splitn(2, |byte| *byte == b'=');
        let name = OsStr::from_bytes(parts.next().unwrap_or_default());
        if name.is_empty() {
            return Err(CliError::Variable { given: given.clone() });
        }
        match parts.next() {
            Some(value) => command.env(name, OsStr::from_bytes(value)),
            None => match std::env::var_os(name) {
                Some(value) => command.env(name, value),
                None => command,
            },
        };
    }
    Ok(())
}

/// One line for all that is not enforced; with `-v` a line each.
fn note_gaps(enforcement: &Enforcement, accepted: &Accepted, verbose: bool) {
    let gaps: Vec<_> = enforcement.closable().filter(|gap| !accepted.contains(gap.guarantee)).collect();
    if verbose {
        for gap in gaps {
            terminal::note(&format!("{} is not enforced: {}; closed by {}", gap.guarantee, gap.risk, gap.remedy));
        }
    } else if !gaps.is_empty() {
        let names: Vec<_> = gaps.iter().map(|gap| gap.guarantee.name()).collect();
        terminal::note(&format!("not enforced here: {}; see nono doctor", names.join(", ")));
    }
}
