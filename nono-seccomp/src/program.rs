//! Rules in the order they were given, and what they answer to a call.
//!
//! [`Program::decide`] is the meaning of a program, written as plainly as it can be. The assembled [`Filter`] is held
//! against it by a property test, so the clever part (searches, jumps) has something simple to be wrong against.

use crate::{Action, Arch, BuildError, Call, Condition, Errno, Filter, Syscall, assemble};
use std::collections::BTreeMap;

/// A filter to be: per system call an ordered list of rules, of which the first that matches answers.
///
/// Before any rule: another architecture kills the process, an x32 number fails with `ENOSYS`.
///
/// # Examples
/// ```
/// use nono_seccomp::{Action, Arch, Call, Condition, Errno, Operator, Program, Syscall};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let arch = Arch::X86_64;
/// let ioctl = Syscall::named(arch, "ioctl").ok_or("no ioctl")?;
/// let mut program = Program::new(arch, Action::Allow);
/// program.on_match(ioctl, [Condition::int(1, Operator::Equal(0x5412))?], Errno::EPERM.into())?;
/// let filter = program.assemble()?;
/// let call = Call::new(arch, ioctl, [0, 0x1_0000_5412, 0, 0, 0, 0]);
/// assert_eq!(filter.interpret(&call)?.action(), Errno::EPERM.into());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    arch: Arch,
    default: Action,
    calls: BTreeMap<Syscall, Rules>,
}

/// The rules of one system call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Rules {
    pub(crate) matching: Vec<Rule>,
    pub(crate) default: Option<Action>,
}

/// An action for calls whose arguments pass every condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) action: Action,
}

impl Program {
    /// A program for `arch` that answers `default` to every call it has no rule for.
    pub const fn new(arch: Arch, default: Action) -> Self {
        Self { arch, default, calls: BTreeMap::new() }
    }

    /// Answers `action` to `syscall` where no [`on_match`](Self::on_match) rule of it does.
    ///
    /// # Errors
    /// [`BuildError::TwoAnswers`] if another action was given for it before: which of them was meant is unknown, and
    /// guessing would open or break something. [`BuildError::X32Number`], [`BuildError::ErrnoTooLarge`].
    pub fn on(&mut self, syscall: Syscall, action: Action) -> Result<&mut Self, BuildError> {
        let rules = self.rules_of(syscall, action)?;
        match rules.default.replace(action) {
            Some(first) if first != action => {
                rules.default = Some(first);
                Err(BuildError::TwoAnswers { syscall, first, second: action })
            }
            _ => Ok(self),
        }
    }

    /// Answers `action` to `syscall` where all `conditions` hold and no earlier rule of it matched.
    ///
    /// # Errors
    /// [`BuildError::X32Number`], [`BuildError::ErrnoTooLarge`].
    pub fn on_match(
        &mut self,
        syscall: Syscall,
        conditions: impl IntoIterator<Item = Condition>,
        action: Action,
    ) -> Result<&mut Self, BuildError> {
        let rule = Rule { conditions: conditions.into_iter().collect(), action };
        self.rules_of(syscall, action)?.matching.push(rule);
        Ok(self)
    }

    fn rules_of(&mut self, syscall: Syscall, action: Action) -> Result<&mut Rules, BuildError> {
        action.check()?;
        match self.arch.refused_from() {
            Some(first) if syscall.number() >= first => Err(BuildError::X32Number { number: syscall.number() }),
            _ => Ok(self.calls.entry(syscall).or_default()),
        }
    }

    /// What these rules answer to `call`.
    pub fn decide(&self, call: &Call) -> Action {
        if call.arch != self.arch.audit() {
            return Action::KillProcess;
        }
        if self.arch.refused_from().is_some_and(|first| call.number >= first) {
            return Errno::ENOSYS.into();
        }
        let Some(rules) = self.calls.get(&call.syscall()) else { return self.default };
        let matching =
            rules.matching.iter().find(|rule| rule.conditions.iter().all(|test| test.holds(&call.arguments)));
        matching.map(|rule| rule.action).or(rules.default).unwrap_or(self.default)
    }

    /// Assembles the rules into instructions. Allocates: do it before a fork, not after.
    ///
    /// # Errors
    /// [`BuildError::TooLong`] beyond the kernel's limit of 4096 instructions; [`BuildError::ErrnoTooLarge`] if the
    /// program's default has one.
    pub fn assemble(&self) -> Result<Filter, BuildError> {
        self.default.check()?;
        assemble::assemble(self)
    }

    /// The calls there are rules for, by number.
    pub fn syscalls(&self) -> impl Iterator<Item = Syscall> {
        self.calls.keys().copied()
    }

    /// The architecture it is for.
    pub const fn arch(&self) -> Arch {
        self.arch
    }

    /// What calls without a rule get.
    pub const fn default_action(&self) -> Action {
        self.default
    }

    pub(crate) fn calls(&self) -> &BTreeMap<Syscall, Rules> {
        &self.calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operator;

    const CALL: Syscall = Syscall::from_number(7);

    fn equal(value: u64) -> Condition {
        Condition::long(0, Operator::Equal(value)).unwrap()
    }

    #[test]
    fn the_first_rule_that_matches_answers() {
        let mut program = Program::new(Arch::Aarch64, Action::Log);
        program.on(CALL, Action::Trap).unwrap();
        program.on_match(CALL, [equal(1)], Action::Errno(1)).unwrap();
        program.on_match(CALL, [equal(1)], Action::Errno(2)).unwrap();
        program.on_match(CALL, [equal(2)], Action::Errno(3)).unwrap();
        for (argument, expected) in [(1, Action::Errno(1)), (2, Action::Errno(3)), (3, Action::Trap)] {
            let call = Call::new(Arch::Aarch64, CALL, [argument, 0, 0, 0, 0, 0]);
            assert_eq!(program.decide(&call), expected, "argument {argument}");
        }
        let other = Call::new(Arch::Aarch64, Syscall::from_number(8), [0; 6]);
        assert_eq!(program.decide(&other), Action::Log);
    }

    #[test]
    fn a_call_with_rules_only_falls_to_the_programs_default() {
        let mut program = Program::new(Arch::Aarch64, Action::Log);
        program.on_match(CALL, [equal(1)], Action::Errno(1)).unwrap();
        assert_eq!(program.decide(&Call::new(Arch::Aarch64, CALL, [0; 6])), Action::Log);
    }

    #[test]
    fn contradictions_are_refused_and_change_nothing() {
        let mut program = Program::new(Arch::X86_64, Action::Allow);
        program.on(CALL, Action::Errno(1)).unwrap();
        let before = program.clone();
        let clash = BuildError::TwoAnswers { syscall: CALL, first: Action::Errno(1), second: Action::Allow };
        assert_eq!(program.on(CALL, Action::Allow).unwrap_err(), clash);
        assert_eq!(program, before);
        assert!(program.on(CALL, Action::Errno(1)).is_ok(), "saying it twice is no contradiction");
        assert_eq!(program.syscalls().collect::<Vec<_>>(), [CALL]);
    }

    #[test]
    fn rules_for_x32_numbers_are_refused() {
        let number = crate::X32_BIT | 2;
        let x32 = Syscall::from_number(number);
        let mut program = Program::new(Arch::X86_64, Action::Allow);
        assert_eq!(program.on(x32, Action::Allow).unwrap_err(), BuildError::X32Number { number });
        assert_eq!(program.decide(&Call::new(Arch::X86_64, x32, [0; 6])), Errno::ENOSYS.into());
    }
}
