//! A program drawn from the bytes: assembled and interpreted, it answers each call as its rules do, read one after the other.
#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use nono_seccomp::{Action, Arch, BuildError, Call, Condition, Operator, Program, Syscall, Width};

/// Values at the borders of what a filter compares: words, halves, signs.
const BORDERS: [u64; 8] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, (1 << 32) | 1, u64::MAX];

fuzz_target!(|bytes: &[u8]| check(bytes).unwrap_or_default());

/// An error is the end of the bytes.
fn check(bytes: &[u8]) -> Result<()> {
    let mut from = Unstructured::new(bytes);
    let arch = *from.choose(&Arch::ALL)?;
    let mut program = Program::new(arch, action(&mut from)?);
    for _ in 0..from.int_in_range(0..=40)? {
        let (syscall, action) = (Syscall::from_number(number(&mut from)?), action(&mut from)?);
        let taken = if from.ratio(3, 4)? {
            let mut conditions = Vec::new();
            for _ in 0..from.int_in_range(0..=3)? {
                // What cannot be meant is refused, and no rule then.
                conditions.extend(condition(&mut from)?);
            }
            program.on_match(syscall, conditions, action)
        } else {
            program.on(syscall, action)
        };
        match taken {
            Ok(_) | Err(BuildError::TwoAnswers { .. } | BuildError::X32Number { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let filter = program.assemble().expect("so few rules fit");
    for _ in 0..8 {
        let mut arguments = [0; 6];
        for argument in &mut arguments {
            *argument = value(&mut from)?;
        }
        let audit = if from.ratio(7, 8)? { arch.audit() } else { from.arbitrary()? };
        let call = Call { number: number(&mut from)?, arch: audit, instruction_pointer: value(&mut from)?, arguments };
        let run = filter.interpret(&call).expect("the kernel would refuse it");
        assert_eq!(run.action(), program.decide(&call), "{call:?}\n{}", filter.listing());
    }
    Ok(())
}

fn action(from: &mut Unstructured<'_>) -> Result<Action> {
    Ok(match from.int_in_range(0..=9)? {
        0..4 => Action::Errno(from.int_in_range(0..=3)?),
        4 => Action::Allow,
        5 => Action::KillProcess,
        6 => Action::KillThread,
        7 => Action::Notify,
        8 => Action::Log,
        _ => Action::Trace(from.arbitrary()?),
    })
}

/// Of a call: mostly one that many rules are about.
fn number(from: &mut Unstructured<'_>) -> Result<u32> {
    Ok(match from.int_in_range(0..=7)? {
        0..5 => from.int_in_range(0..=7)?,
        5 => from.int_in_range(0..=470)?,
        6 => *from.choose(&[u32::MAX, 0x3fff_ffff, 0x4000_0000, 0x4000_0002])?,
        _ => from.arbitrary()?,
    })
}

fn value(from: &mut Unstructured<'_>) -> Result<u64> {
    Ok(if from.ratio(3, 4)? { *from.choose(&BORDERS)? } else { from.arbitrary()? })
}

fn condition(from: &mut Unstructured<'_>) -> Result<Option<Condition>> {
    let (width, value) = (*from.choose(&[Width::Int, Width::Long])?, value(from)?);
    let set =
        |from: &mut Unstructured<'_>| (0..from.int_in_range(1..=9)?).map(|_| self::value(from)).collect::<Result<_>>();
    let operator = match from.int_in_range(0..=10)? {
        0 => Operator::Equal(value),
        1 => Operator::NotEqual(value),
        2 => Operator::Less(value),
        3 => Operator::AtMost(value),
        4 => Operator::Greater(value),
        5 => Operator::AtLeast(value),
        6 => Operator::MaskedEqual { mask: value, value: value & self::value(from)? },
        7 => Operator::AnyBit(value),
        8 => Operator::NoBit(value),
        9 => Operator::OneOf(set(from)?),
        _ => Operator::NoneOf(set(from)?),
    };
    Ok(Condition::new(from.int_in_range(0..=6)?, width, operator).ok())
}
