//! Profiles and flags together: what profiles say is added to what was typed.
//!
//! Flags add to profiles, profiles add up, and what is said aloud on the command line holds: `--net-block` over every profile's
//! network, a flag that opens something over a profile's `block`. Two profiles that contradict each other are an error.

use super::error::ProfileError;
use super::load::{load, load_file};
use super::model::{Entry, Profile, said};
use super::place::{At, Place};
use super::resolve::{Absent, Lookup, working_directory};
use super::variables::Variables;
use crate::args::{Grants, Network};
use crate::denies::Wanted;
use crate::{home, platform};
use nono_core::{AccessMode, FsCapability};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The flags that profiles add to.
#[derive(Debug)]
pub(crate) struct Flags<'a> {
    pub(crate) grants: &'a mut Grants,
    pub(crate) network: &'a mut Network,
    pub(crate) accept_gap: &'a mut Vec<String>,
}

/// What profiles say that is no flag.
#[derive(Debug, Clone, Default)]
pub(crate) struct Added {
    /// Paths and unix sockets.
    pub(crate) grants: Vec<FsCapability>,
    /// Paths that stay closed.
    pub(crate) denies: Vec<Wanted>,
    /// What is answered without anybody being asked.
    pub(crate) rules: Option<Rules>,
    /// Where a private /dev/shm is asked for.
    pub(crate) private_shm: Option<Place>,
    /// What the user may want to know.
    pub(crate) notes: Vec<String>,
}

/// Reads the profiles that the flags name, and adds to the flags what they say. Without any, nothing is done.
pub(crate) fn combine(flags: Flags<'_>, workdir: &Path, absent: Absent) -> Result<Added, ProfileError> {
    if flags.grants.profile.is_empty() {
        return Ok(Added::default());
    }
    let profiles: Vec<Profile> = flags.grants.profile.iter().map(|given| load(given)).collect::<Result<_, _>>()?;
    add(&profiles, flags, workdir, absent)
}

/// As [`combine`], with profiles that were read before.
pub(super) fn add(
    profiles: &[Profile],
    flags: Flags<'_>,
    workdir: &Path,
    absent: Absent,
) -> Result<Added, ProfileError> {
    let Flags { grants, network, accept_gap } = flags;
    let resolver = match absent {
        Absent::Pretend => platform::resolver_for_questions(),
        Absent::Make | Absent::Leave => platform::resolver_of_many(),
    };
    let mut lookup = Lookup {
        variables: Variables { home: home::home(), workdir: Some(workdir) },
        resolver: &resolver,
        absent,
        allow_missing: grants.allow_missing,
        notes: Vec::new(),
    };
    let mut added = Added::default();
    let sockets = join_networks(profiles, network)?;
    for profile in profiles {
        added.grants.reserve(profile.grants.len());
        for grant in &profile.grants {
            added.grants.extend(lookup.grant(grant)?);
        }
        for entry in &profile.denies {
            added.denies.extend(lookup.denied(entry)?);
        }
        if let Some(At { value, place }) = &profile.workdir
            && let Some(mode) = value.mode()
        {
            added.grants.push(working_directory(workdir, mode, place, &resolver)?);
        }
    }
    for entry in sockets {
        added.grants.extend(lookup.socket(entry)?);
    }
    added.private_shm = profiles.iter().find_map(|profile| said(profile.options.private_shm.as_ref())).cloned();
    added.rules = rules(profiles, &mut lookup)?;
    environment(profiles, grants, &lookup.variables)?;
    let options = || profiles.iter().map(|profile| &profile.options);
    let mut system = options().filter_map(|options| options.system.as_ref());
    // Wanted by one is granted, as with everything that adds up.
    if system.clone().next().is_some() && system.all(|system| !system.value) {
        grants.no_system = true;
    }
    grants.keep_cap.extend(options().flat_map(|options| &options.keep_cap).map(|name| name.value.clone()));
    accept_gap.extend(options().flat_map(|options| &options.accept_gap).map(|gap| gap.value.name().to_owned()));
    added.notes = lookup.notes;
    Ok(added)
}

/// Adds the networks of profiles to the flags', and returns the unix sockets.
fn join_networks<'p>(profiles: &'p [Profile], flags: &mut Network) -> Result<Vec<&'p Entry>, ProfileError> {
    if flags.net_block {
        return Ok(Vec::new());
    }
    let networks = || profiles.iter().map(|profile| &profile.network);
    let opened = networks().find_map(|network| network.opened());
    for (at, network) in networks().enumerate() {
        networks().skip(at).try_for_each(|other| network.check_beside(other))?;
    }
    // Through a proxy alone is less than anywhere, and what was wanted.
    let proxied = networks().find_map(|network| network.proxy_port.as_ref().map(|port| format!("of {}", port.place)));
    if let (Some(place), Some(whose)) = (opened, flags.proxy_port.map(|_| "--proxy-port".to_owned()).or(proxied)) {
        let other = format!("a proxy that everything has to go through ({whose})");
        return Err(ProfileError::Contradiction { place: place.clone(), one: "`open`", other });
    }
    let by_flag = flags.given().any(|flag| flag != "--allow-unix");
    flags.net_block = networks().any(|network| network.blocked().is_some()) && !by_flag;
    if opened.is_some() || flags.net {
        // All of it: a port more or less changes nothing.
        *flags = Network { net: true, allow_unix: std::mem::take(&mut flags.allow_unix), ..Network::default() };
    } else {
        for network in networks() {
            flags.allow_connect.extend(network.connect.iter().map(|port| port.value));
            flags.allow_bind.extend(network.bind.iter().map(|port| port.value));
            flags.allow_port.extend(network.port.iter().map(|port| port.value));
            flags.allow_dns |= said(network.dns.as_ref()).is_some();
            proxy(network.proxy_port.as_ref(), flags)?;
        }
    }
    Ok(networks().flat_map(|network| &network.unix).collect())
}

/// There is one proxy.
fn proxy(port: Option<&At<nono_core::Port>>, flags: &mut Network) -> Result<(), ProfileError> {
    match (port, flags.proxy_port) {
        (Some(At { value, place }), Some(known)) if *value != known => Err(ProfileError::Contradiction {
            place: place.clone(),
            one: "`proxy_port`",
            other: format!("the proxy port {known} of a flag or another profile"),
        }),
        (Some(port), _) => {
            flags.proxy_port = Some(port.value);
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

/// Puts what profiles set and pass before what flags do: the last one holds.
fn environment(profiles: &[Profile], flags: &mut Grants, variables: &Variables<'_>) -> Result<(), ProfileError> {
    let mut all: Vec<OsString> = Vec::new();
    for environment in profiles.iter().map(|profile| &profile.environment) {
        flags.env_clear |= said(environment.clear.as_ref()).is_some();
        all.extend(environment.pass.iter().map(|name| OsString::from(&name.value)));
        for (name, At { value, place }) in &environment.set {
            let mut given = OsString::from(format!("{name}="));
            given.push(variables.expand(value, place)?);
            all.push(given);
        }
    }
    all.append(&mut flags.env);
    flags.env = all;
    Ok(())
}

/// What is answered without anybody being asked: yes to what is granted, no to what is denied.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) grants: Vec<FsCapability>,
    /// Resolved paths.
    pub(crate) denies: Vec<PathBuf>,
}

/// The tables `approve`, as one; none where no profile has one.
fn rules(profiles: &[Profile], lookup: &mut Lookup<'_>) -> Result<Option<Rules>, ProfileError> {
    let mut rules: Option<Rules> = None;
    for approve in profiles.iter().filter_map(|profile| profile.approve.as_ref()) {
        let rules = rules.get_or_insert_default();
        for (key, entries, mode) in [
            ("allow", &approve.allow, AccessMode::ReadWrite),
            ("read", &approve.read, AccessMode::Read),
            ("write", &approve.write, AccessMode::Write),
        ] {
            for entry in entries {
                rules.grants.extend(lookup.rule(entry, key, mode)?);
            }
        }
        for entry in &approve.deny {
            rules.denies.extend(lookup.deny(entry)?);
        }
    }
    Ok(rules)
}

/// The table `approve` of one profile or file of rules; none if it has none.
pub(crate) fn approve(path: &Path) -> Result<Option<Rules>, ProfileError> {
    // By path, whatever it looks like: it is the name of a file that was asked for.
    let profile = load_file(path)?;
    let resolver = platform::resolver();
    let variables = Variables { home: home::home(), workdir: None };
    let (absent, notes) = (Absent::Leave, Vec::new());
    rules(&[profile], &mut Lookup { variables, resolver: &resolver, absent, allow_missing: false, notes })
}
