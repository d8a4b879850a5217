//! Profiles: what they grant and keep out, what is wrong with them, and the built-in ones with the programs they are for.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod builtin;
mod command;
mod grants;
mod networks;
mod schema;
mod wrong;

use nono_tests::jail::{Jail, Ran};
use std::path::PathBuf;

/// Writes a profile into the user's configuration.
fn profile(jail: &Jail, name: &str, text: &str) -> PathBuf {
    jail.file(format!("home/.config/nono/profiles/{name}"), text)
}

/// `nono run -q -p PROFILE FLAGS -- sh -c SCRIPT`, in the working directory.
#[track_caller]
fn run(jail: &Jail, named: &str, flags: &[&str], script: &str) -> Ran {
    jail.args(["run", "-q", "-p", named]).cmd(flags).cmd(["--", "sh", "-c", script]).run()
}

/// Whether a file of the jail is there.
fn is_there(jail: &Jail, name: &str) -> bool {
    std::fs::exists(jail.root().join(name)).unwrap()
}
