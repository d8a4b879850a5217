//! Trying each guarantee for real: a child outside and a child inside the sandbox make the same attempts, and a
//! mechanism is believed only if what must fail fails inside, succeeded outside, and what was granted still works.

mod acts;
mod fixture;
mod show;
mod verdict;

pub(crate) use show::run;

use crate::error::CliError;
use crate::platform::{CommandExt, Namespaces, NoNamespace, PrepareError, Sandbox};
use crate::{exit, report, system, terminal};
use acts::ACTS;
use fixture::{Fixture, Servers};
use nono_core::{
    Accepted, AccessMode, Backend, Builder, CachedResolver, CapabilityError, CapabilitySet, Enforcement, FsAccess,
    FsCapability, Gap, Guarantee, Port, Prepared,
};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::{Command, Stdio};
use verdict::{Row, Status, verdicts};

/// The hidden subcommand that is a child's side of the trials.
pub(crate) const TRIAL: &str = "_one-side";

/// The variable with something like a credential, which must not reach a child inside.
pub(crate) const TOKEN: &str = "NONO_DOCTOR_TOKEN";

/// How one attempt went. An error is the kernel's word for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Outcome {
    act: String,
    /// What must not be possible inside.
    forbidden: Result<(), String>,
    /// What was granted and must be; none where nothing of the kind can be granted.
    granted: Option<Result<(), String>>,
}

/// What was claimed, and what came of trying it.
struct Trial {
    claimed: Enforcement,
    outside: Vec<Outcome>,
    inside: Vec<Outcome>,
}

/// Makes all attempts in two children, one outside and one inside a sandbox; and those about a denied path in a third, for
/// what closes that closes other things as well.
fn attempt(sandbox: &Sandbox) -> Result<Trial, CliError> {
    let executable = std::env::current_exe().map_err(failed("finding nono's own file"))?;
    let unix = sandbox.kernel().has_unix_by_path();
    let servers = Servers::start().map_err(failed("opening sockets to attempt connections to"))?;
    let make = || Fixture::make(&servers, unix).map_err(failed("making files to attempt reading"));
    let (free_fixture, fixture, denied_fixture) = (make()?, make()?, make()?);
    let set = granting(&fixture, &executable)?.build()?;
    // What cannot be kept here is accepted, so that the rest is tried.
    let planned = sandbox.planned(&set).map_err(|absence| PrepareError::NoLandlock { absence })?;
    let accepted: Accepted = planned.refused(&Accepted::default()).map(|gap| gap.guarantee).collect();
    let policy = sandbox.prepare(&set, &accepted)?;
    let mut claimed = with_gaps_of_local_ports(sandbox, policy.enforcement().clone())?;
    let mut free = child_command(&executable, &free_fixture);
    let mut confined = child_command(&executable, &fixture);
    confined.sandbox(policy);
    let outside = outcomes(&mut free, "starting a child")?;
    let mut inside = outcomes(&mut confined, "starting a child in a sandbox")?;
    if let Namespaces::Refused(why) = sandbox.namespaces() {
        claimed = claimed.opened(without_namespaces(why));
        return Ok(Trial { claimed, outside, inside });
    }
    let denying = granting(&denied_fixture, &executable)?.deny(denied_fixture.denied());
    let denying = denying.map_err(|source| CliError::Grant { flag: "the trial's own file", source })?.build()?;
    let policy = sandbox.prepare(&denying, &accepted)?;
    claimed.enforced.extend(policy.enforcement().mechanism(Guarantee::Deny).map(|by| (Guarantee::Deny, by)));
    let mut confined = child_command(&executable, &denied_fixture);
    confined.sandbox(policy);
    let denied = outcomes(&mut confined, "starting a child in a sandbox with a denied path")?;
    let about_denies =
        |outcome: &Outcome| ACTS.iter().any(|act| act.name == outcome.act && act.guarantee == Guarantee::Deny);
    inside.retain(|outcome| !about_denies(outcome));
    inside.extend(denied.into_iter().filter(about_denies));
    Ok(Trial { claimed, outside, inside })
}

fn failed(step: &'static str) -> impl Fn(std::io::Error) -> CliError {
    move |source| CliError::Trial { step, source }
}

/// Runs a child and reads how its attempts went.
fn outcomes(command: &mut Command, step: &'static str) -> Result<Vec<Outcome>, CliError> {
    let output = command.stdout(Stdio::piped()).output().map_err(failed(step))?;
    serde_json::from_slice(&output.stdout).map_err(|source| CliError::TrialReport { source })
}

fn without_namespaces(why: NoNamespace) -> Gap {
    let risk = format!(
        "a path that is denied below a grant for writing could not be closed, so such a command is refused: {why}; below \
         a grant for reading it is left out, and names beside it are not listed"
    );
    Gap { risk: risk.into(), ..Gap::new(Guarantee::Deny, "", "permitting user namespaces") }
}

/// What a child inside is given.
fn granting(fixture: &Fixture, executable: &Path) -> Result<Builder, CliError> {
    let grants =
        capabilities(fixture, executable).map_err(|source| CliError::Grant { flag: "the trial's own file", source })?;
    let builder = CapabilitySet::builder().grants(grants);
    Ok(match Port::try_from(fixture.granted_port) {
        Ok(port) => builder.allow_tcp_connect(port),
        Err(_) => builder,
    })
}

fn child_command(executable: &Path, fixture: &Fixture) -> Command {
    let mut command = Command::new(executable);
    command.arg(TRIAL).arg(report::json(fixture).trim_end());
    command
}

/// What is a gap only where ports of this machine are granted, which the trials do without: they would open more. It is none
/// where a supervisor can connect and listen on behalf.
fn with_gaps_of_local_ports(sandbox: &Sandbox, claimed: Enforcement) -> Result<Enforcement, CliError> {
    let ports = CapabilitySet::builder().allow_localhost_port(Port::DNS).build()?;
    let gaps = sandbox.clone().connecting_on_behalf().planned(&ports).map(|planned| planned.gaps).unwrap_or_default();
    let local = gaps.into_iter().filter(|gap| matches!(gap.guarantee, Guarantee::AnyHost | Guarantee::ListenAnyPort));
    Ok(local.fold(claimed, Enforcement::opened))
}

/// What the child inside is given: what any command gets, the granted half of the fixture, and a device without ioctls.
fn capabilities(fixture: &Fixture, nono: &Path) -> Result<Vec<FsCapability>, CapabilityError> {
    let resolver = CachedResolver::default();
    let device = Path::new(acts::FORBIDDEN_DEVICE);
    let exactly = |path: &Path, access| FsCapability::resolve_exactly(path, access, &resolver);
    let mut grants = vec![
        exactly(device, FsAccess::READ_FILE)?,
        FsCapability::resolve(nono, AccessMode::Read, &resolver)?,
        FsCapability::resolve(&fixture.granted(), AccessMode::ReadWrite, &resolver)?,
        FsCapability::resolve(&fixture.read_only(), AccessMode::Read, &resolver)?,
    ];
    if fixture.unix {
        grants.push(exactly(&fixture.granted_socket(), FsAccess::RESOLVE_UNIX)?);
    }
    grants.extend(
        system::grants(None, &resolver, system::Terminals::All).into_iter().filter(|grant| grant.resolved() != device),
    );
    Ok(grants)
}

/// The child's side: makes every attempt and prints how each went.
pub(crate) fn child(fixture: &str) -> Result<u8, CliError> {
    let fixture: Fixture = serde_json::from_str(fixture).map_err(|source| CliError::TrialReport { source })?;
    let said = |result: std::io::Result<()>| result.map_err(|error| error.to_string());
    let outcomes: Vec<Outcome> = ACTS
        .iter()
        .map(|act| Outcome {
            act: act.name.to_owned(),
            forbidden: said((act.forbidden)(&fixture)),
            granted: (act.granted)(&fixture).map(said),
        })
        .collect();
    terminal::output(&report::json(&outcomes));
    Ok(exit::SUCCESS)
}
