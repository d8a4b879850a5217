//! What a program may do, as data.
//!
//! A [`CapabilitySet`] holds everything a sandboxed program was given: paths with rights, ports, sockets. Nothing
//! in this crate talks to a kernel: a backend (`nono-linux`, `nono-macos`) compiles the set into a policy and reports
//! as an [`Enforcement`] what it enforces, by which [`Mechanism`], and what it cannot ([`Gap`]). [`decide()`] says what a
//! set means: every report, question and test asks this one function.
//!
//! ```
//! use nono_core::{AccessMode, CapabilitySet, Decision, FsAccess, OpenFlags, Request, decide};
//!
//! # let dir = tempfile::tempdir()?;
//! # let project = dir.path().canonicalize()?;
//! let set = CapabilitySet::builder().allow(&project, AccessMode::Read)?.build()?;
//!
//! let read = Request::open(project.join("src/main.rs"), OpenFlags::READ);
//! assert!(decide(&set, &read).is_allowed());
//!
//! let write = Request::open(project.join("src/main.rs"), OpenFlags::WRITE);
//! let Decision::Denied(denial) = decide(&set, &write) else { panic!("writing was not granted") };
//! assert_eq!(denial.missing(), FsAccess::WRITE_FILE);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//! `serde`: a set, a report and every part of them can be written and read; paths that are not UTF-8 survive.
#![forbid(unsafe_code)]

mod access;
mod approval;
mod backend;
mod decide;
mod enforcement;
pub mod environment;
mod error;
mod foresight;
mod guarantee;
mod net;
mod normal;
mod order;
mod path;
mod remedy;
mod request;
mod resolve;
mod scope;
#[cfg(feature = "serde")]
pub mod serial;
mod set;

pub use access::{AccessMode, FsAccess};
pub use approval::{Approval, Approver, Patience, Question, Record, Recorder};
pub use backend::{Accepted, Backend, Prepared, Support};
pub use decide::{Basis, Decision, Denial, Refusal, Rule, decide};
pub use enforcement::{Ability, Closed, Enforcement, Gap, GapKind, Loss, Mechanism};
pub use error::{CapabilityError, ConflictError, UnknownGuarantee};
pub use foresight::{Foresight, Permissions, Shown};
pub use guarantee::Guarantee;
pub use net::{NetworkMode, Port, PortError};
pub use order::compare as compare_paths;
pub use path::{FsCapability, Identity, PathKind, Source};
pub use remedy::Remedy;
pub use request::{Host, NodeKind, OpenFlags, Request};
pub use resolve::{CachedResolver, Look, Resolved, Resolver, StdResolver};
pub use scope::Reach;
pub use set::{Builder, CapabilitySet};
