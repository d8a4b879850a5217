//! Runs a case outside and inside, and compares: what the model allows and what is possible outside is possible inside, what it
//! denies fails with the error that it names, and what is impossible outside stays so.

use crate::act::{Scene, act, may_change};
use crate::ask::{Asked, ask};
use crate::case::{Call, Case, Close, Plain, PortWish, Wish};
use crate::expect::{Ground, expected};
use crate::names::{closed_names, lost_by_other_names, with_names};
use crate::tree::Tree;
use crate::walk::{kind_of, walk};
use nono_core::{
    Accepted, Backend, Builder, CachedResolver, CapabilitySet, FsAccess, FsCapability, Guarantee, Identity, Mechanism,
    NetworkMode, PathKind, Port, Prepared, Reach, Resolver,
};
use nono_linux::{Abi, Capability, Kernel, Linux, Namespaces, NoNamespace, Policy, PrepareError};
use nono_tests::child::fork;
use nono_tests::errno;
use rustix::io::Errno;
use rustix::thread::{CapabilitySet as Capabilities, CapabilitySets, set_capabilities};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

type Done = Result<(), Errno>;

/// How many calls came to what.
pub(crate) type Counts = BTreeMap<&'static str, u64>;

/// A place for trees, and the kernel they are on.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) scene: Scene,
    pub(crate) kernel: Kernel,
    pub(crate) server: std::os::unix::net::UnixListener,
}

/// A call that came to something else than it should.
#[derive(Debug)]
pub(crate) struct Disagreement {
    pub(crate) call: usize,
    pub(crate) what: String,
}

fn word(done: Done) -> String {
    done.map_or_else(errno::name, |()| "possible".to_owned())
}

impl Bench {
    fn make(&self, case: &Case) -> Tree {
        Tree::make(&self.scene.root, &case.nodes)
    }

    /// The set of the wishes that can be had in the tree as it is; none if they contradict each other.
    fn set(&self, case: &Case) -> Option<CapabilitySet> {
        let resolver = CachedResolver::default();
        let mut builder = CapabilitySet::builder();
        let (mut mode, mut proxy) = (NetworkMode::Blocked, None);
        for wish in &case.wishes {
            builder = match wish {
                Wish::Grant(access, at) => match resolver.resolve(&at.under(&self.scene.root, &self.scene.pty)) {
                    Ok(found) => {
                        let access = if found.kind == PathKind::File { *access & FsAccess::FILE } else { *access };
                        let capability = FsCapability::from_resolved(found.path.clone(), found, access);
                        capability.into_iter().fold(builder, Builder::grant)
                    }
                    Err(_missing) => builder,
                },
                Wish::Close(how, at) => match walk(&at.under(&self.scene.root, &self.scene.pty), false) {
                    Some(walk) if *how == Close::Deny => builder.deny_resolved(walk.end).ok()?,
                    Some(walk) => builder.deny_inherited(walk.end).ok()?,
                    None => builder,
                },
                Wish::Port(how, port) => {
                    let port = Port::try_from(*port).ok()?;
                    match how {
                        PortWish::Connect => builder.allow_tcp_connect(port),
                        PortWish::Bind => builder.allow_tcp_bind(port),
                        PortWish::Local => builder.allow_localhost_port(port),
                        PortWish::Proxy => {
                            proxy = Some(NetworkMode::ProxyOnly { port, bind_ports: Vec::new() });
                            builder
                        }
                    }
                }
                Wish::Plain(Plain::Open) => {
                    mode = NetworkMode::AllowAll;
                    builder
                }
                Wish::Plain(Plain::Lookups) => builder.allow_name_lookups(),
                Wish::Plain(Plain::Signals) => builder.signals(Reach::Anywhere),
                Wish::Plain(Plain::Abstract) => builder.abstract_sockets(Reach::Anywhere),
                Wish::Plain(_) | Wish::Abi(_) => builder,
            };
        }
        builder.network(proxy.unwrap_or(mode)).build().ok()
    }

    /// The kernel as the case has it.
    fn kernel(&self, case: &Case) -> Kernel {
        let mut kernel = self.kernel;
        for wish in &case.wishes {
            match wish {
                Wish::Abi(abi) if Abi(*abi) < kernel.abi => kernel.abi = Abi(*abi),
                Wish::Plain(Plain::NoNamespaces) => {
                    kernel.namespaces = Namespaces::Refused(NoNamespace::Unshare(Errno::NOSPC.raw_os_error()));
                }
                _ => {}
            }
        }
        kernel
    }

    /// The policy, every gap of it accepted but that of a deny; none if there is no such sandbox.
    fn policy(&self, case: &Case, set: &CapabilitySet) -> Result<Option<Policy>, String> {
        let kept: Vec<Capability> = kept(case).then(|| "MKNOD".parse().unwrap()).into_iter().collect();
        let linux = Linux::with_kernel(self.kernel(case)).keep_capabilities(kept);
        let mut accepted = Vec::new();
        loop {
            match linux.prepare(set, &accepted.iter().copied().collect::<Accepted>()) {
                Ok(policy) => return Ok(Some(policy)),
                Err(PrepareError::Unenforceable { gap }) if gap.guarantee != Guarantee::Deny => {
                    accepted.push(gap.guarantee);
                }
                Err(PrepareError::Unenforceable { .. } | PrepareError::Narrow(_) | PrepareError::CapabilitiesKept) => {
                    return Ok(None);
                }
                Err(error) => return Err(format!("no policy: {error} {error:?}")),
            }
        }
    }

    /// What is known of the sandbox.
    fn ground(&self, case: &Case, set: &CapabilitySet, tree: &Tree, policy: &Policy) -> Option<Ground> {
        let names: Vec<_> = tree
            .lines()
            .into_iter()
            .filter_map(|(path, _)| {
                let found = std::fs::symlink_metadata(&path).ok()?;
                let identity = Identity { device: found.dev(), inode: found.ino() };
                Some((path, identity, kind_of(found.file_type())))
            })
            .collect();
        // What is closed by another path of it is as good as denied there.
        let given = set;
        let closed = policy.enforcement().denied.iter().map(|one| one.path.clone());
        let closed = closed.chain(closed_names(policy.enforcement(), &names));
        let closed = closed.filter(|path| !set.denies().contains(path));
        let set = closed.into_iter().try_fold(Builder::from(set.clone()), |all, path| all.deny_resolved(path).ok());
        // A name that a cover hides is none.
        let covers = policy.enforcement().denied.iter().filter(|one| one.mechanism == Mechanism::MountNamespace);
        let covers: Vec<&Path> = covers.map(|one| one.path.as_path()).collect();
        let hidden =
            |path: &Path| covers.iter().any(|cover| path.starts_with(cover)) && given.access_at(path).is_empty();
        let names: Vec<_> = names.into_iter().filter(|(path, ..)| !hidden(path)).collect();
        let extended = with_names(&set?.build().ok()?, &policy.enforcement().lost, &names)?;
        let others: Vec<&&Path> =
            covers.iter().filter(|cover| !given.denies().iter().any(|deny| deny == **cover)).collect();
        let shown = extended.fs().iter().map(|one| one.resolved().to_owned());
        let shown = shown.filter(|path| !others.iter().any(|cover| path.starts_with(cover))).collect();
        let bare = extended.fs().iter().cloned().fold(CapabilitySet::builder(), Builder::grant).build().ok()?;
        let mut enforcement = policy.enforcement().clone();
        enforcement.lost.extend(lost_by_other_names(given, &policy.enforcement().lost, &names));
        Some(Ground { set: extended, bare, shown, enforcement, kernel: self.kernel(case) })
    }

    /// Makes all calls, each in the tree as it was made; `enter` makes what a child does before them.
    fn calls<F: FnOnce()>(
        &self,
        case: &Case,
        enter: impl Fn() -> Result<Option<F>, String>,
    ) -> Result<Option<Vec<Done>>, Disagreement> {
        let mut done: Vec<Done> = Vec::new();
        while done.len() < case.calls.len() {
            let tree = self.make(case);
            let before = tree.lines();
            let first = done.len();
            let failed = |what: String| Disagreement { call: first, what };
            let Some(enter) = enter().map_err(failed)? else { return Ok(None) };
            let bytes = fork(|| {
                enter();
                self.some_calls(&case.calls[first..])
            });
            let bytes = bytes.map_err(|what| Disagreement { call: first, what })?;
            let numbers = bytes.chunks_exact(4).map(|number| i32::from_le_bytes(number.try_into().unwrap()));
            done.extend(numbers.map(|number| if number == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(number)) }));
            if done.len() == first {
                return Err(failed("the child made no call".to_owned()));
            }
            let last = done.len() - 1;
            if !may_change(&case.calls[last], done[last]) && tree.lines() != before {
                return Err(Disagreement {
                    call: last,
                    what: "the tree is another one, though the call failed".to_owned(),
                });
            }
            while self.server.accept().is_ok() {}
        }
        Ok(Some(done))
    }

    /// Makes calls up to one that may have changed the tree. For each its error's number, or 0.
    fn some_calls(&self, calls: &[Call]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for call in calls {
            let done = act(call, &self.scene);
            bytes.extend(done.map_or_else(Errno::raw_os_error, |()| 0).to_le_bytes());
            if may_change(call, done) {
                break;
            }
        }
        bytes
    }

    /// Compares.
    pub(crate) fn judge(&self, case: &Case, counts: &mut Counts) -> Result<(), Disagreement> {
        let mut count = |what| *counts.entry(what).or_default() += 1;
        let prepared = {
            let tree = self.make(case);
            let asked: Vec<Option<Asked>> = case.calls.iter().map(|call| ask(call, &self.scene)).collect();
            let Some(set) = self.set(case) else {
                count("sets that contradict themselves");
                return Ok(());
            };
            let policy = self.policy(case, &set).map_err(|what| Disagreement { call: 0, what })?;
            let Some(policy) = policy else {
                count("sets that the plan refuses");
                return Ok(());
            };
            self.ground(case, &set, &tree, &policy).map(|ground| (ground, asked))
        };
        let Some((ground, asked)) = prepared else {
            count("sets that contradict themselves");
            return Ok(());
        };
        let kept = if kept(case) { Capabilities::MKNOD } else { Capabilities::empty() };
        let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: Capabilities::empty() };
        let outside = self.calls(case, || Ok(Some(|| set_capabilities(None, sets).unwrap())))?.unwrap_or_default();
        let enter = || -> Result<_, String> {
            let set = self.set(case).ok_or("the set changed")?;
            Ok(self.policy(case, &set)?.map(|policy| || policy.apply().unwrap()))
        };
        let inside = self.calls(case, enter)?.unwrap_or_default();
        for (at, call) in case.calls.iter().enumerate() {
            let expected = match (outside[at], &asked[at]) {
                (Err(_), _) => None,
                (Ok(()), Some(asked)) => Some(expected(&ground, call, asked)),
                (Ok(()), None) => {
                    return Err(Disagreement { call: at, what: "possible by a path that leads nowhere".to_owned() });
                }
            };
            match (expected, inside[at]) {
                (None, Err(_)) => count("impossible"),
                (Some(Ok(())), Ok(())) => count("allowed"),
                (Some(Err(wanted)), Err(found)) if wanted == found => count("denied"),
                (expected, found) => {
                    let expected = expected.map_or_else(|| "impossible, as outside".to_owned(), word);
                    let requests = asked[at].iter().flat_map(|one| &one.requests);
                    let model = requests.map(|one| format!("{one:?}\n  {:?}\n", nono_core::decide(&ground.set, one)));
                    let (model, plan) = (model.collect::<String>(), &ground.enforcement);
                    let what = format!(
                        "{call}\n  expected: {expected}; found: {}\n{model}denied: {:?}\nlost: {:?}\ngaps: {:?}",
                        word(found),
                        plan.denied,
                        plan.lost,
                        plan.gaps.iter().map(|gap| gap.guarantee).collect::<Vec<_>>(),
                    );
                    return Err(Disagreement { call: at, what });
                }
            }
        }
        Ok(())
    }

    /// A case that disagrees, with all left out that is not needed for it.
    pub(crate) fn shrink(&self, case: &Case, first: &Disagreement) -> (Case, Disagreement) {
        let fails = |case: &Case| self.judge(case, &mut Counts::new()).err();
        let alone = Case { calls: vec![case.calls[first.call].clone()], ..case.clone() };
        let whole = || fails(case).map(|found| (case.clone(), found));
        let Some((mut case, mut found)) = fails(&alone).map(|found| (alone, found)).or_else(whole) else {
            let what = format!("once only, call {}: {}", first.call, first.what);
            return (case.clone(), Disagreement { what, call: first.call });
        };
        loop {
            let mut smaller = Vec::new();
            smaller.extend((0..case.calls.len()).map(|at| {
                let mut less = case.clone();
                less.calls.remove(at);
                less
            }));
            smaller.extend((0..case.wishes.len()).map(|at| {
                let mut less = case.clone();
                less.wishes.remove(at);
                less
            }));
            smaller.extend((0..case.nodes.len()).rev().map(|at| {
                let mut less = case.clone();
                less.nodes.remove(at);
                less
            }));
            let next = smaller.into_iter().find_map(|less| fails(&less).map(|found| (less, found)));
            match next {
                Some((less, why)) => (case, found) = (less, why),
                None => return (case, found),
            }
        }
    }
}

fn kept(case: &Case) -> bool {
    case.wishes.contains(&Wish::Plain(Plain::KeepMknod))
}

/// Where trees are made: in memory, if that is there.
pub(crate) fn trees() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let name = format!("nono-model-{}", std::process::id());
    let at = memory.join(&name);
    let outer = if std::fs::create_dir(&at).and_then(|()| std::fs::remove_dir(&at)).is_ok() {
        at
    } else {
        std::env::temp_dir().canonicalize().unwrap().join(name)
    };
    (0..crate::tree::DEPTH).fold(outer, |at, _| at.join("o"))
}
