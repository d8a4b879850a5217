//! What is inherited: descriptors and variables.

use crate::act::{Act, Attempt, Scene, Stop, effect};
use crate::sys;
use nono_tests::attempt::Guarantee::{self, Descriptors, Environment};
use nono_tests::attempt::Party::{DirectoryDescriptor, ReadDescriptor, Variables, WriteDescriptor};
use nono_tests::attempt::Proof::{Secret, Tree};
use rustix::fs::{Dir, Mode, OFlags};

const DESCRIPTORS: &[Guarantee] = &[Descriptors];
const CLOSED: &[&str] = &["EBADF"];

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("fd-read", DESCRIPTORS, read).with(ReadDescriptor).proof(Secret).refusals(CLOSED),
    Attempt::new("fd-write", DESCRIPTORS, write).with(WriteDescriptor).proof(Tree).refusals(CLOSED),
    Attempt::new("fd-truncate", DESCRIPTORS, truncate).with(WriteDescriptor).proof(Tree).refusals(CLOSED),
    Attempt::new("fd-list-directory", DESCRIPTORS, list).with(DirectoryDescriptor).proof(Secret).refusals(CLOSED),
    Attempt::new("fd-open-below-directory", DESCRIPTORS, open_below)
        .with(DirectoryDescriptor)
        .proof(Secret)
        .refusals(CLOSED),
    Attempt::new("fd-change-directory", DESCRIPTORS, change_directory).with(DirectoryDescriptor).refusals(CLOSED),
    Attempt::new("env-credential", &[Environment], |scene| variable(scene, "AWS_SECRET_ACCESS_KEY"))
        .with(Variables)
        .proof(Secret)
        .refusals(UNSET),
    Attempt::new("env-token", &[Environment], |scene| variable(scene, "GITHUB_TOKEN"))
        .with(Variables)
        .proof(Secret)
        .refusals(UNSET),
    Attempt::new("env-loader", &[Environment], loader).with(Variables).refusals(UNSET),
];

const UNSET: &[&str] = &["NOEFFECT"];

fn read(scene: &Scene) -> Act {
    let mut bytes = [0; 256];
    let length = rustix::io::pread(sys::inherited()?, &mut bytes, 0)?;
    scene.reveal(bytes.get(..length).unwrap_or_default())
}

fn write(_: &Scene) -> Act {
    rustix::io::pwrite(sys::inherited()?, b"written", 0)?;
    Ok(())
}

fn truncate(_: &Scene) -> Act {
    Ok(rustix::fs::ftruncate(sys::inherited()?, 0)?)
}

fn list(scene: &Scene) -> Act {
    for entry in Dir::read_from(sys::inherited()?)? {
        scene.reveal(entry?.file_name().to_bytes())?;
    }
    Ok(())
}

/// The names are in the directory; opening is by path, and refused by Landlock even where the descriptor is left open.
fn open_below(scene: &Scene) -> Act {
    for entry in Dir::read_from(sys::inherited()?)? {
        let entry = entry?;
        if entry.file_name().to_bytes().starts_with(b".") {
            continue;
        }
        let file = rustix::fs::openat(sys::inherited()?, entry.file_name(), OFlags::RDONLY, Mode::empty())?;
        let mut bytes = [0; 256];
        let length = rustix::io::read(&file, &mut bytes)?;
        return scene.reveal(bytes.get(..length).unwrap_or_default());
    }
    Err(Stop::NoEffect("the directory is empty".into()))
}

fn change_directory(_: &Scene) -> Act {
    Ok(rustix::process::fchdir(sys::inherited()?)?)
}

fn variable(scene: &Scene, name: &str) -> Act {
    let value = std::env::var(name).map_err(|_unset| Stop::NoEffect(format!("no {name}")))?;
    scene.reveal(value.as_bytes())
}

/// Seen by every program that the sandbox starts.
fn loader(_: &Scene) -> Act {
    effect(std::env::var_os("LD_PRELOAD").is_some(), "no LD_PRELOAD")
}
