//! `cargo xtask cross`: the workspace for every supported system, built on this one.
//!
//! A target is checked (the compiler accepts every crate, with no warning), linked where there is a linker for it, and what
//! was linked is started where this machine, or an emulator, can.

mod environment;
pub(crate) mod linker;
mod target;
mod toolchain;

pub(crate) use environment::{Environment, environment};
pub(crate) use toolchain::{cache, of_rustc};

use std::path::PathBuf;
use xshell::{Shell, cmd};

/// This machine's own target.
pub(crate) fn host(shell: &Shell) -> anyhow::Result<String> {
    of_rustc(shell, "host")
}

/// Where the compiler is.
pub(crate) fn sysroot(shell: &Shell) -> anyhow::Result<PathBuf> {
    Ok(cmd!(shell, "rustc --print sysroot").quiet().read()?.into())
}

/// Whether programs for other targets can be linked, without fetching anything.
pub(crate) fn is_there(shell: &Shell) -> bool {
    toolchain::found(shell).is_ok_and(|found| found.zig.is_some())
}
