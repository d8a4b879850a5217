use super::*;
use crate::{Arch, Call, Syscall};

const CALL: Syscall = Syscall::from_number(100);

fn outcome(condition: &Condition, argument: u64) -> (bool, bool) {
    let mut program = Program::new(Arch::X86_64, Action::Allow);
    program.on_match(CALL, [condition.clone()], Action::Errno(1)).unwrap();
    let arguments = [argument; 6];
    let run = program.assemble().unwrap().interpret(&Call::new(Arch::X86_64, CALL, arguments)).unwrap();
    (run.action() == Action::Errno(1), condition.holds(&arguments))
}

/// Values that lie at, beside, above and below a boundary, in either half alone and in both.
const POINTS: [u64; 17] = [
    0,
    1,
    2,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    0x1_0000_0002,
    0x1_7fff_ffff,
    0x2_0000_0001,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_0000_0000,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
];

fn operators(value: u64) -> Vec<Operator> {
    vec![
        Operator::Equal(value),
        Operator::NotEqual(value),
        Operator::Less(value),
        Operator::AtMost(value),
        Operator::Greater(value),
        Operator::AtLeast(value),
        Operator::MaskedEqual { mask: value, value },
        Operator::MaskedEqual { mask: value, value: value & 0xffff },
        Operator::MaskedEqual { mask: value, value: 0 },
        Operator::AnyBit(value),
        Operator::NoBit(value),
        Operator::OneOf(vec![value]),
        Operator::NoneOf(vec![value, value ^ 1]),
        Operator::OneOf(vec![value, value ^ (1 << 31), value.saturating_add(2), value.saturating_sub(2)]),
    ]
}

#[test]
fn every_operator_at_every_width_at_the_boundaries() {
    let mut compared = 0;
    for width in [Width::Int, Width::Long] {
        for operator in POINTS.into_iter().flat_map(operators) {
            // What is left out here are the masks of 0 and the values too wide for an int.
            let Ok(condition) = Condition::new(3, width, operator) else { continue };
            for argument in POINTS {
                let (assembled, meant) = outcome(&condition, argument);
                assert_eq!(assembled, meant, "{condition:?} of {argument:#x}");
                compared += 1;
            }
        }
    }
    assert!(compared > 5000, "only {compared}");
}

#[test]
fn an_unaffected_call_costs_about_log2_comparisons() {
    let mut program = Program::new(Arch::X86_64, Action::Allow);
    for number in 0..128 {
        program.on(Syscall::from_number(number * 3), Action::Errno(u16::try_from(number).unwrap())).unwrap();
    }
    let filter = program.assemble().unwrap();
    let worst = (0..600).map(|number| run(&filter, number).executed).max().unwrap();
    // Architecture (2), number (1), x32 (1), a search of 257 ranges (at most 9), the verdict (1).
    assert!(worst <= 14, "{worst} instructions");
}

fn run(filter: &Filter, number: u32) -> crate::Run {
    filter.interpret(&Call::new(filter.arch(), Syscall::from_number(number), [u64::MAX; 6])).unwrap()
}

#[test]
fn contiguous_numbers_of_one_fate_are_one_range() {
    let mut program = Program::new(Arch::X86_64, Action::Allow);
    for number in 100..150 {
        program.on(Syscall::from_number(number), Action::Errno(1)).unwrap();
    }
    let filter = program.assemble().unwrap();
    assert_eq!(filter.instructions().len(), 10, "{}", filter.listing());
    for (number, action) in
        [(99, Action::Allow), (100, Action::Errno(1)), (149, Action::Errno(1)), (150, Action::Allow)]
    {
        assert_eq!(run(&filter, number).action(), action, "{number}");
    }
}

#[test]
fn numbers_at_the_ends_of_the_range() {
    let mut program = Program::new(Arch::Aarch64, Action::Allow);
    for number in [0, 1, u32::MAX - 1, u32::MAX] {
        program.on(Syscall::from_number(number), Action::Trap).unwrap();
    }
    let filter = program.assemble().unwrap();
    for (number, action) in
        [(0, Action::Trap), (2, Action::Allow), (u32::MAX - 2, Action::Allow), (u32::MAX, Action::Trap)]
    {
        assert_eq!(run(&filter, number).action(), action, "{number}");
    }
}

#[test]
fn a_fate_by_number_alone_reads_no_argument() {
    let mut program = Program::new(Arch::X86_64, Action::Allow);
    let equal = Condition::int(0, Operator::Equal(1)).unwrap();
    program.on_match(CALL, [equal.clone()], Action::Errno(1)).unwrap();
    let moot = Syscall::from_number(101);
    program.on_match(moot, [equal], Action::Allow).unwrap();
    let filter = program.assemble().unwrap();
    for number in (0..600).filter(|number| *number != CALL.number()) {
        assert!(!run(&filter, number).read_arguments, "{number}, also where a condition changes nothing");
    }
    assert!(run(&filter, CALL.number()).read_arguments);
}

#[test]
fn a_long_program_jumps_by_stepping_stones() {
    let mut program = Program::new(Arch::X86_64, Action::Allow);
    for number in 0..110 {
        for rule in 0..3_u16 {
            let value = u64::from(number) << 32 | u64::from(rule);
            let conditions = [
                Condition::long(0, Operator::Equal(value)).unwrap(),
                Condition::long(1, Operator::Greater(value)).unwrap(),
            ];
            let action = Action::Errno(rule * 200 + u16::try_from(number).unwrap());
            program.on_match(Syscall::from_number(number * 2), conditions, action).unwrap();
        }
    }
    let filter = program.assemble().unwrap();
    let length = filter.instructions().len();
    assert!((3000..=4096).contains(&length), "{length} instructions");
    let instructions = filter.instructions();
    let stones: Vec<_> = (0..length).filter(|at| instructions[*at].code == code::JUMP).collect();
    assert!(!stones.is_empty(), "no stepping stone");
    for at in stones {
        let target = at + 1 + instructions[at].constant as usize;
        assert_ne!(instructions[target].code, code::RETURN, "a copy of the verdict would have been nearer");
    }
    for number in 0..230 {
        for value in [0, 1, 3, 4, u64::from(number / 2) << 32 | 3] {
            let call = Call::new(Arch::X86_64, Syscall::from_number(number), [value, value + 1, 0, 0, 0, 0]);
            assert_eq!(filter.interpret(&call).unwrap().action(), program.decide(&call), "{call:?}");
        }
    }
}

#[test]
fn more_than_the_kernel_takes_is_an_error() {
    let mut program = Program::new(Arch::X86_64, Action::Allow);
    let set = (0..5000).map(|value| value * 2).collect();
    program.on_match(CALL, [Condition::int(0, Operator::OneOf(set)).unwrap()], Action::Trap).unwrap();
    let Err(BuildError::TooLong { length }) = program.assemble() else { panic!("assembled") };
    assert!(length > Filter::MAX_LENGTH, "{length}");
}

#[test]
fn the_longest_program_is_what_the_kernel_takes() {
    let program = Program::new(Arch::X86_64, Action::Allow);
    let of_length = |length: usize| {
        let mut emitter = Emitter::default();
        for _ in 0..length {
            emitter.emit(Instruction::new(code::RETURN, 0));
        }
        emitter.finish(&program)
    };
    assert_eq!(of_length(Filter::MAX_LENGTH).map(|filter| filter.instructions().len()), Ok(Filter::MAX_LENGTH));
    let length = Filter::MAX_LENGTH + 1;
    assert_eq!(of_length(length), Err(BuildError::TooLong { length }));
}

#[test]
fn a_search_of_nothing_kills() {
    let mut emitter = Emitter::default();
    let Node(node) = emitter.search(&[]);
    assert_eq!(emitter.reversed[node], Instruction::new(code::RETURN, Action::KillProcess.to_return()));
}

#[test]
fn equal_verdicts_are_emitted_once_within_reach() {
    let mut program = Program::new(Arch::X86_64, Action::Allow);
    for number in [10, 20, 30] {
        let condition = Condition::int(0, Operator::Equal(7)).unwrap();
        program.on_match(Syscall::from_number(number), [condition], Action::Errno(1)).unwrap();
    }
    let filter = program.assemble().unwrap();
    let verdicts = filter.instructions().iter().filter(|instruction| instruction.code == code::RETURN).count();
    assert_eq!(verdicts, 4, "allow, EPERM, ENOSYS, kill:\n{}", filter.listing());
}
