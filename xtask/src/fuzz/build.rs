//! Building the targets: instrumented, by the stable compiler.

use crate::cross;
use crate::tests_run::target_dir;
use std::path::PathBuf;
use xshell::{Shell, cmd};

/// Counters of places that are reached, a table of those places, and what is compared: what `cargo fuzz` asks for too. LLVM's
/// names, which are no part of what the compiler promises: a compiler that knows them no more says so.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Builds the targets; the directory they are in.
pub(crate) fn build(shell: &Shell, names: &[String]) -> anyhow::Result<PathBuf> {
    let (host, place) = (cross::host(shell)?, target_dir(shell)?.join("fuzz"));
    let bins = names.iter().flat_map(|name| ["--bin", name]);
    // With `--target`, what runs while building is not instrumented.
    let build =
        cmd!(shell, "cargo build --quiet --release --manifest-path fuzz/Cargo.toml --locked --target {host} {bins...}");
    build.env("CARGO_TARGET_DIR", &place).env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS").run()?;
    Ok(place.join(host).join("release"))
}
