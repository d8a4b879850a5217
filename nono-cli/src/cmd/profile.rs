//! `nono profile`: profiles, listed, shown, checked and written.

use crate::args::{Profile, ProfileCommand};
use crate::error::CliError;
use crate::{exit, policy, profile, report, schema, terminal};
use serde::Serialize;
use std::ffi::OsStr;

/// Does what was asked for: 0, or 1 where a profile that was to be checked cannot be used.
pub(crate) fn run(given: &Profile) -> Result<u8, CliError> {
    let wrong = |source| CliError::ProfileCommand { source };
    match &given.command {
        ProfileCommand::List { json } => {
            let list = profile::list();
            show(*json, &list, || list.human());
        }
        ProfileCommand::Show { profile, raw: true, .. } => terminal::output(&profile::raw(profile).map_err(wrong)?),
        ProfileCommand::Show { profile, json, .. } => {
            let shown = profile::show(profile).map_err(wrong)?;
            show(*json, &shown, || shown.human());
        }
        ProfileCommand::Check { profile, json } => return Ok(check(profile, *json)),
        ProfileCommand::New { name, output } => {
            let path = profile::write_new(name, output.as_deref())?;
            terminal::output(&format!("{}\n", path.display()));
        }
        ProfileCommand::Schema { of } => terminal::output(schema::SCHEMAS.of(of)),
    }
    Ok(exit::SUCCESS)
}

/// Prints a result, for programs or for people.
fn show(json: bool, result: &impl Serialize, human: impl FnOnce() -> String) {
    if json {
        terminal::output(&report::json(result));
    } else {
        terminal::table(&human());
    }
}

fn check(given: &OsStr, json: bool) -> u8 {
    let checked = policy::current_directory().and_then(|workdir| profile::check(given, &workdir));
    match checked {
        Ok(checked) => {
            show(json, &checked.findings(), || checked.human());
            exit::SUCCESS
        }
        Err(error) => {
            terminal::error(&error, error.remedy());
            exit::INVALID
        }
    }
}
