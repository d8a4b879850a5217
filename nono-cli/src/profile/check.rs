//! `nono profile check`: what a profile grants here and now, and what is doubtful about it.

use super::combine::{Flags, add};
use super::find::Found;
use super::load::load_found;
use super::model::{Missing, Profile};
use super::place::{At, Place};
use super::resolve::Absent;
use crate::args::{Grants, Network};
use crate::denies::{self, Denies, Wanted};
use crate::error::CliError;
use crate::protected::Protected;
use crate::report::{self, Network as Opened};
use crate::{home, network};
use nono_core::serial::LosslessPath;
use nono_core::{CapabilitySet, FsAccess, FsCapability, PathKind, Source};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was found out about a profile.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(super) profile: Profile,
    pub(super) set: CapabilitySet,
    denies: Denies,
    pub(super) doubts: Vec<Doubt>,
}

/// Something that may not be what its author wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Doubt {
    /// Where it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Place>,
    pub(super) message: String,
}

/// Places that a command should hardly change, and what is there.
const WIDE: [(&str, &str); 7] = [
    ("/", "everything that you can write"),
    ("/dev", "devices, and the memory that programs share"),
    ("/proc", "settings of your other processes"),
    ("/sys", "settings of the machine"),
    ("/run", "sockets of services"),
    ("/tmp", "files of your other programs"),
    ("/dev/shm", "memory that your other programs share"),
];

/// Sockets whose servers do what root can.
const AS_ROOT: [&str; 5] = ["docker.sock", "podman.sock", "containerd.sock", "crio.sock", "snapd.socket"];

/// Checks the profile that a flag names, with `workdir` as the working directory.
pub(crate) fn check(given: &OsStr, workdir: &Path) -> Result<Checked, CliError> {
    let wrong = |source| CliError::ProfileCommand { source };
    let profiles = [Found::by_flag(given).and_then(|found| load_found(&found)).map_err(wrong)?];
    let (mut grants, mut ports, mut accept_gap) = (Grants::default(), Network::default(), Vec::new());
    // What is missing here may be there on another machine: a doubt, not an error.
    grants.allow_missing = true;
    let flags = Flags { grants: &mut grants, network: &mut ports, accept_gap: &mut accept_gap };
    let added = add(&profiles, flags, workdir, Absent::Pretend).map_err(wrong)?;
    let homes = home::homes();
    // The working directory is wherever the command is started: another one may do.
    let [profile] = profiles;
    let here = profile.workdir.as_ref().map(|workdir| workdir.place.source());
    let named: Vec<FsCapability> =
        added.grants.iter().filter(|grant| Some(grant.source()) != here.as_ref()).cloned().collect();
    let mut doubts: Vec<Doubt> = added.notes.into_iter().map(|message| Doubt { source: None, message }).collect();
    let optional = optional(&profile);
    doubts.extend(twice(&optional, &named));
    let protected = Protected::of(&homes);
    let known = Known::of(&homes, &protected);
    doubts.extend(named.iter().flat_map(|grant| known.doubtful(grant)));
    doubts.extend(about_files(&profile, &added.grants));
    doubts.extend(said_aloud(&profile));
    doubts.extend(added.denies.iter().filter_map(idle));
    let mut grants = added.grants;
    let denies = Denies::of(&added.denies, &mut grants, &protected, denies::Missing { allowed: true, quiet: true })?;
    doubts.extend(named.iter().filter_map(|grant| covers(grant, &denies)));
    let builder = CapabilitySet::builder().grants(grants);
    let builder = denies.add(builder).map_err(|source| CliError::Grant { flag: "deny", source })?;
    let set = network::add(builder, &ports).build()?;
    doubts.extend(
        set.redundant()
            .iter()
            .filter(|grant| !optional.contains(grant.source()))
            .map(|grant| doubt(grant, format!("{:?} adds nothing: a directory above it is granted", grant.original()))),
    );
    // In the order of the file.
    doubts.sort_by_key(|doubt| doubt.source.as_ref().map(|place| place.line));
    Ok(Checked { profile, set, denies, doubts })
}

/// [`Checked`] as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Findings<'a> {
    version: u32,
    files: Vec<LosslessPath>,
    grants: &'a [FsCapability],
    /// By name; protected paths are closed besides.
    denied: Vec<LosslessPath>,
    network: Opened<'a>,
    warnings: &'a [Doubt],
}

impl Checked {
    /// What is printed as JSON.
    pub(crate) fn findings(&self) -> Findings<'_> {
        Findings {
            version: 1,
            files: self.profile.files.iter().map(|place| LosslessPath::from(&*place.file)).collect(),
            grants: self.set.fs(),
            denied: self.denied().map(|(path, _)| LosslessPath::from(path)).collect(),
            network: (&self.set).into(),
            warnings: &self.doubts,
        }
    }

    /// The paths that are denied by name, below a grant.
    fn denied(&self) -> impl Iterator<Item = (&Path, &Source)> {
        self.set.denies().iter().filter_map(|path| Some((path.as_path(), self.denies.source(path)?)))
    }

    /// What is printed for people: what it grants here, then what is doubtful.
    pub(crate) fn human(&self) -> String {
        let mut text = report::grants(self.set.fs(), &(&self.set).into());
        for (path, source) in self.denied() {
            report::line(&mut text, &format!("  {:<11} {path:?} ({})", "denied", report::source(source)));
        }
        for Doubt { source, message } in &self.doubts {
            let source = source.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
            report::line(&mut text, &format!("warning: {source}{message}"));
        }
        text
    }
}

fn doubt(grant: &FsCapability, message: String) -> Doubt {
    Doubt { source: place(grant.source()), message }
}

fn place(source: &Source) -> Option<Place> {
    match source {
        Source::Profile { file, line } => Some(Place { file: Arc::clone(file), line: *line }),
        _ => None,
    }
}

/// A denied path that is not there.
fn idle(wanted: &Wanted) -> Option<Doubt> {
    let missing = std::fs::symlink_metadata(&wanted.path).is_err() && !wanted.optional;
    let message = || format!("{:?} is denied and does not exist", wanted.path);
    missing.then(|| Doubt { source: place(&wanted.source), message: message() })
}

/// A grant that protected paths lie below.
fn covers(grant: &FsCapability, denies: &Denies) -> Option<Doubt> {
    let below = |path: &&Path| grant.kind() == PathKind::Directory && path.starts_with(grant.resolved());
    let mut covered = denies.protected().filter(below);
    let (first, more) = (covered.next()?, covered.count());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let shown = grant.original();
    Some(doubt(grant, format!("{shown:?} covers {first:?}{more}, which stay closed: they are protected")))
}

/// Where the profile lists paths that are there on some machines: two of them may be the same here.
fn optional(profile: &Profile) -> HashSet<Source> {
    let optional = profile.grants.iter().filter(|grant| grant.entry.missing != Missing::Refuse);
    optional.map(|grant| grant.entry.place.source()).collect()
}

/// Paths that are granted twice, the second time without need.
fn twice(optional: &HashSet<Source>, grants: &[FsCapability]) -> Vec<Doubt> {
    let mut first: HashMap<&Path, FsAccess> = HashMap::new();
    let mut doubts = Vec::new();
    for grant in grants {
        let known = first.entry(grant.resolved()).or_insert(FsAccess::empty());
        if known.contains(grant.access()) && !optional.contains(grant.source()) {
            doubts.push(doubt(grant, format!("{:?} adds nothing: it is granted already", grant.original())));
        }
        *known |= grant.access();
    }
    doubts
}

/// Places that matter, looked up once.
struct Known {
    homes: Vec<PathBuf>,
    protected: HashSet<PathBuf>,
    /// Where programs are found.
    programs: Vec<PathBuf>,
}

impl Known {
    fn of(homes: &[PathBuf], protected: &Protected) -> Known {
        let resolved = |path: &PathBuf| path.canonicalize().ok();
        let path = std::env::var_os("PATH").unwrap_or_default();
        Known {
            homes: homes.iter().filter_map(resolved).collect(),
            protected: protected.all().into_iter().collect(),
            programs: std::env::split_paths(&path).filter_map(|path| resolved(&path)).collect(),
        }
    }

    /// What is dangerous about one grant.
    fn doubtful(&self, grant: &FsCapability) -> Vec<Doubt> {
        let (path, shown) = (grant.resolved(), grant.original());
        let changes = grant.access().intersects(FsAccess::CHANGE);
        let mut all = Vec::new();
        let mut say = |message: String| all.push(doubt(grant, message));
        if self.homes.iter().any(|home| home == path) {
            say(format!("{shown:?} is the whole home directory: grant what is needed in it"));
        } else if let Some((_, what)) = WIDE.iter().find(|(wide, _)| changes && path == Path::new(wide)) {
            say(format!("{shown:?} can be written: {what}"));
        } else if path == Path::new("/") {
            say(format!("{shown:?} is everything that you can read"));
        }
        if let Some(known) = path.ancestors().find_map(|above| self.protected.get(above)) {
            let start = if changes { "; what is written there may run when a shell or a session starts" } else { "" };
            let whose = if path == known { String::new() } else { format!("in {known:?}, which is ") };
            say(format!("{shown:?} is {whose}protected, and handed over{start}"));
        }
        let holds = |directory: &&PathBuf| grant.kind() == PathKind::Directory && directory.starts_with(path);
        let programs = if changes && path != Path::new("/") { self.programs.as_slice() } else { &[] };
        if let Some(directory) = programs.iter().find(holds) {
            say(format!("{directory:?} is in PATH and can be written: what is put there runs outside"));
        }
        let connects = grant.access().contains(FsAccess::RESOLVE_UNIX);
        if connects && path.file_name().is_some_and(|name| AS_ROOT.iter().any(|root| name == *root)) {
            say(format!("{shown:?}: who talks to this server can do what root can"));
        }
        all
    }
}

/// A profile that commands can change decides nothing any more.
fn about_files(profile: &Profile, grants: &[FsCapability]) -> Vec<Doubt> {
    let writable = |path: &Path| {
        let changes = |grant: &&FsCapability| grant.access().intersects(FsAccess::CHANGE);
        grants.iter().filter(changes).any(|grant| path.starts_with(grant.resolved()))
    };
    let own = profile.files.iter().filter(|place| place.file.canonicalize().is_ok_and(|path| writable(&path)));
    let said = |place: &Place| Doubt {
        source: Some(place.clone()),
        message: "commands that are run with this profile can change it: keep it outside of what it grants".to_owned(),
    };
    own.map(said).collect()
}

/// What of the network and the options gives up protection.
fn said_aloud(profile: &Profile) -> Vec<Doubt> {
    let mut all = Vec::new();
    let mut say = |place: &Place, message: String| all.push(Doubt { source: Some(place.clone()), message });
    if let Some(place) = profile.network.opened() {
        say(place, "the whole network is open; what is read can be sent anywhere".to_owned());
    }
    for At { value, place } in &profile.options.accept_gap {
        say(place, format!("the guarantee {value} is given up: {}", value.promise()));
    }
    for At { value, place } in &profile.options.keep_cap {
        say(place, format!("root's capability {value} is kept"));
    }
    all
}
