//! From the name of a profile to all that it says: read, with what it extends.

use super::error::ProfileError;
use super::find::Found;
use super::model::{Approve, Network, Profile};
use super::place::At;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Levels of `extends`.
const DEEPEST: usize = 16;
/// Profiles that one profile extends, over all levels.
const MOST: usize = 64;

/// Reads the profile that a flag names.
pub(crate) fn load(given: &OsStr) -> Result<Profile, ProfileError> {
    Loader::default().load(&Found::by_flag(given)?)
}

/// Reads the profile in the file at `path`.
pub(super) fn load_file(path: &Path) -> Result<Profile, ProfileError> {
    Loader::default().load(&Found::File(path.to_owned()))
}

/// Reads a profile that was found.
pub(super) fn load_found(found: &Found) -> Result<Profile, ProfileError> {
    Loader::default().load(found)
}

#[derive(Default)]
struct Loader {
    /// The profiles on the way here, each extended by the one before it.
    way: Vec<PathBuf>,
    read: usize,
}

impl Loader {
    fn load(&mut self, found: &Found) -> Result<Profile, ProfileError> {
        let mut own = found.read()?;
        if own.extends.is_empty() {
            return Ok(own);
        }
        self.way.push(found.identity());
        let mut whole = Profile::default();
        for At { value: name, place } in std::mem::take(&mut own.extends) {
            let within = |source: ProfileError| match source {
                // They say where they stand.
                ProfileError::Cycle { .. } | ProfileError::TooDeep { .. } | ProfileError::TooMany { .. } => source,
                _ if source_is_placed(&source) => source,
                _ => ProfileError::Extends { place: place.clone(), name: name.clone(), source: Box::new(source) },
            };
            let base = found.extended(&name, &place).map_err(within)?;
            let identity = base.identity();
            if let Some(at) = self.way.iter().position(|known| *known == identity) {
                let chain = self.way.iter().skip(at).chain([&identity]).map(|path| named(path)).collect::<Vec<_>>();
                return Err(ProfileError::Cycle { place, chain: chain.join(" -> ") });
            }
            if self.way.len() > DEEPEST {
                return Err(ProfileError::TooDeep { place, limit: DEEPEST });
            }
            self.read += 1;
            if self.read > MOST {
                return Err(ProfileError::TooMany { place, limit: MOST });
            }
            let base = self.load(&base).map_err(within)?;
            whole.network.check_beside(&base.network)?;
            whole.put_over(base);
        }
        self.way.pop();
        whole.put_over(own);
        Ok(whole)
    }
}

/// Whether the message has a place in the extended profile: then it needs no other.
fn source_is_placed(error: &ProfileError) -> bool {
    !matches!(
        error,
        ProfileError::Unknown { .. }
            | ProfileError::Name { .. }
            | ProfileError::Read { .. }
            | ProfileError::DanglingLink { .. }
            | ProfileError::NotAFile { .. }
            | ProfileError::TooLarge { .. }
    )
}

fn named(path: &Path) -> String {
    format!("{path:?}")
}

impl Profile {
    /// Adds what `over` says, which extends this profile: lists grow, and where both say something, `over` holds.
    fn put_over(&mut self, over: Profile) {
        self.grants.extend(over.grants);
        self.denies.extend(over.denies);
        self.network.put_over(over.network);
        self.environment.clear = over.environment.clear.or(self.environment.clear.take());
        self.environment.pass.extend(over.environment.pass);
        self.environment.set.extend(over.environment.set);
        self.workdir = over.workdir.or(self.workdir.take());
        self.options.system = over.options.system.or(self.options.system.take());
        self.options.private_shm = over.options.private_shm.or(self.options.private_shm.take());
        self.options.accept_gap.extend(over.options.accept_gap);
        self.options.keep_cap.extend(over.options.keep_cap);
        if let Some(approve) = over.approve {
            self.approve.get_or_insert_with(Approve::default).put_over(approve);
        }
        self.description = over.description;
        self.files.extend(over.files);
    }
}

impl Network {
    /// Refuses two networks of which none goes over the other, when one is closed aloud and the other opens something.
    pub(super) fn check_beside(&self, other: &Network) -> Result<(), ProfileError> {
        let opens = |network: &Network| {
            let opened = network.opened().map(|place| ("open", place)).or_else(|| network.part());
            opened.map(|(key, place)| format!("`{key}` of {place}"))
        };
        for (closed, other) in [(self, other), (other, self)] {
            if let (Some(place), Some(other)) = (closed.blocked(), opens(other)) {
                return Err(ProfileError::Contradiction { place: place.clone(), one: "`block`", other });
            }
        }
        Ok(())
    }

    fn put_over(&mut self, over: Network) {
        // What is closed aloud stays closed below, and what is opened is not closed by what is extended.
        if over.blocked().is_some() {
            *self = Network::default();
        } else if over.opened().is_some() || over.part().is_some() {
            self.block = None;
        }
        self.open = over.open.or(self.open.take());
        self.block = over.block.or(self.block.take());
        self.dns = over.dns.or(self.dns.take());
        self.proxy_port = over.proxy_port.or(self.proxy_port.take());
        self.connect.extend(over.connect);
        self.bind.extend(over.bind);
        self.port.extend(over.port);
        self.unix.extend(over.unix);
    }
}

impl Approve {
    fn put_over(&mut self, over: Approve) {
        self.allow.extend(over.allow);
        self.read.extend(over.read);
        self.write.extend(over.write);
        self.deny.extend(over.deny);
    }
}
