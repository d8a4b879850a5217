use super::*;
use nono_core::{AccessMode, Source, StdResolver};
use std::fs;
use std::os::unix::fs::symlink;

fn home() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap().join("home");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::create_dir_all(home.join("project")).unwrap();
    fs::create_dir_all(home.join(".config/nono")).unwrap();
    (dir, home)
}

fn denied(path: &Path, mode: AccessMode, home: &Path) -> Result<Vec<PathBuf>, String> {
    let grant = FsCapability::resolve(path, mode, &StdResolver).unwrap();
    let grant = grant.with_source(Source::Flag("--allow".into()));
    let denied = Protected::of(&[home.to_owned()]).denies(&[grant]).map_err(|error| error.to_string())?;
    Ok(denied.into_iter().collect())
}

#[test]
fn a_grant_above_a_protected_path_gets_a_deny_and_one_beside_it_does_not() {
    let (_dir, home) = home();
    assert_eq!(denied(&home, AccessMode::Read, &home), Ok(vec![home.join(".ssh")]));
    assert_eq!(denied(&home.join("project"), AccessMode::ReadWrite, &home), Ok(vec![]));
}

#[test]
fn a_grant_of_exactly_it_is_meant() {
    let (_dir, home) = home();
    fs::write(home.join(".ssh/config"), "").unwrap();
    for exact in [".ssh", ".ssh/config"] {
        assert_eq!(denied(&home.join(exact), AccessMode::Read, &home), Ok(vec![]), "{exact}");
    }
}

#[test]
fn a_writable_grant_must_not_let_a_start_file_be_made() {
    let (_dir, home) = home();
    fs::remove_dir(home.join(".ssh")).unwrap();
    fs::remove_dir_all(home.join(".config")).unwrap();
    assert_eq!(denied(&home, AccessMode::Read, &home), Ok(vec![]), "there is nothing to read");
    let denied = denied(&home, AccessMode::Write, &home).unwrap();
    for path in [".ssh", ".bashrc", ".config/gh", ".config/nono"] {
        assert!(denied.contains(&home.join(path)), "{path}: {denied:?}");
    }
}

#[test]
fn a_link_does_not_hide_it_and_is_not_replaced() {
    let (dir, home) = home();
    let elsewhere = dir.path().canonicalize().unwrap().join("data");
    fs::create_dir_all(elsewhere.join("aws")).unwrap();
    symlink(elsewhere.join("aws"), home.join(".aws")).unwrap();
    assert_eq!(denied(&elsewhere, AccessMode::Read, &home), Ok(vec![elsewhere.join("aws")]));
    let both = denied(dir.path(), AccessMode::ReadWrite, &home).unwrap();
    assert!(both.contains(&elsewhere.join("aws")) && both.contains(&home.join(".aws")), "{both:?}");
    fs::remove_dir(elsewhere.join("aws")).unwrap();
    assert!(denied(&home, AccessMode::Write, &home).unwrap().contains(&home.join(".aws")), "it leads nowhere");
}

#[test]
fn nor_does_one_of_its_parent() {
    let (dir, home) = home();
    let elsewhere = dir.path().canonicalize().unwrap().join("settings");
    fs::create_dir_all(elsewhere.join("gh")).unwrap();
    fs::remove_dir_all(home.join(".config")).unwrap();
    symlink(&elsewhere, home.join(".config")).unwrap();
    assert_eq!(denied(&elsewhere, AccessMode::Read, &home), Ok(vec![elsewhere.join("gh")]));
    let made = denied(&elsewhere, AccessMode::Write, &home).unwrap();
    assert!(made.contains(&elsewhere.join("hub")), "what does not exist yet: {made:?}");
}

#[test]
fn nor_does_one_of_any_directory_on_the_way_or_of_the_home_directory_itself() {
    let (dir, home) = home();
    let elsewhere = dir.path().canonicalize().unwrap().join("data");
    fs::create_dir_all(elsewhere.join("fish")).unwrap();
    fs::create_dir(home.join(".local")).unwrap();
    symlink(&elsewhere, home.join(".local/share")).unwrap();
    let closed = Ok(vec![elsewhere.join("fish")]);
    assert_eq!(denied(&elsewhere, AccessMode::Read, &home), closed);
    let link = dir.path().join("link");
    symlink(&home, &link).unwrap();
    assert_eq!(denied(&home, AccessMode::Read, &link), Ok(vec![home.join(".ssh")]));
    assert_eq!(denied(&elsewhere, AccessMode::Read, &link), closed);
}

#[test]
fn own_configuration_is_never_writable() {
    let (_dir, home) = home();
    let own = home.join(".config/nono");
    assert!(denied(&own, AccessMode::Write, &home).unwrap_err().contains("never granted"));
    assert_eq!(denied(&own, AccessMode::Read, &home), Ok(vec![]));
    assert!(denied(&home.join(".config"), AccessMode::Write, &home).unwrap().contains(&own));
}

#[test]
fn nor_is_it_behind_a_link() {
    let (dir, home) = home();
    let elsewhere = dir.path().canonicalize().unwrap().join("settings");
    fs::rename(home.join(".config"), &elsewhere).unwrap();
    symlink(&elsewhere, home.join(".config")).unwrap();
    assert!(denied(&elsewhere.join("nono"), AccessMode::Write, &home).is_err());
    fs::remove_dir(elsewhere.join("nono")).unwrap();
    assert!(denied(&elsewhere, AccessMode::Write, &home).unwrap().contains(&elsewhere.join("nono")));
}

#[test]
fn a_home_directory_may_be_written_in_another_way() {
    let (_dir, home) = home();
    let odd = PathBuf::from(format!("/{}//./", home.display()));
    assert_eq!(denied(&home, AccessMode::Read, &odd), Ok(vec![home.join(".ssh")]));
    assert!(denied(&home.join(".config/nono"), AccessMode::Write, &odd).is_err());
}

#[test]
fn what_is_protected_is_so_with_all_that_is_in_it() {
    let (dir, home) = home();
    let elsewhere = dir.path().canonicalize().unwrap().join("data");
    fs::create_dir_all(elsewhere.join("aws")).unwrap();
    symlink(elsewhere.join("aws"), home.join(".aws")).unwrap();
    let protected = Protected::of(std::slice::from_ref(&home));
    let all = protected.all();
    assert!(all.contains(&home.join(".ssh")) && all.contains(&elsewhere.join("aws")), "{all:?}");
    for path in &all {
        assert!(protected.covers(path) && protected.covers(&path.join("in/it")), "{path:?}");
    }
    for path in [&home, &elsewhere, &home.join("project"), &home.join(".sshd"), Path::new("/etc/shadows")] {
        assert!(!protected.covers(path), "{path:?}");
    }
}
