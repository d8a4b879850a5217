//! The instructions of classic BPF that a seccomp filter may use, and a finished filter.

use crate::Arch;

/// One instruction, laid out as the kernel's `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Instruction {
    /// What it does: class, size, mode or operation.
    pub code: u16,
    /// How many instructions a conditional jump skips if its test holds.
    pub jump_true: u8,
    /// How many it skips if not.
    pub jump_false: u8,
    /// The constant, offset or jump distance.
    pub constant: u32,
}

impl Instruction {
    /// An instruction that is not a conditional jump.
    pub const fn new(code: u16, constant: u32) -> Self {
        Self { code, jump_true: 0, jump_false: 0, constant }
    }
}

/// Instruction codes (`linux/bpf_common.h`): those the assembler writes and those the kernel's seccomp also accepts.
pub mod code {
    /// Loads a word of the call into the accumulator.
    pub const LOAD: u16 = 0x20;
    /// Loads the length of the call's record.
    pub const LOAD_LENGTH: u16 = 0x80;
    /// Loads a constant.
    pub const LOAD_CONSTANT: u16 = 0x00;
    /// Loads a scratch word.
    pub const LOAD_SCRATCH: u16 = 0x60;
    /// Loads a constant into the index register.
    pub const INDEX_CONSTANT: u16 = 0x01;
    /// Loads a scratch word into the index register.
    pub const INDEX_SCRATCH: u16 = 0x61;
    /// Loads the length of the call's record into the index register.
    pub const INDEX_LENGTH: u16 = 0x81;
    /// Stores the accumulator in a scratch word.
    pub const STORE: u16 = 0x02;
    /// Stores the index register in a scratch word.
    pub const STORE_INDEX: u16 = 0x03;
    /// Copies the accumulator to the index register.
    pub const TO_INDEX: u16 = 0x07;
    /// Copies the index register to the accumulator.
    pub const FROM_INDEX: u16 = 0x87;
    /// Jumps always, by the constant.
    pub const JUMP: u16 = 0x05;
    /// Jumps if the accumulator equals the operand.
    pub const JUMP_EQUAL: u16 = 0x15;
    /// Jumps if the accumulator is greater, unsigned.
    pub const JUMP_GREATER: u16 = 0x25;
    /// Jumps if the accumulator is greater or equal, unsigned.
    pub const JUMP_AT_LEAST: u16 = 0x35;
    /// Jumps if the accumulator and the operand share a bit.
    pub const JUMP_ANY_BIT: u16 = 0x45;
    /// Ands the accumulator with the operand.
    pub const AND: u16 = 0x54;
    /// Answers the constant.
    pub const RETURN: u16 = 0x06;
    /// Answers the accumulator.
    pub const RETURN_ACCUMULATOR: u16 = 0x16;
    /// Added to a code: the operand is the index register, not the constant.
    pub const BY_INDEX: u16 = 0x08;
    /// The bits that tell the class.
    pub const CLASS: u16 = 0x07;
    /// The class of arithmetic.
    pub const ARITHMETIC: u16 = 0x04;
    /// The class of jumps.
    pub const JUMPS: u16 = 0x05;
}

/// A filter ready to be installed: it owns its instructions, so installing it allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    arch: Arch,
    instructions: Box<[Instruction]>,
}

impl Filter {
    /// The most instructions the kernel takes in one filter (`BPF_MAXINSNS`).
    pub const MAX_LENGTH: usize = 4096;

    /// The caller vouches that there are at most [`MAX_LENGTH`](Self::MAX_LENGTH).
    pub(crate) fn new_unchecked(arch: Arch, instructions: Vec<Instruction>) -> Self {
        Self { arch, instructions: instructions.into_boxed_slice() }
    }

    /// The architecture it is for.
    pub const fn arch(&self) -> Arch {
        self.arch
    }

    /// What is installed, first instruction first.
    pub const fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }
}
