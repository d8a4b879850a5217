//! The targets that are supported, and how each is linked.

/// What a target needs beside the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// rustc's name.
    pub(crate) name: &'static str,
    /// zig's, with the C library it is linked for: the oldest one in wide use, so that the program starts on newer ones.
    pub(super) zig: &'static str,
}

/// In the order of the table.
pub(super) const TARGETS: [Target; 7] = [
    Target { name: "x86_64-unknown-linux-gnu", zig: "x86_64-linux-gnu.2.31" },
    Target { name: "x86_64-unknown-linux-musl", zig: "x86_64-linux-musl" },
    Target { name: "aarch64-unknown-linux-gnu", zig: "aarch64-linux-gnu.2.31" },
    Target { name: "aarch64-unknown-linux-musl", zig: "aarch64-linux-musl" },
    Target { name: "riscv64gc-unknown-linux-gnu", zig: "riscv64-linux-gnu.2.31" },
    Target { name: "x86_64-apple-darwin", zig: "x86_64-macos" },
    Target { name: "aarch64-apple-darwin", zig: "aarch64-macos" },
];

impl Target {
    /// The target called `name`.
    pub(super) fn find(name: &str) -> anyhow::Result<Target> {
        let names = || TARGETS.map(|target| target.name).join(", ");
        let found = TARGETS.into_iter().find(|target| target.name == name);
        found.ok_or_else(|| anyhow::anyhow!("{name} is no target that is supported: {}", names()))
    }

    pub(super) fn is_macos(self) -> bool {
        self.name.ends_with("-apple-darwin")
    }

    pub(super) fn is_musl(self) -> bool {
        self.name.ends_with("-musl")
    }

    /// A variable of cargo's for this target alone.
    pub(super) fn variable(self, of: &str) -> String {
        format!("CARGO_TARGET_{}_{of}", self.name.to_uppercase().replace('-', "_"))
    }
}
