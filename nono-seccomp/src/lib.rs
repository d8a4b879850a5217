//! Seccomp filters and user notification for Linux, usable alone.
//!
//! # Terminology
//! * A *program* is a list of rules: for this system call, under these conditions, this *action*. See [`Program`].
//! * A *filter* is a program assembled into instructions, ready to be installed. See [`Filter`].
//! * A *listener* is the descriptor by which calls answered with [`Action::Notify`] are told to someone. See [`Listener`].
//! * A *notification* is one such call, waiting for its answer. See [`Notification`].
//! * A *target* is the process that made it. See [`Target`].
//!
//! # What it is not
//! A notification that is resumed is no boundary: the caller can change what its pointers point to after they were
//! read, so the kernel may act on other bytes than were judged. Refuse by what is in registers, or put a boundary
//! (Landlock, a mount namespace) underneath and use notifications only to grant more.
//!
//! # Examples
//! `ptrace` fails with `EPERM`, everything else is untouched:
//! ```no_run
//! use nono_seccomp::{Action, Arch, Errno, InstallFlags, Program, Syscall, set_no_new_privs};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let arch = Arch::NATIVE.ok_or("no filters for this machine")?;
//! let mut program = Program::new(arch, Action::Allow);
//! if let Some(ptrace) = Syscall::named(arch, "ptrace") {
//!     program.on(ptrace, Errno::EPERM.into())?;
//! }
//! let filter = program.assemble()?;
//! set_no_new_privs()?;
//! filter.install(InstallFlags::empty())?;
//! # Ok(())
//! # }
//! ```
//! The README has an example with a listener: a parent that judges every file its child opens.
#![warn(clippy::arithmetic_side_effects)]

mod action;
mod arch;
mod assemble;
mod condition;
pub mod decode;
mod error;
mod features;
mod handover;
mod install;
pub mod instruction;
mod interpret;
mod listener;
mod listing;
mod notification;
mod program;
mod sys;
mod syscall;
mod target;

pub use action::{Action, Errno};
pub use arch::{Arch, X32_BIT};
pub use condition::{Condition, Operator, Width};
pub use decode::{OpenHow, SocketAddress};
pub use error::{BuildError, InstallError, ListenError, Malformed, TargetError};
pub use features::{Features, has_filters};
pub use install::{InstallFlags, set_no_new_privs};
pub use instruction::{Filter, Instruction};
pub use interpret::{Fault, Run, interpret};
pub use listener::{Listener, Readiness};
pub use listing::Listing;
pub use notification::{Answer, InjectFlags, Notification};
pub use program::Program;
pub use syscall::{Call, NamedCall, Syscall};
pub use target::Target;
