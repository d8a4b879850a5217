//! One test of one argument of a call.
//!
//! The width is part of the test. The kernel hands a filter all 64 bits of a register, but code behind an `int`
//! parameter reads the low 32: a filter that compares 64 bits there can be passed by setting bit 32 (`ioctl` with
//! `TIOCSTI | 1 << 32` is still `TIOCSTI`). So nothing here has a default width. All comparisons are unsigned.

use crate::BuildError;

/// How much of an argument the kernel's own code reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Width {
    /// An `int` or `unsigned int` parameter: the low 32 bits. The high half may hold anything and is ignored.
    Int,
    /// A `long`, `size_t`, `u64` or pointer parameter: all 64 bits.
    Long,
}

/// A comparison with constants. A negative `int` is written as its low 32 bits: `u64::from((-100i32).cast_unsigned())`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The argument is this value.
    Equal(u64),
    /// The argument is another value.
    NotEqual(u64),
    /// The argument is less.
    Less(u64),
    /// The argument is this value or less.
    AtMost(u64),
    /// The argument is greater.
    Greater(u64),
    /// The argument is this value or greater.
    AtLeast(u64),
    /// Under the mask, the argument is this value.
    MaskedEqual {
        /// Which bits are compared.
        mask: u64,
        /// What they are; it has no bit outside the mask.
        value: u64,
    },
    /// At least one of these bits is set.
    AnyBit(u64),
    /// None of these bits is set.
    NoBit(u64),
    /// The argument is one of these values. Searched, not walked: a large set is cheap.
    OneOf(Vec<u64>),
    /// The argument is none of these values.
    NoneOf(Vec<u64>),
}

/// A test of one argument.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    index: u8,
    width: Width,
    operator: Operator,
}

impl Condition {
    /// The test of argument `index` (0 to 5) by `operator`, over `width`.
    ///
    /// # Errors
    /// [`BuildError::ArgumentIndex`] above 5; [`BuildError::ValueTooWide`] where an `int` is compared with a value of
    /// more than 32 bits, which would never be equal; [`BuildError::ValueOutsideMask`], [`BuildError::EmptyMask`] and
    /// [`BuildError::EmptySet`] for tests that always give the same answer.
    pub fn new(index: u8, width: Width, operator: Operator) -> Result<Self, BuildError> {
        if index > 5 {
            return Err(BuildError::ArgumentIndex { index });
        }
        let constants = match &operator {
            Operator::MaskedEqual { mask, value } if value & !mask != 0 => {
                return Err(BuildError::ValueOutsideMask { mask: *mask, value: *value });
            }
            Operator::MaskedEqual { mask: 0, .. } | Operator::AnyBit(0) | Operator::NoBit(0) => {
                return Err(BuildError::EmptyMask);
            }
            Operator::OneOf(set) | Operator::NoneOf(set) if set.is_empty() => return Err(BuildError::EmptySet),
            operator => operator.constants(),
        };
        match constants.iter().find(|value| width == Width::Int && u32::try_from(**value).is_err()) {
            Some(value) => Err(BuildError::ValueTooWide { value: *value }),
            None => Ok(Self { index, width, operator }),
        }
    }

    /// The test of an `int` argument: its low 32 bits.
    ///
    /// # Errors
    /// As [`Condition::new`].
    pub fn int(index: u8, operator: Operator) -> Result<Self, BuildError> {
        Self::new(index, Width::Int, operator)
    }

    /// The test of a 64-bit argument.
    ///
    /// # Errors
    /// As [`Condition::new`].
    pub fn long(index: u8, operator: Operator) -> Result<Self, BuildError> {
        Self::new(index, Width::Long, operator)
    }

    /// Whether these arguments pass the test. This is its meaning: what the assembler makes of it must agree.
    pub fn holds(&self, arguments: &[u64; 6]) -> bool {
        let register = arguments.get(usize::from(self.index)).copied().unwrap_or_default();
        let argument = match self.width {
            Width::Int => register & u64::from(u32::MAX),
            Width::Long => register,
        };
        match &self.operator {
            Operator::Equal(value) => argument == *value,
            Operator::NotEqual(value) => argument != *value,
            Operator::Less(value) => argument < *value,
            Operator::AtMost(value) => argument <= *value,
            Operator::Greater(value) => argument > *value,
            Operator::AtLeast(value) => argument >= *value,
            Operator::MaskedEqual { mask, value } => argument & mask == *value,
            Operator::AnyBit(mask) => argument & mask != 0,
            Operator::NoBit(mask) => argument & mask == 0,
            Operator::OneOf(set) => set.contains(&argument),
            Operator::NoneOf(set) => !set.contains(&argument),
        }
    }

    pub(crate) fn index(&self) -> u8 {
        self.index
    }

    pub(crate) fn width(&self) -> Width {
        self.width
    }

    pub(crate) fn operator(&self) -> &Operator {
        &self.operator
    }
}

impl Operator {
    /// Every number it compares with.
    fn constants(&self) -> Vec<u64> {
        match self {
            Self::Equal(value)
            | Self::NotEqual(value)
            | Self::Less(value)
            | Self::AtMost(value)
            | Self::Greater(value)
            | Self::AtLeast(value)
            | Self::AnyBit(value)
            | Self::NoBit(value) => vec![*value],
            Self::MaskedEqual { mask, value } => vec![*mask, *value],
            Self::OneOf(set) | Self::NoneOf(set) => set.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_cannot_mean_what_they_say_are_refused() {
        let wide = 1 << 32;
        for (condition, expected) in [
            (Condition::int(6, Operator::Equal(0)), BuildError::ArgumentIndex { index: 6 }),
            (Condition::int(0, Operator::Equal(wide)), BuildError::ValueTooWide { value: wide }),
            (Condition::int(0, Operator::OneOf(vec![1, wide])), BuildError::ValueTooWide { value: wide }),
            (Condition::long(0, Operator::OneOf(vec![])), BuildError::EmptySet),
            (Condition::long(0, Operator::AnyBit(0)), BuildError::EmptyMask),
            (
                Condition::int(0, Operator::MaskedEqual { mask: 1, value: 2 }),
                BuildError::ValueOutsideMask { mask: 1, value: 2 },
            ),
        ] {
            assert_eq!(condition, Err(expected));
        }
    }

    #[test]
    fn an_int_ignores_the_high_half_and_a_long_does_not() {
        let arguments = [0, 0x1_0000_5412, 0, 0, 0, 0];
        assert!(Condition::int(1, Operator::Equal(0x5412)).unwrap().holds(&arguments));
        assert!(!Condition::long(1, Operator::Equal(0x5412)).unwrap().holds(&arguments));
    }
}
