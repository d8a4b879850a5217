//! Any bytes as paths, one a line, in a directory with links of every kind: the resolver that remembers finds what the one that
//! forgets finds, and both what the system finds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_core::{AccessMode, CachedResolver, FsCapability, Resolver, StdResolver};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fs, io};

fuzz_target!(|bytes: &[u8]| check(bytes));

fn check(bytes: &[u8]) {
    let cached = CachedResolver::default();
    for line in bytes.split(|byte| *byte == b'\n').take(32) {
        let path = root().join(OsStr::from_bytes(line));
        let (known, new) = (cached.resolve(&path), StdResolver.resolve(&path));
        if line.contains(&0) {
            // Which of the two is told first, that or what else is wrong, is all the same.
            assert!(known.is_err() && new.is_err(), "no path has a NUL: {path:?}");
            continue;
        }
        assert_eq!(format!("{known:?}"), format!("{new:?}"), "the resolvers disagree about {path:?}");
        let Ok(found) = known else { continue };
        assert_eq!(found.path, fs::canonicalize(&path).expect("it was found"));
        let capability = FsCapability::resolve(&path, AccessMode::Read, &cached).expect("it was found");
        assert_eq!(capability.resolved(), found.path, "what is found can be granted");
    }
}

/// Made once a process, in $TMPDIR, which `cargo xtask fuzz` removes.
fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let made = tempfile::tempdir();
        let root = made.expect("a directory").keep();
        fill(&root).expect("files and links");
        root
    })
}

fn fill(root: &Path) -> io::Result<()> {
    fs::create_dir_all(root.join("d/e/d"))?;
    fs::write(root.join("d/f"), "")?;
    for (target, name) in [
        ("d", "l"),
        ("../d/e", "d/m"),
        ("l/f", "g"),
        ("nowhere", "x"),
        ("o", "o"),
        (".", "d/e/s"),
        ("..", "d/e/u"),
        ("/", "r"),
    ] {
        symlink(target, root.join(name))?;
    }
    Ok(())
}
