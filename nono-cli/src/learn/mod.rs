//! `nono learn`: runs a command without restrictions, and writes a profile of what it used.
//!
//! ```text
//! uses      what is done to which path, port and socket
//! general   the directories that a person would have chosen
//! text      the profile
//! unused    what a profile grants beyond that
//! ```

mod general;
mod text;
mod unused;
mod uses;

use crate::args::{Grants, Learn, Network, Options, Run, Supervision};
use crate::error::CliError;
use crate::platform::{Observations, What, withheld_variables};
use crate::policy::{self, Host};
use crate::profile::{self, Absent};
use crate::protected::Protected;
use crate::quote::quoted;
use crate::supervise::{self, Session};
use crate::tmpdir::PrivateTmp;
use crate::{cmd, home, program, report, terminal};
use general::{Places, general};
use nono_core::{CapabilitySet, Decision, FsAccess, NetworkMode, decide};
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use text::Learnt;
use unused::{Unused, UnusedNetwork};
use uses::{Use, Uses};

/// What a file begins with that was written here, and may be written again.
const MARK: &str = "# Written by nono learn.";

/// Runs the command, and ends as it ended.
pub(crate) fn run(given: &Learn) -> Result<u8, CliError> {
    let workdir = policy::current_directory()?;
    let file = file(given)?;
    if let Some(file) = &file {
        check(file, given.merge)?;
    }
    // What the profile grants, which is compared with or added to; the system group alone if there is none.
    let before = given.diff.clone().or_else(|| file.clone().filter(|file| is_file(file)).map(Into::into));
    let known = before.map(|profile| granted(given, &profile, &workdir)).transpose()?;
    let tmp = cmd::run::private_tmp(&Options::default())?;
    let outcome = watch(given, &workdir, &tmp);
    let _removed = tmp.remove(cmd::run::REMOVAL);
    let (ended, seen) = outcome?;
    let whats: Vec<&What> = seen.refused.iter().map(|one| &one.what).collect();
    let unseen = seen.unknown.saturating_add(seen.beyond);
    if unseen > 0 {
        terminal::note(&format!("{unseen} calls could not be looked into; it may need more than was learnt"));
    }
    let learnt = |uses| Learnt {
        name: given.name.clone().unwrap_or_else(|| name(given)),
        home: home::home(),
        general: general(&uses, &places(&workdir)),
        uses,
    };
    match (&given.diff, file) {
        (Some(profile), _) => {
            let known = known.unwrap_or_default();
            let missing = whats.iter().copied().filter(|what| !allows(&known, what));
            let unused = Unused::of(&known, &Uses::of(whats.iter().copied()));
            tell(given, &learnt(Uses::of(missing)), unseen, Some((profile, unused)));
        }
        (None, Some(file)) => {
            let mut uses = Uses::of(whats);
            if let Some(known) = &known {
                add(&mut uses, known);
            }
            let learnt = learnt(uses);
            report::replace(&file, &learnt.text(), &CapabilitySet::default()).map_err(|source| {
                // It took a run to learn, and there was a place for it before.
                terminal::message(&learnt.text());
                CliError::LearnWrite { path: file.clone(), source }
            })?;
            if given.json {
                tell(given, &learnt, unseen, None);
            }
            let use_it = given.name.clone().filter(|_| given.output.is_none()).unwrap_or_else(|| as_file(&file));
            let command = given.command.iter().map(quoted).collect::<Vec<_>>().join(" ");
            terminal::note(&format!(
                "{} rules in {}; `nono run -p {use_it} -- {command}`",
                learnt.rules(),
                quoted(&file)
            ));
        }
        (None, None) => {}
    }
    Ok(supervise::end_as(ended))
}

/// A path that `-p` takes for a file.
fn as_file(file: &Path) -> String {
    let plain = file.components().count() == 1 && file.extension() != Some(OsStr::new("toml"));
    if plain { format!("./{}", quoted(file)) } else { quoted(file) }
}

/// The file to be written: none if nothing is, because profiles are compared.
fn file(given: &Learn) -> Result<Option<PathBuf>, CliError> {
    if let Some(name) = &given.name {
        profile::check_name(name).map_err(|source| CliError::Profile { flag: "--name", source })?;
    }
    Ok(match (&given.output, &given.name) {
        _ if given.diff.is_some() => None,
        (Some(file), _) => Some(file.clone()),
        (None, Some(name)) => Some(profile::place_of(name)?),
        (None, None) => Some(PathBuf::from(format!("{}.toml", name(given)))),
    })
}

/// The name of the command's program, as far as a profile can be called so.
fn name(given: &Learn) -> String {
    let program = given.command.first().and_then(|word| Path::new(word).file_name()).and_then(OsStr::to_str);
    let plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    program.filter(plain).unwrap_or("learnt").to_owned()
}

fn is_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// A file that is there is left alone, unless it is to be added to and nobody else wrote it: comments and all that is not
/// learnt would be lost. What cannot be written is found out before the command runs.
fn check(file: &Path, merge: bool) -> Result<(), CliError> {
    let path = file.to_owned();
    if is_file(file) {
        if !merge {
            return Err(CliError::LearnExists { path });
        }
        let text = profile::text(file).map_err(|source| CliError::Profile { flag: "--merge", source })?;
        if !text.starts_with(MARK) {
            return Err(CliError::LearnForeign { path });
        }
    }
    report::may_replace(file, &CapabilitySet::default()).map_err(|source| CliError::LearnWrite { path, source })
}

/// A run with this profile.
fn run_with(profile: &OsStr) -> Run {
    let grants = Grants { profile: vec![profile.to_owned()], allow_missing: true, ..Grants::default() };
    let options = Options { quiet: true, ..Options::default() };
    let (network, supervision) = (Network::default(), Supervision::default());
    Run { grants, options, network, supervision, command: Vec::new(), shell: None, typed: Vec::new() }
}

/// What a profile grants, without the system group.
fn granted(given: &Learn, profile: &OsStr, workdir: &Path) -> Result<CapabilitySet, CliError> {
    let mut run = run_with(profile);
    run.grants.no_system = true;
    let added = policy::add_profiles(&mut run, workdir, Absent::Leave).map_err(|error| match error {
        CliError::Profile { source, .. } => {
            CliError::Profile { flag: if given.diff.is_some() { "--diff" } else { "--merge" }, source }
        }
        other => other,
    })?;
    let (grants, denies) = policy::grants(&run, workdir, None, (added.grants, added.denies), &Host::of(&run, None))?;
    policy::set(&run, grants, &denies)
}

/// Runs the command unrestricted, and what was seen of it.
fn watch(given: &Learn, workdir: &Path, tmp: &PrivateTmp) -> Result<(supervise::Ended, Observations), CliError> {
    let run = Run { grants: Grants::default(), ..run_with(OsStr::new("")) };
    let (mut grants, denies) = policy::grants(&run, workdir, None, (Vec::new(), Vec::new()), &Host::of(&run, None))?;
    grants.push(cmd::run::grant_tmp(tmp)?);
    let set = policy::set(&run, grants, &denies)?;
    let policy = crate::platform::Sandbox::probe().unrestricted(&set)?;
    let [name, arguments @ ..] = given.command.as_slice() else {
        return Err(CliError::NotFound { command: std::ffi::OsString::new(), hint: "" });
    };
    let found = program::find(name, workdir, std::env::var_os("PATH").as_deref())?;
    let mut command = std::process::Command::new(&found);
    std::os::unix::process::CommandExt::arg0(&mut command, name).args(arguments);
    command.envs(tmp.variables());
    terminal::note("this runs without restrictions, to learn what it uses");
    let withheld = withheld_variables(&command);
    if !withheld.is_empty() {
        terminal::note("in a sandbox it will not have the variables that hold credentials; see --env");
    }
    let observer = policy.observer();
    let (judges, _approver) = supervise::judges(&run.supervision, &set, None)?;
    let options = &run.supervision;
    let session = Session { policy, command: &mut command, judges, options, quiet: false, grants: &set, desk: None };
    let ended = supervise::run(session)?;
    Ok((ended, observer.map(|observer| observer.observations()).unwrap_or_default()))
}

fn places(workdir: &Path) -> Places {
    let homes = home::homes();
    let resolved = homes.iter().filter_map(|home| home.canonicalize().ok());
    let homes: Vec<PathBuf> = resolved.chain(homes.iter().cloned()).collect();
    let protected = Protected::of(&homes).all();
    let workdir = workdir.canonicalize().unwrap_or_else(|_| workdir.to_owned());
    Places { homes, workdir, protected }
}

/// Whether a profile allows what was seen.
fn allows(known: &CapabilitySet, what: &What) -> bool {
    let open = *known.network() == NetworkMode::AllowAll;
    match what {
        What::Request(request) => matches!(decide(known, request), Decision::Allowed { .. }),
        What::Call(call) => open && call.socket.is_some(),
        _ => open,
    }
}

/// Adds what an earlier run has learnt.
fn add(uses: &mut Uses, known: &CapabilitySet) {
    for grant in known.fs() {
        let access = grant.access();
        if access == FsAccess::RESOLVE_UNIX {
            uses.unix.insert(grant.resolved().to_owned());
            continue;
        }
        let (read, write) = (access.contains(FsAccess::READ_FILE), access.contains(FsAccess::WRITE_FILE));
        let directory = grant.kind() == nono_core::PathKind::Directory;
        uses.paths.entry(grant.resolved().to_owned()).or_default().join(Use { read, write, directory });
    }
    uses.network |= *known.network() == NetworkMode::AllowAll;
    uses.lookups |= known.name_lookups();
    uses.connect.extend(known.tcp_connect());
    uses.far.extend(known.tcp_connect());
    uses.connect.extend(known.tcp_connect_here());
    uses.bind.extend(known.tcp_bind());
}

/// What was learnt, as JSON.
#[derive(Debug, Serialize)]
struct Told<'a> {
    version: u32,
    rules: usize,
    /// The profile; with --diff, what is needed beyond the one that was named.
    profile: String,
    /// Calls that could not be looked into.
    unseen: u64,
    /// What that grants and the command did not use.
    #[serde(flatten)]
    unused: Option<ToldUnused<'a>>,
}

#[derive(Debug, Serialize)]
struct ToldUnused<'a> {
    #[serde(rename = "unused", serialize_with = "unused::paths")]
    paths: &'a BTreeSet<PathBuf>,
    #[serde(rename = "unused_network")]
    network: &'a UnusedNetwork,
}

/// Prints it: the command has ended.
fn tell(given: &Learn, learnt: &Learnt, unseen: u64, compared: Option<(&std::ffi::OsString, Unused)>) {
    if given.json {
        let unused = compared.as_ref().map(|(_, Unused { paths, network })| ToldUnused { paths, network });
        let told = Told { version: 1, rules: learnt.rules(), profile: learnt.text(), unseen, unused };
        terminal::output(&report::json(&told));
        return;
    }
    let Some((profile, unused)) = compared else { return };
    if learnt.rules() == 0 && learnt.general.withheld.is_empty() {
        terminal::output(&format!("{} has all that was needed\n", quoted(profile)));
    } else {
        terminal::output(&format!("needed beyond {}:\n\n{}", quoted(profile), learnt.text()));
    }
    for line in unused.lines() {
        terminal::output(&format!("granted and not used: {line}\n"));
    }
}
