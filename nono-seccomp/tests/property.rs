//! Whatever the rules: the filter assembled from them answers as they do.
//!
//! Random rule sets are assembled and run on random calls, and each verdict is compared with `Program::decide`, which
//! reads the rules directly. `NONO_TEST_CASES` sets how many calls are compared in total (default: 100000).
#![cfg(test)]

use nono_seccomp::{Action, Arch, BuildError, Call, Condition, Operator, Program, Syscall, Width};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

/// How many calls are tried on each rule set.
const CALLS: usize = 100;

/// Numbers and values that meet often: a filter is wrong at the borders of what its rules name.
fn numbers() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..24_u32, 2 => 0..470_u32, 1 => any::<u32>(), 1 => select(&[u32::MAX, 0x3fff_ffff, 0x4000_0000, 0x4000_0002][..])]
}

fn words() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..4_u32, 1 => select(&[0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX][..]), 1 => any::<u32>()]
}

fn values() -> impl Strategy<Value = u64> {
    (words(), words()).prop_map(|(high, low)| u64::from(high) << 32 | u64::from(low))
}

fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (0..3_u16).prop_map(Action::Errno),
        2 => Just(Action::Allow),
        1 => select(&[Action::KillProcess, Action::KillThread, Action::Trap, Action::Notify, Action::Log][..]),
        1 => any::<u16>().prop_map(Action::Trace),
    ]
}

fn operators(values: impl Strategy<Value = u64> + Clone + 'static) -> impl Strategy<Value = Operator> {
    let one = values.clone();
    prop_oneof![
        one.clone().prop_map(Operator::Equal),
        one.clone().prop_map(Operator::NotEqual),
        one.clone().prop_map(Operator::Less),
        one.clone().prop_map(Operator::AtMost),
        one.clone().prop_map(Operator::Greater),
        one.clone().prop_map(Operator::AtLeast),
        (one.clone(), one.clone())
            .prop_map(|(mask, value)| Operator::MaskedEqual { mask: mask | 1, value: value & (mask | 1) }),
        one.clone().prop_map(|mask| Operator::AnyBit(mask | 2)),
        one.prop_map(|mask| Operator::NoBit(mask | 2)),
        vec(values.clone(), 1..12).prop_map(Operator::OneOf),
        vec(values, 1..12).prop_map(Operator::NoneOf),
    ]
}

fn conditions() -> impl Strategy<Value = Condition> {
    let long = operators(values().boxed()).prop_map(|operator| (Width::Long, operator));
    let int = operators(words().prop_map(u64::from).boxed()).prop_map(|operator| (Width::Int, operator));
    (0..6_u8, prop_oneof![long, int])
        .prop_map(|(index, (width, operator))| Condition::new(index, width, operator).unwrap())
}

type Rule = (u32, Option<Vec<Condition>>, Action);

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let rule = || (numbers(), proptest::option::weighted(0.7, vec(conditions(), 0..4)), actions());
    prop_oneof![4 => vec(rule(), 0..12), 1 => vec(rule(), 60..140)]
}

/// Rules that a program refuses (x32 numbers, a second answer) are left out.
fn program(arch: Arch, default: Action, rules: Vec<Rule>) -> Program {
    let mut program = Program::new(arch, default);
    for (number, conditions, action) in rules {
        let syscall = Syscall::from_number(number);
        let taken = match conditions {
            Some(conditions) => program.on_match(syscall, conditions, action),
            None => program.on(syscall, action),
        };
        match taken {
            Ok(_) | Err(BuildError::TwoAnswers { .. } | BuildError::X32Number { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    program
}

/// The same choices as [`words`], drawn from one number: calls are many, and strategies slow.
fn word_of(seed: u64) -> u32 {
    let rest = u32::try_from(seed >> 32).unwrap();
    match seed % 8 {
        0..=4 => rest % 4,
        5 => [0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX][usize::try_from(rest % 4).unwrap()],
        _ => rest,
    }
}

fn number_of(seed: u64) -> u32 {
    let rest = u32::try_from(seed >> 32).unwrap();
    match seed % 8 {
        0..=4 => rest % 24,
        5 => rest % 470,
        6 => [u32::MAX, 0x3fff_ffff, 0x4000_0000, 0x4000_0002][usize::try_from(rest % 4).unwrap()],
        _ => rest,
    }
}

/// A call, and the architecture it comes by if not the program's own.
fn calls() -> impl Strategy<Value = (Option<u32>, Call)> {
    let foreign = prop_oneof![
        12 => Just(None),
        2 => select(&[0x4000_0003, 0x4000_0028, 0xc000_003e, 0xc000_00b7, 0xc000_00f3, 0][..]).prop_map(Some),
        1 => any::<u32>().prop_map(Some),
    ];
    (foreign, any::<[u64; 14]>()).prop_map(|(foreign, seeds)| {
        let [number, instruction_pointer, rest @ ..] = seeds;
        let mut arguments = [0; 6];
        for (argument, seeds) in arguments.iter_mut().zip(rest.chunks(2)) {
            *argument = u64::from(word_of(seeds[0])) << 32 | u64::from(word_of(seeds[1]));
        }
        (foreign, Call { number: number_of(number), arch: 0, instruction_pointer, arguments })
    })
}

fn cases() -> usize {
    std::env::var("NONO_TEST_CASES").ok().map_or(100_000, |count| count.parse().expect("NONO_TEST_CASES is a number"))
}

#[test]
fn a_filter_answers_as_its_rules_do() {
    let sets = cases().div_ceil(CALLS);
    let mut runner =
        TestRunner::new(Config { cases: u32::try_from(sets).unwrap(), failure_persistence: None, ..Config::default() });
    let strategy = (select(&Arch::ALL[..]), actions(), rules(), vec(calls(), CALLS));
    let (mut compared, mut longest) = (0_usize, 0);
    let counted = std::cell::RefCell::new((&mut compared, &mut longest));
    let result = runner.run(&strategy, |(arch, default, rules, calls)| {
        let program = program(arch, default, rules);
        let filter = program.assemble().expect("such sets fit");
        for (foreign, mut call) in calls {
            call.arch = foreign.unwrap_or(arch.audit());
            let run = filter.interpret(&call).expect("the kernel would refuse it");
            prop_assert_eq!(run.action(), program.decide(&call), "{:?}\n{}", call, filter.listing());
            *counted.borrow_mut().0 += 1;
        }
        let mut counted = counted.borrow_mut();
        *counted.1 = filter.instructions().len().max(*counted.1);
        Ok(())
    });
    let disagreements = u8::from(result.is_err());
    println!(
        "figures: filters: {sets} rule sets, {compared} calls compared, {disagreements} disagreements; up to {longest} instructions"
    );
    result.unwrap();
    assert!(compared >= cases(), "only {compared}");
}
