//! From refusals to the fewest flags: each refusal asks the model what would allow it, and the model is asked again with that
//! granted, until it says yes.

use super::is_protected;
use crate::platform::{RefusedCall, Sandbox};
use crate::procfs;
use nono_core::{
    AccessMode, Builder, CapabilitySet, Decision, FsAccess, FsCapability, Guarantee, NetworkMode, PathKind, Port,
    Remedy, Request, Resolved, Rule, decide,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A request needs so many grants at most: two directories of a move, each to write and to read.
const STEPS: usize = 6;
/// So many files of one directory are granted by granting the directory.
const SIBLINGS: usize = 3;

// linux/socket.h, linux/net.h
const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const SOCK_STREAM: u32 = 1;
const SOCK_DGRAM: u32 = 2;

/// What allows something that was refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cure {
    /// Granting this path, for what the others of the same path add up to.
    Path(PathBuf),
    Connect(Port),
    Bind(Port),
    Lookups,
    Network,
    /// A port of TCP, which nobody has named yet; or the network.
    SomePort,
    Socket(PathBuf),
    /// A unix socket whose path nobody has named yet.
    SomeSocket,
    Gap(Guarantee),
    /// All abstract unix sockets, for none is named.
    AbstractSockets,
    /// It is denied by name.
    Lift(PathBuf),
    /// No flag does.
    None,
}

/// The flags so far, and what they would allow.
#[derive(Debug)]
pub(super) struct Remedies<'a> {
    set: CapabilitySet,
    protected: &'a [PathBuf],
    paths: BTreeMap<PathBuf, AccessMode>,
    others: BTreeSet<Cure>,
    /// Directories of which many files were refused.
    crowded: BTreeSet<PathBuf>,
}

impl<'a> Remedies<'a> {
    pub(super) fn new(set: &CapabilitySet, protected: &'a [PathBuf]) -> Remedies<'a> {
        let (paths, others, crowded) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Remedies { set: set.clone(), protected, paths, others, crowded }
    }

    pub(super) fn is_protected(&self, path: &Path) -> bool {
        is_protected(path, self.protected)
    }

    /// Notes of which directories many files are opened: these are granted whole, unless something in them is protected.
    pub(super) fn expect<'r>(&mut self, requests: impl Iterator<Item = &'r Request>) {
        let mut files: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
        for request in requests {
            let (Request::Open { path, .. } | Request::Execute { path }) = request else { continue };
            if let Some(parent) = path.parent() {
                files.entry(parent).or_default().insert(path);
            }
        }
        let open = |directory: &Path| self.protected.iter().all(|one| !one.starts_with(directory));
        let crowded = files.into_iter().filter(|(directory, files)| files.len() >= SIBLINGS && open(directory));
        self.crowded = crowded.map(|(directory, _)| directory.to_owned()).collect();
    }

    /// The directory in whose name a file is shown and granted, if that is not its own.
    pub(super) fn crowd<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        path.parent().filter(|parent| self.crowded.contains(*parent))
    }

    /// What allows a request. Of several, the first is what was missing.
    pub(super) fn cure(&mut self, request: &Request) -> Cure {
        let mut first = None;
        for _ in 0..STEPS {
            let Decision::Denied(denial) = decide(&self.set, request) else { break };
            let cure = match (&denial.rule, &denial.remedy) {
                (Rule::Denied { deny }, _) => Cure::Lift(deny.clone()),
                (_, Remedy::Grant { path, mode, kind }) => self.grant(request, path, *mode, *kind),
                (_, Remedy::ConnectPort(port)) => self.other(Cure::Connect(*port), |set| set.allow_tcp_connect(*port)),
                (_, Remedy::BindPort(port)) => self.other(Cure::Bind(*port), |set| set.allow_tcp_bind(*port)),
                (_, Remedy::NameLookups) => self.other(Cure::Lookups, Builder::allow_name_lookups),
                (_, Remedy::OpenNetwork) => self.network(),
                (_, Remedy::UnixSocket(path)) => Cure::Socket(path.clone()),
                (_, Remedy::AbstractSockets) => Cure::AbstractSockets,
                _ => Cure::None,
            };
            let goes_on = matches!(cure, Cure::Path(_));
            first.get_or_insert(cure);
            if !goes_on {
                break;
            }
        }
        let cure = first.unwrap_or_else(|| self.granted_already(request));
        if matches!(cure, Cure::Socket(_) | Cure::AbstractSockets) {
            self.others.insert(cure.clone());
        }
        cure
    }

    /// What allows a call that the filter refuses.
    pub(super) fn cure_call(&mut self, call: &RefusedCall) -> Cure {
        let cure = match call.socket {
            Some((AF_UNIX, _)) => Cure::SomeSocket,
            Some((AF_INET | AF_INET6, SOCK_STREAM)) if *self.set.network() != NetworkMode::AllowAll => Cure::SomePort,
            Some((AF_INET | AF_INET6, SOCK_DGRAM)) => Cure::Network,
            _ => call.guarantee.map_or(Cure::None, Cure::Gap),
        };
        self.others.insert(cure.clone());
        cure
    }

    pub(super) fn network(&mut self) -> Cure {
        self.others.insert(Cure::Network);
        Cure::Network
    }

    fn other(&mut self, cure: Cure, add: impl FnOnce(Builder) -> Builder) -> Cure {
        if let Ok(set) = add(Builder::from(self.set.clone())).build() {
            self.set = set;
        }
        self.others.insert(cure.clone());
        cure
    }

    fn grant(&mut self, request: &Request, path: &Path, mode: AccessMode, kind: PathKind) -> Cure {
        let of_process = procfs::of_any_process(path).is_some();
        if of_process && mode != AccessMode::Read {
            return Cure::None;
        }
        // A file that is not there cannot be granted: the directory it is made in is.
        let creates = matches!(request, Request::Open { flags, .. } if flags.contains(nono_core::OpenFlags::CREATE));
        let parent = if kind == PathKind::File && creates { path.parent() } else { None };
        let parent = parent.or_else(|| self.crowd(path).filter(|_| kind == PathKind::File));
        // Nor can one of a process: next time that has another number.
        let parent = parent.or_else(|| of_process.then_some(Path::new("/proc")));
        let (path, kind) = parent.map_or((path, kind), |parent| (parent, PathKind::Directory));
        let mode = self.paths.get(path).map_or(mode, |before| both(*before, mode));
        let access = FsAccess::from(mode);
        let access = if kind == PathKind::File { access & FsAccess::FILE } else { access };
        let found = Resolved { path: path.to_owned(), kind, identity: None, is_device: false };
        let set = FsCapability::from_resolved(path.to_owned(), found, access)
            .ok()
            .and_then(|grant| Builder::from(self.set.clone()).grant(grant).build().ok());
        let Some(set) = set else { return Cure::None };
        self.set = set;
        self.paths.insert(path.to_owned(), mode);
        Cure::Path(path.to_owned())
    }

    /// An earlier refusal was cured by what allows this one too.
    fn granted_already(&self, request: &Request) -> Cure {
        let path = match request {
            Request::Open { path, .. }
            | Request::Make { path, .. }
            | Request::Remove { path, .. }
            | Request::Truncate { path }
            | Request::Execute { path }
            | Request::UnixConnect { path } => path,
            Request::Rename { to, .. } | Request::Link { to, .. } => to,
            Request::Connect { port, .. } => return Cure::Connect(*port),
            Request::Bind { port } => return Cure::Bind(*port),
            _ => return Cure::None,
        };
        path.ancestors()
            .find(|above| self.paths.contains_key(*above))
            .map_or(Cure::None, |at| Cure::Path(at.to_owned()))
    }

    /// The flag of a cure as words; none if there is no such flag, or only a person can complete it.
    pub(super) fn flag(&self, cure: &Cure) -> Vec<OsString> {
        let with = |flag: &str, value: OsString| vec![OsString::from(flag), value];
        match cure {
            Cure::Path(path) => {
                let flag = match self.paths.get(path) {
                    Some(AccessMode::Read) | None => "--read",
                    Some(AccessMode::Write) => "--write",
                    Some(AccessMode::ReadWrite) => "--allow",
                };
                with(flag, path.into())
            }
            Cure::Connect(port) => with("--allow-connect", port.to_string().into()),
            Cure::Bind(port) => with("--allow-bind", port.to_string().into()),
            Cure::Lookups => vec!["--allow-dns".into()],
            Cure::Network | Cure::SomePort => vec!["--net".into()],
            Cure::Socket(path) => with("--allow-unix", path.into()),
            Cure::Gap(guarantee) => with("--accept-gap", guarantee.name().into()),
            Cure::AbstractSockets => {
                abstract_gaps().iter().flat_map(|gap| with("--accept-gap", gap.name().into())).collect()
            }
            Cure::SomeSocket | Cure::Lift(_) | Cure::None => Vec::new(),
        }
    }

    /// All flags that can be added without a second thought: what is protected is left to the user.
    pub(super) fn flags(&self) -> Vec<OsString> {
        let covered = |path: &Path, mode: AccessMode| {
            let mut above = path.ancestors().skip(1).filter_map(|above| self.paths.get(above));
            above.any(|wide| FsAccess::from(*wide).contains(mode.into()))
        };
        let paths = self.paths.iter().filter(|(path, mode)| !covered(path, **mode) && !self.is_protected(path));
        let paths = paths.map(|(path, _)| Cure::Path(path.clone()));
        let open = self.others.contains(&Cure::Network) || self.others.contains(&Cure::SomePort);
        let others = self.others.iter().filter(|cure| match cure {
            // The whole network goes with no single port.
            Cure::Connect(_) | Cure::Bind(_) | Cure::Lookups => !open,
            Cure::SomePort => !self.others.contains(&Cure::Network),
            Cure::Socket(path) => !self.is_protected(path),
            _ => true,
        });
        paths.chain(others.cloned()).flat_map(|cure| self.flag(&cure)).collect()
    }
}

/// What has to be accepted for abstract unix sockets: where the kernel does not tell one unix socket from another, all others too.
pub(crate) fn abstract_gaps() -> &'static [Guarantee] {
    let by_path = Sandbox::probe().kernel().has_unix_by_path();
    if by_path { &[Guarantee::AbstractSockets] } else { &[Guarantee::UnixSockets, Guarantee::AbstractSockets] }
}

fn both(one: AccessMode, other: AccessMode) -> AccessMode {
    if one == other { one } else { AccessMode::ReadWrite }
}
