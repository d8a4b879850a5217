//! Linking for another system, and compiling C, by `zig cc`, which knows the C libraries of all targets.
//!
//! rustc calls a linker as it would call the C compiler of that system, and build scripts call a compiler likewise. What zig says in another way, or does not need, is
//! left out or replaced. The list was found by trying, target by target.

use super::target::Target;
use anyhow::Context;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The subcommand of this program that is a linker.
pub(crate) const SUBCOMMAND: &str = "link-by-zig";

/// Left out: zig is told the target in its own words, and does the rest by itself.
const LEFT_OUT: [&str; 8] = [
    "--target=",
    "-m64",
    "-melf",
    "-mmacosx-version-min=",
    "-Wl,-exported_symbols_list",
    "-Wl,-dead_strip",
    "-Wl,--disable-new-dtags",
    "-Wl,-no_uuid",
];

/// Left out with the word that follows.
const PAIRS: [&str; 2] = ["-arch", "-target"];

/// GCC's unwinder; zig has LLVM's.
const UNWINDERS: [&str; 3] = ["-lgcc_s", "-lgcc_eh", "-lgcc"];

/// Parts of libSystem for which there is no file.
const MACOS_PARTS: [&str; 3] = ["-liconv", "-lutil", "-lrt"];

/// A program that links for `target` and compiles C for it, as a file in `place`: rustc wants one without arguments.
pub(super) fn write(target: Target, zig: &Path, place: &Path) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program's own file")?;
    let words = [own.as_os_str(), OsStr::new(SUBCOMMAND), zig.as_os_str(), OsStr::new(target.zig)];
    script(&words, place, &format!("link-{}", target.name))
}

/// A program that puts object files into archives, for all targets.
pub(super) fn write_archiver(zig: &Path, place: &Path) -> anyhow::Result<PathBuf> {
    script(&[zig.as_os_str(), OsStr::new("ar")], place, "archive")
}

/// A script that becomes a command, with its own arguments behind those that are given.
fn script(command: &[&OsStr], place: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let file = place.join(name);
    let mut text = b"#!/bin/sh\nexec ".to_vec();
    for word in command {
        text.extend(quoted(word));
        text.push(b' ');
    }
    text.extend_from_slice(b"\"$@\"\n");
    let written = || -> std::io::Result<()> {
        if fs::read(&file).is_ok_and(|there| there == text) {
            return Ok(());
        }
        fs::create_dir_all(place)?;
        // Anew beside it, and then in its place: somebody else may be executing it.
        let fresh = place.join(format!(".{name}-{}", std::process::id()));
        fs::write(&fresh, &text)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755))?;
        fs::rename(&fresh, &file)
    };
    written().with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// A word of a shell.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut text = b"'".to_vec();
    for byte in word.as_bytes() {
        match byte {
            b'\'' => text.extend_from_slice(br"'\''"),
            byte => text.push(*byte),
        }
    }
    text.push(b'\'');
    text
}

/// Becomes zig, with what rustc wanted to be linked. Comes back only if that fails.
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Error {
    let [zig, target, given @ ..] = arguments else {
        return anyhow::anyhow!("{SUBCOMMAND} is told a zig, a target, and what rustc tells a linker");
    };
    let mut command = Command::new(zig);
    command.args(["cc", "-target"]).arg(target).args(translated(given, target.as_bytes().ends_with(b"-macos")));
    let error = command.exec();
    anyhow::Error::new(error).context(format!("cannot execute {}", zig.display()))
}

/// What zig is told of what rustc says.
fn translated(given: &[OsString], macos: bool) -> Vec<OsString> {
    let starts = |word: &OsStr, with: &str| word.as_bytes().starts_with(with.as_bytes());
    let mut all = Vec::with_capacity(given.len());
    let mut words = given.iter();
    while let Some(word) = words.next() {
        if PAIRS.iter().any(|first| word == first) {
            let _value = words.next();
        } else if LEFT_OUT.iter().any(|left_out| starts(word, left_out))
            || macos && MACOS_PARTS.iter().any(|part| word == part)
        {
        } else if UNWINDERS.iter().any(|unwinder| word == unwinder) {
            all.push("-lunwind".into());
        } else {
            all.push(word.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[&str], macos: bool, expected: &[&str]) {
        let given: Vec<OsString> = given.iter().map(Into::into).collect();
        assert_eq!(translated(&given, macos), expected, "{given:?}");
    }

    #[test]
    fn what_zig_says_otherwise_is_translated() {
        check(&["-m64", "a.o", "-lgcc_eh", "-lgcc", "-lc"], false, &["a.o", "-lunwind", "-lunwind", "-lc"]);
        check(&["-arch", "arm64", "a.o", "-liconv", "-lSystem"], true, &["a.o", "-lSystem"]);
        check(&["-target", "arm64-apple-macosx11.0.0", "-o", "x"], true, &["-o", "x"]);
        check(&["-lutil"], false, &["-lutil"]);
        check(&["-arch"], true, &[]);
    }

    #[test]
    fn the_script_holds_every_path() {
        assert_eq!(quoted("a'b $x".as_ref()), br"'a'\''b $x'");
        let place = tempfile::tempdir().unwrap();
        let zig = place.path().join("it's \"zig\"");
        fs::write(&zig, "#!/bin/sh\necho zig \"$@\"\n").unwrap();
        fs::set_permissions(&zig, fs::Permissions::from_mode(0o755)).unwrap();
        let target = Target::find("aarch64-unknown-linux-musl").unwrap();
        let script = write(target, &zig, place.path()).unwrap();
        assert_eq!(script, write(target, &zig, place.path()).unwrap(), "the second time it is there");
        let text = fs::read(&script).unwrap();
        assert!(text.starts_with(b"#!/bin/sh\nexec '"), "{}", text.escape_ascii());
        assert!(text.ends_with(b" 'aarch64-linux-musl' \"$@\"\n"), "{}", text.escape_ascii());
    }
}
