//! Runs instructions on a call, as the kernel would.
//!
//! This is the oracle of the assembler's tests, so it shares nothing with it but the instruction codes. It knows all
//! that the kernel's `seccomp_check_filter` accepts, not only what the assembler writes.

use crate::instruction::{Instruction, code};
use crate::syscall::offset;
use crate::{Action, Call, Filter};

/// How many scratch words a filter has (`BPF_MEMWORDS`).
const SCRATCH_WORDS: usize = 16;

/// What came of running a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The value the filter returned.
    pub returned: u32,
    /// How many instructions were executed, the return included.
    pub executed: usize,
    /// Whether it loaded more of the call than architecture and number. If not, the kernel can cache the answer.
    pub read_arguments: bool,
}

impl Run {
    /// What the kernel does about the returned value.
    pub const fn action(&self) -> Action {
        Action::from_return(self.returned)
    }
}

/// Why instructions cannot be run: the kernel would refuse to install them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A jump led out of the program, or its end was reached.
    #[error("the program has no instruction {at}")]
    OutOfProgram {
        /// The instruction that is not there.
        at: usize,
    },
    /// An instruction that seccomp does not have.
    #[error("seccomp has no instruction {code:#06x}, at {at}")]
    UnknownInstruction {
        /// Where it is.
        at: usize,
        /// Its code.
        code: u16,
    },
    /// A load from outside the call, or at an offset that is no multiple of 4.
    #[error("a call has no word at offset {offset}, loaded at {at}")]
    NoSuchWord {
        /// Where it is loaded.
        at: usize,
        /// The offset.
        offset: u32,
    },
}

impl Filter {
    /// Runs the filter on `call`, without the kernel.
    ///
    /// # Errors
    /// [`Fault`], which for a filter from [`Program::assemble`](crate::Program::assemble) would be a bug.
    pub fn interpret(&self, call: &Call) -> Result<Run, Fault> {
        interpret(self.instructions(), call)
    }
}

/// Runs `program` on `call`, from its first instruction to a return.
///
/// # Errors
/// [`Fault`] where the run meets something the kernel would not have installed.
pub fn interpret(program: &[Instruction], call: &Call) -> Result<Run, Fault> {
    let mut machine = Machine::default();
    let mut at = 0_usize;
    let mut executed = 0_usize;
    loop {
        let instruction = program.get(at).ok_or(Fault::OutOfProgram { at })?;
        executed = executed.saturating_add(1);
        let step = machine.step(*instruction, call).map_err(|failure| failure.fault(at, *instruction))?;
        match step {
            Step::Skip(count) => at = at.saturating_add(count).saturating_add(1),
            Step::Return(returned) => return Ok(Run { returned, executed, read_arguments: machine.read_arguments }),
        }
    }
}

#[derive(Debug, Default)]
struct Machine {
    accumulator: u32,
    index: u32,
    scratch: [u32; SCRATCH_WORDS],
    read_arguments: bool,
}

enum Step {
    /// Go on after skipping so many instructions; each of them counts forward, so a run ends.
    Skip(usize),
    Return(u32),
}

enum Failure {
    Unknown,
    NoWord,
}

impl Failure {
    fn fault(&self, at: usize, instruction: Instruction) -> Fault {
        match self {
            Self::Unknown => Fault::UnknownInstruction { at, code: instruction.code },
            Self::NoWord => Fault::NoSuchWord { at, offset: instruction.constant },
        }
    }
}

impl Machine {
    fn step(&mut self, instruction: Instruction, call: &Call) -> Result<Step, Failure> {
        let constant = instruction.constant;
        match instruction.code {
            code::LOAD => {
                self.accumulator = call.word(constant).ok_or(Failure::NoWord)?;
                self.read_arguments |= constant > offset::ARCH;
            }
            code::LOAD_LENGTH => self.accumulator = offset::END,
            code::LOAD_CONSTANT => self.accumulator = constant,
            code::LOAD_SCRATCH => self.accumulator = *self.scratch(constant)?,
            code::INDEX_CONSTANT => self.index = constant,
            code::INDEX_SCRATCH => self.index = *self.scratch(constant)?,
            code::INDEX_LENGTH => self.index = offset::END,
            code::STORE => *self.scratch(constant)? = self.accumulator,
            code::STORE_INDEX => *self.scratch(constant)? = self.index,
            code::TO_INDEX => self.index = self.accumulator,
            code::FROM_INDEX => self.accumulator = self.index,
            code::RETURN => return Ok(Step::Return(constant)),
            code::RETURN_ACCUMULATOR => return Ok(Step::Return(self.accumulator)),
            code::JUMP => return usize::try_from(constant).map(Step::Skip).map_err(|_too_far| Failure::Unknown),
            other if other & code::CLASS == code::JUMPS => return self.jump(instruction),
            other if other & code::CLASS == code::ARITHMETIC => return self.arithmetic(instruction),
            _ => return Err(Failure::Unknown),
        }
        Ok(Step::Skip(0))
    }

    fn scratch(&mut self, word: u32) -> Result<&mut u32, Failure> {
        let word = usize::try_from(word).unwrap_or(usize::MAX);
        self.scratch.get_mut(word).ok_or(Failure::Unknown)
    }

    fn operand(&self, instruction: Instruction) -> u32 {
        if instruction.code & code::BY_INDEX == 0 { instruction.constant } else { self.index }
    }

    fn jump(&self, instruction: Instruction) -> Result<Step, Failure> {
        let (value, operand) = (self.accumulator, self.operand(instruction));
        let holds = match instruction.code & !code::BY_INDEX {
            code::JUMP_EQUAL => value == operand,
            code::JUMP_GREATER => value > operand,
            code::JUMP_AT_LEAST => value >= operand,
            code::JUMP_ANY_BIT => value & operand != 0,
            _ => return Err(Failure::Unknown),
        };
        Ok(Step::Skip(usize::from(if holds { instruction.jump_true } else { instruction.jump_false })))
    }

    fn arithmetic(&mut self, instruction: Instruction) -> Result<Step, Failure> {
        let (value, operand) = (self.accumulator, self.operand(instruction));
        self.accumulator = match instruction.code & !code::BY_INDEX {
            0x04 => value.wrapping_add(operand),
            0x14 => value.wrapping_sub(operand),
            0x24 => value.wrapping_mul(operand),
            // The kernel refuses a constant 0 divisor; by a register it ends the program with 0.
            0x34 => match value.checked_div(operand) {
                Some(quotient) => quotient,
                None if instruction.code & code::BY_INDEX == 0 => return Err(Failure::Unknown),
                None => return Ok(Step::Return(0)),
            },
            0x44 => value | operand,
            code::AND => value & operand,
            0x64 => value.wrapping_shl(operand),
            0x74 => value.wrapping_shr(operand),
            0x84 if instruction.code & code::BY_INDEX == 0 => value.wrapping_neg(),
            0xa4 => value ^ operand,
            _ => return Err(Failure::Unknown),
        };
        Ok(Step::Skip(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(program: &[(u16, u8, u8, u32)]) -> Result<u32, Fault> {
        let program: Vec<_> = program
            .iter()
            .map(|&(code, jump_true, jump_false, constant)| Instruction { code, jump_true, jump_false, constant })
            .collect();
        let call = Call { number: 39, arch: 5, instruction_pointer: 0, arguments: [0x1_0000_0002, 0, 0, 0, 0, 0] };
        interpret(&program, &call).map(|run| run.returned)
    }

    #[test]
    fn loads_and_returns() {
        assert_eq!(run(&[(0x20, 0, 0, 0), (0x16, 0, 0, 0)]), Ok(39), "the number");
        assert_eq!(run(&[(0x20, 0, 0, 20), (0x16, 0, 0, 0)]), Ok(1), "the high half of argument 0");
        assert_eq!(run(&[(0x80, 0, 0, 0), (0x16, 0, 0, 0)]), Ok(64), "the length");
    }

    #[test]
    fn scratch_words_and_the_index_register() {
        let store =
            [(0x00, 0, 0, 6), (0x02, 0, 0, 3), (0x61, 0, 0, 3), (0x00, 0, 0, 7), (0x2c, 0, 0, 0), (0x16, 0, 0, 0)];
        assert_eq!(run(&store), Ok(42), "7 times the 6 that went by scratch word 3");
        assert_eq!(run(&[(0x02, 0, 0, 16)]), Err(Fault::UnknownInstruction { at: 0, code: 2 }));
    }

    #[test]
    fn jumps_skip_forward() {
        let program = [(0x00, 0, 0, 5), (0x25, 1, 0, 5), (0x35, 1, 0, 5), (0x06, 0, 0, 1), (0x06, 0, 0, 2)];
        assert_eq!(run(&program), Ok(2), "5 is not greater than 5, but at least 5");
        assert_eq!(run(&[(0x05, 0, 0, 7)]), Err(Fault::OutOfProgram { at: 8 }));
    }

    #[test]
    fn what_the_kernel_refuses_is_a_fault() {
        assert_eq!(run(&[(0x20, 0, 0, 2)]), Err(Fault::NoSuchWord { at: 0, offset: 2 }));
        assert_eq!(run(&[(0x28, 0, 0, 0)]), Err(Fault::UnknownInstruction { at: 0, code: 0x28 }), "a half-word load");
        assert_eq!(run(&[(0x34, 0, 0, 0)]), Err(Fault::UnknownInstruction { at: 0, code: 0x34 }), "division by zero");
        assert_eq!(run(&[]), Err(Fault::OutOfProgram { at: 0 }));
    }
}
