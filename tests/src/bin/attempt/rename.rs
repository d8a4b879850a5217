//! Moving and linking files across the border of the grants.

use crate::act::{Act, Attempt, Scene};
use nono_tests::attempt::Guarantee::Files;
use nono_tests::attempt::Proof::Tree;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, renameat_with};
use std::fs;
use std::os::fd::AsRawFd;

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("rename-out-of-tree", &[Files], |scene| Ok(fs::rename(scene.outside("moveme"), "moved")?)).proof(Tree),
    Attempt::new("rename-into-tree", &[Files], |scene| Ok(fs::rename("mine", scene.outside("planted"))?)).proof(Tree),
    Attempt::new("rename-over", &[Files], |scene| Ok(fs::rename("mine", scene.outside("victim"))?)).proof(Tree),
    Attempt::new("rename-within", &[Files], within).proof(Tree),
    Attempt::new("rename-across-directories", &[Files], across).proof(Tree),
    Attempt::new("rename-directory", &[Files], |scene| Ok(fs::rename(scene.outside("moveable"), "moved")?)).proof(Tree),
    Attempt::new("rename-directory-into", &[Files], |scene| Ok(fs::rename("sub", scene.outside("planted"))?))
        .proof(Tree),
    Attempt::new("rename-by-directory", &[Files], by_directory).proof(Tree),
    Attempt::new("rename-exchange", &[Files], exchange).proof(Tree).absent(&["EINVAL"]),
    Attempt::new("rename-exchange-directories", &[Files], exchange_directories).proof(Tree).absent(&["EINVAL"]),
    Attempt::new("link-out", &[Files], |scene| Ok(fs::hard_link(scene.outside("secret"), "linked")?)).proof(Tree),
    Attempt::new("link-into", &[Files], |scene| Ok(fs::hard_link("mine", scene.outside("planted"))?)).proof(Tree),
    Attempt::new("link-magic", &[Files], link_magic).proof(Tree),
    // Without CAP_DAC_READ_SEARCH the kernel knows no empty path, and says so by ENOENT (linkat(2)).
    Attempt::new("link-empty-path", &[Files], link_empty_path).root().proof(Tree).refusals(&["ENOENT"]),
];

fn within(scene: &Scene) -> Act {
    Ok(fs::rename(scene.outside("moveme"), scene.outside("planted"))?)
}

fn across(scene: &Scene) -> Act {
    Ok(fs::rename(scene.outside("moveme"), scene.outside("dir/planted"))?)
}

fn by_directory(scene: &Scene) -> Act {
    let dir = rustix::fs::open(scene.dir(), OFlags::PATH, Mode::empty())?;
    Ok(rustix::fs::renameat(dir, "moveme", CWD, "moved")?)
}

fn exchange(scene: &Scene) -> Act {
    Ok(renameat_with(CWD, "mine", CWD, scene.outside("secret"), RenameFlags::EXCHANGE)?)
}

fn exchange_directories(scene: &Scene) -> Act {
    Ok(renameat_with(CWD, "sub", CWD, scene.outside("dir"), RenameFlags::EXCHANGE)?)
}

fn link_magic(scene: &Scene) -> Act {
    let secret = rustix::fs::open(scene.outside("secret"), OFlags::PATH, Mode::empty())?;
    let link = format!("/proc/self/fd/{}", secret.as_raw_fd());
    Ok(linkat(CWD, link, CWD, "linked", AtFlags::SYMLINK_FOLLOW)?)
}

fn link_empty_path(scene: &Scene) -> Act {
    let secret = rustix::fs::open(scene.outside("secret"), OFlags::PATH, Mode::empty())?;
    Ok(linkat(secret, "", CWD, "linked", AtFlags::EMPTY_PATH)?)
}
