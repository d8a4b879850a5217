//! What must come of a call inside, from the model's answer and from what the plan reports: gaps, lost abilities, and what
//! closes each denied path. Nothing here asks a kernel.

use crate::ask::Asked;
use crate::case::{Bare, Call, On, OnPort};
use crate::walk::Walk;
use nono_core::{
    Ability, CapabilitySet, Closed, Decision, Denial, Enforcement, FsAccess, Guarantee, Loss, Mechanism, NetworkMode,
    NodeKind, OpenFlags, Port, Refusal, Request, Rule, decide,
};
use nono_linux::{Abi, Kernel};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// A sandbox, as far as it is known without asking the kernel.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The set, with each grant at every name of its object: a rule is tied to the inode (kernel.md section 2).
    pub(crate) set: CapabilitySet,
    /// Its grants without its denies: what Landlock is told where covers close the denied paths.
    pub(crate) bare: CapabilitySet,
    /// The grants that covers show: what lies below another name of a denied path is hidden by the cover there.
    pub(crate) shown: Vec<PathBuf>,
    pub(crate) enforcement: Enforcement,
    pub(crate) kernel: Kernel,
}

/// What is expected of a call that succeeds outside: success, or this error.
pub(crate) fn expected(ground: &Ground, call: &Call, asked: &Asked) -> Result<(), Errno> {
    ground.filter(call)?;
    for walk in &asked.walks {
        ground.way(walk)?;
    }
    ground.mounts(call, asked)?;
    let answers: Vec<Result<(), Errno>> = asked.requests.iter().map(|request| ground.answer(request, asked)).collect();
    // Of two moves at once, a missing right is told before a move between directories is judged, and both before mounts.
    let refused = |errno| answers.iter().find(|answer| **answer == Err(errno)).copied();
    refused(Errno::ACCESS)
        .or_else(|| refused(Errno::XDEV))
        .or_else(|| answers.iter().find(|answer| answer.is_err()).copied())
        .unwrap_or(Ok(()))?;
    ground.busy(asked)
}

impl Ground {
    fn has_gap(&self, guarantee: Guarantee) -> bool {
        self.enforcement.gap(guarantee).is_some()
    }

    /// What the filter refuses, before any path or port is looked at.
    fn filter(&self, call: &Call) -> Result<(), Errno> {
        let unix = matches!(call, Call::On(On::BindUnix | On::Connect | On::Send, _) | Call::Bare(Bare::Abstract));
        // Below ABI 9 there is no rule for them: none can be made, unless that is reported as a gap.
        if unix && !self.kernel.has_unix_by_path() && !self.has_gap(Guarantee::UnixSockets) {
            return Err(Errno::AFNOSUPPORT);
        }
        // Nothing listens where no port to listen on was granted: a port that was bound by a gap does not either.
        let listens = matches!(call, Call::Bare(Bare::ListenAny) | Call::OnPort(OnPort::Listen, _));
        if listens && self.enforcement.mechanism(Guarantee::ListenAnyPort).is_some() {
            return Err(Errno::ACCESS);
        }
        // Emptying what is not opened for writing is refused altogether, whatever was granted (below ABI 3).
        let empties = match call {
            Call::Open(flags, _) => flags.contains(OFlags::TRUNC) && matches!(flags.bits() & 3, 0 | 3),
            Call::On(On::Truncate, _) => true,
            _ => false,
        };
        if empties && self.empties_by_filter() { Err(Errno::ACCESS) } else { Ok(()) }
    }

    fn empties_by_filter(&self) -> bool {
        self.enforcement.mechanism(Guarantee::Truncate) == Some(Mechanism::Seccomp)
    }

    /// The covered path at or above `path`, unless something below it was granted that `path` is in or leads to.
    fn cover(&self, path: &Path) -> Option<&Path> {
        let covers = self.enforcement.denied.iter().filter(|one| one.mechanism == Mechanism::MountNamespace);
        let cover = covers.filter(|one| path.starts_with(&one.path)).max_by_key(|one| one.path.as_os_str().len())?;
        let inside = |grant: &PathBuf| grant.starts_with(&cover.path) && path.starts_with(grant);
        (!self.shown.iter().any(inside)).then_some(cover.path.as_path())
    }

    /// Whether something at or below `path` was granted.
    fn leads(&self, path: &Path) -> bool {
        self.shown.iter().any(|grant| grant.starts_with(path))
    }

    /// What covers refuse on the way to where a path ends: they hold what leads to something granted, and nothing else; what
    /// leads to nothing cannot be searched.
    fn way(&self, walk: &Walk) -> Result<(), Errno> {
        for (directory, name) in &walk.through {
            if self.cover(directory).is_none() {
                continue;
            }
            if !self.leads(directory) {
                return Err(Errno::ACCESS);
            }
            if *name != walk.end && self.is_missing(name) {
                return Err(Errno::NOENT);
            }
        }
        Ok(())
    }

    /// Whether `path` lies in a cover that does not hold it.
    fn is_missing(&self, path: &Path) -> bool {
        path.parent().is_some_and(|above| self.cover(above).is_some())
            && self.cover(path).is_some()
            && !self.leads(path)
    }

    /// Whether nothing can be made or removed in a directory: it is on a read-only mount.
    fn is_fixed(&self, directory: &Path) -> bool {
        self.cover(directory).is_some() || self.is_read_only(directory)
    }

    /// Whether what is at `path` is bound back read-only: it lies below a covered path, granted for reading, and a grant above
    /// is for writing.
    fn is_read_only(&self, path: &Path) -> bool {
        let covers = self.enforcement.denied.iter().filter(|one| one.mechanism == Mechanism::MountNamespace);
        if self.cover(path).is_some() || !covers.into_iter().any(|one| path.starts_with(&one.path)) {
            return false;
        }
        let own = self.set.access_at(path);
        !own.intersects(FsAccess::CHANGE) && self.bare.access_at(path).intersects(FsAccess::CHANGE)
    }

    /// Which of the sandbox's mounts a path is in: covers, and what the plan says that moves do not leave.
    fn mount(&self, path: &Path) -> Option<&Path> {
        let covers = self.enforcement.denied.iter().filter(|one| one.mechanism == Mechanism::MountNamespace);
        let moves = self.enforcement.lost.iter().filter(|one| one.ability == Ability::Move);
        let borders = covers.map(|one| one.path.as_path()).chain(moves.map(|one| one.directory.as_path()));
        borders.filter(|border| path.starts_with(border)).max_by_key(|border| border.as_os_str().len())
    }

    /// What the mounts of the sandbox refuse, before Landlock is asked.
    fn mounts(&self, call: &Call, asked: &Asked) -> Result<(), Errno> {
        let parent = |path: &Path| path.parent().unwrap_or(path).to_owned();
        for request in &asked.requests {
            match request {
                Request::Rename { from, to, .. } if self.mount(&parent(from)) != self.mount(&parent(to)) => {
                    return Err(Errno::XDEV);
                }
                Request::Link { from, .. } if self.is_missing(from) => return Err(Errno::NOENT),
                Request::Link { from, to, .. } if self.mount(from) != self.mount(&parent(to)) => {
                    return Err(if self.is_fixed(&parent(to)) { Errno::ROFS } else { Errno::XDEV });
                }
                _ => {}
            }
        }
        let changes = asked.requests.iter().any(|request| match request {
            Request::Open { path, flags } => {
                let creates = flags.contains(OpenFlags::CREATE) && self.is_fixed(&parent(path));
                // A read-only mount keeps files and directories: pipes and devices are written to (fs/open.c, do_dentry_open).
                let kept = asked.walks.iter().all(Walk::is_kept);
                let unnamed = flags.contains(OpenFlags::UNNAMED) && self.is_read_only(path);
                creates
                    || unnamed
                    || kept && flags.intersects(OpenFlags::WRITE | OpenFlags::TRUNCATE) && self.is_read_only(path)
            }
            Request::Make { path, .. } | Request::Remove { path, .. } => self.is_fixed(&parent(path)),
            Request::Rename { to, .. } | Request::Link { to, .. } => self.is_fixed(&parent(to)),
            Request::Truncate { path } => self.is_read_only(path),
            _ => false,
        });
        if changes { Err(Errno::ROFS) } else { self.covered(call, asked) }
    }

    /// What the cover itself refuses where a path ends in one: it has mode 0 and is read-only.
    fn covered(&self, call: &Call, asked: &Asked) -> Result<(), Errno> {
        if asked.walks.iter().any(|walk| self.is_missing(&walk.end)) {
            // What exists outside is to be made inside, on what is read-only.
            let makes = |flags: &OFlags| flags.contains(OFlags::CREATE) && !flags.contains(OFlags::PATH);
            return Err(if matches!(call, Call::Open(flags, _) if makes(flags)) { Errno::ROFS } else { Errno::NOENT });
        }
        match (call, asked.walks.first()) {
            // A mode that is for drivers asks for permission too.
            (Call::Open(flags, _), Some(walk)) if !flags.contains(OFlags::PATH) && self.cover(&walk.end).is_some() => {
                let empties = flags.contains(OFlags::TRUNC) && walk.kind != Some(NodeKind::Directory);
                Err(if empties || flags.contains(OFlags::TMPFILE) { Errno::ROFS } else { Errno::ACCESS })
            }
            _ => Ok(()),
        }
    }

    /// The model's answer to one request, less what the plan says is lost, and what it says is open.
    fn answer(&self, request: &Request, asked: &Asked) -> Result<(), Errno> {
        let special = asked.walks.iter().any(|walk| !walk.is_kept());
        match decide(&self.set, request) {
            Decision::Allowed { .. } => self.lost(request),
            Decision::Denied(denial) if self.is_open(request, &denial) => self.lost(request),
            Decision::Denied(_)
                if special && matches!(request, Request::Open { path, .. } if self.is_read_only(path)) =>
            {
                decide(&self.bare, request).is_allowed().then_some(()).ok_or(Errno::ACCESS)
            }
            Decision::Denied(denial) => self.refusal(request, &denial, asked),
        }
    }

    /// Whether the plan reports that what the model denies stays open.
    fn is_open(&self, request: &Request, denial: &Denial) -> bool {
        let guarantee = match request {
            Request::Connect { .. } | Request::Bind { .. } => Guarantee::TcpPorts,
            Request::UdpSend { .. } | Request::UdpBind { .. } => Guarantee::Udp,
            Request::AbstractConnect => Guarantee::AbstractSockets,
            Request::Signal => Guarantee::Signals,
            _ => {
                let rights = [
                    (Guarantee::Truncate, FsAccess::TRUNCATE),
                    (Guarantee::DeviceIoctl, FsAccess::IOCTL_DEV),
                    (Guarantee::UnixSockets, FsAccess::RESOLVE_UNIX),
                ];
                let open = rights.iter().filter(|(guarantee, _)| self.has_gap(*guarantee));
                let mut open: FsAccess = open.map(|(_, right)| *right).collect();
                // Who may write a file may empty it: the promise is about files that are not writable.
                open.set(FsAccess::TRUNCATE, open.contains(FsAccess::TRUNCATE) || self.empties_by_filter());
                return !denial.missing().is_empty() && open.contains(denial.missing());
            }
        };
        self.has_gap(guarantee)
    }

    /// The error of a denial, where it is not the model's own.
    fn refusal(&self, request: &Request, denial: &Denial, asked: &Asked) -> Result<(), Errno> {
        let errno = match denial.refusal {
            Refusal::CrossDevice => Errno::XDEV,
            Refusal::NotPermitted => Errno::PERM,
            _ => Errno::ACCESS,
        };
        if !matches!(denial.rule, Rule::Denied { .. }) {
            // A missing right is told before a move between directories is judged.
            if errno == Errno::XDEV {
                self.lost(request)?;
            }
            return Err(errno);
        }
        let names: &[&PathBuf] = match request {
            Request::Remove { path, .. } => &[path],
            // A link that is denied may get another name: what it leads to is another path.
            Request::Rename { from, to, .. } | Request::Link { from, to, .. } => &[from, to],
            _ => return Err(errno),
        };
        // A name that a denied path has or leads through is Landlock's to judge first.
        let leads = |one: &&Closed| names.iter().any(|name| one.path.starts_with(name));
        let by: Vec<Mechanism> = self.enforcement.denied.iter().filter(leads).map(|one| one.mechanism).collect();
        match decide(&self.bare, request) {
            Decision::Denied(denial) if denial.refusal == Refusal::CrossDevice => {
                // A right that narrowed grants lack is told first.
                self.lost(request)?;
                return Err(Errno::XDEV);
            }
            Decision::Denied(_) => return Err(Errno::ACCESS),
            Decision::Allowed { .. } => self.lost(request)?,
        }
        // Where a directory goes that nothing is made in, something may be: moved there, it would gain rights.
        if matches!(request, Request::Rename { from, .. } if self.loses(Some(from), &[Ability::Make, Ability::Change]))
        {
            return Err(Errno::XDEV);
        }
        match by.contains(&Mechanism::MountNamespace) {
            true if asked.moves_nothing() => Ok(()),
            // A mount point, or pinned.
            true => Err(Errno::BUSY),
            // What is not there is kept from being made: directories on the way may go, and do not come back.
            false if by.iter().all(|one| *one == Mechanism::Landlock) => Ok(()),
            false => Err(errno),
        }
    }

    fn loses(&self, directory: Option<&Path>, abilities: &[Ability]) -> bool {
        let here = |one: &&Loss| Some(one.directory.as_path()) == directory;
        self.enforcement.lost.iter().filter(here).any(|one| abilities.contains(&one.ability))
    }

    /// What narrowed grants take from what the model allows.
    fn lost(&self, request: &Request) -> Result<(), Errno> {
        let loses = |directory, abilities: &[Ability]| self.loses(directory, abilities);
        let (make, change) = ([Ability::Make, Ability::Change], [Ability::Change]);
        let refused = match request {
            Request::Open { path, flags } if flags.contains(OpenFlags::CREATE) => loses(path.parent(), &make),
            Request::Open { path, flags } if flags.contains(OpenFlags::READ | OpenFlags::DIRECTORY) => {
                loses(Some(path), &[Ability::List])
            }
            Request::Make { path, .. } => loses(path.parent(), &make),
            Request::Remove { path, .. } => loses(path.parent(), &change),
            Request::Rename { from, to, .. } => loses(to.parent(), &make) || loses(from.parent(), &change),
            Request::Link { to, .. } => loses(to.parent(), &make),
            // Names are looked up by UDP where the kernel can grant that alone (`CapabilitySet::name_lookups`).
            Request::UdpSend { port } => {
                let lookups = *self.set.network() != NetworkMode::AllowAll && *port == Port::DNS;
                lookups && !self.kernel.has_udp_by_port() && !self.has_gap(Guarantee::Udp)
            }
            _ => false,
        };
        if refused {
            return Err(Errno::ACCESS);
        }
        // ABI 1 has no right to move between directories, and refuses it always (linux/landlock.h).
        match request {
            Request::Rename { from, to, .. } | Request::Link { from, to, .. }
                if self.kernel.abi == Abi(1) && from.parent() != to.parent() =>
            {
                Err(Errno::XDEV)
            }
            _ => Ok(()),
        }
    }

    /// What the sandbox's mounts hold in place.
    fn busy(&self, asked: &Asked) -> Result<(), Errno> {
        let point = |path: &PathBuf| self.mount(path) == Some(path.as_path());
        let busy = asked.requests.iter().any(|request| match request {
            Request::Remove { path, .. } => point(path),
            Request::Rename { from, to, .. } => !asked.moves_nothing() && (point(from) || point(to)),
            _ => false,
        });
        if busy { Err(Errno::BUSY) } else { Ok(()) }
    }
}
