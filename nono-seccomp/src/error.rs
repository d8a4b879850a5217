//! Why a filter could not be built.

use crate::{Action, Syscall};

/// Why rules do not make a filter. No system call is involved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Calls have arguments 0 to 5.
    #[error("there is no argument {index}, only 0 to 5")]
    ArgumentIndex {
        /// The index given.
        index: u8,
    },
    /// An `int` cannot have this value, so the test would always give the same answer.
    #[error("an int argument is compared with {value:#x}, which has more than 32 bits")]
    ValueTooWide {
        /// The value given.
        value: u64,
    },
    /// The value has bits that the mask clears, so it would never be equal.
    #[error("{value:#x} has bits outside the mask {mask:#x}")]
    ValueOutsideMask {
        /// The mask given.
        mask: u64,
        /// The value given.
        value: u64,
    },
    /// A mask without bits tests nothing.
    #[error("a mask has no bits")]
    EmptyMask,
    /// A set without values tests nothing.
    #[error("a set has no values")]
    EmptySet,
    /// The kernel would return 4095 in place of it.
    #[error("{errno} is no error number: 4095 is the largest")]
    ErrnoTooLarge {
        /// The number given.
        errno: u16,
    },
    /// x32 numbers are always refused; a rule for one would have no effect.
    #[error("system call number {number:#x} belongs to x32, which every filter refuses")]
    X32Number {
        /// The number given.
        number: u32,
    },
    /// Two actions for the same call, neither with conditions.
    #[error("system call {} is answered both {first:?} and {second:?}", syscall.number())]
    TwoAnswers {
        /// The call.
        syscall: Syscall,
        /// What was said first, and still stands.
        first: Action,
        /// What was said second, and was not taken.
        second: Action,
    },
    /// The rules need more instructions than the kernel takes.
    #[error("the filter needs {length} instructions, the kernel takes {}", crate::Filter::MAX_LENGTH)]
    TooLong {
        /// How many they need.
        length: usize,
    },
}
