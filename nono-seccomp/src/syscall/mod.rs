//! System calls: their names and numbers, and one call as a filter sees it.
//!
//! A name is looked up for an architecture, and `None` means that the architecture lacks the call: `open` exists on
//! `x86_64` only. The table knows the calls up to `file_setattr` (Linux 6.17), whatever headers the machine has.

mod table;

use crate::Arch;
use std::cmp::Ordering;
use table::{ABSENT, TABLE};

/// A system call number of some architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Syscall(u32);

impl Syscall {
    /// The call with this number, which need not have a name here.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// The call of this name; `None` if `arch` has no such call, or the name is newer than the table.
    ///
    /// # Examples
    /// ```
    /// use nono_seccomp::{Arch, Syscall};
    /// assert_eq!(Syscall::named(Arch::X86_64, "open").map(Syscall::number), Some(2));
    /// assert_eq!(Syscall::named(Arch::Aarch64, "open"), None);
    /// ```
    pub fn named(arch: Arch, name: &str) -> Option<Self> {
        let row = TABLE.binary_search_by(|(known, _)| (*known).cmp(name)).ok().and_then(|row| TABLE.get(row))?;
        number_of(row, arch)
    }

    /// The number the kernel knows it by.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Its name on `arch`; `None` if the table has none. Searches the whole table: for people, not for loops.
    pub fn name(self, arch: Arch) -> Option<&'static str> {
        Self::all(arch).find_map(|(name, call)| (call == self).then_some(name))
    }

    /// Every call of `arch` that the table knows, by name.
    pub fn all(arch: Arch) -> impl Iterator<Item = (&'static str, Self)> {
        TABLE.iter().filter_map(move |row| number_of(row, arch).map(|call| (row.0, call)))
    }
}

/// A call by its name, looked up for every architecture. In a constant that costs nothing when the program runs, and a name
/// that no architecture has does not compile: a misspelt one would be a rule that is not there.
///
/// # Examples
/// ```
/// use nono_seccomp::{Arch, NamedCall};
/// const OPEN: NamedCall = NamedCall::new("open");
/// assert_eq!(OPEN.on(Arch::X86_64).map(|call| call.number()), Some(2));
/// assert_eq!(OPEN.on(Arch::Aarch64), None);
/// ```
/// ```compile_fail
/// const MISSPELT: nono_seccomp::NamedCall = nono_seccomp::NamedCall::new("opne");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NamedCall([u16; 3]);

impl NamedCall {
    /// The call of this name.
    ///
    /// # Panics
    /// When no architecture has it; in a constant, when it is compiled.
    #[expect(clippy::panic, reason = "a constant cannot return an error, and is the place for this")]
    #[expect(clippy::indexing_slicing, reason = "constants know no other access; the bounds are the loop's")]
    #[expect(clippy::arithmetic_side_effects, reason = "of two numbers below the length of the table")]
    pub const fn new(name: &str) -> Self {
        let (mut from, mut to) = (0, TABLE.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            match compare(TABLE[middle].0.as_bytes(), name.as_bytes()) {
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
                Ordering::Equal => return Self(TABLE[middle].1),
            }
        }
        panic!("no architecture has a system call of this name")
    }

    /// The call on `arch`; `None` if it lacks it.
    pub fn on(self, arch: Arch) -> Option<Syscall> {
        number_of(&("", self.0), arch)
    }
}

/// As [`Ord::cmp`], in constants too.
#[expect(clippy::indexing_slicing, reason = "constants know no other access; both lengths are tested first")]
#[expect(clippy::arithmetic_side_effects, reason = "of an index below a length")]
const fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let mut at = 0;
    while at < one.len() && at < other.len() {
        if one[at] != other[at] {
            return if one[at] < other[at] { Ordering::Less } else { Ordering::Greater };
        }
        at += 1;
    }
    match (at < one.len(), at < other.len()) {
        (false, true) => Ordering::Less,
        (true, false) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

fn number_of((_, numbers): &(&'static str, [u16; 3]), arch: Arch) -> Option<Syscall> {
    numbers.get(arch.column()).filter(|number| **number != ABSENT).map(|number| Syscall(u32::from(*number)))
}

/// One call as a filter sees it: the kernel's `struct seccomp_data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Call {
    /// The number, with [`X32_BIT`](crate::X32_BIT) if it came by that table.
    pub number: u32,
    /// The kernel's value for the table it came by: see [`Arch::audit`].
    pub arch: u32,
    /// Where the caller's program was. The caller chooses it: no ground for trust.
    pub instruction_pointer: u64,
    /// The registers, all 64 bits of them: what an `int` parameter ignores is not zero unless the caller left it so.
    pub arguments: [u64; 6],
}

impl Call {
    /// The call of this number and these arguments on `arch`.
    pub const fn new(arch: Arch, syscall: Syscall, arguments: [u64; 6]) -> Self {
        Self { number: syscall.0, arch: arch.audit(), instruction_pointer: 0, arguments }
    }

    /// Which system call it is.
    pub const fn syscall(&self) -> Syscall {
        Syscall(self.number)
    }

    /// The 32-bit word at this offset of `struct seccomp_data`; `None` where the kernel refuses to load.
    pub(crate) fn word(&self, offset: u32) -> Option<u32> {
        match offset {
            offset::NUMBER => Some(self.number),
            offset::ARCH => Some(self.arch),
            offset::POINTER_LOW => Some(low(self.instruction_pointer)),
            offset::POINTER_HIGH => Some(high(self.instruction_pointer)),
            _ if offset.is_multiple_of(4) => {
                let word = offset.checked_sub(offset::ARGUMENTS)?.checked_div(4)?;
                let argument = self.arguments.get(usize::try_from(word.checked_div(2)?).ok()?)?;
                Some(if word.is_multiple_of(2) { low(*argument) } else { high(*argument) })
            }
            _ => None,
        }
    }
}

/// Offsets in `struct seccomp_data`, on the little-endian machines that [`Arch`] lists.
pub(crate) mod offset {
    pub(crate) const NUMBER: u32 = 0;
    pub(crate) const ARCH: u32 = 4;
    pub(crate) const POINTER_LOW: u32 = 8;
    pub(crate) const POINTER_HIGH: u32 = 12;
    pub(crate) const ARGUMENTS: u32 = 16;
    pub(crate) const END: u32 = 64;
}

/// The low half.
#[expect(clippy::cast_possible_truncation, reason = "dropping the high half is the purpose")]
pub(crate) const fn low(value: u64) -> u32 {
    value as u32
}

/// The high half.
pub(crate) const fn high(value: u64) -> u32 {
    low(value >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_name_is_found() {
        assert!(TABLE.is_sorted_by(|(a, _), (b, _)| a < b));
        for arch in Arch::ALL {
            assert!(Syscall::all(arch).all(|(name, call)| Syscall::named(arch, name) == Some(call)), "{arch}");
        }
    }

    #[test]
    fn constants_find_what_a_look_up_finds() {
        for (name, _) in TABLE {
            for arch in Arch::ALL {
                assert_eq!(NamedCall::new(name).on(arch), Syscall::named(arch, name), "{name} on {arch}");
            }
        }
    }

    #[test]
    fn no_two_calls_of_an_architecture_share_a_number() {
        for arch in Arch::ALL {
            let mut numbers: Vec<_> = Syscall::all(arch).map(|(_, call)| call).collect();
            let all = numbers.len();
            numbers.sort();
            numbers.dedup();
            assert_eq!(numbers.len(), all, "{arch}");
        }
    }

    #[test]
    fn numbers_by_architecture() {
        for (name, expected) in [
            ("openat", [Some(257), Some(56), Some(56)]),
            ("open", [Some(2), None, None]),
            ("renameat", [Some(264), Some(38), None]),
            ("riscv_hwprobe", [None, None, Some(258)]),
            ("listxattrat", [Some(465); 3]),
            ("open_tree_attr", [Some(467); 3]),
            ("file_setattr", [Some(469); 3]),
            ("no_such_call", [None; 3]),
        ] {
            let found = Arch::ALL.map(|arch| Syscall::named(arch, name).map(Syscall::number));
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(Syscall::from_number(257).name(Arch::X86_64), Some("openat"));
        assert_eq!(Syscall::from_number(9999).name(Arch::X86_64), None);
    }

    #[test]
    fn the_words_of_a_call_are_where_the_kernel_has_them() {
        let call = Call { number: 1, arch: 2, instruction_pointer: 0x4_0000_0003, arguments: [5, 0, 0, 0, 0, 6 << 32] };
        for (offset, word) in [(0, Some(1)), (4, Some(2)), (8, Some(3)), (12, Some(4)), (16, Some(5)), (60, Some(6))] {
            assert_eq!(call.word(offset), word, "offset {offset}");
        }
        for offset in [1, 17, 64, u32::MAX] {
            assert_eq!(call.word(offset), None, "offset {offset}");
        }
    }
}
