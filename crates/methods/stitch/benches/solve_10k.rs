//! Placing 10,000 tiles: a mosaic of 100 x 100, one link in ten wrong.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/it/link_sim.rs"]
mod link_sim;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hooke_stitch::place::{PlaceParams, place};
use link_sim::LinkSim;

fn solve_10k(c: &mut Criterion) {
    let sim = LinkSim { grid: [1, 100, 100], wrong_share: 0.1, ..LinkSim::default() };
    let (layout, _) = sim.make();
    let mut group = c.benchmark_group("place");
    group.sample_size(10);
    group.bench_function("solve_10k", |b| {
        b.iter_batched(
            || layout.clone(),
            |mut layout| place(&mut layout, &PlaceParams::default()).unwrap(),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, solve_10k);
criterion_main!(benches);
