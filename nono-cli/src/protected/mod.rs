//! Protected paths: keys, tokens, browser profiles, histories, start files. A grant that covers one gets a deny for it; a
//! grant of exactly one, or of something below it, is taken as meant.

mod ways;
mod wide;

pub(crate) use wide::is_at_or_below;

use crate::platform::{self, PROTECTED};
use crate::{data, home};
use nono_core::{CachedResolver, FsCapability};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::env;
use std::iter;
use std::path::{Path, PathBuf};
use ways::Listing;
use wide::{Wide, changes};

static LINES: [&str; data::count(PROTECTED)] = data::lines(PROTECTED);

/// Why a grant is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ProtectedError {
    /// It would let the command change what governs the next sandbox.
    #[error("{flag} {granted:?} would make nono's own {own:?} writable, which is never granted")]
    OwnState { flag: String, granted: PathBuf, own: PathBuf },
}

/// Where the protected paths of a user are. What there is in the home directories is looked at once, when this is made.
#[derive(Debug)]
pub(crate) struct Protected {
    homes: Vec<(PathBuf, Listing)>,
    resolver: CachedResolver,
    elsewhere: OnceCell<Vec<PathBuf>>,
}

impl Protected {
    /// Those below one of `homes`, and the system's.
    pub(crate) fn of(homes: &[PathBuf]) -> Protected {
        let resolver = platform::resolver();
        let homes = as_resolved(homes, &resolver).into_iter().map(|home| {
            let listing = Listing::read(&home);
            (home, listing)
        });
        Protected { homes: homes.collect(), resolver, elsewhere: OnceCell::new() }
    }

    /// Those of this user.
    pub(crate) fn here() -> Protected {
        Protected::of(&home::homes())
    }

    /// Those that one of `grants` covers: to be denied. Some are links, and some do not exist and could be made.
    ///
    /// # Errors
    /// A grant that is exactly of nono's own state, or of something in it, for writing.
    pub(crate) fn denies(&self, grants: &[FsCapability]) -> Result<BTreeSet<PathBuf>, ProtectedError> {
        let (wide, resolver) = (Wide::of(grants), &self.resolver);
        let mut denies = BTreeSet::new();
        for line in lines().filter(|line| line.starts_with('/')) {
            denies.extend(wide.covered(Path::new(line)).then(|| PathBuf::from(line)));
        }
        for (home, listing) in &self.homes {
            let reach = wide.reach(home);
            for path in lines().filter_map(|line| line.strip_prefix("~/")) {
                if listing.may_be_elsewhere(path) {
                    wide.cover_ways(&home.join(path), resolver, &mut denies);
                } else if reach.may_cover(path) {
                    let path = home.join(path);
                    denies.extend(wide.covered(&path).then_some(path));
                }
            }
        }
        for own in self.own_state() {
            // It, or the directory it will be made in, may be a link to another place.
            let parent = || Some(resolver.directory(own.parent()?).ok()?.join(own.file_name()?));
            let real = resolver.find(&own).ok().map(|found| found.path).or_else(parent);
            for place in iter::once(&own).chain(&real) {
                wide.check_own(place)?;
            }
            if wide.above(&own).chain(real.iter().flat_map(|real| wide.above(real))).any(changes) {
                wide.cover_ways(&own, resolver, &mut denies);
            }
        }
        Ok(denies)
    }

    /// All that is protected, and nono's own state: as it is written, and where links lead.
    pub(crate) fn all(&self) -> Vec<PathBuf> {
        self.written().map(|(_, path)| path).chain(self.elsewhere().iter().cloned()).collect()
    }

    /// Whether `path` is one of [`Protected::all`], or in one.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        let in_homes: Vec<&Path> = self.homes.iter().filter_map(|(home, _)| path.strip_prefix(home).ok()).collect();
        let is_named = |line: &str| match line.strip_prefix("~/") {
            Some(line) => in_homes.iter().any(|rest| rest.starts_with(line)),
            None => path.starts_with(line),
        };
        lines().any(is_named)
            || self.own_state().iter().chain(self.elsewhere()).any(|protected| path.starts_with(protected))
    }

    /// As it is written, each path below a home directory with what was found in that.
    fn written(&self) -> impl Iterator<Item = (Option<(&Listing, &'static str)>, PathBuf)> {
        let below = |line: &'static str| {
            let name = line.strip_prefix("~/")?;
            Some(self.homes.iter().map(move |(home, listing)| (Some((listing, name)), home.join(name))))
        };
        let system = lines().filter(|line| line.starts_with('/')).map(|line| (None, PathBuf::from(line)));
        let own = self.own_state().into_iter().map(|path| (None, path));
        system.chain(lines().filter_map(below).flatten()).chain(own)
    }

    /// The places of those to which a link may lead: looked up when they are first asked for.
    fn elsewhere(&self) -> &[PathBuf] {
        let may_be =
            |found: &Option<(&Listing, &str)>| found.is_none_or(|(listing, name)| listing.may_be_elsewhere(name));
        let find = |(_, path): (_, PathBuf)| Some(self.resolver.find(&path).ok()?.path);
        self.elsewhere.get_or_init(|| self.written().filter(|(found, _)| may_be(found)).filter_map(find).collect())
    }

    /// nono's configuration and state: XDG base directories.
    fn own_state(&self) -> Vec<PathBuf> {
        let mut own = Vec::new();
        for (variable, default) in [("XDG_CONFIG_HOME", ".config"), ("XDG_STATE_HOME", ".local/state")] {
            let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
            let all = named.into_iter().chain(self.homes.iter().map(|(home, _)| home.join(default)));
            own.extend(all.map(|path| path.join("nono").components().collect::<PathBuf>()));
        }
        own
    }
}

/// Home directories without doubled slashes and the like, and where they really are if a link leads to them.
fn as_resolved(homes: &[PathBuf], resolver: &CachedResolver) -> Vec<PathBuf> {
    let mut all = Vec::with_capacity(homes.len());
    for home in homes {
        let home: PathBuf = home.components().collect();
        let real = resolver.find(&home).ok().map(|found| found.path);
        for one in iter::once(home).chain(real) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

pub(crate) fn lines() -> impl Iterator<Item = &'static str> {
    LINES.iter().copied()
}

#[cfg(test)]
mod tests;
