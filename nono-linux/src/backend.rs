//! Linux as a backend: capabilities in, a policy out that is ready to be applied.

use crate::abi::{Abi, Kernel};
use crate::error::{ApplyError, PrepareError};
use crate::guarantee;
use crate::plan::plan;
use crate::privileges::Privileges;
use crate::restrict::{Restriction, Threads, is_too_many_layers};
use crate::ruleset;
use nono_core::{Accepted, Backend, CapabilitySet, Enforcement, Gap, Guarantee, Mechanism, Prepared, Support};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

/// Sandboxes by Landlock on the running kernel.
#[derive(Debug, Clone)]
pub struct Linux {
    kernel: Kernel,
    standard_streams: bool,
}

impl Linux {
    /// Asks the kernel what it offers.
    pub fn probe() -> Linux {
        Linux::with_kernel(Kernel::probe())
    }

    /// Takes `kernel` for what the kernel offers. A right it does not have makes `prepare` fail.
    pub fn with_kernel(kernel: Kernel) -> Linux {
        Linux { kernel, standard_streams: false }
    }

    /// Grants the regular files that are this process's standard streams, each for the mode it is open in, so that a
    /// command that inherits them can open `/dev/stdin`, `/dev/stdout` and `/dev/stderr`.
    #[must_use = "the backend is returned, not changed"]
    pub fn inherit_standard_streams(self) -> Linux {
        Linux { standard_streams: true, ..self }
    }

    /// What the kernel offers.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }
}

impl Backend for Linux {
    type Prepared = Policy;
    type Error = PrepareError;

    fn support(&self) -> Support {
        let nothing = CapabilitySet::default();
        let answer = |guarantee| Some((guarantee, guarantee::answer(guarantee, &nothing, &self.kernel)?));
        Support { answers: Guarantee::ALL.into_iter().filter_map(answer).collect::<Vec<(_, Result<Mechanism, Gap>)>>() }
    }

    fn prepare(&self, set: &CapabilitySet, accepted: &Accepted) -> Result<Policy, PrepareError> {
        let plan = plan(set, &self.kernel).map_err(|absence| PrepareError::NoLandlock { absence })?;
        if let Some(gap) = plan.enforcement.refused(accepted).next() {
            return Err(PrepareError::Unenforceable { gap: gap.clone() });
        }
        let privileges =
            Privileges::of_this_thread().map_err(|errno| PrepareError::Capabilities { source: errno.into() })?;
        let (ruleset, foreign) = ruleset::build(&plan)?;
        if self.standard_streams {
            ruleset::add_standard_streams(ruleset.as_fd(), plan.fs.handled)?;
        }
        tracing::debug!(abi = self.kernel.abi.0, rules = plan.paths.len(), ports = plan.ports.len(), "policy prepared");
        Ok(Policy {
            restriction: Restriction { ruleset, privileges: privileges.for_files(foreign) },
            enforcement: plan.enforcement,
            abi: self.kernel.abi,
        })
    }
}

/// A ruleset that is ready to be applied.
#[derive(Debug)]
#[must_use = "a policy restricts nothing until it is applied"]
pub struct Policy {
    pub(crate) restriction: Restriction,
    enforcement: Enforcement,
    abi: Abi,
}

impl Policy {
    /// How the threads of this process can be restricted.
    fn threads(&self) -> Result<Threads, ApplyError> {
        // The link count of /proc/self/task is 2 and one for each thread (fs/proc/base.c, proc_task_getattr).
        let tasks = std::fs::metadata("/proc/self/task").map_err(|source| ApplyError::CountThreads { source })?;
        match tasks.nlink().saturating_sub(2) {
            1 => Ok(Threads::Only),
            threads if self.restriction.privileges.held() => Err(ApplyError::PrivilegedThreads { threads }),
            _ if self.abi >= Abi(8) => Ok(Threads::All),
            threads => Err(ApplyError::Threads { threads, abi: self.abi }),
        }
    }
}

impl Prepared for Policy {
    type Error = ApplyError;

    fn enforcement(&self) -> &Enforcement {
        &self.enforcement
    }

    fn apply(self) -> Result<(), ApplyError> {
        let threads = self.threads()?;
        self.restriction.apply(threads).map_err(|(step, source)| {
            if is_too_many_layers(step, &source) {
                ApplyError::TooManyLayers
            } else {
                ApplyError::Step { step, source }
            }
        })
    }
}
