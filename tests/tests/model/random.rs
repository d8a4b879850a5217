//! Cases by the number of a seed: the same number makes the same case on every machine.

use crate::case::{Bare, Between, Call, Case, Close, FLAGS, Kind, Node, On, OnPort, Place, Plain, PortWish, Tie, Wish};
use nono_core::{AccessMode, FsAccess};
use rustix::fs::OFlags;

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap().max(1);
        usize::try_from(self.next() % bound).unwrap()
    }

    /// One time in `times`.
    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Names that sort around `/`, are prefixes of one another, and would trip who takes them for text.
const NAMES: &[&[u8]] =
    &[b"a", b"b", b"c", b"a", b"b", b"ab", b"a-", b"..a", b"n\nl", b" ", b"\\", b"\xff\xfe", "é".as_bytes()];

/// Ports that are drawn: one that is served, and others.
pub(crate) const PORTS: [u16; 5] = [20_053, 20_054, 20_055, 20_056, 53];

/// The calls of a case.
const CALLS: usize = 12;

/// Makes a case of drawn parts.
#[derive(Debug)]
struct Drawing {
    random: Random,
    /// Paths that may lead somewhere.
    known: Vec<Place>,
    directories: Vec<Place>,
}

/// What there may be on this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Means {
    /// Mounts and device nodes.
    pub(crate) root: bool,
    /// The kernel's ABI of Landlock.
    pub(crate) abi: u32,
}

/// The case of this seed.
pub(crate) fn case(seed: u64, means: Means) -> Case {
    let mut drawing =
        Drawing { random: Random(seed), known: vec![Place(Vec::new())], directories: vec![Place(Vec::new())] };
    let nodes = drawing.nodes(means);
    let wishes = drawing.wishes(means);
    let calls = (0..CALLS).map(|_| drawing.call()).collect();
    Case { nodes, wishes, calls }
}

fn below(directory: &Place, name: &[u8]) -> Place {
    let slash: &[u8] = if directory.0.is_empty() { b"" } else { b"/" };
    Place([directory.0.as_slice(), slash, name].concat())
}

impl Drawing {
    fn name(&mut self) -> &'static [u8] {
        self.random.pick::<&[u8]>(NAMES)
    }

    fn name_in_tree(&mut self) -> Place {
        let directory = self.random.pick(&self.directories).clone();
        // No deeper than a link leads up.
        let deep = directory.0.split(|byte| *byte == b'/').count() > 3;
        let name = self.name();
        below(if deep { &self.directories[0] } else { &directory }, name)
    }

    fn nodes(&mut self, means: Means) -> Vec<Node> {
        let count = 3 + self.random.below(10);
        (0..count).map(|_| self.node(means)).collect()
    }

    fn node(&mut self, means: Means) -> Node {
        let at = self.name_in_tree();
        let node = match self.random.below(24) {
            0..8 => Node::Of(Kind::Directory, at.clone()),
            8..13 => Node::Of(Kind::File, at.clone()),
            13 => Node::Of(Kind::Program, at.clone()),
            14 => Node::Of(Kind::Fifo, at.clone()),
            15 => Node::Of(*self.random.pick(&[Kind::Stream, Kind::Datagram]), at.clone()),
            16..20 => Node::Tied(Tie::Symlink, at.clone(), self.target(&at)),
            20 => Node::Tied(Tie::Script, at.clone(), self.random.pick(&self.known.clone()).clone()),
            21 if means.root => {
                let of = self.random.pick(&self.directories).clone();
                let bind = Node::Tied(Tie::Bind, at.clone(), of);
                if self.random.one_in(3) { Node::Of(Kind::Tmpfs, at.clone()) } else { bind }
            }
            _ => Node::Tied(Tie::Hard, at.clone(), self.random.pick(&self.known.clone()).clone()),
        };
        if matches!(node, Node::Of(Kind::Directory | Kind::Tmpfs, _) | Node::Tied(Tie::Bind, ..)) {
            self.directories.push(at.clone());
        }
        self.known.push(at);
        node
    }

    /// Where a link leads: by an absolute path, or by one from where it lies, through `..`.
    fn target(&mut self, at: &Place) -> Place {
        let known = self.random.pick(&self.known).clone();
        let depth = at.0.split(|byte| *byte == b'/').count() - 1;
        match self.random.below(5) {
            0 => Place(NAMES[0].to_vec()),
            1 => Place(b"../".to_vec()),
            2 => Place(b"missing/x".to_vec()),
            _ => Place([b"../".repeat(depth), known.0].concat()),
        }
    }

    fn rights(&mut self) -> FsAccess {
        let of = |mode: AccessMode| FsAccess::from(mode);
        match self.random.below(12) {
            0..3 => of(AccessMode::Read),
            3 => of(AccessMode::Write),
            4..7 => of(AccessMode::ReadWrite),
            7 => FsAccess::all(),
            8 => of(AccessMode::ReadWrite) | FsAccess::RESOLVE_UNIX,
            9 => of(AccessMode::ReadWrite) | FsAccess::IOCTL_DEV,
            _ => FsAccess::from_bits_truncate(u32::try_from(self.random.next() & 0xff_ffff).unwrap()),
        }
    }

    fn wishes(&mut self, means: Means) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for _ in 0..=self.random.below(4) {
            let at = if self.random.one_in(12) { self.elsewhere() } else { self.random.pick(&self.known).clone() };
            wishes.push(Wish::Grant(self.rights(), at));
        }
        if self.random.one_in(2) {
            for _ in 0..=self.random.below(2) {
                let at =
                    if self.random.one_in(4) { self.name_in_tree() } else { self.random.pick(&self.known).clone() };
                let how = if self.random.one_in(6) { Close::Inherited } else { Close::Deny };
                wishes.push(Wish::Close(how, at));
            }
            if self.random.one_in(2) {
                wishes.push(Wish::Plain(Plain::NoNamespaces));
            }
        }
        if self.random.one_in(5) {
            wishes.push(Wish::Plain(Plain::Open));
        } else {
            for _ in 0..self.random.below(3) {
                wishes.push(Wish::Port(*self.random.pick(PortWish::ALL), *self.random.pick(&PORTS)));
            }
            if self.random.one_in(8) {
                wishes.push(Wish::Plain(Plain::Lookups));
            }
        }
        for (one, times) in [(Plain::Signals, 4), (Plain::Abstract, 4), (Plain::KeepMknod, 6)] {
            if self.random.one_in(times) && (one != Plain::KeepMknod || means.root) {
                wishes.push(Wish::Plain(one));
            }
        }
        if self.random.one_in(4) {
            let abis = usize::try_from(means.abi).unwrap();
            wishes.push(Wish::Abi(1 + u32::try_from(self.random.below(abis)).unwrap()));
        }
        wishes
    }

    fn elsewhere(&mut self) -> Place {
        Place(self.random.pick(&[b"@pty".as_slice(), b"/dev/null", b"/dev/zero", b"@far"]).to_vec())
    }

    /// What a call is about: what is there, what is not, by a way through links and `..`.
    fn operand(&mut self) -> Place {
        let known = self.random.pick(&self.known).clone();
        match self.random.below(16) {
            0..9 => known,
            9..12 => below(&known, self.name()),
            12 => Place([known.0.as_slice(), b"/"].concat()),
            13 => below(&below(&known, b".."), self.name()),
            14 => below(&known, b"."),
            _ => self.name_in_tree(),
        }
    }

    fn call(&mut self) -> Call {
        match self.random.below(30) {
            0..10 => Call::Open(self.flags(), self.operand()),
            10..20 => Call::On(self.verb(), self.operand()),
            20 => Call::On(On::Ioctl, Place(b"@pty".to_vec())),
            21 => Call::Open(self.flags(), self.elsewhere()),
            22..27 => Call::Between(*self.random.pick(Between::ALL), self.operand(), self.operand()),
            27 | 28 => Call::OnPort(*self.random.pick(OnPort::ALL), *self.random.pick(&PORTS)),
            _ => Call::Bare(*self.random.pick(Bare::ALL)),
        }
    }

    fn verb(&mut self) -> On {
        *self.random.pick(On::ALL)
    }

    fn flags(&mut self) -> OFlags {
        let mode = OFlags::from_bits_retain(u32::try_from(self.random.below(4)).unwrap());
        let drawn = (0..self.random.below(4)).map(|_| self.random.pick(&FLAGS).1);
        drawn.collect::<Vec<_>>().into_iter().fold(mode, |all, one| all | one)
    }
}
