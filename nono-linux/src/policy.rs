//! A policy that is ready: what it holds, and how the calling process is restricted by it.

use crate::abi::Abi;
use crate::error::ApplyError;
use crate::observe::Observer;
use crate::restrict::{Restriction, Threads, is_too_many_layers};
use nono_core::{CapabilitySet, Enforcement, Prepared};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// A policy that is ready to be applied.
#[derive(Debug)]
#[must_use = "a policy restricts nothing until it is applied"]
pub struct Policy {
    pub(crate) restriction: Restriction,
    /// Whether variables with credentials are withheld from the program.
    pub(crate) withhold: bool,
    /// The grants, if a supervisor is asked about what is outside of them.
    pub(crate) supervised: Option<CapabilitySet>,
    pub(crate) observer: Option<Arc<Observer>>,
    pub(crate) enforcement: Enforcement,
    pub(crate) abi: Abi,
}

impl Policy {
    /// Whether a program is started under it by [`spawn`](crate::spawn), and not by applying it.
    pub fn is_supervised(&self) -> bool {
        self.supervised.is_some()
    }

    /// Tells what the program was refused, if it is watched ([`Linux::observed`](crate::Linux::observed)).
    pub fn observer(&self) -> Option<Arc<Observer>> {
        self.observer.clone()
    }

    /// How the threads of this process can be restricted.
    fn threads(&self) -> Result<Threads, ApplyError> {
        // The link count of /proc/self/task is 2 and one for each thread (fs/proc/base.c, proc_task_getattr).
        let tasks = std::fs::metadata("/proc/self/task").map_err(|source| ApplyError::CountThreads { source })?;
        match tasks.nlink().saturating_sub(2) {
            1 => Ok(Threads::Only),
            threads if self.restriction.namespace.is_some() => Err(ApplyError::NamespaceThreads { threads }),
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
        if self.supervised.is_some() {
            return Err(ApplyError::Supervised);
        }
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
