//! What every profile opens, because no program starts without: the loader, the system libraries, a few devices and
//! services. It is a fixed list, shown in the golden profiles; a deny of the user's set closes what it covers of it.
//!
//! Sources: Apple's `system.sb` and `dyld-support.sb` as quoted by Chromium (`sandbox/policy/mac/common.sb`), and by
//! openai/codex (`codex-rs/sandboxing/src/*.sbpl`). Whether it suffices can only be seen on a Mac: see the README.

use crate::operation::Operation::{
    Default, FileIoctl, FileMapExecutable, FileReadData, FileReadMetadata, FileReadXattr, FileTestExistence,
    FileWriteData, FileWriteSetugid, IokitGetProperties, MachLookup, MachPriv, Nvram, ProcessFork, ProcessInfo,
    ShmReadData, Signal, SysctlRead,
};
use crate::sbpl::{Effect, Filter, Item, Profile, Rule, Target};
use nono_core::Reach;

/// Trees that are read and mapped: libraries, and the cache of linked ones (in a cryptex from macOS 13 on).
const LIBRARIES: [&str; 8] = [
    "/System/Cryptexes/App",
    "/System/Cryptexes/OS",
    "/System/Library/Frameworks",
    "/System/Library/PrivateFrameworks",
    "/System/Library/SubFrameworks",
    "/System/Volumes/Preboot/Cryptexes/App/System",
    "/System/Volumes/Preboot/Cryptexes/OS",
    "/usr/lib",
];

/// Trees that are read.
const READABLE: [&str; 3] = ["/private/var/db/dyld", "/private/var/db/timezone", "/usr/share"];

/// Single objects that are read. `/` with its list of names: getcwd(3) fails on some systems without.
const OBJECTS: [&str; 9] = [
    "/",
    "/System/Library/CoreServices/SystemVersion.plist",
    "/dev/autofs_nowait",
    "/dev/random",
    "/dev/urandom",
    "/private/etc/passwd",
    "/private/etc/protocols",
    "/private/etc/services",
    "/private/var/select/sh",
];

/// Services by which every program looks up users and writes its log. None starts processes or holds secrets.
const SERVICES: [&str; 5] = [
    "com.apple.logd",
    "com.apple.system.logger",
    "com.apple.system.notification_center",
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.opendirectoryd.membership",
];

fn literals(paths: &[&str]) -> Vec<Filter> {
    paths.iter().map(|path| Filter::Literal((*path).to_owned())).collect()
}

fn subpaths(paths: &[&str]) -> Vec<Filter> {
    paths.iter().map(|path| Filter::Subpath((*path).to_owned())).collect()
}

/// The services called `names`.
pub(crate) fn services(names: &[&str]) -> Vec<Filter> {
    names.iter().map(|name| Filter::GlobalName((*name).to_owned())).collect()
}

/// Adds the rules that do not depend on the grants, but on whom signals reach.
pub(crate) fn open(profile: &mut Profile, signals: Reach) {
    profile.comment(
        "Nothing but what follows. Some operations are open in spite of the default: they are closed by name.",
    );
    profile.deny(&[Default], vec![]);
    profile.deny(&[FileMapExecutable, IokitGetProperties, MachPriv, Nvram, ProcessInfo], vec![]);
    profile.comment("Processes: those of this sandbox.");
    let inside = || vec![Filter::Target(Target::Itself), Filter::Target(Target::SameSandbox)];
    profile.allow(&[ProcessFork], vec![]);
    profile.allow(&[ProcessInfo], inside());
    match signals {
        Reach::Inside => profile.allow(&[Signal], inside()),
        Reach::Anywhere => profile.allow(&[Signal], vec![]),
    }
    profile.comment("Services that every program uses, and facts about the machine.");
    profile.allow(&[MachLookup], services(&SERVICES));
    profile.allow(&[ShmReadData], vec![Filter::PosixName("apple.shm.notification_center".to_owned())]);
    profile.allow(&[SysctlRead], vec![]);
    profile.comment("The loader and the system's libraries.");
    profile.allow(&[FileReadData, FileReadXattr, FileMapExecutable], subpaths(&LIBRARIES));
    profile.allow(&[FileReadData, FileReadXattr], subpaths(&READABLE));
    profile.allow(&[FileReadData], literals(&OBJECTS));
    profile
        .comment("Devices that hold nothing, and open descriptors. Terminals are not opened, but asked what they are.");
    profile.allow(&[FileReadData, FileWriteData], literals(&["/dev/null", "/dev/zero"]));
    profile.allow(&[FileReadData, FileWriteData, FileIoctl], literals(&["/dev/dtracehelper"]));
    profile.allow(&[FileReadData, FileWriteData], subpaths(&["/dev/fd"]));
    profile.allow(&[FileIoctl], vec![Filter::Literal("/dev/tty".to_owned()), Filter::Terminals]);
}

/// Adds the rules that hold whatever was granted and denied.
pub(crate) fn close(profile: &mut Profile) {
    profile.comment("No program gains another user's rights. What exists is visible everywhere, as without a sandbox.");
    profile.deny(&[FileWriteSetugid], subpaths(&["/"]));
    profile.allow(&[FileReadMetadata], subpaths(&["/"]));
    // Only newer systems know it, and one unknown operation makes the system refuse the whole profile.
    profile.items.push(Item::Rule(Rule {
        effect: Effect::Allow,
        operations: vec![FileTestExistence],
        filters: subpaths(&["/"]),
        guarded: true,
    }));
}
