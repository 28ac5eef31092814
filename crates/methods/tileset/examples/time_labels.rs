//! Times counting, relabelling, pasting, centroids and percentiles by processor time of one thread, beside a copy.
//!
//! Prints one JSON line per case: `{"name": .., "cpu_ms": .., "mvox_per_s": ..}`, the least of
//! several repetitions, so that other work on the machine hardly shows.

use std::hint::black_box;

use hooke_core::TilesInMemory;
use hooke_tileset::Placement;
use hooke_tileset::centroids::centroids;
use hooke_tileset::dedup::{JointHistogram, LabelCounts};
use hooke_tileset::paste::{Paste, PasteParams, PasteScratch};
use hooke_tileset::percentile::percentiles;
use hooke_tileset::relabel::LabelMap;
use hooke_tileset::sim::{LabelSim, LabelSimParams};
use ndarray::Array3;

type Failure = Box<dyn std::error::Error>;

/// Processor time of all threads of this process in ms.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 * 1e-6
}

fn case(
    name: &str,
    voxels: usize,
    mut work: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut least = f64::MAX;
    for _ in 0..30 {
        let before = cpu_ms();
        work()?;
        least = least.min(cpu_ms() - before);
    }
    let speed = voxels as f64 / least * 1e-3;
    println!("{{\"name\": \"{name}\", \"cpu_ms\": {least:.3}, \"mvox_per_s\": {speed:.0}}}");
    Ok(())
}

/// Two views of one sample; runs of about 6 voxels where it is dense.
fn labels(objects: usize) -> Result<(Vec<u32>, Vec<u32>), Failure> {
    let sim = LabelSim::new(LabelSimParams {
        grid: [1, 1, 2],
        tile: [32, 256, 272],
        overlap: [0, 0, 256],
        objects,
        border_jitter: 1.0,
        ..LabelSimParams::default()
    })?;
    let shared = |tile: usize, from: usize| {
        let labels = sim.tile(tile);
        labels.slice(ndarray::s![.., .., from..from + 256]).iter().map(|l| *l as u32).collect()
    };
    Ok((shared(0, 16), shared(1, 0)))
}

fn main() -> Result<(), Failure> {
    for (kind, objects) in [("dense", 2500), ("sparse", 300)] {
        let (a, b) = labels(objects)?;
        let n = a.len();
        let share = a.iter().filter(|l| **l > 0).count() as f64 / n as f64;
        println!("{{\"name\": \"{kind}\", \"labelled\": {share:.3}}}");
        case(&format!("joint_histogram {kind}"), n, || {
            let mut joint = JointHistogram::default();
            joint.add([0, 1], &a, &b)?;
            black_box(joint);
            Ok(())
        })?;
        case(&format!("label_counts {kind}"), n, || {
            let mut counts = LabelCounts::default();
            counts.add(0, &a)?;
            black_box(counts);
            Ok(())
        })?;
        let largest = u64::from(a.iter().copied().max().unwrap_or(0));
        let pairs = (1..=largest).map(|l| (l, 3 * l));
        let table = LabelMap::<u32>::from_pairs(0, pairs.clone())?;
        let hashed = LabelMap::<u32>::from_pairs(0, pairs.chain([(1 << 40, 1)]))?;
        let mut out = vec![0u32; n];
        case("copy", n, || {
            black_box(&mut out).copy_from_slice(black_box(&a));
            Ok(())
        })?;
        case(&format!("relabel {kind}"), n, || Ok(table.apply(&a, &mut out)?))?;
        let tiles = [&a, &b].map(|l| {
            let image = l.iter().map(|l| *l as u16).collect();
            Array3::<u16>::from_shape_vec((32, 256, 256), image)
        });
        let [left, right] = tiles;
        let (left, right) = (left?, right?);
        let memory = TilesInMemory { tiles: vec![left.view(), right.view()] };
        let starts = [[0, 0, 0], [0, 0, 192]];
        let placement = Placement::from_starts(&starts, &[[32, 256, 256]; 2])?;
        let paste = Paste::new(&placement, &PasteParams::default())?;
        let (mosaic, mut scratch) = (placement.mosaic(), PasteScratch::default());
        let mut volume = vec![0u16; mosaic.voxels() as usize];
        case(&format!("paste uint16 {kind}"), volume.len(), || {
            Ok(paste.fill(&mosaic, &memory, &mut scratch, &mut volume)?)
        })?;
        case(&format!("centroids {kind}"), volume.len(), || {
            black_box(centroids(&placement, &memory, &PasteParams::default())?);
            Ok(())
        })?;
        case(&format!("relabel by hash {kind}"), n, || Ok(hashed.apply(&a, &mut out)?))?;
    }
    let n = 1 << 21;
    let spread = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as u16;
    let values: Vec<u16> = (0..n as u64).map(spread).collect();
    let floats: Vec<f32> = values.iter().map(|v| f32::from(*v) * 0.37).collect();
    case("percentile u16", n, || {
        black_box(percentiles(&[&values], &[1.0, 99.0])?);
        Ok(())
    })?;
    case("percentile f32", n, || {
        black_box(percentiles(&[&floats], &[1.0, 99.0])?);
        Ok(())
    })
}
