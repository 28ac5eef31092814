//! Speed of the joint histogram, of relabelling beside a copy, and of percentiles.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hooke_tileset::dedup::{JointHistogram, LabelCounts};
use hooke_tileset::percentile::percentiles;
use hooke_tileset::relabel::LabelMap;
use hooke_tileset::sim::{LabelSim, LabelSimParams};

/// Two views of one sample, about 6 voxels per run, in one buffer each.
fn labels() -> (Vec<u32>, Vec<u32>) {
    let params = LabelSimParams {
        grid: [1, 1, 2],
        tile: [32, 256, 272],
        overlap: [0, 0, 256],
        objects: 2500,
        border_jitter: 1.0,
        ..LabelSimParams::default()
    };
    let sim = LabelSim::new(params).expect("sound parameters");
    let shared = |tile: usize, from: usize| {
        let labels = sim.tile(tile);
        let part = labels.slice(ndarray::s![.., .., from..from + 256]);
        part.iter().map(|l| *l as u32).collect()
    };
    (shared(0, 16), shared(1, 0))
}

fn count(c: &mut Criterion) {
    let (a, b) = labels();
    let mut group = c.benchmark_group("count");
    group.throughput(Throughput::Elements(a.len() as u64));
    group.bench_function("joint_histogram", |bench| {
        bench.iter(|| {
            let mut joint = JointHistogram::default();
            joint.add([0, 1], &a, &b).expect("labels");
            joint
        });
    });
    group.bench_function("label_counts", |bench| {
        bench.iter(|| {
            let mut counts = LabelCounts::default();
            counts.add(0, &a).expect("labels");
            counts
        });
    });
    group.finish();
}

fn relabel(c: &mut Criterion) {
    let (a, _) = labels();
    let largest = u64::from(a.iter().copied().max().unwrap_or(0));
    let dense = LabelMap::<u32>::from_pairs(0, (1..=largest).map(|l| (l, 3 * l)));
    let far = (1..=largest).map(|l| (l, 3 * l)).chain([(1 << 40, 1)]);
    let sparse = LabelMap::<u32>::from_pairs(0, far);
    let mut out = vec![0u32; a.len()];
    let mut group = c.benchmark_group("relabel");
    group.throughput(Throughput::Bytes(4 * a.len() as u64));
    group.bench_function("copy", |bench| bench.iter(|| out.copy_from_slice(&a)));
    for (name, map) in [("dense", dense), ("sparse", sparse)] {
        let map = map.expect("the ids fit");
        group.bench_function(name, |bench| bench.iter(|| map.apply(&a, &mut out)));
    }
    group.finish();
}

fn percentile(c: &mut Criterion) {
    let n = 1 << 21;
    let values: Vec<u16> =
        (0..n as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as u16).collect();
    let floats: Vec<f32> = values.iter().map(|v| f32::from(*v) * 0.37).collect();
    let mut group = c.benchmark_group("percentile");
    group.throughput(Throughput::Elements(n as u64));
    group.bench_function("u16", |b| b.iter(|| percentiles(&[&values], &[1.0, 99.0])));
    group.bench_function("f32", |b| b.iter(|| percentiles(&[&floats], &[1.0, 99.0])));
    group.finish();
}

criterion_group!(benches, count, relabel, percentile);
criterion_main!(benches);
