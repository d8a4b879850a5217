//! What reading a profile costs: a thousand entries, in TOML and in the JSON of nono 0.11.
#![expect(missing_docs, reason = "what the macro of the benches makes has none")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nono_cli::hostile::{Language, read_profile};
use std::hint::black_box;
use std::path::Path;

const ENTRIES: usize = 1_000;

fn bench(criterion: &mut Criterion) {
    let paths: Vec<String> = (0..ENTRIES).map(|number| format!("\"/home/user/work/{number}\"")).collect();
    let list = format!("[\n{}\n]", paths.join(",\n"));
    let (toml, json) = (format!("[filesystem]\nread = {list}\n"), format!("{{\"filesystem\": {{\"read\": {list}}}}}"));
    let mut group = criterion.benchmark_group("profile");
    for (language, text, name) in [(Language::Toml, toml, "toml"), (Language::Json011, json, "json")] {
        let read = || read_profile(black_box(&text), language, Path::new("p"));
        let grants = read().ok().and_then(|profile| Some(profile.get("grants")?.as_array()?.len()));
        assert_eq!(grants, Some(ENTRIES));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| bencher.iter(read));
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
