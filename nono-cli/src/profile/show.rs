//! What a profile says, for people and as JSON: as written, with what it extends, each with its place.

use super::builtin;
use super::error::ProfileError;
use super::find::{Found, users};
use super::load::load_found;
use super::model::{Entry, Missing, Network, Profile, Right, said};
use super::place::At;
use crate::report::line;
use nono_core::Port;
use nono_core::serial::LosslessPath;
use serde::Serialize;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

/// The profiles there are.
#[derive(Debug, Serialize)]
pub(crate) struct List {
    version: u32,
    profiles: Vec<Row>,
}

/// One of them.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    origin: Origin,
    #[serde(flatten)]
    file: Option<LosslessPath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Origin {
    User,
    BuiltIn,
}

/// All profiles; of those of the same name the one that the name means.
pub(crate) fn list() -> List {
    let users = users();
    let is_users = |name: &str| users.iter().any(|(known, _)| known == name);
    let built_in = builtin::ALL.iter().filter(|(name, _)| !is_users(name));
    let built_in = built_in.map(|(name, _)| row((*name).to_owned(), Origin::BuiltIn, &Found::BuiltIn(name)));
    let own = users.iter().map(|(name, path)| row(name.clone(), Origin::User, &Found::File(path.clone())));
    let mut profiles: Vec<Row> = built_in.chain(own).collect();
    profiles.sort_by(|one, other| one.name.cmp(&other.name));
    List { version: 1, profiles }
}

fn row(name: String, origin: Origin, found: &Found) -> Row {
    let file = match found {
        Found::File(path) => Some(LosslessPath::from(path.as_path())),
        Found::BuiltIn(_) => None,
    };
    match load_found(found) {
        Ok(profile) => Row { name, origin, file, description: profile.description, error: None },
        Err(error) => Row { name, origin, file, description: None, error: Some(crate::terminal::chain(&error)) },
    }
}

impl List {
    /// A line each.
    pub(crate) fn human(&self) -> String {
        let width = self.profiles.iter().map(|row| row.name.len()).max().unwrap_or_default();
        let mut text = String::new();
        for Row { name, origin, description, error, .. } in &self.profiles {
            let origin = if *origin == Origin::User { "yours" } else { "built in" };
            let said = match (error, description) {
                (Some(error), _) => Cow::Owned(format!("cannot be used: {error}")),
                (None, Some(description)) => Cow::Owned(printable(description)),
                (None, None) => Cow::Borrowed(""),
            };
            line(&mut text, format!("  {name:<width$}  {origin:<8}  {said}").trim_end());
        }
        text
    }
}

/// One line in characters that no terminal takes for an order.
fn printable(text: &str) -> String {
    let plain = |one: char| if one.is_control() { one.escape_default().to_string() } else { one.to_string() };
    text.lines().next().unwrap_or_default().chars().map(plain).collect()
}

/// A profile with what it extends.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    version: u32,
    name: String,
    #[serde(flatten)]
    profile: Profile,
}

/// The text of a profile's own file.
pub(crate) fn raw(given: &OsStr) -> Result<Cow<'static, str>, ProfileError> {
    Found::by_flag(given)?.text()
}

/// What the profile that a flag names says.
pub(crate) fn show(given: &OsStr) -> Result<Shown, ProfileError> {
    let profile = load_found(&Found::by_flag(given)?)?;
    Ok(Shown { version: 1, name: Path::new(given).display().to_string(), profile })
}

impl Shown {
    /// A line for each thing it says.
    pub(crate) fn human(&self) -> String {
        let (profile, mut text) = (&self.profile, String::new());
        let about = profile.description.as_deref().map(printable).unwrap_or_default();
        line(&mut text, format!("{}: {about}", printable(&self.name)).trim_end_matches([' ', ':']));
        let files: Vec<String> = profile.files.iter().map(|place| format!("{:?}", place.file)).collect();
        line(&mut text, &format!("  {:<11} {}", "from", files.join(", ")));
        for grant in &profile.grants {
            entry(&mut text, words(grant.right), &grant.entry);
        }
        for one in &profile.denies {
            entry(&mut text, "deny", one);
        }
        if let Some(At { value, place }) = &profile.workdir {
            line(&mut text, &format!("  {:<11} {} ({place})", "workdir", value.word()));
        }
        network(&mut text, &profile.network);
        environment(&mut text, profile);
        options(&mut text, profile);
        if let Some(approve) = &profile.approve {
            for (key, entries) in [
                ("yes: both", &approve.allow),
                ("yes: read", &approve.read),
                ("yes: write", &approve.write),
                ("no", &approve.deny),
            ] {
                for one in entries {
                    entry(&mut text, key, one);
                }
            }
        }
        text
    }
}

fn words(right: Right) -> &'static str {
    match right {
        Right::Allow | Right::AllowFile => "read, write",
        Right::Read | Right::ReadFile => "read",
        Right::Write | Right::WriteFile => "write",
    }
}

fn entry(text: &mut String, what: &str, entry: &Entry) {
    let missing = match entry.missing {
        Missing::Refuse => "",
        Missing::Create => ", made if missing",
        Missing::LeaveOut => ", optional",
    };
    line(text, &format!("  {what:<11} {:?}{missing} ({})", entry.text, entry.place));
}

fn network(text: &mut String, network: &Network) {
    let mut say = |what: &str, place: &dyn std::fmt::Display| {
        line(text, &format!("  {:<11} {what} ({place})", "network"));
    };
    if let Some(place) = network.opened() {
        say("the whole network", place);
    }
    if let Some(place) = network.blocked() {
        say("closed, or an error", place);
    }
    let ports: [(&str, &[At<Port>]); 4] = [
        ("TCP to any host, port", &network.connect),
        ("TCP listening on port", &network.bind),
        ("on this machine, both, port", &network.port),
        ("a proxy on this machine, port", network.proxy_port.as_slice()),
    ];
    for (what, ports) in ports {
        for port in ports {
            say(&format!("{what} {}", port.value), &port.place);
        }
    }
    if let Some(place) = said(network.dns.as_ref()) {
        say("name lookups", place);
    }
    for one in &network.unix {
        entry(text, "connect", one);
    }
}

fn environment(text: &mut String, profile: &Profile) {
    let environment = &profile.environment;
    let mut say = |what: String, place: &dyn std::fmt::Display| {
        line(text, &format!("  {:<11} {what} ({place})", "environment"));
    };
    if let Some(place) = said(environment.clear.as_ref()) {
        say("empty but for what follows".to_owned(), place);
    }
    for name in &environment.pass {
        say(format!("passed on: {:?}", name.value), &name.place);
    }
    for (name, value) in &environment.set {
        say(format!("{name:?} = {:?}", value.value), &value.place);
    }
}

fn options(text: &mut String, profile: &Profile) {
    let options = &profile.options;
    let mut say = |what: &str, place: &dyn std::fmt::Display| {
        line(text, &format!("  {:<11} {what} ({place})", "options"));
    };
    if let Some(At { value: false, place }) = &options.system {
        say("without the system group", place);
    }
    if let Some(place) = said(options.private_shm.as_ref()) {
        say("a private /dev/shm", place);
    }
    for At { value, place } in &options.accept_gap {
        say(&format!("without the guarantee {value}"), place);
    }
    for At { value, place } in &options.keep_cap {
        say(&format!("as root with the capability {value}"), place);
    }
}
