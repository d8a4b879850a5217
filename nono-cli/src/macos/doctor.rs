//! `nono doctor` on macOS: what Seatbelt is said to keep, and a few attempts in two children, one outside and one inside a
//! sandbox. A guarantee is believed if what must fail failed inside, and succeeded outside, and what was granted still works.

use crate::error::CliError;
use crate::platform::{self, Sandbox};
use crate::report::{self, line};
use crate::terminal::{self, Style};
use crate::{exit, system};
use nono_core::{
    Accepted, AccessMode, Backend, CachedResolver, CapabilitySet, FsCapability, Gap, GapKind, Guarantee, Mechanism,
};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

/// The hidden subcommand that is a child's side of the trials.
pub(crate) const TRIAL: &str = "_one-side";

/// The variable with something like a credential, which must not reach a child inside.
const TOKEN: &str = "NONO_DOCTOR_TOKEN";

/// What the attempts are made on.
#[derive(Debug, Serialize, Deserialize)]
struct Fixture {
    granted: PathBuf,
    forbidden: PathBuf,
    port: u16,
}

/// An attempt: what it is of, its name, and how it is made.
type Act = (Option<Guarantee>, &'static str, fn(&Fixture) -> io::Result<()>);

/// The first is granted, the others are not.
const ACTS: [Act; 6] = [
    (None, "read what is granted", |fixture| fs::read(&fixture.granted).map(drop)),
    (Some(Guarantee::Files), "read another file", |fixture| fs::read(&fixture.forbidden).map(drop)),
    (Some(Guarantee::Files), "make a file", |fixture| fs::write(fixture.forbidden.with_extension("new"), "x")),
    (Some(Guarantee::Truncate), "empty another file", |fixture| {
        fs::OpenOptions::new().write(true).open(&fixture.forbidden)?.set_len(0)
    }),
    (Some(Guarantee::TcpPorts), "connect to a port of this machine", |fixture| {
        TcpStream::connect((Ipv4Addr::LOCALHOST, fixture.port)).map(drop)
    }),
    (Some(Guarantee::Environment), "see a credential", |_| {
        env::var_os(TOKEN).map(drop).ok_or_else(|| io::Error::other("it is not there"))
    }),
];

/// What is said of one guarantee.
#[derive(Debug, Serialize)]
struct Row {
    name: Guarantee,
    #[serde(flatten)]
    status: Status,
    tried: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
enum Status {
    Enforced { mechanism: Mechanism },
    Gap(Gap),
    Limit(Gap),
    Contradicted { mechanism: Mechanism, because: String },
}

#[derive(Debug, Serialize)]
struct Diagnosis {
    version: u32,
    sandbox: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    guarantees: Vec<Row>,
}

/// Which attempts succeeded, in the order of the table.
type Successes = Vec<bool>;

/// Prints what is kept: 0 if all guarantees are, limits aside; 1 if some are not; 2 if there is no sandbox.
pub(crate) fn run(json: bool) -> Result<u8, CliError> {
    with_credential(json)?;
    let (outside, inside) = attempt()?;
    let reason = inside.as_ref().err().cloned();
    let rows = match &inside {
        Ok(inside) => {
            Sandbox::probe().support().answers.into_iter().map(|answer| row(answer, &outside, inside)).collect()
        }
        Err(_) => Vec::new(),
    };
    let holds = rows.iter().all(|row: &Row| matches!(row.status, Status::Enforced { .. } | Status::Limit(_)));
    let diagnosis = Diagnosis { version: 1, sandbox: reason.is_none(), reason, guarantees: rows };
    if json {
        terminal::output(&report::json(&diagnosis));
    } else {
        terminal::table(&human(&diagnosis));
    }
    Ok(match (diagnosis.sandbox, holds) {
        (false, _) => exit::NO_SANDBOX,
        (true, false) => exit::SOME_GAP,
        (true, true) => exit::SUCCESS,
    })
}

/// Starts anew with a credential in the environment, if there is none yet: it is there to be withheld.
fn with_credential(json: bool) -> Result<(), CliError> {
    if env::var_os(TOKEN).is_some() {
        return Ok(());
    }
    let failed = |source| CliError::Trial { step: "starting anew with a variable to withhold", source };
    let own = env::current_exe().map_err(failed)?;
    let mut command = Command::new(own);
    command.arg("doctor").args(json.then_some("--json")).env(TOKEN, "secret");
    Err(failed(command.exec()))
}

/// The child's side: makes every attempt and prints which succeeded.
pub(crate) fn child(fixture: &str) -> Result<u8, CliError> {
    let fixture: Fixture = serde_json::from_str(fixture).map_err(|source| CliError::TrialReport { source })?;
    let successes: Successes = ACTS.iter().map(|(_, _, act)| act(&fixture).is_ok()).collect();
    terminal::output(&report::json(&successes));
    Ok(exit::SUCCESS)
}

/// Makes all attempts, outside and inside. Of the latter, why there is no inside.
fn attempt() -> Result<(Successes, Result<Successes, String>), CliError> {
    let failed = |step| move |source| CliError::Trial { step, source };
    let own = env::current_exe().map_err(failed("finding nono's own file"))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed("opening a port to connect to"))?;
    let port = listener.local_addr().map_err(failed("opening a port to connect to"))?.port();
    let place = tempfile::tempdir().map_err(failed("making files to attempt reading"))?;
    let fixture = Fixture { granted: place.path().join("granted"), forbidden: place.path().join("forbidden"), port };
    let make = || fs::write(&fixture.granted, "x").and_then(|()| fs::write(&fixture.forbidden, "x"));
    make().map_err(failed("making files to attempt reading"))?;
    let told = report::json(&fixture);
    let arguments = [OsStr::new(TRIAL), OsStr::new(told.trim_end())];
    let failed_outside = |said| CliError::Trial { step: "starting a child", source: io::Error::other(said) };
    let outside = output(Command::new(&own).args(arguments))?.map_err(failed_outside)?;
    make().map_err(failed("making files to attempt reading"))?;
    let policy = Sandbox::probe().prepare(&capabilities(&own, &fixture)?, &Accepted::default())?;
    let inside = output(platform::command(&policy, own.as_os_str())?.args(arguments))?;
    Ok((outside, inside))
}

fn capabilities(own: &Path, fixture: &Fixture) -> Result<CapabilitySet, CliError> {
    let resolver = CachedResolver::default();
    let read = |path: &Path| {
        let granted = FsCapability::resolve(path, AccessMode::Read, &resolver);
        granted.map_err(|source| CliError::Grant { flag: "the trial's own file", source })
    };
    let mut grants = system::grants(None, &resolver, system::Terminals::All);
    grants.extend([read(own)?, read(&fixture.granted)?]);
    Ok(CapabilitySet::builder().grants(grants).build()?)
}

/// What a child says; or what its helper says, which could not set up the sandbox.
fn output(command: &mut Command) -> Result<Result<Successes, String>, CliError> {
    let ran = command.stdin(Stdio::null()).output();
    let ran = ran.map_err(|source| CliError::Trial { step: "starting a child", source })?;
    if ran.status.code() == Some(exit::SETUP.into()) {
        let said = ran.stderr.trim_ascii();
        return Ok(Err(said.strip_prefix(b"nono: ").unwrap_or(said).escape_ascii().to_string()));
    }
    serde_json::from_slice(&ran.stdout).map(Ok).map_err(|source| CliError::TrialReport { source })
}

fn row((name, answer): (Guarantee, Result<Mechanism, Gap>), outside: &[bool], inside: &[bool]) -> Row {
    let acts = || ACTS.iter().zip(outside.iter().zip(inside)).filter(|((of, ..), _)| *of == Some(name));
    let tried = acts().map(|((_, act, _), _)| *act).collect();
    let works = inside.first() == Some(&true);
    let because = |mechanism| {
        let wrong = acts().find_map(|((_, act, _), (outside, inside))| match (outside, inside) {
            (false, _) => Some(format!("to {act} fails outside as well")),
            (true, true) => Some(format!("to {act} succeeds inside")),
            _ => None,
        });
        let wrong = wrong.or_else(|| (!works).then(|| "what was granted does not work inside".to_owned()));
        wrong.map_or(Status::Enforced { mechanism }, |because| Status::Contradicted { mechanism, because })
    };
    let status = match answer {
        Ok(mechanism) => because(mechanism),
        Err(gap) if gap.kind == GapKind::Limit => Status::Limit(gap),
        Err(gap) => Status::Gap(gap),
    };
    Row { name, status, tried }
}

fn human(diagnosis: &Diagnosis) -> String {
    let (colours, mut text) = (terminal::colours(), String::new());
    if let Some(reason) = &diagnosis.reason {
        line(&mut text, &format!("no sandbox is possible here: {reason}"));
        return text;
    }
    line(&mut text, "Seatbelt; what was tried says so\n");
    for Row { name, status, tried } in &diagnosis.guarantees {
        match status {
            Status::Enforced { mechanism } => {
                let how = if tried.is_empty() { "not tried here".to_owned() } else { tried.join(", ") };
                let sentence = format!("{}: {mechanism} ({how})", name.promise());
                report::row(&mut text, *name, Style::Good, colours, &sentence);
            }
            Status::Contradicted { mechanism, because } => {
                let sentence = format!("NOT PROVEN, although {mechanism} should keep it: {because}");
                report::row(&mut text, *name, Style::Bad, colours, &sentence);
            }
            Status::Gap(_) | Status::Limit(_) => {}
        }
    }
    for (title, limits) in [("\nnot enforced (accept one by --accept-gap NAME)", false), ("\nlimits", true)] {
        line(&mut text, title);
        for row in &diagnosis.guarantees {
            match &row.status {
                Status::Gap(gap) if !limits => report::gap(&mut text, gap, colours),
                Status::Limit(gap) if limits => report::gap(&mut text, gap, colours),
                _ => {}
            }
        }
    }
    text
}
