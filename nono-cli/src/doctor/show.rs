//! `nono doctor`: what this machine can enforce.

use super::{Row, Status, TOKEN, verdicts};
use crate::error::CliError;
use crate::exit;
use crate::platform::{PrepareError, Sandbox};
use crate::report::{self, line};
use crate::terminal::{self, Style, styled};
use serde::Serialize;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What `doctor --json` prints.
#[derive(Debug, Serialize)]
struct Diagnosis {
    version: u32,
    landlock_abi: u32,
    landlock_errata: u32,
    sandbox: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    guarantees: Vec<Row>,
}

/// Tries each guarantee and prints a table: 0 if all hold, limits aside; 1 if some do not; 2 if there is no sandbox.
pub(crate) fn run(json: bool) -> Result<u8, CliError> {
    with_credential(json)?;
    let sandbox = Sandbox::probe();
    let (reason, guarantees) = match verdicts(&sandbox) {
        Ok(rows) => (None, rows),
        Err(CliError::Prepare(PrepareError::NoLandlock { absence })) => (Some(absence.to_string()), Vec::new()),
        Err(other) => return Err(other),
    };
    let kernel = sandbox.kernel();
    let diagnosis = Diagnosis {
        version: 1,
        landlock_abi: kernel.abi.0,
        landlock_errata: kernel.errata,
        sandbox: reason.is_none(),
        reason,
        guarantees,
    };
    if json {
        terminal::output(&report::json(&diagnosis));
    } else {
        terminal::table(&human(&diagnosis));
    }
    let holds = |row: &Row| matches!(row.status, Status::Enforced { .. } | Status::Limit(_));
    Ok(match (diagnosis.sandbox, diagnosis.guarantees.iter().all(holds)) {
        (false, _) => exit::NO_SANDBOX,
        (true, false) => exit::SOME_GAP,
        (true, true) => exit::SUCCESS,
    })
}

/// Starts anew with a credential in the environment, if there is none yet: it is there to be withheld.
fn with_credential(json: bool) -> Result<(), CliError> {
    if std::env::var_os(TOKEN).is_some() {
        return Ok(());
    }
    let failed = |source| CliError::Trial { step: "starting anew with a variable to withhold", source };
    let own = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(own);
    command.arg("doctor").args(json.then_some("--json")).env(TOKEN, "secret");
    Err(failed(command.exec()))
}

fn human(diagnosis: &Diagnosis) -> String {
    let colours = terminal::colours();
    let mut text = String::new();
    if let Some(reason) = &diagnosis.reason {
        line(&mut text, &format!("no sandbox is possible here: {reason}"));
        return text;
    }
    let abi = diagnosis.landlock_abi;
    line(
        &mut text,
        &format!("Landlock ABI {abi}, errata fixed {:#x}; each guarantee was tried\n", diagnosis.landlock_errata),
    );
    for row in &diagnosis.guarantees {
        match &row.status {
            Status::Enforced { mechanism } => {
                let sentence = format!("{}: {mechanism}", row.name.promise());
                report::row(&mut text, row.name, Style::Good, colours, &sentence);
            }
            Status::Contradicted { mechanism, because } => {
                let sentence = format!("NOT PROVEN, although {mechanism} should keep it: {because}");
                report::row(&mut text, row.name, Style::Bad, colours, &sentence);
            }
            Status::Gap(_) | Status::Limit(_) => {}
        }
    }
    gaps(&mut text, diagnosis, colours);
    text
}

/// The gaps, then the limits, each with what it means.
fn gaps(text: &mut String, diagnosis: &Diagnosis, colours: bool) {
    let gap = |row: &Row| match &row.status {
        Status::Gap(gap) => Some(gap.clone()),
        _ => None,
    };
    let limit = |row: &Row| match &row.status {
        Status::Limit(limit) => Some(limit.clone()),
        _ => None,
    };
    let rows = &diagnosis.guarantees;
    let parts: [(&str, Vec<_>); 2] = [
        ("\nnot enforced (accept one by --accept-gap NAME)", rows.iter().filter_map(gap).collect()),
        ("\nlimits: what no released kernel enforces", rows.iter().filter_map(limit).collect()),
    ];
    for (title, gaps) in parts {
        if !gaps.is_empty() {
            line(text, &styled(title, Style::Faint, colours));
        }
        for one in &gaps {
            report::gap(text, one, colours);
        }
    }
}
