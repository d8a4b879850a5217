//! From the flags that were typed to the capabilities they mean: every path is resolved here, once.

use crate::args::{Options, Run};
use crate::denies::{Denies, Missing, Wanted};
use crate::error::CliError;
use crate::platform::{self, Capability, Sandbox};
use crate::profile::{self, Absent, Added, Flags, Place};
use crate::protected::Protected;
use crate::supervise::Desk;
use crate::system::{self, Terminals};
use crate::{explain, home, inherit, network, pattern, spelling, terminal};
use nono_core::{
    Accepted, AccessMode, CachedResolver, CapabilityError, CapabilitySet, FsAccess, FsCapability, Guarantee, Source,
};
use std::path::{Path, PathBuf};

/// Adds to the flags of `run` what its profiles say. To be asked before anything else is: profiles may say all that flags do.
pub(crate) fn add_profiles(run: &mut Run, workdir: &Path, absent: Absent) -> Result<Added, CliError> {
    network::check(&run.network)?;
    let accept_gap = &mut run.options.accept_gap;
    let flags = Flags { grants: &mut run.grants, network: &mut run.network, accept_gap };
    let added = profile::combine(flags, workdir, absent);
    let mut added = added.map_err(|source| CliError::Profile { flag: "--profile", source })?;
    // Where the kernel does not tell one unix socket from another, an open network has them all: a gap that is noted. A grant
    // of one beside it would be a promise about the others.
    let is_socket = |grant: &FsCapability| grant.access() == FsAccess::RESOLVE_UNIX;
    if run.network.net && added.grants.iter().any(is_socket) && !Sandbox::probe().kernel().has_unix_by_path() {
        added.grants.retain(|grant| !is_socket(grant));
    }
    run.supervision.rules = added.rules.take();
    if !run.options.quiet {
        for note in &added.notes {
            terminal::note(note);
        }
    }
    Ok(added)
}

/// What a flag grants of one path.
pub(crate) fn grant(
    flag: &'static str,
    path: &Path,
    (mode, file_only): (AccessMode, bool),
    resolver: &CachedResolver,
) -> Result<FsCapability, CapabilityError> {
    let granted = FsCapability::resolve(path, mode, resolver)?.with_source(Source::Flag(flag.into()));
    if file_only { granted.require_file() } else { Ok(granted) }
}

/// What there is on this machine, whatever is asked for.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) protected: Protected,
    system: Vec<FsCapability>,
}

impl Host {
    /// For these flags. With a desk, the user's terminal is not among the group's.
    pub(crate) fn of(run: &Run, desk: Option<&Desk>) -> Host {
        let terminals = || desk.map_or(Terminals::All, |desk| Terminals::Own(desk.path()));
        Host::look((!run.grants.no_system).then(terminals))
    }

    /// Looks, some two hundred times; without `terminals` at nothing of the system group.
    pub(crate) fn look(terminals: Option<Terminals<'_>>) -> Host {
        let group = |terminals| system::grants(home::home().as_deref(), &platform::resolver(), terminals);
        Host { protected: Protected::here(), system: terminals.map(group).unwrap_or_default() }
    }
}

/// Resolves all grants, relative ones from the caller's working directory; `--allow-cwd` means `workdir`, where the
/// command starts. Sorted by path: what follows looks for them by that.
pub(crate) fn grants(
    run: &Run,
    workdir: &Path,
    desk: Option<&Desk>,
    (profiles, closed): (Vec<FsCapability>, Vec<Wanted>),
    host: &Host,
) -> Result<(Vec<FsCapability>, Denies), CliError> {
    pattern::refuse(&run.grants, &run.network)?;
    let (given, quiet) = (&run.grants, run.options.quiet);
    let resolver = platform::resolver();
    let mut all = profiles;
    for (flag, paths, mode, file_only) in [
        ("--allow", &given.allow, AccessMode::ReadWrite, false),
        ("--read", &given.read, AccessMode::Read, false),
        ("--write", &given.write, AccessMode::Write, false),
        ("--allow-file", &given.allow_file, AccessMode::ReadWrite, true),
        ("--read-file", &given.read_file, AccessMode::Read, true),
        ("--write-file", &given.write_file, AccessMode::Write, true),
    ] {
        for path in paths {
            match grant(flag, path, (mode, file_only), &resolver) {
                Ok(one) => all.push(one),
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
    all.extend(network::sockets(&run.network, &resolver)?);
    desk.map_or(Ok(()), |desk| desk.check(&all))?;
    if !given.no_system {
        all.extend_from_slice(&host.system);
    }
    FsCapability::sort(&mut all);
    let wanted: Vec<Wanted> = given.deny.iter().map(|path| Wanted::by_flag(path)).chain(closed).collect();
    let denies = Denies::of(&wanted, &mut all, &host.protected, Missing { allowed: given.allow_missing, quiet })?;
    Ok((all, denies))
}

/// The set of all `grants`, of `denies` and of the network flags, in normal form.
pub(crate) fn set(run: &Run, grants: Vec<FsCapability>, denies: &Denies) -> Result<CapabilitySet, CliError> {
    let builder = CapabilitySet::builder().grants(grants);
    let builder = denies.add(builder).map_err(|source| CliError::Grant { flag: "--deny", source })?;
    Ok(network::add(builder, &run.network).build()?)
}

/// The backend, and what only it knows. To be made before anything is opened: it is told numbers of descriptors.
/// `shared_memory` is where a profile asks for a `/dev/shm` of the command's own.
pub(crate) fn sandbox(run: &Run, shared_memory: Option<&Place>) -> Result<Sandbox, CliError> {
    let descriptors = inherit::descriptors(&run.grants.pass_fd, &run.command);
    let sandbox = Sandbox::probe().inherit_standard_streams().pass_descriptors(descriptors);
    let sandbox = if run.supervision.is_on() { sandbox.supervised() } else { sandbox.connecting_on_behalf() };
    let sandbox = if run.options.explain { explain::watched(sandbox) } else { sandbox };
    let parse = |name: &String| name.parse::<Capability>().map_err(|source| CliError::KeepCapability { source });
    let kept: Vec<Capability> = run.grants.keep_cap.iter().map(parse).collect::<Result<_, _>>()?;
    let sandbox = sandbox.keep_capabilities(kept);
    let Some(place) = shared_memory else { return Ok(sandbox) };
    let (sandbox, refused) = platform::private_shared_memory(sandbox);
    // Less is granted than was asked for, and nothing more.
    if let Some(why) = refused.filter(|_| !run.options.quiet) {
        terminal::note(&format!("{place}: {why}"));
    }
    Ok(sandbox)
}

/// The gaps the user accepts: by name, or by a flag that opens one.
pub(crate) fn accepted(run: &Run) -> Result<Accepted, CliError> {
    let parse = |name: &String| spelling::guarantee(name).map_err(|source| CliError::AcceptGap { source });
    let kept = (!run.grants.keep_cap.is_empty()).then_some(Ok(Guarantee::Capabilities));
    let accepted: Accepted = run.options.accept_gap.iter().map(parse).chain(kept).collect::<Result<_, _>>()?;
    Ok(if run.options.strict { accepted.strict() } else { accepted })
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
        None => current_directory(),
    }
}

/// The directory nono was started in.
pub(crate) fn current_directory() -> Result<PathBuf, CliError> {
    std::env::current_dir().map_err(|source| CliError::CurrentDirectory { source })
}

fn is_missing(error: &CapabilityError) -> bool {
    matches!(error, CapabilityError::NotFound { .. } | CapabilityError::DanglingLink { .. })
}
