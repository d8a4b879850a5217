//! Links the command statically where that is possible: no library is looked for, mapped and relocated at each start,
//! which costs a tenth of it, and nothing in the environment (`LD_PRELOAD`, `LD_LIBRARY_PATH`) gets into the process that
//! makes the sandbox.
//!
//! Rust's own way (`-C target-feature=+crt-static`) needs `--target`, or macros cannot be built. This way needs nothing:
//! the linker gets `-static-pie`, and finds, in place of each shared library that it is asked for, a script that names
//! the static one (ld(1), "GROUP"). A program linked in the same way is tried first; where it does not link or run, GCC's
//! unwinder alone is linked statically, and where that is not there either, all is shared as ever.
//!
//! A program that is released has no tables by which a stack is unwound, a fourteenth of it: at a panic it ends.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

/// What Rust's standard library and C's ask for. Since glibc 2.34 all but the first two are empty.
const LIBRARIES: [&str; 6] = ["c", "m", "pthread", "dl", "rt", "util"];

/// Relocations in a twentieth of the room, for all of them are read at each start. Linkers know it since binutils 2.38, and C
/// libraries since glibc 2.36.
const PACKED: &str = "-Wl,-z,pack-relative-relocs";

/// Keeps the tables for unwinding out of the program, those of the libraries too, before the linker's own script places them
/// (ld(1), "INSERT").
const NO_TABLES: &str = "SECTIONS { /DISCARD/ : { *(.eh_frame .eh_frame.*) } } INSERT BEFORE .text;\n";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CC");
    // The command as on macOS: there, and where a test asks for it by a flag of rustc's.
    if env::var("CARGO_CFG_TARGET_OS")? == "macos" {
        println!("cargo::rustc-cfg=seatbelt");
    }
    let target = env::var("TARGET")?;
    // A cross compiler has libraries of its own, and whoever sets a linker or links statically knows what they want.
    if target != env::var("HOST")? || !target.ends_with("-linux-gnu") || links_in_another_way() {
        return Ok(());
    }
    let place = PathBuf::from(env::var("OUT_DIR")?);
    let (Some(unwinder), Some(helpers)) = (find("libgcc_eh.a"), find("libgcc.a")) else { return Ok(()) };
    let (shared, fixed) = (place.join("unwinder"), place.join("all"));
    script(&shared, "gcc_s", &[&unwinder, &helpers])?;
    let all: Vec<PathBuf> = LIBRARIES.iter().filter_map(|name| find(&format!("lib{name}.a"))).collect();
    let all: Vec<&Path> = all.iter().chain([&unwinder, &helpers]).map(PathBuf::as_path).collect();
    for name in LIBRARIES.iter().chain(&["gcc_s"]) {
        script(&fixed, name, &all)?;
    }
    let no_tables = place.join("no-tables");
    fs::write(&no_tables, NO_TABLES)?;
    let no_tables = format!("-Wl,-T,{}", no_tables.display());
    let ways = [&["-static-pie", PACKED, &no_tables][..], &["-static-pie", PACKED], &["-static-pie"]];
    let smallest = usize::from(env::var("PROFILE")? != "release");
    for flags in ways.into_iter().skip(smallest) {
        if links_statically(&fixed, flags)? {
            // For the command alone: the tests of this crate have no use for it.
            for flag in flags {
                println!("cargo::rustc-link-arg-bins={flag}");
            }
            println!("cargo::rustc-link-arg-bins=-L{}", fixed.display());
            break;
        }
    }
    println!("cargo::rustc-link-search=native={}", shared.display());
    Ok(())
}

/// Whether the user's flags have a say in how it is linked.
fn links_in_another_way() -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    // Paths hold any word.
    let mut flags = flags.split('\x1f').filter(|flag| !flag.starts_with("--remap-path-prefix"));
    let telling = ["link", "crt-static", "relocation-model", "sanitizer", "dynamic"];
    env::var_os("RUSTC_LINKER").is_some() || flags.any(|flag| telling.iter().any(|word| flag.contains(word)))
}

/// A linker script under the name of a shared library, in a directory that is made.
fn script(place: &Path, name: &str, libraries: &[&Path]) -> io::Result<()> {
    fs::create_dir_all(place)?;
    let named: Vec<String> = libraries.iter().map(|library| library.display().to_string()).collect();
    fs::write(place.join(format!("lib{name}.so")), format!("GROUP ( {} )\n", named.join(" ")))
}

/// Links a program as rustc will link the command, and starts it.
fn links_statically(scripts: &Path, flags: &[&str]) -> io::Result<bool> {
    let (source, program) = (scripts.join("trial.c"), scripts.join("trial"));
    // The words are found by addresses that are relocated at the start.
    let code = "#include <stdio.h>\nconst char *volatile words[] = {\"static\", \"pie\"};\n\
                int main(int count, char **given) { (void)given; return puts(words[count - 1]) < 0; }\n";
    fs::write(&source, code)?;
    let mut link = Command::new(compiler());
    link.args(["-fPIE", "-nodefaultlibs"]).args(flags).arg("-L").arg(scripts).arg("-o").arg(&program);
    link.arg(&source).args(["-Wl,-Bdynamic", "-lgcc_s", "-lc"]).stdout(Stdio::null()).stderr(Stdio::null());
    let linked = link.status().is_ok_and(|status| status.success());
    Ok(linked && Command::new(&program).output().is_ok_and(|ran| ran.status.success() && ran.stdout == b"static\n"))
}

fn compiler() -> String {
    env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

/// A static library of the compiler's; none if there is no such compiler or library, or a path that a linker script
/// cannot hold.
fn find(library: &str) -> Option<PathBuf> {
    let output = Command::new(compiler()).arg(format!("-print-file-name={library}")).output().ok()?;
    let path = Path::new(str::from_utf8(&output.stdout).ok()?.trim());
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._+-".contains(&byte));
    (path.is_absolute() && path.to_str().is_some_and(plain)).then(|| path.to_owned())
}
