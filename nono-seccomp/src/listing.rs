//! Writes instructions for people: one a line, jumps with their target, numbers with the call's name.
//!
//! Which word a comparison is about follows from the last load on the way to it. Jumps only go forward, so one pass
//! knows it; where ways meet with different words in the accumulator the comparison is written without a name.

use crate::instruction::{Filter, Instruction, code};
use crate::syscall::offset;
use crate::{Action, Arch, Syscall};
use std::fmt;

/// A filter's listing; made by [`Filter::listing`], read by printing it.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'f>(&'f Filter);

impl Filter {
    /// The filter as text, for people.
    pub const fn listing(&self) -> Listing<'_> {
        Listing(self)
    }
}

/// What the accumulator holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Word(u32),
    Something,
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instructions = self.0.instructions();
        let held = held(instructions);
        for (at, (instruction, holds)) in instructions.iter().zip(held).enumerate() {
            write!(f, "{at:4}  ")?;
            line(f, at, *instruction, holds, self.0.arch())?;
            writeln!(f)?;
        }
        Ok(())
    }
}

/// What the accumulator holds before each instruction.
fn held(instructions: &[Instruction]) -> Vec<Option<Holds>> {
    let mut before = vec![None; instructions.len()];
    for (at, instruction) in instructions.iter().enumerate() {
        let after = match instruction.code {
            code::LOAD => Some(Holds::Word(instruction.constant)),
            other if other & code::CLASS == code::JUMPS => before.get(at).copied().flatten(),
            _ => Some(Holds::Something),
        };
        for target in targets(at, *instruction).into_iter().flatten() {
            if let Some(slot) = before.get_mut(target) {
                *slot = if slot.is_none() || *slot == after { after } else { Some(Holds::Something) };
            }
        }
    }
    before
}

fn targets(at: usize, instruction: Instruction) -> [Option<usize>; 2] {
    let skip = |count: usize| Some(at.saturating_add(1).saturating_add(count));
    match instruction.code {
        code::RETURN | code::RETURN_ACCUMULATOR => [None, None],
        code::JUMP => [usize::try_from(instruction.constant).ok().and_then(skip), None],
        other if other & code::CLASS == code::JUMPS => {
            [skip(usize::from(instruction.jump_true)), skip(usize::from(instruction.jump_false))]
        }
        _ => [skip(0), None],
    }
}

fn line(f: &mut fmt::Formatter<'_>, at: usize, is: Instruction, holds: Option<Holds>, arch: Arch) -> fmt::Result {
    let constant = is.constant;
    let [first, second] = targets(at, is).map(Option::unwrap_or_default);
    let sign = match is.code {
        code::LOAD => return write!(f, "load {}", Word(constant)),
        code::AND => return write!(f, "and {constant:#x}"),
        code::RETURN => return write!(f, "{}", Action::from_return(constant)),
        code::JUMP => return write!(f, "go to {first}"),
        code::JUMP_EQUAL => "=",
        code::JUMP_GREATER => ">",
        code::JUMP_AT_LEAST => ">=",
        code::JUMP_ANY_BIT => "has a bit of",
        other => return write!(f, "instruction {other:#06x} {constant:#x}"),
    };
    match holds {
        Some(Holds::Word(word)) => write!(f, "if {} {sign} ", Word(word))?,
        _ => write!(f, "if it {sign} ")?,
    }
    match holds {
        Some(Holds::Word(offset::NUMBER)) => match Syscall::from_number(constant).name(arch) {
            Some(name) => write!(f, "{constant} ({name})")?,
            None => write!(f, "{constant:#x}")?,
        },
        Some(Holds::Word(offset::ARCH)) => match Arch::from_audit(constant) {
            Some(arch) => write!(f, "{arch}")?,
            None => write!(f, "{constant:#x}")?,
        },
        _ => write!(f, "{constant:#x}")?,
    }
    write!(f, " go to {first}, else {second}")
}

/// The word of a call at an offset, as people name it.
struct Word(u32);

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = |offset: u32| if offset.is_multiple_of(8) { "low" } else { "high" };
        match self.0 {
            offset::NUMBER => f.write_str("number"),
            offset::ARCH => f.write_str("architecture"),
            at @ (offset::POINTER_LOW | offset::POINTER_HIGH) => write!(f, "instruction pointer ({})", half(at)),
            at => match at.checked_sub(offset::ARGUMENTS).and_then(|words| words.checked_div(8)) {
                Some(index) => write!(f, "argument {index} ({})", half(at)),
                None => write!(f, "offset {at}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Condition, Errno, Operator, Program};

    #[test]
    fn a_listing_names_calls_arguments_and_answers() {
        let arch = Arch::X86_64;
        let ioctl = Syscall::named(arch, "ioctl").unwrap();
        let mut program = Program::new(arch, Action::Allow);
        let tiocsti = Condition::int(1, Operator::Equal(0x5412)).unwrap();
        program.on_match(ioctl, [tiocsti], Errno::EPERM.into()).unwrap();
        let listing = program.assemble().unwrap().listing().to_string();
        let expected = "   0  load architecture
   1  if architecture = x86_64 go to 3, else 2
   2  kill the process
   3  load number
   4  if number >= 0x40000000 go to 5, else 6
   5  fail with ENOSYS
   6  if number = 16 (ioctl) go to 7, else 10
   7  load argument 1 (low)
   8  if argument 1 (low) = 0x5412 go to 9, else 10
   9  fail with EPERM
  10  allow
";
        assert_eq!(listing, expected, "is\n{listing}");
    }
}
