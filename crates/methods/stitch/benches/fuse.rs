//! Speed of one block of the output where tiles overlap.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hooke_stitch::LayoutRegion;
use hooke_stitch::fuse::{FuseParams, FusePlan, FuseScratch, FuseTile, fuse_block};
use hooke_stitch::tile_pixels::TilesInMemory;
use ndarray::Array3;

const SHAPE: [usize; 3] = [32, 256, 256];

/// Four tiles with 12 % overlap; one block over all of them.
fn fuse(c: &mut Criterion, name: &str, step: f64) {
    let arrays: Vec<Array3<u16>> = (0..4u16)
        .map(|i| Array3::from_shape_fn(SHAPE, |(z, y, x)| (z * 31 + y * 7 + x) as u16 ^ (i << 9)))
        .collect();
    let tiles: Vec<FuseTile> = (0..4)
        .map(|id| {
            let position = [0.0, (id / 2) as f64 * step, (id % 2) as f64 * (step + 1.0)];
            FuseTile { id, position, shape: SHAPE }
        })
        .collect();
    let pixels = TilesInMemory { tiles: arrays.iter().map(|a| a.view()).collect() };
    let plan = FusePlan::new(&tiles, FuseParams::default()).expect("the tiles are sound");
    let block = LayoutRegion::new([0, 100, 100], [32, 256, 256]);
    let mut out = vec![0u16; block.voxels() as usize];
    let mut scratch = FuseScratch::default();
    let mut group = c.benchmark_group("fuse");
    group.throughput(Throughput::Bytes(block.voxels() * 2));
    group.bench_function(name, |b| {
        b.iter(|| fuse_block(&plan, &block, &pixels, &mut scratch, &mut out).expect("in memory"));
    });
    group.finish();
}

fn fuse_integer(c: &mut Criterion) {
    fuse(c, "fuse_integer", 225.0);
}

fn fuse_subpixel(c: &mut Criterion) {
    fuse(c, "fuse_subpixel", 225.37);
}

criterion_group!(benches, fuse_integer, fuse_subpixel);
criterion_main!(benches);
