//! Why a policy cannot be prepared or applied, one cause a variant.

use crate::abi::{Abi, Absence};
use crate::observe::ObserverError;
use crate::restrict::Step;
use nono_core::{Gap, Guarantee};
use std::io;
use std::path::PathBuf;

/// Why no policy could be made. Nothing is restricted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the fields")]
pub enum PrepareError {
    /// This machine has no Landlock.
    #[error("no sandbox is possible here: {absence}")]
    NoLandlock { absence: Absence },
    /// A guarantee that was asked for cannot be kept, and its gap was not accepted.
    #[error(
        "{name} cannot be guaranteed: {risk}; closed by {remedy}; to go on without it: --accept-gap {name}",
        name = gap.guarantee, risk = gap.risk, remedy = gap.remedy
    )]
    Unenforceable { gap: Gap },
    /// A granted path cannot be opened.
    #[error("cannot open {path:?}, which was granted")]
    Open { path: PathBuf, source: io::Error },
    /// Something else is at a granted path than when it was resolved.
    #[error("{path:?} was replaced by another object after it was granted; try again")]
    Replaced { path: PathBuf },
    /// The kernel refused a ruleset that it should take.
    #[error("the kernel refused the ruleset")]
    Ruleset { source: Box<landlock::RulesetError> },
    /// The kernel refused the rule for a path.
    #[error("the kernel refused the rule for {path:?}")]
    Rule { path: PathBuf, source: io::Error },
    /// The kernel does not say which capabilities this thread holds.
    #[error("cannot find out which privileges there are to give up")]
    Capabilities { source: io::Error },
    /// A capability was to be kept that this process does not have.
    #[error("{name} cannot be kept: this process does not have it")]
    NotHeld { name: &'static str },
    /// A descriptor was to be passed that is not open.
    #[error("descriptor {descriptor} cannot be passed: it is not open")]
    NotOpen { descriptor: u32 },
    /// The rules of the filter do not go together.
    #[error("the filter of system calls cannot be built")]
    Filter { source: nono_seccomp::BuildError },
    /// No listener, no supervisor.
    #[error(
        "this kernel, or a container around this process, has no notification of system calls (Linux 5.5), which a supervisor needs"
    )]
    NoNotification { source: Option<nono_seccomp::InstallError> },
    /// What an observer needs to know of itself.
    #[error("cannot open /proc/self/fd, which tells where the paths of a program lead")]
    Observer { source: io::Error },
    /// A supervisor has to see the same files as the program.
    #[error("with a supervisor, {guarantee} cannot be left off: leave out --accept-gap {guarantee}")]
    NeededToSupervise { guarantee: Guarantee },
    /// The mounts cannot be read.
    #[error("cannot read /proc/self/mountinfo, which tells by which other names a denied path is reached")]
    Mounts { source: io::Error },
    /// A denied path cannot be looked at.
    #[error("cannot look at {path:?}, which is denied")]
    Deny { path: PathBuf, source: io::Error },
    /// A grant with a denied path below it cannot be narrowed.
    #[error(transparent)]
    Narrow(#[from] crate::carveout::NarrowError),
    /// Names lead around a cover from a directory that was opened before.
    #[error(
        "descriptor {descriptor} is a directory, from which what is denied could be reached; do not pass it, or deny nothing"
    )]
    DirectoryPassed { descriptor: u32 },
    /// So they do from any that is left open.
    #[error(
        "with a denied path, inherited descriptors cannot be left open: leave out --accept-gap {}",
        Guarantee::Descriptors
    )]
    DescriptorsOpen,
    /// Capabilities are worth nothing in a user namespace.
    #[error(
        "a denied path takes a user namespace here, in which no capability of this process counts: leave out --keep-cap"
    )]
    CapabilitiesKept,
    /// There is no mount namespace to put it in.
    #[error("private shared memory is not possible: {why}; grant /dev/shm itself (--allow /dev/shm)")]
    SharedMemory { why: crate::carveout::NoNamespace },
    /// A standard stream cannot be looked at.
    #[error("cannot examine the inherited descriptor {descriptor}")]
    StandardStream { descriptor: u32, source: io::Error },
}

impl From<ObserverError> for PrepareError {
    fn from(error: ObserverError) -> PrepareError {
        match error {
            ObserverError::Own(errno) => PrepareError::Observer { source: errno.into() },
            ObserverError::Filter(source) => PrepareError::Filter { source },
        }
    }
}

/// Why the calling process could not be restricted. It may be restricted in part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages explain the fields")]
pub enum ApplyError {
    /// Landlock restricts one thread; from ABI 8 it can restrict all.
    #[error(
        "this process has {threads} threads, and Landlock {abi} restricts only one of them; \
         restrict before starting threads, or a child (Landlock {needed} restricts all)", needed = Abi(8)
    )]
    Threads { threads: u64, abi: Abi },
    /// Each thread holds capabilities of its own, and no thread can give up another's.
    #[error(
        "this process has {threads} threads and privileges of root, which only the calling thread could give up; \
         restrict before starting threads, or a child"
    )]
    PrivilegedThreads { threads: u64 },
    /// A mount namespace is for all threads or for none.
    #[error(
        "this process has {threads} threads, and a denied path takes a mount namespace, which only one of them would enter; \
         restrict before starting threads, or a child"
    )]
    NamespaceThreads { threads: u64 },
    /// Whether there are other threads cannot be found out.
    #[error("cannot count the threads of this process in /proc/self/task")]
    CountThreads { source: io::Error },
    /// Landlock stacks 16 rulesets on a process and no more.
    #[error("this is the 17th sandbox inside another, and Landlock stacks no more than 16; start it further out")]
    TooManyLayers,
    /// The policy was prepared for a supervisor.
    #[error("this policy has calls to be served; start a program under it with spawn")]
    Supervised,
    /// The kernel refused a step.
    #[error("{step} failed")]
    Step { step: Step, source: io::Error },
}
