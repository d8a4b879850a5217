//! Sandboxing programs on macOS with Seatbelt.
//!
//! A [`CapabilitySet`](nono_core::CapabilitySet) is compiled into a profile in SBPL, the language of `sandbox_init(3)`.
//! Everything but that call is portable: profiles are generated, read back and judged on any system, and held against
//! [`nono_core::decide`] there.
//!
//! ```
//! use nono_core::{Accepted, AccessMode, Backend, CapabilitySet, Prepared};
//! use nono_macos::Seatbelt;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let set = CapabilitySet::builder().allow(".", AccessMode::Read)?.build()?;
//! let policy = Seatbelt.prepare(&set, &Accepted::default())?;
//! for gap in &policy.enforcement().gaps {
//!     println!("not enforced: {}: {}", gap.guarantee, gap.risk);
//! }
//! println!("{}", policy.profile());
//! # Ok(())
//! # }
//! ```
//!
//! What was proven without a Mac, and what only a Mac can show, is in the README of this crate.

mod ask;
mod backend;
mod base;
mod descriptors;
mod error;
pub mod eval;
mod generate;
mod guarantee;
mod launch;
mod operation;
mod parse;
pub mod place;
mod read;
pub mod rights;
pub mod sbpl;
#[cfg_attr(target_os = "macos", path = "ffi.rs")]
#[cfg_attr(not(target_os = "macos"), path = "elsewhere.rs")]
mod system;

pub use ask::allows;
pub use backend::{Policy, Seatbelt};
pub use error::{ApplyError, HandoverError, ParseError, PrepareError, Problem};
pub use generate::{generate, profile};
pub use launch::{ExecError, Handover, exec, run_if_helper, sandboxed, withheld_variables};
pub use operation::Operation;
pub use parse::parse;
