//! Turns a program into instructions: in which order, by which searches, over which jumps.
//!
//! A conditional jump reaches 255 instructions forward and classic BPF has no jump back, so code is emitted last
//! instruction first: when a jump is emitted its targets already have their places. A target out of reach gets a
//! stepping stone (a jump that goes on to it, or for a verdict a copy of it). Equal code is emitted once.
//!
//! Numbers are searched, not walked: the numbers fall into ranges with one fate each, and half of the ranges are
//! excluded by each comparison. The order of a program is: architecture, x32, number, arguments. So a call whose fate
//! depends on its number alone loads nothing else, which is what the kernel's cache of allowed calls asks for.

use crate::condition::{Condition, Operator, Width};
use crate::instruction::{Filter, Instruction, code};
use crate::program::{Program, Rule};
use crate::syscall::{high, low, offset};
use crate::{Action, BuildError, Errno};
use std::collections::{BTreeMap, BTreeSet};

/// How far a conditional jump reaches.
const REACH: usize = u8::MAX as usize;

/// An emitted instruction, counted from the end of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node(usize);

/// From this number on, up to the next range, calls go to this node.
type Range = (u32, Node);

pub(crate) fn assemble(program: &Program) -> Result<Filter, BuildError> {
    let mut emitter = Emitter::default();
    let default = emitter.verdict(program.default_action());
    let mut numbers = Ranges::new(default);
    for (syscall, rules) in program.calls() {
        let fate = emitter.rules(&rules.matching, rules.default.unwrap_or(program.default_action()));
        numbers.add(syscall.number(), fate);
    }
    let mut next = emitter.search(&numbers.ranges);
    if let Some(first) = program.arch().refused_from() {
        let refused = emitter.verdict(Errno::ENOSYS.into());
        next = emitter.branch(code::JUMP_AT_LEAST, first, refused, next);
    }
    next = emitter.load(offset::NUMBER, next);
    let foreign = emitter.verdict(Action::KillProcess);
    next = emitter.branch(code::JUMP_EQUAL, program.arch().audit(), next, foreign);
    emitter.load(offset::ARCH, next);
    emitter.finish(program)
}

/// Ranges under construction: numbers are added in rising order, what lies between them goes `outside`.
struct Ranges {
    outside: Node,
    ranges: Vec<Range>,
}

impl Ranges {
    fn new(outside: Node) -> Self {
        Self { outside, ranges: vec![(0, outside)] }
    }

    /// Sends one number to `node`; it joins its neighbours where they go there too.
    fn add(&mut self, number: u32, node: Node) {
        self.begin(number, node);
        if let Some(next) = number.checked_add(1) {
            self.begin(next, self.outside);
        }
    }

    fn begin(&mut self, start: u32, node: Node) {
        self.ranges.pop_if(|(last, _)| *last == start);
        if self.ranges.last().is_none_or(|(_, before)| *before != node) {
            self.ranges.push((start, node));
        }
    }
}

/// The program so far, last instruction first.
#[derive(Debug, Default)]
struct Emitter {
    reversed: Vec<Instruction>,
    /// Code that was emitted, by what it does: instruction, then both successors.
    known: BTreeMap<(u16, u32, Node, Node), Node>,
    /// The latest stepping stone to a node.
    stones: BTreeMap<Node, Node>,
}

impl Emitter {
    fn emit(&mut self, instruction: Instruction) -> Node {
        self.reversed.push(instruction);
        Node(self.reversed.len().saturating_sub(1))
    }

    /// How many instructions the next one would have to skip to get to `node`.
    fn distance(&self, node: Node) -> usize {
        self.reversed.len().saturating_sub(node.0).saturating_sub(1)
    }

    /// `node`, or a stepping stone to it, at most `limit` instructions away.
    fn within(&mut self, node: Node, limit: usize) -> Node {
        let nearest = self.stones.get(&node).copied().unwrap_or(node);
        if self.distance(nearest) <= limit {
            return nearest;
        }
        let stone = match self.reversed.get(node.0) {
            Some(verdict) if verdict.code == code::RETURN => *verdict,
            _ => Instruction::new(code::JUMP, u32::try_from(self.distance(node)).unwrap_or(u32::MAX)),
        };
        let stone = self.emit(stone);
        self.stones.insert(node, stone);
        stone
    }

    fn verdict(&mut self, action: Action) -> Node {
        let value = action.to_return();
        // Successors do not matter to it: any constant pair makes equal verdicts equal.
        let key = (code::RETURN, value, Node(0), Node(0));
        if let Some(node) = self.known.get(&key) {
            return *node;
        }
        let node = self.emit(Instruction::new(code::RETURN, value));
        self.known.insert(key, node);
        node
    }

    /// An instruction after which the program goes on at `next`.
    fn then(&mut self, code: u16, constant: u32, next: Node) -> Node {
        let key = (code, constant, next, next);
        if let Some(node) = self.known.get(&key) {
            return *node;
        }
        self.within(next, 0);
        let node = self.emit(Instruction::new(code, constant));
        self.known.insert(key, node);
        node
    }

    fn load(&mut self, offset: u32, next: Node) -> Node {
        self.then(code::LOAD, offset, next)
    }

    fn branch(&mut self, code: u16, constant: u32, holds: Node, fails: Node) -> Node {
        if holds == fails {
            return holds;
        }
        let key = (code, constant, holds, fails);
        if let Some(node) = self.known.get(&key) {
            return *node;
        }
        let node = self.place(code, constant, holds, fails);
        self.known.insert(key, node);
        node
    }

    /// A branch that no other part of the program has: it is not looked for.
    fn place(&mut self, code: u16, constant: u32, holds: Node, fails: Node) -> Node {
        // A stone for the second target pushes the first one away by one.
        let near_holds = self.within(holds, REACH.saturating_sub(1));
        let near_fails = self.within(fails, REACH);
        self.emit(Instruction { code, jump_true: self.short(near_holds), jump_false: self.short(near_fails), constant })
    }

    #[expect(clippy::expect_used, reason = "`branch` has just placed the node within REACH, which is u8::MAX")]
    fn short(&self, node: Node) -> u8 {
        u8::try_from(self.distance(node)).expect("a target was placed within reach")
    }

    /// Finds the range the accumulator falls into. `ranges` begins at 0 and neighbours differ.
    fn search(&mut self, ranges: &[Range]) -> Node {
        match *ranges {
            [] => self.verdict(Action::KillProcess),
            [(_, node)] => node,
            [(_, before), (only, node), (next, after)] if before == after && only.checked_add(1) == Some(next) => {
                self.place(code::JUMP_EQUAL, only, node, before)
            }
            _ => {
                let (lower, upper) = ranges.split_at(ranges.len().div_ceil(2));
                let middle = upper.first().map_or(u32::MAX, |(start, _)| *start);
                let upper = self.search(upper);
                let lower = self.search(lower);
                self.place(code::JUMP_AT_LEAST, middle, upper, lower)
            }
        }
    }

    fn rules(&mut self, rules: &[Rule], default: Action) -> Node {
        let mut next = self.verdict(default);
        for rule in rules.iter().rev() {
            let mut pass = self.verdict(rule.action);
            for condition in rule.conditions.iter().rev() {
                pass = self.condition(condition, pass, next);
            }
            next = pass;
        }
        next
    }

    fn condition(&mut self, condition: &Condition, pass: Node, fail: Node) -> Node {
        if pass == fail {
            return pass;
        }
        let at = offset::ARGUMENTS.saturating_add(u32::from(condition.index()).saturating_mul(8));
        let test = Test { at, width: condition.width(), pass, fail };
        match condition.operator() {
            Operator::Equal(value) => test.equal(self, *value),
            Operator::NotEqual(value) => test.negated().equal(self, *value),
            Operator::Greater(value) => test.above(self, code::JUMP_GREATER, *value),
            Operator::AtMost(value) => test.negated().above(self, code::JUMP_GREATER, *value),
            Operator::AtLeast(value) => test.above(self, code::JUMP_AT_LEAST, *value),
            Operator::Less(value) => test.negated().above(self, code::JUMP_AT_LEAST, *value),
            Operator::MaskedEqual { mask, value } => test.masked(self, *mask, *value),
            Operator::AnyBit(mask) => test.any_bit(self, *mask),
            Operator::NoBit(mask) => test.negated().any_bit(self, *mask),
            Operator::OneOf(set) => test.one_of(self, set),
            Operator::NoneOf(set) => test.negated().one_of(self, set),
        }
    }

    fn finish(mut self, program: &Program) -> Result<Filter, BuildError> {
        let length = self.reversed.len();
        if length > Filter::MAX_LENGTH {
            return Err(BuildError::TooLong { length });
        }
        self.reversed.reverse();
        Ok(Filter::new_unchecked(program.arch(), self.reversed))
    }
}

/// Where an argument is (low word first), how much of it counts, and where the two outcomes go.
struct Test {
    at: u32,
    width: Width,
    pass: Node,
    fail: Node,
}

impl Test {
    /// The test that passes where this one fails.
    fn negated(self) -> Self {
        Self { pass: self.fail, fail: self.pass, ..self }
    }

    /// Goes on at `next` with the low word in the accumulator.
    fn low(&self, emitter: &mut Emitter, next: Node) -> Node {
        emitter.load(self.at, next)
    }

    /// Goes on at `next` with the high word in the accumulator.
    fn high(&self, emitter: &mut Emitter, next: Node) -> Node {
        emitter.load(self.at.saturating_add(4), next)
    }

    fn equal(&self, emitter: &mut Emitter, value: u64) -> Node {
        let node = emitter.branch(code::JUMP_EQUAL, low(value), self.pass, self.fail);
        let node = self.low(emitter, node);
        match self.width {
            Width::Int => node,
            Width::Long => {
                let node = emitter.branch(code::JUMP_EQUAL, high(value), node, self.fail);
                self.high(emitter, node)
            }
        }
    }

    /// `code` compares the low words: greater, or greater or equal.
    fn above(&self, emitter: &mut Emitter, code: u16, value: u64) -> Node {
        let node = emitter.branch(code, low(value), self.pass, self.fail);
        let node = self.low(emitter, node);
        match self.width {
            Width::Int => node,
            Width::Long => {
                let node = emitter.branch(code::JUMP_EQUAL, high(value), node, self.fail);
                let node = emitter.branch(code::JUMP_GREATER, high(value), self.pass, node);
                self.high(emitter, node)
            }
        }
    }

    fn masked(&self, emitter: &mut Emitter, mask: u64, value: u64) -> Node {
        let mut node = self.pass;
        if low(mask) != 0 {
            node = emitter.branch(code::JUMP_EQUAL, low(value), node, self.fail);
            node = emitter.then(code::AND, low(mask), node);
            node = self.low(emitter, node);
        }
        // An int's mask has no high half: `Condition::new`.
        if high(mask) != 0 {
            node = emitter.branch(code::JUMP_EQUAL, high(value), node, self.fail);
            node = emitter.then(code::AND, high(mask), node);
            node = self.high(emitter, node);
        }
        node
    }

    fn any_bit(&self, emitter: &mut Emitter, mask: u64) -> Node {
        let mut node = self.fail;
        if low(mask) != 0 {
            node = emitter.branch(code::JUMP_ANY_BIT, low(mask), self.pass, node);
            node = self.low(emitter, node);
        }
        if high(mask) != 0 {
            node = emitter.branch(code::JUMP_ANY_BIT, high(mask), self.pass, node);
            node = self.high(emitter, node);
        }
        node
    }

    fn one_of(&self, emitter: &mut Emitter, set: &[u64]) -> Node {
        let mut lows: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for value in set {
            lows.entry(high(*value)).or_default().insert(low(*value));
        }
        let mut highs = Ranges::new(self.fail);
        let mut node = self.fail;
        for (high, lows) in lows {
            let mut values = Ranges::new(self.fail);
            for low in lows {
                values.add(low, self.pass);
            }
            node = emitter.search(&values.ranges);
            node = self.low(emitter, node);
            highs.add(high, node);
        }
        match self.width {
            Width::Int => node,
            Width::Long => {
                let node = emitter.search(&highs.ranges);
                self.high(emitter, node)
            }
        }
    }
}

#[cfg(test)]
mod tests;
