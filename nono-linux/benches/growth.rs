//! How decisions and plans grow with the number of grants, for `cargo xtask bench rules`: `growth ROUNDS`.
//!
//! Criterion measures one after the other, and what the machine does in between would be in the ratio. Here each round
//! measures all. Prints a line for each: its name, and the nanoseconds of one in every round.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

#[expect(unreachable_pub, reason = "a module of one program")]
#[path = "../../nono-core/benches/support/grants.rs"]
mod grants;

use nono_core::{Accepted, CapabilitySet, OpenFlags, Request, decide};
use nono_linux::{Kernel, plan};
use std::hint::black_box;
use std::time::Instant;

const COUNTS: [u32; 2] = [1_000, 10_000];
/// Decisions measured in one go: one is too short for a clock.
const DECISIONS: u32 = 1_000;
/// The newest ABI that plans are made for: it handles the most.
const ABI: u32 = 9;

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(10);
    let cases = COUNTS.map(|count| {
        let set = grants::set(usize::try_from(count).unwrap_or_default());
        (count, requests(&set, count), set)
    });
    let (kernel, accepted) = (Kernel::with_abi(ABI), Accepted::default());
    let mut lines = ["decide", "plan"].map(|what| COUNTS.map(|count| format!("{what}-{count}"))).concat();
    // The first round finds cold caches.
    for round in 0..=rounds {
        let decisions = cases.iter().map(|(_, requests, set)| {
            let all = nanoseconds(|| requests.iter().filter(|one| decide(black_box(set), one).is_allowed()).count());
            all / f64::from(DECISIONS)
        });
        let plans = cases.iter().map(|(_, _, set)| nanoseconds(|| plan(black_box(set), &kernel, &accepted)));
        for (line, took) in lines.iter_mut().zip(decisions.chain(plans)).filter(|_| round > 0) {
            line.push_str(&[" ".to_owned(), format!("{took:.1}")].concat());
        }
    }
    println!("{}", lines.join("\n"));
}

/// Files all over what is granted; every other one beside it.
fn requests(set: &CapabilitySet, count: u32) -> Vec<Request> {
    let request = |number: u32| {
        let (at, place) = (number * (count / DECISIONS), if number.is_multiple_of(2) { "work" } else { "elsewhere" });
        Request::open(format!("/home/user/{place}/{}/{}/src/main.rs", at / 100, at % 100), OpenFlags::READ)
    };
    let all: Vec<Request> = (0..DECISIONS).map(request).collect();
    let allowed = all.iter().filter(|one| decide(set, one).is_allowed()).count();
    assert_eq!(allowed, all.len() / 2, "half of them are granted");
    all
}

fn nanoseconds<T>(work: impl FnOnce() -> T) -> f64 {
    let started = Instant::now();
    let result = black_box(work());
    let took = started.elapsed();
    drop(result);
    took.as_secs_f64() * 1e9
}
