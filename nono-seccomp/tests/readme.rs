//! The example of the README is the one that is compiled, and does what it says.
#![cfg(test)]

use std::process::Command;

#[test]
fn the_readme_shows_the_example() {
    let (readme, example) = (include_str!("../README.md"), include_str!("../examples/mediate.rs"));
    assert!(readme.contains(example), "copy examples/mediate.rs into README.md");
}

#[test]
fn the_example_substitutes_one_file_and_no_other() {
    let binary = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples/mediate");
    if !std::fs::exists(&binary).unwrap() {
        return println!("skipped: the example is not built (cargo test --examples builds it)");
    }
    if !nono_seccomp::Features::probe().unwrap_or_default().notification {
        return println!("skipped: no notification");
    }
    let folder = tempfile::tempdir().unwrap();
    let (kept, replaced) = (folder.path().join("kept"), folder.path().join("hosts"));
    std::fs::write(&kept, "kept").unwrap();
    std::fs::write(&replaced, "replaced").unwrap();
    let plain = Command::new("cat").args([&kept, &replaced]).output().unwrap();
    assert_eq!(plain.stdout, b"keptreplaced", "without the example");
    let mediated = Command::new(binary).arg("cat").args([kept, replaced]).output().unwrap();
    assert!(mediated.status.success(), "{mediated:?}");
    assert_eq!(mediated.stdout, b"kept");
}
