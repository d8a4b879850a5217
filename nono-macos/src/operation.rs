//! The operations that profiles name, and which wildcard each belongs to.
//!
//! One operation that a system does not know makes it refuse the whole profile. So every name here stands in Apple's own
//! profiles, except those marked as guarded, which are only named where the system says that it knows them.

/// Declares the operations once: name in the code, name in SBPL, parent.
macro_rules! operations {
    ($($name:ident = $text:literal < $parent:ident),* $(,)?) => {
        /// An operation that a rule allows or denies.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the names are those of SBPL")]
        #[non_exhaustive]
        pub enum Operation { Default, $($name),* }

        impl Operation {
            /// Every operation of the table, `default` first.
            pub const ALL: &[Operation] = &[Operation::Default, $(Operation::$name),*];

            /// The name in a profile.
            pub const fn name(self) -> &'static str {
                match self { Operation::Default => "default", $(Operation::$name => $text),* }
            }

            /// The wildcard that covers it; none for `default`.
            pub const fn parent(self) -> Option<Operation> {
                match self { Operation::Default => None, $(Operation::$name => Some(Operation::$parent)),* }
            }
        }
    };
}

operations! {
    File = "file*" < Default,
    FileRead = "file-read*" < File,
    FileReadData = "file-read-data" < FileRead,
    FileReadMetadata = "file-read-metadata" < FileRead,
    FileReadXattr = "file-read-xattr" < FileRead,
    FileTestExistence = "file-test-existence" < FileRead,
    FileWrite = "file-write*" < File,
    FileWriteCreate = "file-write-create" < FileWrite,
    FileWriteData = "file-write-data" < FileWrite,
    FileWriteFlags = "file-write-flags" < FileWrite,
    FileWriteMode = "file-write-mode" < FileWrite,
    FileWriteOwner = "file-write-owner" < FileWrite,
    FileWriteSetugid = "file-write-setugid" < FileWrite,
    FileWriteTimes = "file-write-times" < FileWrite,
    FileWriteUnlink = "file-write-unlink" < FileWrite,
    FileWriteXattr = "file-write-xattr" < FileWrite,
    FileIoctl = "file-ioctl" < File,
    FileLink = "file-link" < File,
    FileMapExecutable = "file-map-executable" < File,
    FileMknod = "file-mknod" < File,
    ProcessExec = "process-exec*" < Default,
    ProcessFork = "process-fork" < Default,
    ProcessInfo = "process-info*" < Default,
    Signal = "signal" < Default,
    MachLookup = "mach-lookup" < Default,
    MachPriv = "mach-priv*" < Default,
    ShmReadData = "ipc-posix-shm-read-data" < Default,
    SysctlRead = "sysctl-read" < Default,
    Network = "network*" < Default,
    NetworkBind = "network-bind" < Network,
    NetworkInbound = "network-inbound" < Network,
    NetworkOutbound = "network-outbound" < Network,
    SystemSocket = "system-socket" < Default,
    PseudoTty = "pseudo-tty" < Default,
    IokitGetProperties = "iokit-get-properties" < Default,
    Nvram = "nvram*" < Default,
}

impl Operation {
    /// The operation called `name`.
    pub fn from_name(name: &str) -> Option<Operation> {
        Operation::ALL.iter().copied().find(|known| known.name() == name)
    }

    /// It, then the wildcards that cover it, up to `default`.
    pub fn and_parents(self) -> impl Iterator<Item = Operation> {
        std::iter::successors(Some(self), |one| one.parent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_found_again() {
        let names: BTreeSet<&str> = Operation::ALL.iter().map(|one| one.name()).collect();
        assert_eq!(names.len(), Operation::ALL.len());
        for one in Operation::ALL {
            assert_eq!(Operation::from_name(one.name()), Some(*one));
            assert_eq!(one.and_parents().last(), Some(Operation::Default), "{one:?}");
        }
    }

    #[test]
    fn a_wildcard_covers_what_begins_like_it() {
        for one in Operation::ALL {
            let Some(parent) = one.parent() else { continue };
            let stem = parent.name().trim_end_matches('*');
            let test_existence = *one == Operation::FileTestExistence;
            assert!(parent == Operation::Default || one.name().starts_with(stem) || test_existence, "{one:?}");
        }
    }
}
