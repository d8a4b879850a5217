//! Links the unwinder of GCC into the command instead of loading it at each start: a seventh of the time that a start
//! takes goes into finding, mapping and relocating `libgcc_s.so.1` for panics that do not happen.
//!
//! The linker is handed `libgcc_s.so` as a script that names GCC's static libraries (ld(1), "GROUP"; the same code, as
//! `-static-libgcc` would link it). Where they are not to be found, the shared one is used as ever.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CC");
    let target = env::var("TARGET")?;
    // A cross compiler has libraries of its own, and whoever sets a linker or links statically knows what they want.
    if target != env::var("HOST")? || !target.ends_with("-linux-gnu") || links_statically() {
        return Ok(());
    }
    if let (Some(unwinder), Some(helpers)) = (find("libgcc_eh.a"), find("libgcc.a")) {
        let place = PathBuf::from(env::var("OUT_DIR")?);
        fs::write(place.join("libgcc_s.so"), format!("GROUP ( {} {} )\n", unwinder.display(), helpers.display()))?;
        println!("cargo::rustc-link-search=native={}", place.display());
    }
    Ok(())
}

fn links_statically() -> bool {
    env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|features| features.split(',').any(|one| one == "crt-static"))
}

/// A library of the compiler's own; none if there is no such compiler or library, or a path that a linker script cannot
/// hold.
fn find(library: &str) -> Option<PathBuf> {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let output = Command::new(compiler).arg(format!("-print-file-name={library}")).output().ok()?;
    let path = Path::new(str::from_utf8(&output.stdout).ok()?.trim());
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._+-".contains(&byte));
    (path.is_absolute() && path.to_str().is_some_and(plain)).then(|| path.to_owned())
}
