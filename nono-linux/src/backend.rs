//! Linux as a backend: capabilities in, a policy out that is ready to be applied.

use crate::abi::{Absence, Kernel};
use crate::carveout::{self, Choice, Namespace, Namespaces, Place, SHARED_MEMORY};
use crate::error::PrepareError;
use crate::filter::{Filtering, Notified, Sockets};
use crate::guarantee::Situation;
use crate::observe::{Answering, Observer};
use crate::plan::{Plan, Surroundings, compile, paths};
use crate::policy::Policy;
use crate::privileges::{Capability, Privileges};
use crate::restrict::{Hygiene, Restriction};
use crate::{ruleset, sys};
use nono_core::{
    Accepted, AccessMode, Backend, Builder, CapabilitySet, Enforcement, Foresight, FsAccess, FsCapability, Gap,
    Guarantee, PathKind, Permissions, Resolved, Shown, Support,
};
use nono_seccomp::{Arch, Features, Filter, InstallFlags};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;

/// Sandboxes by Landlock and seccomp on the running kernel.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes, each by a call of its own")]
pub struct Linux {
    kernel: Kernel,
    standard_streams: bool,
    passed: Vec<u32>,
    /// One of them that was not open when it was named.
    not_open: Option<u32>,
    kept: Vec<Capability>,
    supervisor: Wanted,
    observed: bool,
    shared_memory: bool,
}

/// When a supervisor serves a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Never,
    /// Where sockets are granted that rules cannot tell apart.
    WhereNeeded,
    /// It is asked about files too.
    Always,
}

impl Linux {
    /// Asks the kernel what it offers.
    pub fn probe() -> Linux {
        Linux::with_kernel(Kernel::probe())
    }

    /// Takes `kernel` for what the kernel offers. A right it does not have makes `prepare` fail.
    pub fn with_kernel(kernel: Kernel) -> Linux {
        Linux {
            kernel,
            standard_streams: false,
            passed: Vec::new(),
            not_open: None,
            kept: Vec::new(),
            supervisor: Wanted::Never,
            observed: false,
            shared_memory: false,
        }
    }

    /// Grants the regular files that are this process's standard streams, each for the mode it is open in, so that a
    /// command that inherits them can open `/dev/stdin`, `/dev/stdout` and `/dev/stderr`.
    #[must_use = "the backend is returned, not changed"]
    pub fn inherit_standard_streams(self) -> Linux {
        Linux { standard_streams: true, ..self }
    }

    /// Lets the program inherit these descriptors beside the standard streams, whatever they are open on now: a number
    /// that is not open yet, and may become that of something else, makes `prepare` fail.
    #[must_use = "the backend is returned, not changed"]
    pub fn pass_descriptors(mut self, numbers: impl IntoIterator<Item = u32>) -> Linux {
        for number in numbers {
            if !sys::is_open(number) {
                self.not_open = Some(number);
            }
            self.passed.push(number);
        }
        self
    }

    /// Prepares policies whose opens a supervisor is asked about ([`spawn`](crate::spawn)): such a policy cannot be applied
    /// to the calling process.
    #[must_use = "the backend is returned, not changed"]
    pub fn supervised(self) -> Linux {
        Linux { supervisor: Wanted::Always, ..self }
    }

    /// Prepares policies for [`spawn`](crate::spawn) as well, where a set has grants that only a supervisor can keep to: TCP on
    /// this machine alone, listening, and before Linux 7.1 one unix socket. [`Policy::is_supervised`] tells which they are.
    #[must_use = "the backend is returned, not changed"]
    pub fn connecting_on_behalf(self) -> Linux {
        Linux { supervisor: Wanted::WhereNeeded, ..self }
    }

    /// Prepares policies whose programs are watched: a program is started by [`spawn`](crate::spawn) under such a policy, and
    /// [`Policy::observer`] tells what it was refused. What a supervisor hands over was not refused.
    #[must_use = "the backend is returned, not changed"]
    pub fn observed(self) -> Linux {
        Linux { observed: true, ..self }
    }

    /// Keeps these capabilities of this process, which reports [`Guarantee::Capabilities`] as a gap.
    #[must_use = "the backend is returned, not changed"]
    pub fn keep_capabilities(mut self, wanted: impl IntoIterator<Item = Capability>) -> Linux {
        self.kept.extend(wanted);
        self
    }

    /// Gives the program shared memory of its own: an empty `/dev/shm`, to read and write. Where no mount namespace is
    /// permitted, `prepare` fails with [`PrepareError::SharedMemory`].
    #[must_use = "the backend is returned, not changed"]
    pub fn private_shared_memory(self) -> Linux {
        Linux { shared_memory: true, ..self }
    }

    /// Whether a mount namespace is permitted here: tries it in a child process.
    pub fn namespaces(&self) -> Namespaces {
        match self.kernel.namespaces {
            Namespaces::NotAsked => Namespaces::try_out(),
            known => known,
        }
    }

    /// Asks now whether a mount namespace is permitted, so as not to ask again for every set.
    #[must_use = "the backend is returned, not changed"]
    pub fn settled(mut self) -> Linux {
        self.kernel.namespaces = self.namespaces();
        self
    }

    /// What would be enforced of `set`, gaps included, without preparing anything.
    ///
    /// # Errors
    /// Why there is no Landlock.
    pub fn planned(&self, set: &CapabilitySet) -> Result<Enforcement, Absence> {
        let accepted = Accepted::default();
        let supervisor = matches!(self.listener(set, &accepted), Ok(Some(_)));
        // What cannot be looked at is a gap here.
        let denies = self.denies(set, &accepted).ok().map(|(choice, _)| choice);
        let plan = compile(set, &self.kernel, &accepted, Surroundings { supervisor, denies: denies.as_ref() });
        plan.map(|plan| self.enforcement(&plan))
    }

    /// What is done about the denied paths of `set`, and in which kind of namespace.
    fn denies(&self, set: &CapabilitySet, accepted: &Accepted) -> Result<(Choice, Namespaces), PrepareError> {
        let found = if accepted.contains(Guarantee::Deny) { Vec::new() } else { carveout::look(set)? };
        let asked = self.shared_memory || found.iter().any(|one| !matches!(one.place, Place::Missing { .. }));
        let namespaces = if asked { self.namespaces() } else { self.kernel.namespaces };
        Ok((carveout::choose(set, &found, namespaces), namespaces))
    }

    /// The namespace that `choice` takes, if any.
    fn namespace(
        &self,
        (choice, kind): (&Choice, Namespaces),
        hygiene: &Hygiene,
        handled: FsAccess,
    ) -> Result<Option<Namespace>, PrepareError> {
        self.check_namespace(choice, kind)?;
        let shared_memory = self.shared_memory.then_some(FsAccess::from(AccessMode::ReadWrite) & handled);
        let Some(namespace) = Namespace::of(choice, kind, shared_memory) else { return Ok(None) };
        let passed = hygiene.passed.as_ref().ok_or(PrepareError::DescriptorsOpen)?;
        match (0..3).chain(passed.iter().copied()).find(|one| sys::is_directory(*one).unwrap_or(false)) {
            Some(descriptor) => Err(PrepareError::DirectoryPassed { descriptor }),
            None => Ok(Some(namespace)),
        }
    }

    /// Whether what is wanted of a namespace goes together with it.
    fn check_namespace(&self, choice: &Choice, kind: Namespaces) -> Result<(), PrepareError> {
        match kind {
            Namespaces::Refused(why) if self.shared_memory => Err(PrepareError::SharedMemory { why }),
            Namespaces::UserAndMount if !self.kept.is_empty() && (self.shared_memory || !choice.mounts.is_empty()) => {
                Err(PrepareError::CapabilitiesKept)
            }
            _ => Ok(()),
        }
    }

    /// Everything that is decided before anything is made: what is prepared, and what is foreseen.
    fn compiled(&self, set: &CapabilitySet, accepted: &Accepted) -> Result<Compiled, PrepareError> {
        let listener = self.listener(set, accepted)?;
        let (choice, kind) = self.denies(set, accepted)?;
        let around = Surroundings { supervisor: listener.is_some(), denies: Some(&choice) };
        let mut plan =
            compile(set, &self.kernel, accepted, around).map_err(|absence| PrepareError::NoLandlock { absence })?;
        plan.filter.notified.opens = self.supervisor == Wanted::Always;
        let mut listener = listener.filter(|_| plan.filter.notified != Notified::default());
        if self.observed {
            plan.filter.notified.observed = true;
            listener = Some(listener.map_or_else(notification_flags, Ok)?);
        }
        let enforcement = self.enforcement(&plan);
        if let Some(gap) = enforcement.refused(accepted).next() {
            return Err(PrepareError::Unenforceable { gap: gap.clone() });
        }
        let narrowed = if choice.holes.is_empty() {
            None
        } else {
            let narrowed = carveout::narrow(set, &choice.holes, &carveout::list)?;
            plan.paths = paths(&narrowed, plan.fs.handled);
            Some(narrowed)
        };
        Ok(Compiled { plan, enforcement, listener, choice, namespaces: kind, narrowed })
    }

    /// What the kernel allows a program with `set` anyway: nobody has to be asked about it.
    fn supervised_set(&self, set: CapabilitySet) -> CapabilitySet {
        if !self.shared_memory {
            return set;
        }
        let path = PathBuf::from(SHARED_MEMORY);
        let found = Resolved { path: path.clone(), kind: PathKind::Directory, identity: None, is_device: false };
        let memory = FsCapability::from_resolved(path, found, AccessMode::ReadWrite.into());
        let with_memory = |memory| Builder::from(set.clone()).grant(memory).build().ok();
        memory.ok().and_then(with_memory).unwrap_or(set)
    }

    /// A policy that restricts nothing, and tells what `set` would refuse: [`Policy::observer`]. The program gains no privileges
    /// by executing another (`sudo(8)`), which a filter requires, and C libraries make processes without `clone3(2)`.
    ///
    /// # Errors
    /// [`PrepareError::NoNotification`], or what the observer lacks.
    pub fn unrestricted(&self, set: &CapabilitySet) -> Result<Policy, PrepareError> {
        let accepted = Accepted::default();
        let listener = notification_flags()?;
        let mut filtering = Filtering::of(set, &self.kernel, &accepted, false);
        filtering.notified.observed = true;
        let answering = Answering { namespaced: false, refuses: false };
        let observer = Observer::new(set, (&self.kernel, &accepted), &filtering, answering)?;
        Ok(Policy {
            restriction: Restriction {
                namespace: None,
                hygiene: Hygiene { no_core_dumps: false, passed: None },
                privileges: Privileges::kept_all(),
                ruleset: None,
                filter: filter(&filtering)?,
                listener: Some(listener),
            },
            supervised: Some(set.clone()),
            observer: Some(Arc::new(observer)),
            withhold: false,
            enforcement: Enforcement::default(),
            abi: self.kernel.abi,
        })
    }

    /// What the kernel offers.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// How the filter would get a listener, if there is to be one. What a supervisor relies on to see the same files as the
    /// program cannot be left off; where it is for sockets alone, it does without being there.
    fn listener(&self, set: &CapabilitySet, accepted: &Accepted) -> Result<Option<InstallFlags>, PrepareError> {
        match self.supervisor {
            Wanted::Never => Ok(None),
            // Asking the kernel takes a dozen calls, and most programs need no answer.
            Wanted::WhereNeeded if Notified::sockets(set, self.kernel.abi, accepted) == Notified::default() => Ok(None),
            Wanted::WhereNeeded => Ok(listener_flags(accepted).ok()),
            Wanted::Always => listener_flags(accepted).map(Some),
        }
    }

    /// What is given up, before it is known whose files are granted.
    fn privileges(&self) -> Result<Privileges, PrepareError> {
        let all = Privileges::of_this_thread().map_err(|errno| PrepareError::Capabilities { source: errno.into() })?;
        all.keep(&self.kept).map_err(|missing| PrepareError::NotHeld { name: missing.name() })
    }

    fn hygiene(&self, accepted: &Accepted) -> Result<Hygiene, PrepareError> {
        if let Some(descriptor) = self.not_open {
            return Err(PrepareError::NotOpen { descriptor });
        }
        let passed = (!accepted.contains(Guarantee::Descriptors)).then(|| self.passed.clone());
        Ok(Hygiene { no_core_dumps: !accepted.contains(Guarantee::CoreDumps), passed })
    }

    /// What of the promises holds, with what this backend keeps of the process and what the process hands on.
    fn enforcement(&self, plan: &Plan) -> Enforcement {
        let mut enforcement = plan.enforcement.clone();
        if !self.kept.is_empty() {
            let names: Vec<String> = self.kept.iter().map(|one| format!("CAP_{one}")).collect();
            enforcement = enforcement.opened(Gap {
                risk: format!("the program has {} of root's privileges", names.join(", ")).into(),
                ..Gap::new(Guarantee::Capabilities, "", "leaving out --keep-cap")
            });
        }
        let leaves_listening = plan.filter.sockets.is_some_and(Sockets::leaves_listening);
        let inherited = (0..3).chain(self.passed.iter().copied());
        match inherited.into_iter().find(|one| leaves_listening && sys::may_be_tcp(*one)) {
            None => enforcement,
            Some(descriptor) => enforcement.opened(Gap {
                risk: format!("the program can listen by descriptor {descriptor}, which is a TCP socket").into(),
                ..Gap::new(Guarantee::ListenAnyPort, "", "giving it a pipe or a file in its place")
            }),
        }
    }
}

impl Backend for Linux {
    type Prepared = Policy;
    type Error = PrepareError;

    fn support(&self) -> Support {
        let (set, accepted) = (CapabilitySet::default(), Accepted::default());
        let filter = Filtering::of(&set, &self.kernel, &accepted, false);
        let situation =
            Situation { set: &set, kernel: &self.kernel, accepted: &accepted, filter: &filter, denies: None };
        let answer = |guarantee| Some((guarantee, situation.answer(guarantee)?));
        Support { answers: Guarantee::ALL.into_iter().filter_map(answer).collect() }
    }

    fn prepare(&self, set: &CapabilitySet, accepted: &Accepted) -> Result<Policy, PrepareError> {
        let Compiled { plan, enforcement, listener, choice, namespaces, .. } = self.compiled(set, accepted)?;
        let (privileges, hygiene) = (self.privileges()?, self.hygiene(accepted)?);
        let namespace = self.namespace((&choice, namespaces), &hygiene, plan.fs.handled)?;
        let (ruleset, foreign) = ruleset::build(&plan)?;
        if self.standard_streams {
            ruleset::add_standard_streams(ruleset.as_fd(), plan.fs.handled)?;
        }
        let (privileges, filter) = (privileges.for_files(foreign), filter(&plan.filter)?);
        // Kept for whoever answers the program; a copy of thousands of grants is not made for nobody.
        let whole = listener.is_some().then(|| self.supervised_set(set.clone()));
        let answering = Answering { namespaced: namespace.is_some(), refuses: true };
        let observe = |whole| Observer::new(whole, (&self.kernel, accepted), &plan.filter, answering);
        let observer = whole.as_ref().filter(|_| self.observed).map(observe).transpose()?.map(Arc::new);
        tracing::debug!(abi = self.kernel.abi.0, rules = plan.paths.len(), ports = plan.ports.len(), "policy prepared");
        Ok(Policy {
            restriction: Restriction { namespace, hygiene, privileges, ruleset: Some(ruleset), filter, listener },
            supervised: whole,
            observer,
            withhold: !accepted.contains(Guarantee::Environment),
            enforcement,
            abi: self.kernel.abi,
        })
    }

    fn foresee(&self, set: &Arc<CapabilitySet>, accepted: &Accepted) -> Result<Foresight, PrepareError> {
        let compiled = self.compiled(set, accepted)?;
        self.check_namespace(&compiled.choice, compiled.namespaces)?;
        let privileges = self.privileges()?;
        let namespace = !compiled.choice.mounts.is_empty() || self.shared_memory;
        // In a user namespace no capability counts for files outside of it.
        let user = namespace && compiled.namespaces == Namespaces::UserAndMount;
        let mut mounts = compiled.choice.shown();
        if self.shared_memory {
            mounts.insert(SHARED_MEMORY.into(), Shown::Fresh);
        }
        let open = accepted.contains(Guarantee::Deny).then(|| without_denies(set));
        // There may be thousands of grants: shared where they are what they were.
        let set = compiled.narrowed.or(open).map_or_else(|| Arc::clone(set), Arc::new);
        let set = if self.shared_memory { self.supervised_set(Arc::unwrap_or_clone(set)).into() } else { set };
        Ok(Foresight {
            set,
            enforcement: compiled.enforcement,
            mounts,
            permissions: if user { Permissions::Hold } else { privileges.permissions() },
        })
    }
}

/// What [`Linux`] decides before it makes anything.
struct Compiled {
    plan: Plan,
    enforcement: Enforcement,
    listener: Option<InstallFlags>,
    choice: Choice,
    namespaces: Namespaces,
    /// The grants around what is denied, where they are narrower.
    narrowed: Option<CapabilitySet>,
}

/// The set where nothing keeps its denies: rules add up downwards.
fn without_denies(set: &CapabilitySet) -> CapabilitySet {
    let all = CapabilitySet::builder().grants(set.fs().iter().cloned());
    all.build().unwrap_or_else(|_conflict| set.clone())
}

/// How a filter gets a listener here. What a supervisor relies on to see the same files as the program cannot be left off.
fn listener_flags(accepted: &Accepted) -> Result<InstallFlags, PrepareError> {
    for guarantee in [Guarantee::KernelSurface, Guarantee::UserNamespaces] {
        if accepted.contains(guarantee) {
            return Err(PrepareError::NeededToSupervise { guarantee });
        }
    }
    notification_flags()
}

fn notification_flags() -> Result<InstallFlags, PrepareError> {
    let features = Features::probe().map_err(|source| PrepareError::NoNotification { source: Some(source) })?;
    if features.notification {
        Ok(features.listener_flags())
    } else {
        Err(PrepareError::NoNotification { source: None })
    }
}

/// The filter, assembled: nothing is allocated when it is installed. None if it would allow everything.
fn filter(filtering: &Filtering) -> Result<Option<Filter>, PrepareError> {
    match Arch::NATIVE {
        Some(arch) if *filtering != Filtering::default() => {
            let assembled = filtering.program(arch).and_then(|program| program.assemble());
            assembled.map(Some).map_err(|source| PrepareError::Filter { source })
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Abi;
    use crate::carveout::NoNamespace;
    use nono_core::{Mechanism, OpenFlags, Request, decide};

    fn on(namespaces: Namespaces) -> Linux {
        Linux::with_kernel(Kernel { namespaces, abi: Abi(7), absence: None, ..Kernel::probe() })
    }

    /// A file that is denied below a directory that is granted for reading, and what is foreseen of it.
    fn foreseen(namespaces: Namespaces) -> (tempfile::TempDir, PathBuf, Foresight) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::write(root.join("secret"), "").unwrap();
        std::fs::write(root.join("plain"), "").unwrap();
        let builder = CapabilitySet::builder().allow(&root, AccessMode::Read).unwrap();
        let set = builder.deny(root.join("secret")).unwrap().build().unwrap();
        let foresight = on(namespaces).foresee(&Arc::new(set), &Accepted::default()).unwrap();
        (dir, root, foresight)
    }

    fn allows(foresight: &Foresight, path: PathBuf, flags: OpenFlags) -> bool {
        decide(&foresight.set, &Request::open(path, flags)).is_allowed()
    }

    #[test]
    fn a_mount_is_foreseen_where_one_is_permitted() {
        let (_dir, root, foresight) = foreseen(Namespaces::Mount);
        assert_eq!(foresight.mounts.get(&root.join("secret")), Some(&Shown::Cover(Vec::new())));
        assert_eq!(foresight.enforcement.mechanism(Guarantee::Deny), Some(Mechanism::MountNamespace));
        assert!(allows(&foresight, root.join("made later"), OpenFlags::READ));
        assert!(allows(&foresight, root, OpenFlags::READ | OpenFlags::DIRECTORY));
    }

    #[test]
    fn narrower_grants_are_foreseen_where_none_is() {
        let (_dir, root, foresight) = foreseen(Namespaces::Refused(NoNamespace::Root));
        assert!(foresight.mounts.is_empty());
        assert!(foresight.loss(&root).is_some());
        assert!(allows(&foresight, root.join("plain"), OpenFlags::READ));
        assert!(!allows(&foresight, root.join("made later"), OpenFlags::READ));
        assert!(!allows(&foresight, root, OpenFlags::READ | OpenFlags::DIRECTORY));
    }

    #[test]
    fn a_deny_that_is_not_kept_is_none() {
        let (_dir, root, foresight) = foreseen(Namespaces::Mount);
        assert!(!allows(&foresight, root.join("secret"), OpenFlags::READ));
        let builder = CapabilitySet::builder().allow(&root, AccessMode::Read).unwrap();
        let set = builder.deny(root.join("secret")).unwrap().build().unwrap();
        let accepted = Accepted::from_iter([Guarantee::Deny]);
        let foresight = on(Namespaces::Mount).foresee(&Arc::new(set), &accepted).unwrap();
        assert!(foresight.mounts.is_empty() && allows(&foresight, root.join("secret"), OpenFlags::READ));
    }
}
