//! `nono profile`: profiles, listed, shown, checked and written.

use crate::args::{Profile, ProfileCommand};
use crate::error::CliError;
use crate::{exit, policy, profile, report, schema, terminal};
use std::ffi::OsStr;

/// Does what was asked for: 0, or 1 where a profile that was to be checked cannot be used.
pub(crate) fn run(given: &Profile) -> Result<u8, CliError> {
    let wrong = |source| CliError::ProfileCommand { source };
    match &given.command {
        ProfileCommand::List { json } => {
            let list = profile::list();
            terminal::output(&if *json { report::json(&list) } else { list.human() });
        }
        ProfileCommand::Show { profile, raw: true, .. } => terminal::output(&profile::raw(profile).map_err(wrong)?),
        ProfileCommand::Show { profile, json, .. } => {
            let shown = profile::show(profile).map_err(wrong)?;
            terminal::output(&if *json { report::json(&shown) } else { shown.human() });
        }
        ProfileCommand::Check { profile, json } => return Ok(check(profile, *json)),
        ProfileCommand::New { name, output } => {
            let path = profile::write_new(name, output.as_deref())?;
            terminal::output(&format!("{}\n", path.display()));
        }
        ProfileCommand::Schema { of } => terminal::output(schema::of(of)),
    }
    Ok(exit::SUCCESS)
}

fn check(given: &OsStr, json: bool) -> u8 {
    let checked = policy::current_directory().and_then(|workdir| profile::check(given, &workdir));
    match checked {
        Ok(checked) => {
            terminal::output(&if json { report::json(&checked.findings()) } else { checked.human() });
            exit::SUCCESS
        }
        Err(error) => {
            terminal::error(&error, error.remedy());
            exit::INVALID
        }
    }
}
