//! Times fusing on one core against a plain copy in the same run; prints JSON.
//!
//! 3x3 tiles of 64x512x512 uint16 with 12 % overlap and jitter, block by block into one reused
//! buffer, so that the figures are of fusing and not of fresh memory. MB are of output.

use std::sync::OnceLock;
use std::time::Instant;

use hooke_stitch::LayoutRegion;
use hooke_stitch::fuse::{
    Blend, FuseParams, FusePlan, FuseScratch, FuseTile, Interpolation, fuse_block,
};
use hooke_stitch::tile_pixels::TilesInMemory;
use ndarray::Array3;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SHAPE: [usize; 3] = [64, 512, 512];
const BLOCK: [i64; 3] = [64, 256, 256];
const ROUNDS: usize = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let arrays: Vec<Array3<u16>> =
        (0..9).map(|_| Array3::from_shape_simple_fn(SHAPE, || rng.random())).collect();
    let pixels = TilesInMemory { tiles: arrays.iter().map(|a| a.view()).collect() };
    let grid = |i: usize| [0.0, (i / 3) as f64 * 450.0, (i % 3) as f64 * 450.0];
    let mut jitter = |step: f64| -> Vec<[f64; 3]> {
        let mut move_by = |p: f64| p + (rng.random_range(-8.0..8.0f64) / step).round() * step;
        (0..9).map(|i| grid(i).map(&mut move_by)).collect()
    };
    let (integer, fractional) = (jitter(1.0), jitter(0.01));
    let stacked: Vec<[f64; 3]> = (0..9).map(|_| [0.0; 3]).collect();
    let cases = [
        ("linear_integer", &integer, Blend::Linear, Interpolation::Linear),
        ("linear_subpixel", &fractional, Blend::Linear, Interpolation::Linear),
        ("linear_cubic", &fractional, Blend::Linear, Interpolation::Cubic),
        ("cosine_subpixel", &fractional, Blend::Cosine, Interpolation::Linear),
        ("max_integer", &integer, Blend::Max, Interpolation::Linear),
        ("closest_subpixel", &fractional, Blend::Closest, Interpolation::Linear),
        ("linear_integer_9_tiles_everywhere", &stacked, Blend::Linear, Interpolation::Linear),
    ];
    let mut report = serde_json::Map::new();
    report.insert("copy_mb_per_s".into(), copy_speed(&arrays).round().into());
    for (name, positions, blend, interpolation) in cases {
        let params = FuseParams { blend, interpolation, ..FuseParams::default() };
        let speed = fuse_speed(positions, params, &pixels)?;
        report.insert(format!("{name}_mb_per_s"), speed.round().into());
    }
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Copies blocks out of a tile into a reused buffer.
fn copy_speed(arrays: &[Array3<u16>]) -> f64 {
    let mut out = vec![0u16; BLOCK.iter().product::<i64>() as usize];
    let best = best_of(|| {
        let mut bytes = 0;
        for array in arrays {
            for part in array.as_slice().expect("a new array is contiguous").chunks(out.len()) {
                out[..part.len()].copy_from_slice(part);
                std::hint::black_box(&mut out);
                bytes += size_of_val(part);
            }
        }
        Ok(bytes)
    });
    best.expect("copying cannot fail")
}

fn fuse_speed(
    positions: &[[f64; 3]],
    params: FuseParams,
    pixels: &TilesInMemory<'_, u16>,
) -> Result<f64, Box<dyn std::error::Error>> {
    let tiles: Vec<FuseTile> = positions
        .iter()
        .enumerate()
        .map(|(id, position)| FuseTile { id, position: *position, shape: SHAPE })
        .collect();
    let plan = FusePlan::new(&tiles, params)?;
    let (output, mut scratch) = (plan.output(), FuseScratch::default());
    let mut out = vec![0u16; BLOCK.iter().product::<i64>() as usize];
    best_of(|| {
        let mut bytes = 0;
        let steps = |d: usize| (0..output.shape[d]).step_by(BLOCK[d] as usize);
        for z in steps(0) {
            for y in steps(1) {
                for x in steps(2) {
                    let at = [z, y, x];
                    let start = std::array::from_fn(|d| output.start[d] + at[d]);
                    let block = LayoutRegion::new(start, BLOCK);
                    let block = block.intersect(&output).expect("it starts inside");
                    let voxels = block.voxels() as usize;
                    fuse_block(&plan, &block, pixels, &mut scratch, &mut out[..voxels])?;
                    std::hint::black_box(&mut out);
                    bytes += voxels * 2;
                }
            }
        }
        Ok(bytes)
    })
}

/// Seconds this thread has spent on a core, so that a busy machine does not count; where the system
/// does not tell, seconds of the clock.
fn cpu_seconds() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let on_core = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = on_core.and_then(|s| s.split(' ').next()?.parse::<f64>().ok());
    nanoseconds
        .map_or_else(|| START.get_or_init(Instant::now).elapsed().as_secs_f64(), |ns| ns * 1e-9)
}

/// The best MB/s of some rounds.
fn best_of(
    mut round: impl FnMut() -> Result<usize, Box<dyn std::error::Error>>,
) -> Result<f64, Box<dyn std::error::Error>> {
    let mut best = 0.0f64;
    for _ in 0..ROUNDS {
        let start = cpu_seconds();
        let bytes = round()?;
        best = best.max(bytes as f64 / 1e6 / (cpu_seconds() - start));
    }
    Ok(best)
}
