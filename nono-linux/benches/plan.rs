//! What compiling costs: a plan by the number of grants, at most linear, and the filter of system calls.
#![expect(missing_docs, reason = "what the macro of the benches makes has none")]

#[expect(unreachable_pub, reason = "a module of one program")]
#[path = "../../nono-core/benches/support/grants.rs"]
mod grants;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use grants::set;
use nono_core::{Accepted, Builder, Port};
use nono_linux::{Kernel, plan};
use nono_seccomp::Arch;
use std::hint::black_box;

/// The newest ABI that the plans are made for: it handles the most.
const ABI: u32 = 9;

fn plans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    let (kernel, accepted) = (Kernel::with_abi(ABI), Accepted::default());
    for count in [1_000, 10_000] {
        let set = set(count);
        assert!(plan(&set, &kernel, &accepted).is_ok_and(|plan| plan.paths.len() == count));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| plan(black_box(&set), &kernel, &accepted));
        });
    }
}

/// Rules and instructions, with TCP ports that the filter tells apart.
fn filter(criterion: &mut Criterion) {
    let set = Builder::from(set(1)).allow_tcp_connect(Port::DNS).build().unwrap_or_default();
    let Ok(plan) = plan(&set, &Kernel::with_abi(ABI), &Accepted::default()) else { return };
    criterion.bench_function("filter", |bencher| {
        bencher.iter(|| plan.filter.program(black_box(Arch::X86_64)).and_then(|program| program.assemble()));
    });
}

criterion_group!(benches, plans, filter);
criterion_main!(benches);
