//! Which architectures a filter can be written for, and how the kernel names them.
//!
//! A system call number means nothing without its architecture: on one machine a process may enter the kernel by
//! several tables (`int 0x80` on `x86_64`). A filter that reads the number before the architecture can be talked past.

use std::fmt;

/// Set in the number of an x32 call, which shares its architecture value with `x86_64` (kernel `__X32_SYSCALL_BIT`).
pub const X32_BIT: u32 = 0x4000_0000;

/// A system call table that filters can be written for. All of them are 64-bit and little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// 64-bit x86. Calls through the i386 table and x32 numbers are refused by every filter.
    X86_64,
    /// 64-bit Arm. 32-bit Arm calls are refused by every filter.
    Aarch64,
    /// 64-bit RISC-V. 32-bit calls are refused by every filter.
    Riscv64,
}

impl Arch {
    /// Every architecture, in the order of the columns of the syscall table.
    pub const ALL: [Self; 3] = [Self::X86_64, Self::Aarch64, Self::Riscv64];

    /// The architecture this program was compiled for; `None` where filters cannot be written.
    pub const NATIVE: Option<Self> = NATIVE;

    /// The kernel's value for it: `AUDIT_ARCH_*` in `linux/audit.h`.
    pub const fn audit(self) -> u32 {
        match self {
            Self::X86_64 => 0xc000_003e,
            Self::Aarch64 => 0xc000_00b7,
            Self::Riscv64 => 0xc000_00f3,
        }
    }

    /// The architecture with this audit value; `None` for one that filters cannot be written for.
    pub fn from_audit(value: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|arch| arch.audit() == value)
    }

    /// The lowest number a filter refuses with `ENOSYS` without looking further: x32's, where there is x32.
    ///
    /// `ENOSYS` is what a kernel without x32 answers, and what `syscall(-1)`, by which a tracer skips a call, expects.
    pub(crate) const fn refused_from(self) -> Option<u32> {
        match self {
            Self::X86_64 => Some(X32_BIT),
            Self::Aarch64 | Self::Riscv64 => None,
        }
    }

    /// Its column in the syscall table.
    pub(crate) const fn column(self) -> usize {
        match self {
            Self::X86_64 => 0,
            Self::Aarch64 => 1,
            Self::Riscv64 => 2,
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
        })
    }
}

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
const NATIVE: Option<Arch> = Some(Arch::X86_64);

#[cfg(all(target_arch = "aarch64", target_pointer_width = "64", target_endian = "little"))]
const NATIVE: Option<Arch> = Some(Arch::Aarch64);

#[cfg(target_arch = "riscv64")]
const NATIVE: Option<Arch> = Some(Arch::Riscv64);

#[cfg(not(any(
    all(target_arch = "x86_64", target_pointer_width = "64"),
    all(target_arch = "aarch64", target_pointer_width = "64", target_endian = "little"),
    target_arch = "riscv64"
)))]
const NATIVE: Option<Arch> = None;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audit_value_finds_its_architecture() {
        for (column, arch) in Arch::ALL.into_iter().enumerate() {
            assert_eq!(Arch::from_audit(arch.audit()), Some(arch));
            assert_eq!(arch.column(), column, "{arch}");
        }
        assert_eq!(Arch::from_audit(0x4000_0003), None, "i386 has no filters of its own");
    }
}
