//! Seccomp filters for Linux, usable alone.
//!
//! # Terminology
//! * A *program* is a list of rules: for this system call, under these conditions, this *action*. See [`Program`].
//! * A *filter* is a program assembled into instructions. See [`Filter`].
#![warn(clippy::arithmetic_side_effects)]

mod action;
mod arch;
mod assemble;
mod condition;
mod error;
pub mod instruction;
mod interpret;
mod listing;
mod program;
mod syscall;

pub use action::{Action, Errno};
pub use arch::{Arch, X32_BIT};
pub use condition::{Condition, Operator, Width};
pub use error::BuildError;
pub use instruction::{Filter, Instruction};
pub use interpret::{Fault, Run, interpret};
pub use listing::Listing;
pub use program::Program;
pub use syscall::{Call, Syscall};
