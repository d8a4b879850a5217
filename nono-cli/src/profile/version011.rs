//! The keys of a profile in the JSON of nono 0.11.
//!
//! Most of what its profiles say has a counterpart here. What has none is an error that says so: a profile that is obeyed in part
//! protects less than its author thinks.

use super::builtin;
use super::document::{Item, Member, Reader};
use super::error::ProfileError;
use super::format;
use super::model::{Entry, Grant, Missing, Network, Profile, Right};
use super::place::At;

/// Keys for features that nono does not have, and what to do instead.
const UNSUPPORTED: [(&str, &str); 18] = [
    ("policy", "write the paths into [filesystem], and closed ones into its `deny`"),
    ("hooks", "nono changes no settings of other programs"),
    ("undo", "nono keeps no copies of files: use version control"),
    ("rollback", "nono keeps no copies of files: use version control"),
    ("trust_groups", "there is none: leave it out"),
    ("env_credentials", "pass variables by [environment] of a profile in TOML, or --env"),
    ("secrets", "pass variables by [environment] of a profile in TOML, or --env"),
    ("interactive", "every command has its terminal: leave it out"),
    ("open_urls", "nono opens no browser"),
    ("allow_launch_services", "nono starts no other programs"),
    ("network_profile", "nono knows ports, not hosts: use a proxy and --proxy-port"),
    ("proxy_allow", "nono knows ports, not hosts: use a proxy and --proxy-port"),
    ("proxy_credentials", "nono has no proxy of its own: use one and --proxy-port"),
    ("external_proxy", "nono has no proxy of its own: use one and --proxy-port"),
    ("port_allow", "use `port` of [network] in a profile in TOML, or --allow-port"),
    ("allowed_commands", "commands are not told apart by name: what may be executed is what may be read"),
    ("signal_mode", "signals reach no process outside: leave it out"),
    ("capability_elevation", "use --supervised, or [approve] of a profile in TOML"),
];

/// Groups that hold for every command, or are about other systems: naming one changes nothing.
const ALWAYS: [&str; 14] = [
    "deny_credentials",
    "deny_keychains_linux",
    "deny_keychains_macos",
    "deny_browser_data_linux",
    "deny_browser_data_macos",
    "deny_macos_private",
    "deny_shell_history",
    "deny_shell_configs",
    "system_read_linux",
    "system_read_macos",
    "system_write_linux",
    "system_write_macos",
    "user_caches_macos",
    "homebrew",
];

/// Groups that are what a built-in profile reads.
const RUNTIMES: [(&str, &str); 4] =
    [("python_runtime", "python"), ("node_runtime", "node"), ("rust_runtime", "rust"), ("go_runtime", "go")];

/// Groups of a few paths: the right and the path.
const PATHS: [(&str, Right, &str); 2] =
    [("user_tools", Right::Read, "~/.local/bin"), ("user_caches_linux", Right::Allow, "~/.cache")];

const KEYS: [&str; 6] = ["extends", "meta", "filesystem", "network", "workdir", "security"];

/// Reads a whole profile.
pub(super) fn read(reader: &Reader, root: &Item<'_>) -> Result<Profile, ProfileError> {
    let mut profile = Profile { files: vec![reader.place(1)], ..Profile::default() };
    for member in reader.table("", root)? {
        let item = &member.item;
        match &*member.key {
            "$schema" => {}
            "extends" => profile.extends = format::extends(reader, item)?,
            "meta" => profile.description = format::meta(reader, item)?,
            "filesystem" => {
                check_keys(reader, item, "filesystem", &Right::ALL.map(Right::key))?;
                format::filesystem(reader, item, &mut profile)?;
            }
            "network" => profile.network = network(reader, item)?,
            "workdir" => profile.workdir = format::workdir(reader, item)?,
            "security" => security(reader, item, &mut profile)?,
            _ => return Err(refused(reader, member, "", &KEYS)),
        }
    }
    Ok(profile)
}

fn refused(reader: &Reader, member: &Member<'_>, within: &str, known: &[&str]) -> ProfileError {
    match UNSUPPORTED.iter().find(|(key, _)| *key == member.key) {
        Some((key, why)) => ProfileError::Unsupported { place: reader.place(member.line), key: (*key).to_owned(), why },
        None => reader.unknown(member, within, known),
    }
}

fn check_keys(reader: &Reader, item: &Item<'_>, table: &str, known: &[&str]) -> Result<(), ProfileError> {
    match reader.table(table, item)?.iter().find(|member| !known.contains(&&*member.key)) {
        Some(member) => Err(refused(reader, member, table, known)),
        None => Ok(()),
    }
}

/// `block: false` is what that version called an open network. Nothing at all is a closed one: here that is the default.
fn network(reader: &Reader, item: &Item<'_>) -> Result<Network, ProfileError> {
    let mut network = Network::default();
    check_keys(reader, item, "network", &["block"])?;
    for member in reader.table("network", item)? {
        let At { value, place } = reader.flag("block", &member.item)?;
        if value {
            network.block = Some(At { value, place });
        } else {
            network.open = Some(At { value: true, place });
        }
    }
    Ok(network)
}

fn security(reader: &Reader, item: &Item<'_>, profile: &mut Profile) -> Result<(), ProfileError> {
    check_keys(reader, item, "security", &["groups"])?;
    for member in reader.table("security", item)? {
        for group in reader.texts("groups", &member.item)? {
            add(group, profile)?;
        }
    }
    Ok(())
}

fn add(group: At<String>, profile: &mut Profile) -> Result<(), ProfileError> {
    let At { value: name, place } = group;
    let paths: Vec<(Right, String)> = if let Some((_, runtime)) = RUNTIMES.iter().find(|(known, _)| *known == name) {
        builtin::reads(runtime)?.into_iter().map(|path| (Right::Read, path)).collect()
    } else if let Some((_, right, path)) = PATHS.iter().find(|(known, ..)| *known == name) {
        vec![(*right, (*path).to_owned())]
    } else if ALWAYS.contains(&name.as_str()) {
        Vec::new()
    } else {
        let why = "this group of paths is not known here; write what is needed of it into `filesystem`";
        return Err(ProfileError::Unsupported { place, key: name, why });
    };
    let entry = |text| Entry { text, place: place.clone(), missing: Missing::LeaveOut };
    profile.grants.extend(paths.into_iter().map(|(right, text)| Grant { right, entry: entry(text) }));
    Ok(())
}
