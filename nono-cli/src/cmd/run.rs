//! `nono run`: prepares everything, restricts itself, and becomes the command. Nothing of nono stays behind.

use crate::args::{Grants, Options, Run};
use crate::denies::Denies;
use crate::error::CliError;
use crate::explain::{self, Watch};
use crate::platform::{self, ExecError, Sandbox, SpawnError, exec, withheld_variables};
use crate::policy::{self, Host};
use crate::profile::Absent;
use crate::protected::is_at_or_below;
use crate::report::{self, Report};
use crate::shell::{self, Furnished};
use crate::supervise::{self, Desk, Ended, Session, SuperviseError};
use crate::tmpdir::{self, Limits, Places, PrivateTmp};
use crate::{exit, inherit, program, terminal};
use nono_core::{
    Accepted, AccessMode, Backend, CachedResolver, CapabilitySet, Enforcement, FsCapability, Guarantee, Prepared,
    Source,
};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Runs the command; returns only for a dry run, or when it was not started.
pub(crate) fn run(mut run: Run) -> Result<u8, CliError> {
    let workdir = policy::workdir(&run.options)?;
    let absent = if run.options.dry_run { Absent::Leave } else { Absent::Make };
    let added = policy::add_profiles(&mut run, &workdir, absent)?;
    let run = &run;
    if let Some(flag) = run.supervision.idle_flag(run.options.explain) {
        return Err(SuperviseError::Idle { flag }.into());
    }
    check_explain(run)?;
    let sandbox = policy::sandbox(run, added.private_shm.as_ref())?;
    let desk = match Desk::open(run) {
        // Where nothing is started nobody is asked.
        Err(SuperviseError::NoTerminal) if run.options.dry_run => None,
        opened => opened?,
    };
    let accepted = policy::accepted(run)?;
    let host = Host::of(run, desk.as_ref());
    let (mut grants, denies) = policy::grants(run, &workdir, desk.as_ref(), (added.grants, added.denies), &host)?;
    if run.options.dry_run {
        let set = policy::set(run, grants, &denies)?;
        let start =
            Start { run, sandbox: &sandbox, set: &set, denies: &denies, accepted: &accepted, workdir: &workdir };
        return dry_run(&start);
    }
    let tmp = private_tmp(&run.options)?;
    let granted = grant_tmp(&tmp).and_then(|grant| {
        grants.push(grant);
        policy::set(run, grants, &denies)
    });
    let ended = granted.and_then(|set| {
        let start =
            Start { run, sandbox: &sandbox, set: &set, denies: &denies, accepted: &accepted, workdir: &workdir };
        begin(&start, &tmp, desk)
    });
    // Still here: the command has ended or was not started, and its temporary directory is of no use. What cannot be
    // removed in time, a later start removes.
    let _outcome = tmp.remove(REMOVAL);
    ended.map(supervise::end_as)
}

/// `--json` is for what is reported, and `--explain` for where that can be seen.
fn check_explain(run: &Run) -> Result<(), CliError> {
    let options = &run.options;
    if options.json && !options.dry_run && !options.explain {
        return Err(CliError::IdleJson);
    }
    explain::check(options.explain)
}

/// All that a start needs.
struct Start<'a> {
    run: &'a Run,
    sandbox: &'a Sandbox,
    set: &'a CapabilitySet,
    denies: &'a Denies,
    accepted: &'a Accepted,
    workdir: &'a Path,
}

impl<'a> Start<'a> {
    fn report(&self, enforcement: &'a Enforcement) -> Report<'a> {
        Report::new(&self.run.command, self.workdir, self.set, enforcement, self.denies)
    }
}

/// How long a user is kept waiting for the temporary directory to be removed.
pub(crate) const REMOVAL: Duration = Duration::from_secs(1);

/// Makes the private temporary directory, and removes what earlier commands left beside it.
pub(crate) fn private_tmp(options: &Options) -> Result<PrivateTmp, CliError> {
    let tmp = tmpdir::create(&tmpdir::Start::probe(), &Places::from_environment())?;
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

fn dry_run(start: &Start<'_>) -> Result<u8, CliError> {
    let options = &start.run.options;
    check_workdir(start)?;
    let prepared = start.sandbox.prepare(start.set, start.accepted)?;
    let report = start.report(prepared.enforcement());
    if let Some(path) = &options.report {
        report::write(path, &report, start.set)?;
    }
    if options.json {
        terminal::output(&report::json(&report));
    } else {
        terminal::table(&report::human(&report, options.verbose));
    }
    if let Some(text) = platform::verbatim(&prepared).filter(|_| options.verbose && !options.json) {
        terminal::output(text);
    }
    Ok(exit::SUCCESS)
}

/// A command cannot start in what is denied to it.
fn check_workdir(start: &Start<'_>) -> Result<(), CliError> {
    let nearest = |paths: &mut dyn Iterator<Item = &Path>| {
        paths.filter(|path| is_at_or_below(start.workdir, path)).map(|path| path.components().count()).max()
    };
    let denied = nearest(&mut start.set.denies().iter().map(PathBuf::as_path));
    let granted = nearest(&mut start.set.fs().iter().map(FsCapability::resolved));
    if denied > granted && !start.accepted.contains(Guarantee::Deny) {
        return Err(CliError::DeniedWorkdir { path: start.workdir.to_owned() });
    }
    Ok(())
}

/// Prepares the policy, and becomes the command, or its parent and supervisor. Comes back with the reason why it was not
/// started, or with how it ended.
fn begin(start: &Start<'_>, tmp: &PrivateTmp, desk: Option<Desk>) -> Result<Ended, CliError> {
    let (run, set, workdir) = (start.run, start.set, start.workdir);
    check_workdir(start)?;
    let prepared = start.sandbox.prepare(set, start.accepted)?;
    let [name, arguments @ ..] = run.command.as_slice() else {
        return Err(CliError::NotFound { command: OsString::new(), hint: "" });
    };
    let path = search_path(&run.grants);
    let found = program::find(name, workdir, path.as_deref())?;
    program::check_allowed(set, &found, workdir)?;
    if let Some(path) = &run.options.report {
        report::write(path, &start.report(prepared.enforcement()), set)?;
    }
    let mut command = platform::command(&prepared, found.as_os_str())?;
    let furnished = furnish(run, tmp)?;
    command.arg0(name).args(furnished.arguments).args(arguments).current_dir(workdir);
    environment(&mut command, start, tmp, furnished.variables)?;
    let judges =
        prepared.is_supervised().then(|| supervise::judges(&run.supervision, set, desk.as_ref())).transpose()?;
    if !run.options.quiet {
        note_gaps(prepared.enforcement(), start.accepted, run.options.verbose);
        note_losses(prepared.enforcement());
        note_environment(&command, start);
    }
    let not_executed = |source| {
        Err(CliError::Exec { hint: program::exec_hint(&workdir.join(&found), &source), program: found.clone(), source })
    };
    if let Some((judges, _approver)) = judges {
        let (options, quiet) = (&run.supervision, run.options.quiet);
        let (watch, enforcement) = (Watch::of(&prepared), prepared.enforcement().clone());
        let session = Session { policy: prepared, command: &mut command, judges, options, quiet, grants: set, desk };
        let ended = supervise::run(session);
        if let Some(watch) = watch {
            explain(start, &watch, ended.as_ref().ok().copied(), &enforcement)?;
        }
        return match ended {
            Err(SuperviseError::Spawn { source: SpawnError::Start { source } }) => not_executed(source),
            ended => Ok(ended?),
        };
    }
    match exec(prepared, &mut command) {
        ExecError::Exec { source } => not_executed(source),
        ExecError::Apply(source) => Err(CliError::Apply { source }),
        other => not_executed(std::io::Error::other(other)),
    }
}

/// Tells what the command was refused, which ended so, if it started.
fn explain(start: &Start<'_>, watch: &Watch, ended: Option<Ended>, enforcement: &Enforcement) -> Result<(), CliError> {
    let options = &start.run.options;
    let explanation = watch.explain(start.set, ended);
    if options.json {
        terminal::message(&report::json(&explanation));
    } else {
        let (run, colours) = (start.run, terminal::message_colours());
        terminal::message(&explanation.human(&run.typed, run.typed_of_command(), colours));
    }
    options
        .report
        .as_ref()
        .map_or(Ok(()), |path| report::write(path, &start.report(enforcement).explained(&explanation), start.set))
}

/// Whether names are looked up by TCP, because UDP cannot be granted by port.
fn looks_up_by_tcp(start: &Start<'_>) -> bool {
    start.set.name_lookups() && !start.sandbox.kernel().has_udp_by_port()
}

/// What a shell is told, if the command is one.
fn furnish(run: &Run, tmp: &PrivateTmp) -> Result<Furnished, CliError> {
    let own = |name: &str| std::env::var_os(name).filter(|_| !run.grants.env_clear);
    Ok(run.shell.map(|kind| shell::furnish(kind, tmp.path(), own)).transpose()?.unwrap_or_default())
}

/// Sets what was asked for, and before it the private temporary directory under its names.
fn environment(
    command: &mut Command,
    start: &Start<'_>,
    tmp: &PrivateTmp,
    shell: Vec<(&str, OsString)>,
) -> Result<(), CliError> {
    let places = tmp.variables().into_iter().map(|(name, path)| (OsStr::new(name), path.as_os_str().to_owned()));
    let lookups = looks_up_by_tcp(start).then(|| (OsStr::new("RES_OPTIONS"), inherit::lookups_by_tcp()));
    let shell = shell.into_iter().map(|(name, value)| (OsStr::new(name), value));
    inherit::environment(command, &start.run.grants, places.chain(lookups).chain(shell))
}

pub(crate) fn grant_tmp(tmp: &PrivateTmp) -> Result<FsCapability, CliError> {
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

/// One line for what grants no longer allow because of what is denied below them.
fn note_losses(enforcement: &Enforcement) {
    if let [first, more @ ..] = enforcement.lost.as_slice() {
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        let (ability, directory) = (first.ability, &first.directory);
        terminal::note(&format!("{ability} {directory:?}{more}, because of what is denied there; see --dry-run"));
    }
}

/// One line each for what of the environment is not as outside.
fn note_environment(command: &Command, start: &Start<'_>) {
    if looks_up_by_tcp(start) {
        terminal::note("names are looked up by TCP (RES_OPTIONS=use-vc), which programs in Go or with musl cannot");
    }
    let withheld = withheld_variables(command);
    if !withheld.is_empty() && !start.run.grants.env_clear && !start.accepted.contains(Guarantee::Environment) {
        // A name can hold anything but "=" and NUL, codes for the terminal included.
        let names: Vec<_> = withheld.iter().map(|name| name.as_bytes().escape_ascii().to_string()).collect();
        terminal::note(&format!("variables withheld: {}; pass one by --env NAME", names.join(", ")));
    }
}
