//! What cargo is told so that it builds for another system: by variables and arguments, nothing is installed or changed.

use super::target::Target;
use super::toolchain::{self, Toolchain};
use super::{host, linker};
use crate::fetch;
use crate::tests_run::target_dir;
use anyhow::ensure;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use xshell::Shell;

/// For any command of cargo's that builds: `cargo build`, `cargo test --no-run`, `cargo check`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// rustc's name of the target: `--target`.
    pub(crate) target: String,
    /// Variables for cargo, beside those for flags.
    pub(crate) variables: Vec<(String, OsString)>,
    /// Arguments for cargo, beside the target; before or behind its subcommand.
    pub(crate) arguments: Vec<OsString>,
    /// Flags for rustc.
    pub(crate) rustflags: Vec<OsString>,
}

/// How to build for `target`, linked statically if `fixed`. What is missing of the toolchain is fetched.
///
/// # Errors
/// The target is not supported, cannot be linked statically, or its toolchain cannot be had.
pub(crate) fn environment(shell: &Shell, target: &str, fixed: bool) -> anyhow::Result<Environment> {
    let host = host(shell)?;
    if target == host {
        let mut environment = Environment::native(target);
        if fixed {
            // Not as position-independent code: no relocation at the start (and `cargo test` links the same).
            environment.flags(&["-C", "target-feature=+crt-static", "-C", "relocation-model=static"]);
        }
        return Ok(environment);
    }
    let target = Target::find(target)?;
    ensure!(!fixed || target.is_musl(), "{}: only targets with musl are linked statically across systems", target.name);
    let toolchain = toolchain::fetch(shell, true)?;
    Environment::cross(shell, target, &toolchain, fixed)
}

impl Environment {
    /// As the machine builds for itself, but with the target named: flags do not reach build scripts then.
    pub(crate) fn native(target: &str) -> Environment {
        Environment { target: target.to_owned(), ..Environment::default() }
    }

    /// By `toolchain`; without its zig nothing can be linked.
    pub(super) fn cross(
        shell: &Shell,
        target: Target,
        toolchain: &Toolchain,
        fixed: bool,
    ) -> anyhow::Result<Environment> {
        let mut environment = Environment::native(target.name);
        // The standard library is compiled for the target from its sources. Both variables are for cargo's and rustc's own
        // use, so they go with this version of the compiler only, and the sources are of the same version.
        environment.arguments.extend(["-Z".into(), "build-std=std,panic_abort,panic_unwind".into()]);
        environment.set("__CARGO_TESTS_ONLY_SRC_ROOT", &toolchain.library);
        environment.set("RUSTC_BOOTSTRAP", "1");
        if let Some(zig) = &toolchain.zig {
            let place = target_dir(shell)?.join("cross");
            let linker = linker::write(target, zig, &place)?;
            environment.set(&target.variable("LINKER"), &linker);
            // What the build scripts of packages with parts in C ask for.
            let name = target.name.replace('-', "_");
            environment.set(&format!("CC_{name}"), &linker);
            environment.set(&format!("AR_{name}"), linker::write_archiver(zig, &place)?);
            let cache = fetch::cache()?.join("zig-cache");
            environment.set("ZIG_GLOBAL_CACHE_DIR", &cache);
            environment.set("ZIG_LOCAL_CACHE_DIR", &cache);
            if target.is_macos() {
                let zig = zig.parent().unwrap_or(zig);
                environment.set("SDKROOT", zig.join("lib/libc/darwin"));
            }
        }
        if target.is_musl() {
            // zig brings musl and its start files.
            let fixed = if fixed { "target-feature=+crt-static" } else { "target-feature=-crt-static" };
            environment.flags(&["-C", "link-self-contained=no", "-C", fixed]);
        }
        Ok(environment)
    }

    fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.variables.push((name.to_owned(), value.as_ref().to_owned()));
    }

    fn flags(&mut self, flags: &[&str]) {
        self.rustflags.extend(flags.iter().map(OsString::from));
    }

    /// Puts variables and arguments on a command of cargo's, whose subcommand is given already.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.arg("--target").arg(&self.target).args(&self.arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if !self.rustflags.is_empty() {
            command.env("CARGO_ENCODED_RUSTFLAGS", self.rustflags.join(OsStr::from_bytes(b"\x1f")));
        }
    }
}
