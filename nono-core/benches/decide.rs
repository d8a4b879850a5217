//! What a decision costs, by how much is granted: at most logarithmic, for it is made on every open that is asked about.
#![expect(missing_docs, reason = "what the macro of the benches makes has none")]

#[expect(unreachable_pub, reason = "a module of one program")]
#[path = "support/grants.rs"]
mod grants;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use grants::set;
use nono_core::{OpenFlags, Request, decide};
use std::hint::black_box;

/// Requests asked in turn.
const REQUESTS: usize = 64;

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    for count in [10, 1_000, 10_000] {
        let set = set(count);
        let request = |number: usize| {
            // Every other one is not granted.
            let (at, place) = (number * count / REQUESTS, if number.is_multiple_of(2) { "work" } else { "elsewhere" });
            Request::open(format!("/home/user/{place}/{}/{}/src/main.rs", at / 100, at % 100), OpenFlags::READ)
        };
        let requests: Vec<Request> = (0..REQUESTS).map(request).collect();
        let allowed = requests.iter().filter(|one| decide(&set, one).is_allowed()).count();
        assert_eq!(allowed, REQUESTS / 2);
        let mut next = requests.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| next.next().map(|request| decide(black_box(&set), request)));
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
