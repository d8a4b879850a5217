//! Sandboxing programs on Linux with Landlock: no root, no daemon, no container.
//!
//! Capabilities are compiled into a [`Policy`] (everything that can fail or is slow), and applying it is a few system
//! calls. What this kernel cannot enforce is in [`Policy::enforcement`](nono_core::Prepared::enforcement), never silent.
//!
//! ```
//! use nono_core::{Accepted, AccessMode, Backend, CapabilitySet, Prepared};
//! use nono_linux::{CommandExt, Linux};
//! use std::process::Command;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # if Linux::probe().kernel().abi.0 == 0 { return Ok(()); }
//! let mut builder = CapabilitySet::builder();
//! for path in ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"] {
//!     if std::fs::metadata(path).is_ok() {
//!         builder = builder.allow(path, AccessMode::Read)?;
//!     }
//! }
//! let policy = Linux::probe().prepare(&builder.build()?, &Accepted::default())?;
//! for gap in &policy.enforcement().gaps {
//!     println!("not enforced: {}: {}", gap.guarantee, gap.risk);
//! }
//! let status = Command::new("cat").arg("/etc/shadow").sandbox(policy).status()?;
//! assert!(!status.success());
//! # Ok(())
//! # }
//! ```

mod abi;
mod backend;
mod carveout;
mod error;
mod filter;
mod guarantee;
mod launch;
pub mod observe;
mod plan;
mod policy;
mod privileges;
mod restrict;
mod rights;
mod ruleset;
mod supervisor;
mod sys;
mod trial;

pub use abi::{Abi, Absence, Kernel};
pub use backend::Linux;
pub use carveout::{Namespaces, NarrowError, NoNamespace};
pub use error::{ApplyError, PrepareError};
pub use filter::{Filtering, Notified, Sockets, Tcp, Unix};
pub use launch::{CommandExt, ExecError, exec, withheld_variables};
pub use plan::{HandledNet, PathRule, Plan, PortRight, Scopes, plan};
pub use policy::Policy;
pub use privileges::{Capability, UnknownCapability};
pub use restrict::Step;
pub use rights::{Handling, handling};
pub use supervisor::{Judges, OnTerminal, ServeError, SpawnError, Supervisor, spawn, spawn_on_terminal};
pub use trial::{Trial, may_execute};
