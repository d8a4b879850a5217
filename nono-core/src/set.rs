//! All that a program was given: a set of capabilities and the builder that makes one.

use crate::access::{AccessMode, FsAccess};
use crate::error::{CapabilityError, ConflictError};
use crate::guarantee::Guarantee;
use crate::net::{NetworkMode, Port};
use crate::normal;
use crate::order::is_resolved;
use crate::path::FsCapability;
use crate::resolve::{Resolver, StdResolver};
use crate::scope::Reach;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Everything a program may do, in normal form: two sets that mean the same are equal.
///
/// The default set grants nothing.
#[derive(Debug, Clone, Default)]
pub struct CapabilitySet {
    pub(crate) fs: Vec<FsCapability>,
    pub(crate) redundant: Vec<FsCapability>,
    pub(crate) denies: Vec<PathBuf>,
    pub(crate) network: NetworkMode,
    pub(crate) tcp_connect: BTreeSet<Port>,
    pub(crate) tcp_bind: BTreeSet<Port>,
    pub(crate) localhost: BTreeSet<Port>,
    pub(crate) name_lookups: bool,
    pub(crate) signals: Reach,
    pub(crate) abstract_sockets: Reach,
    pub(crate) required: BTreeSet<Guarantee>,
}

impl CapabilitySet {
    /// Starts a set that grants nothing.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The granted paths, sorted, parents before what is below them. Each carries the rights of the grants above it.
    pub fn fs(&self) -> &[FsCapability] {
        &self.fs
    }

    /// The grants that added nothing, because grants above them cover them.
    pub fn redundant(&self) -> &[FsCapability] {
        &self.redundant
    }

    /// The resolved paths below grants that stay closed.
    pub fn denies(&self) -> &[PathBuf] {
        &self.denies
    }

    /// What of the network is open.
    pub fn network(&self) -> &NetworkMode {
        &self.network
    }

    /// Ports to which TCP connects are allowed, on any host.
    pub fn tcp_connect(&self) -> &BTreeSet<Port> {
        &self.tcp_connect
    }

    /// Ports the program may bind and listen on, from every source: single grants, local ports, the proxy mode's.
    pub fn tcp_bind(&self) -> BTreeSet<Port> {
        let proxy = match &self.network {
            NetworkMode::ProxyOnly { bind_ports, .. } => bind_ports.as_slice(),
            _ => &[],
        };
        self.tcp_bind.iter().chain(&self.localhost).chain(proxy).copied().collect()
    }

    /// Ports to which TCP connects are allowed on this machine only: local ports and the proxy's.
    pub fn tcp_connect_here(&self) -> BTreeSet<Port> {
        let proxy = match &self.network {
            NetworkMode::ProxyOnly { port, .. } => Some(*port),
            _ => None,
        };
        self.localhost.iter().copied().chain(proxy).collect()
    }

    /// Ports used both ways on this machine.
    pub fn localhost_ports(&self) -> &BTreeSet<Port> {
        &self.localhost
    }

    /// Whether names may be looked up: DNS, port 53 of any host, by UDP where that can be granted alone, and by TCP.
    pub fn name_lookups(&self) -> bool {
        self.name_lookups
    }

    /// Whether connections to some unix socket outside are granted by its path.
    pub fn unix_sockets(&self) -> bool {
        self.fs.iter().any(|one| one.access.contains(FsAccess::RESOLVE_UNIX))
    }

    /// Whom signals reach.
    pub fn signals(&self) -> Reach {
        self.signals
    }

    /// Whom connections to abstract unix sockets reach.
    pub fn abstract_sockets(&self) -> Reach {
        self.abstract_sockets
    }

    /// The guarantees that must hold: files always, what [`Builder::require`] named, and what grants of single ports and
    /// unix sockets imply: no others.
    pub fn required(&self) -> BTreeSet<Guarantee> {
        let mut required = self.required.clone();
        required.insert(Guarantee::Files);
        if !self.denies.is_empty() {
            required.insert(Guarantee::Deny);
        }
        let here = !self.tcp_connect_here().is_empty();
        if here {
            required.insert(Guarantee::AnyHost);
        }
        if here || self.name_lookups || !self.tcp_connect.is_empty() || !self.tcp_bind().is_empty() {
            required.insert(Guarantee::TcpPorts);
        }
        // Which sockets there are is not told apart by their names on every kernel.
        let names = self.abstract_sockets == Reach::Anywhere && self.network != NetworkMode::AllowAll;
        if names || self.unix_sockets() {
            required.insert(Guarantee::UnixSockets);
        }
        required
    }

    /// The rights that hold at the resolved `path`: those of every grant at or above it, below the nearest deny.
    pub fn access_at(&self, path: &Path) -> FsAccess {
        normal::access_at(self, path)
    }

    /// Whether everything this set allows is allowed by `other` too: whether a sandbox of `other` may start this one.
    pub fn is_subset_of(&self, other: &CapabilitySet) -> bool {
        normal::is_subset(self, other)
    }
}

impl PartialEq for CapabilitySet {
    /// Compares what the sets mean, not how they were written.
    fn eq(&self, other: &CapabilitySet) -> bool {
        let meaning = |set: &CapabilitySet| {
            let fs: Vec<_> = set.fs.iter().map(|one| (one.resolved.clone(), one.kind, one.access)).collect();
            (fs, set.denies.clone(), set.tcp_bind(), set.tcp_connect_here(), set.required())
        };
        meaning(self) == meaning(other)
            && (self.network == NetworkMode::AllowAll) == (other.network == NetworkMode::AllowAll)
            && (&self.tcp_connect, self.name_lookups) == (&other.tcp_connect, other.name_lookups)
            && (self.signals, self.abstract_sockets) == (other.signals, other.abstract_sockets)
    }
}

impl Eq for CapabilitySet {}

/// Collects capabilities for a [`CapabilitySet`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    set: CapabilitySet,
    /// Denied paths that may be granted as well: what is granted above does not hold there.
    cut: Vec<PathBuf>,
}

impl From<CapabilitySet> for Builder {
    /// Goes on from what `set` grants.
    fn from(set: CapabilitySet) -> Builder {
        let cut = set.denies.iter().filter(|deny| set.fs.iter().any(|one| *one.resolved == **deny)).cloned().collect();
        Builder { set, cut }
    }
}

impl Builder {
    /// Grants `mode` on `path`, a file or a directory with all below it. Resolves it now.
    ///
    /// # Errors
    /// [`CapabilityError`]: the path is missing or cannot be resolved.
    pub fn allow(self, path: impl AsRef<Path>, mode: AccessMode) -> Result<Builder, CapabilityError> {
        Ok(self.grant(FsCapability::resolve(path.as_ref(), mode, &StdResolver)?))
    }

    /// Grants `mode` on a file, and refuses a directory.
    ///
    /// # Errors
    /// As [`Builder::allow`], and [`CapabilityError::NotAFile`].
    pub fn allow_file(self, path: impl AsRef<Path>, mode: AccessMode) -> Result<Builder, CapabilityError> {
        Ok(self.grant(FsCapability::resolve(path.as_ref(), mode, &StdResolver)?.require_file()?))
    }

    /// Allows connecting to the unix socket at `path`, or to those below the directory `path`.
    ///
    /// # Errors
    /// As [`Builder::allow`].
    pub fn allow_unix_socket(self, path: impl AsRef<Path>) -> Result<Builder, CapabilityError> {
        let wanted = FsAccess::RESOLVE_UNIX;
        Ok(self.grant(FsCapability::resolve_exactly(path.as_ref(), wanted, &StdResolver)?))
    }

    /// Adds a capability that was resolved before.
    pub fn grant(mut self, capability: FsCapability) -> Builder {
        self.set.fs.push(capability);
        self
    }

    /// Adds capabilities that were resolved before.
    pub fn grants(mut self, capabilities: impl IntoIterator<Item = FsCapability>) -> Builder {
        // A vector is taken over as it is.
        let more: Vec<FsCapability> = capabilities.into_iter().collect();
        if self.set.fs.is_empty() {
            self.set.fs = more;
        } else {
            self.set.fs.extend(more);
        }
        self
    }

    /// Closes `path` and all below it, although a grant above covers it. A grant strictly below it still holds.
    ///
    /// # Errors
    /// As [`Builder::allow`].
    pub fn deny(mut self, path: impl AsRef<Path>) -> Result<Builder, CapabilityError> {
        self.set.denies.push(StdResolver.resolve(path.as_ref())?.path);
        Ok(self)
    }

    /// Closes `path`, which was resolved before, as [`Builder::deny`] does. Nothing is looked up.
    ///
    /// # Errors
    /// [`CapabilityError::NotResolved`].
    pub fn deny_resolved(mut self, path: PathBuf) -> Result<Builder, CapabilityError> {
        if !is_resolved(&path) {
            return Err(CapabilityError::NotResolved { path });
        }
        self.set.denies.push(path);
        Ok(self)
    }

    /// Closes `path`, which was resolved before, to what is granted above it: what is granted at `path` or below it holds,
    /// and nothing more. Nothing is looked up.
    ///
    /// # Errors
    /// [`CapabilityError::NotResolved`].
    pub fn deny_inherited(mut self, path: PathBuf) -> Result<Builder, CapabilityError> {
        self.cut.push(path.clone());
        self.deny_resolved(path)
    }

    /// Sets what of the network is open.
    pub fn network(mut self, mode: NetworkMode) -> Builder {
        self.set.network = mode;
        self
    }

    /// Allows TCP connects to `port` of any host.
    pub fn allow_tcp_connect(mut self, port: Port) -> Builder {
        self.set.tcp_connect.insert(port);
        self
    }

    /// Allows binding and listening on TCP `port`.
    pub fn allow_tcp_bind(mut self, port: Port) -> Builder {
        self.set.tcp_bind.insert(port);
        self
    }

    /// Allows listening on TCP `port`, and connecting to it on this machine.
    pub fn allow_localhost_port(mut self, port: Port) -> Builder {
        self.set.localhost.insert(port);
        self
    }

    /// Allows name lookups: see [`CapabilitySet::name_lookups`].
    pub fn allow_name_lookups(mut self) -> Builder {
        self.set.name_lookups = true;
        self
    }

    /// Sets whom signals reach.
    pub fn signals(mut self, reach: Reach) -> Builder {
        self.set.signals = reach;
        self
    }

    /// Sets whom connections to abstract unix sockets reach.
    pub fn abstract_sockets(mut self, reach: Reach) -> Builder {
        self.set.abstract_sockets = reach;
        self
    }

    /// Makes it an error if `guarantee` cannot be enforced and its gap is not accepted by name.
    pub fn require(mut self, guarantee: Guarantee) -> Builder {
        self.set.required.insert(guarantee);
        self
    }

    /// Checks that the wishes go together and brings them into normal form.
    ///
    /// # Errors
    /// [`ConflictError`] names the two that contradict each other.
    pub fn build(self) -> Result<CapabilitySet, ConflictError> {
        let set = self.set;
        if set.network == NetworkMode::AllowAll {
            let port = set.tcp_connect.iter().chain(&set.tcp_bind).chain(&set.localhost).next();
            if let Some(&port) = port {
                return Err(ConflictError::PortUnderOpenNetwork { port });
            }
            if set.name_lookups {
                return Err(ConflictError::LookupsUnderOpenNetwork);
            }
        }
        if let Some(&port) = set.tcp_connect.intersection(&set.tcp_connect_here()).next() {
            return Err(ConflictError::LocalAndAnyHost { port });
        }
        normal::normalise(set, &self.cut)
    }
}
