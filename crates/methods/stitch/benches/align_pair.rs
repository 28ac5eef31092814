//! Speed of one pair: two tiles of 32 x 256 x 256, 40 voxels of overlap.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hooke_stitch::align::{AlignParams, Correction, align_pair, prepare};
use hooke_stitch::pairs::pair_tasks;
use hooke_stitch::sim::{TileKind, TileSim, TileSimParams};
use hooke_stitch::tile_pixels::TilesInMemory;
use ndarray::Array3;

fn one_pair(c: &mut Criterion) {
    let shape = [32, 256, 256];
    let mut group = c.benchmark_group("align_pair");
    for (name, kind) in [("subpixel", TileKind::Subpixel), ("hard", TileKind::Hard)] {
        let sim = TileSim::new(TileSimParams {
            kind,
            grid: [1, 1, 2],
            tile: shape,
            overlap: [0, 0, 40],
            jitter: [4.0, 8.0, 8.0],
            seed: 1,
        })
        .expect("the set is sound");
        let tiles: Vec<Array3<f32>> = (0..2)
            .map(|i| {
                let values = sim.tile(i).into_iter().map(f32::from).collect();
                Array3::from_shape_vec(shape, values).expect("a tile has its shape's voxels")
            })
            .collect();
        let pixels = TilesInMemory { tiles: tiles.iter().map(|t| t.view()).collect() };
        let layout = sim.layout();
        let params = AlignParams { max_shift: [[-20, 20]; 3], ..Default::default() };
        let correction = Correction::default();
        let statistics =
            prepare(&layout, &pixels, &params, &correction, &()).expect("the tiles are in memory");
        let task = pair_tasks(&layout, &params).expect("positions are finite")[0];
        group.throughput(Throughput::Elements(2 * 32 * 256 * 60));
        group.bench_function(name, |b| {
            b.iter(|| align_pair(&layout, &task, &pixels, &params, &correction, &statistics));
        });
    }
    group.finish();
}

criterion_group!(benches, one_pair);
criterion_main!(benches);
