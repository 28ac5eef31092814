//! Times the joint histogram of two channels of 16 bits, and what is computed from it.
//!
//! Prints one JSON line per step; `cargo run --release --example time_costes -- [Mvoxel]`.

use std::time::Instant;

use hooke_blobs::pixel_stats::{PairAccumulator, Sampling, Threshold};
use hooke_core::Dtype;
use hooke_core::seed::rng_at;
use rand::RngExt;

type Failure = Box<dyn std::error::Error>;

/// Voxels made at once, and then taken in again and again with another offset.
const BLOCK: usize = 1 << 22;

fn timed<T>(name: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<(T, f64), Failure> {
    let start = Instant::now();
    let value = work()?;
    let wall = start.elapsed().as_secs_f64();
    println!("{{\"name\": \"{name}\", \"wall_s\": {wall:.3}}}");
    Ok((value, wall))
}

/// Dim noise, and a fifth of bright voxels that both channels share; `spread` scales all.
fn channels(spread: f64) -> (Vec<u16>, Vec<u16>) {
    let mut rng = rng_at(1, "time costes", &[]);
    let voxel = |_| {
        let noise = |rng: &mut rand_chacha::ChaCha8Rng| {
            (0..4).map(|_| rng.random::<f64>()).sum::<f64>() * 40.0
        };
        let common =
            if rng.random::<f64>() < 0.2 { 3000.0 * rng.random::<f64>().powi(3) } else { 0.0 };
        let a = 200.0 + common + noise(&mut rng);
        let b = 100.0 + 0.5 * common + noise(&mut rng);
        ((a * spread) as u16, (b * spread) as u16)
    };
    (0..BLOCK).map(voxel).unzip()
}

fn main() -> Result<(), Failure> {
    let mvoxel = std::env::args().nth(1).map_or(Ok(128), |n| n.parse::<usize>())?;
    let blocks = (mvoxel << 20).div_ceil(BLOCK);
    for (name, spread) in [("12 bits", 1.0), ("16 bits", 12.0)] {
        let (a, b) = channels(spread);
        let (pairs, histogram) = timed(&format!("{name}: joint histogram"), || {
            let mut pairs = PairAccumulator::new([Dtype::Uint16; 2], Sampling::default())?;
            for _ in 0..blocks {
                pairs.add(&a, &b, None)?;
            }
            Ok(pairs)
        })?;
        let (joint, sorted) = timed(&format!("{name}: sorted"), || Ok(pairs.joint()))?;
        let (costes, scan) = timed(&format!("{name}: costes"), || Ok(joint.costes()))?;
        let (_, _) =
            timed(&format!("{name}: all statistics"), || Ok(joint.stats(&Threshold::Costes)?))?;
        println!(
            "{{\"name\": \"{name}\", \"n\": {}, \"cells\": {}, \"costes\": {costes:?}, \
             \"costes_over_histogram\": {:.3}}}",
            joint.n(),
            joint.n_cells(),
            (histogram + sorted + scan) / histogram
        );
    }
    Ok(())
}
