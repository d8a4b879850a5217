//! The policy of some flags, foreseen; and of the same flags with one more or less.

use super::verdict::{Rule, Said};
use crate::args::Run;
use crate::denies::{Denies, Wanted};
use crate::error::CliError;
use crate::platform::{self, Sandbox};
use crate::policy::{self, Host};
use crate::profile::{Absent, Added, Place};
use crate::protected::is_at_or_below;
use crate::system::Terminals;
use nono_core::{
    AccessMode, Backend, Builder, CapabilitySet, Foresight, FsAccess, FsCapability, Guarantee, Mechanism, PathKind,
    Port, Source,
};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// What was typed, with what its profiles add to it.
pub(super) struct Given {
    run: Run,
    /// Paths that a profile closes.
    closed: Vec<Wanted>,
    /// Where a profile asks for a private /dev/shm.
    private_shm: Option<Place>,
    pub(super) workdir: PathBuf,
    /// Whether `--net-block` was typed: no flag opens anything beside it.
    pub(super) blocked: bool,
    sandbox: Sandbox,
    pub(super) host: Host,
    /// The same, once it was asked about namespaces.
    settled: OnceCell<Sandbox>,
    /// File systems, and whether they may be mounted twice: to be told of each once.
    twice: RefCell<BTreeMap<u64, bool>>,
}

impl Given {
    /// And what profiles grant.
    pub(super) fn of(mut run: Run) -> Result<(Given, Vec<FsCapability>), CliError> {
        let workdir = policy::workdir(&run.options)?;
        let blocked = run.network.net_block;
        let added = policy::add_profiles(&mut run, &workdir, Absent::Pretend)?;
        let Added { grants, denies: closed, private_shm, .. } = added;
        let sandbox = policy::sandbox(&run, private_shm.as_ref())?;
        let (host, settled, twice) = (Host::look(Some(Terminals::All)), OnceCell::new(), RefCell::default());
        Ok((Given { run, closed, private_shm, workdir, blocked, sandbox, host, settled, twice }, grants))
    }

    pub(super) fn may_be_mounted_twice(&self, device: u64) -> bool {
        *self.twice.borrow_mut().entry(device).or_insert_with(|| platform::may_be_mounted_twice(device))
    }

    fn sandbox(&self, set: &CapabilitySet) -> &Sandbox {
        if set.denies().is_empty() {
            &self.sandbox
        } else {
            self.settled.get_or_init(|| self.sandbox.clone().settled())
        }
    }
}

/// A flag that is added, or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extra {
    /// One of `--read`, `--write`, `--allow`, and those for files.
    Grant {
        path: PathBuf,
        mode: AccessMode,
        kind: PathKind,
    },
    Socket(PathBuf),
    Connect(Port),
    Bind(Port),
    Gap(Guarantee),
    Capability(&'static str),
    /// The denied path, and how it was denied: left out.
    Lift(PathBuf, Source),
    /// `--net-block`, left out.
    Unblock,
}

impl Extra {
    /// The flag of a grant.
    pub(super) fn grant_flag(mode: AccessMode, kind: PathKind) -> &'static str {
        match (mode, kind) {
            (AccessMode::Read, PathKind::Directory) => "--read",
            (AccessMode::Write, PathKind::Directory) => "--write",
            (AccessMode::ReadWrite, PathKind::Directory) => "--allow",
            (AccessMode::Read, PathKind::File) => "--read-file",
            (AccessMode::Write, PathKind::File) => "--write-file",
            (AccessMode::ReadWrite, PathKind::File) => "--allow-file",
        }
    }

    fn is_of_paths(&self) -> bool {
        matches!(self, Extra::Grant { .. } | Extra::Socket(_) | Extra::Lift(..))
    }

    fn apply(&self, run: &mut Run, closed: &mut Vec<Wanted>) {
        let grants = &mut run.grants;
        match self {
            Extra::Grant { path, mode, kind } => {
                let list = match Extra::grant_flag(*mode, *kind) {
                    "--read" => &mut grants.read,
                    "--write" => &mut grants.write,
                    "--allow" => &mut grants.allow,
                    "--read-file" => &mut grants.read_file,
                    "--write-file" => &mut grants.write_file,
                    _ => &mut grants.allow_file,
                };
                list.push(path.clone());
            }
            Extra::Socket(path) => run.network.allow_unix.push(path.clone()),
            Extra::Connect(port) => run.network.allow_connect.push(*port),
            Extra::Bind(port) => run.network.allow_bind.push(*port),
            Extra::Gap(guarantee) => run.options.accept_gap.push(guarantee.name().to_owned()),
            Extra::Capability(name) => grants.keep_cap.push((*name).to_owned()),
            Extra::Lift(deny, _) => {
                let is = |path: &Path| leads_to(path, deny);
                grants.deny.retain(|path| !is(path));
                closed.retain(|wanted| !is(&wanted.path));
            }
            Extra::Unblock => {}
        }
        // What a profile closes, a flag opens; and whoever leaves out the flag means it.
        if matches!(self, Extra::Connect(_) | Extra::Bind(_) | Extra::Unblock) {
            run.network.net_block = false;
        }
    }
}

/// Whether `path` is another way to write the resolved `place`.
fn leads_to(path: &Path, place: &Path) -> bool {
    let found = fs::canonicalize(path).or_else(|error| {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(error) };
        Ok(fs::canonicalize(parent)?.join(name))
    });
    found.map_or_else(|_missing| path == place, |found| found == place)
}

/// A policy.
pub(super) struct Case<'a> {
    pub(super) given: &'a Given,
    /// All that was granted, as it was given.
    grants: Rc<Vec<FsCapability>>,
    /// What is granted besides.
    besides: Vec<FsCapability>,
    /// In normal form.
    pub(super) set: Arc<CapabilitySet>,
    denies: Denies,
    pub(super) foresight: Foresight,
    /// Capabilities of root's that are kept by name.
    pub(super) kept: Vec<String>,
    /// Whether the whole network is open, and whether it was closed aloud: by which flag.
    pub(super) network_flag: Option<&'static str>,
    /// Whether a profile answers what is asked for.
    pub(super) answers: bool,
}

impl<'a> Case<'a> {
    pub(super) fn of(given: &'a Given, profiles: Vec<FsCapability>) -> Result<Case<'a>, CliError> {
        let added = (profiles, given.closed.clone());
        let found = policy::grants(&given.run, &given.workdir, None, added, &given.host)?;
        Case::made(given, &given.run, found)
    }

    /// With more flags, and fewer.
    pub(super) fn with(&self, extras: &[Extra]) -> Result<Case<'a>, CliError> {
        if let [Extra::Grant { path, mode, kind }] = extras
            && let Some(more) = self.with_grant(path, *mode, *kind)?
        {
            return Ok(more);
        }
        let given = self.given;
        let (mut run, mut closed) = (given.run.clone(), given.closed.clone());
        // What there is to say was said before.
        run.options.quiet = true;
        for extra in extras {
            extra.apply(&mut run, &mut closed);
        }
        crate::network::check(&run.network)?;
        // What is about ports, gaps and privileges changes nothing about paths.
        let found = if extras.iter().any(Extra::is_of_paths) {
            let by_profile = |one: &&FsCapability| matches!(one.source(), Source::Profile { .. });
            let profiles = self.grants.iter().filter(by_profile).cloned().collect();
            policy::grants(&run, &given.workdir, None, (profiles, closed), &given.host)?
        } else {
            (self.all().cloned().collect(), self.denies.clone())
        };
        Case::made(given, &run, found)
    }

    /// With one grant more, and nothing else looked up again. None where paths are denied by name: which of them may be missing
    /// depends on all grants.
    fn with_grant(&self, path: &Path, mode: AccessMode, kind: PathKind) -> Result<Option<Case<'a>>, CliError> {
        let (given, run) = (self.given, &self.given.run);
        if !run.grants.deny.is_empty() || !given.closed.is_empty() {
            return Ok(None);
        }
        let flag = Extra::grant_flag(mode, kind);
        let granted = policy::grant(flag, path, (mode, kind == PathKind::File), &platform::resolver());
        let granted = granted.map_err(|source| CliError::Grant { flag, source })?;
        let denies = self.denies.with(&granted, &given.host.protected)?;
        let builder = denies.add(Builder::from(CapabilitySet::clone(&self.set)).grant(granted.clone()));
        let set = builder.map_err(|source| CliError::Grant { flag: "--deny", source })?.build()?;
        let set = Arc::new(set);
        let (grants, mut besides) = (Rc::clone(&self.grants), self.besides.clone());
        besides.push(granted);
        let foresight = given.sandbox(&set).foresee(&set, &policy::accepted(run)?)?;
        let (kept, network_flag, answers) = (self.kept.clone(), self.network_flag, self.answers);
        Ok(Some(Case { given, grants, besides, set, denies, foresight, kept, network_flag, answers }))
    }

    fn made(given: &'a Given, run: &Run, (grants, denies): (Vec<FsCapability>, Denies)) -> Result<Case<'a>, CliError> {
        let accepted = policy::accepted(run)?;
        let set = Arc::new(policy::set(run, grants.clone(), &denies)?);
        let kept = run.grants.keep_cap.clone();
        let foresight = if kept == given.run.grants.keep_cap {
            given.sandbox(&set).foresee(&set, &accepted)?
        } else {
            policy::sandbox(run, given.private_shm.as_ref())?.foresee(&set, &accepted)?
        };
        let network_flag = match (run.network.net, run.network.net_block) {
            (true, _) => Some("--net"),
            (_, true) => Some("--net-block"),
            _ => None,
        };
        let answers = run.supervision.rules.is_some();
        let (grants, besides) = (Rc::new(grants), Vec::new());
        Ok(Case { given, grants, besides, set, denies, foresight, kept, network_flag, answers })
    }

    fn all(&self) -> impl Iterator<Item = &FsCapability> {
        self.grants.iter().chain(&self.besides)
    }

    /// What keeps a promise.
    pub(super) fn mechanism(&self, guarantee: Guarantee) -> Option<Mechanism> {
        self.foresight.enforcement.mechanism(guarantee)
    }

    /// The nearest grant at or above `path` that has all of `needed` by itself.
    pub(super) fn granting(&self, path: &Path, needed: FsAccess) -> Option<&FsCapability> {
        let reaches = |one: &&FsCapability| {
            let there = one.resolved() == path;
            (there || one.kind() == PathKind::Directory && is_at_or_below(path, one.resolved()))
                && one.access().contains(needed)
        };
        self.all().filter(reaches).max_by_key(|one| one.resolved().as_os_str().len())
    }

    /// The rule that denies `deny`.
    pub(super) fn deny_rule(&self, deny: &Path) -> Rule {
        let typed = || self.given.run.grants.deny.iter().find(|path| leads_to(path, deny));
        match self.denies.source(deny) {
            Some(source @ Source::Flag(_)) => Rule::deny(typed().map_or(deny, PathBuf::as_path), Some(source)),
            other => Rule::deny(deny, other),
        }
    }

    /// How `deny` was denied by name; none where it is protected.
    pub(super) fn deny_source(&self, deny: &Path) -> Option<Source> {
        match self.deny_rule(deny).source {
            Said::By(source) => Some(source),
            _ => None,
        }
    }
}
