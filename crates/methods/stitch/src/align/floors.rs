//! Floors of a pair that stand for the same brightness in both tiles.

use hooke_filters::order::quantile;

use super::blocks::{FIRST_BLOCKS, rank_blocks};
use super::coarse::CoarsePair;
use super::geometry::{PairGeometry, Span};
use super::source::Voxels;
use crate::tile_pixels::TileError;

/// Quantiles by which the brightness of the overlap is compared, evenly spaced from the first to
/// one minus the first: neither dead voxels nor a bright artefact of one tile count.
const QUANTILES: usize = 9;
const FIRST: f64 = 0.04;
/// Values of one block that are looked at, about.
const SAMPLE: usize = 1024;

/// The floors that `pre` and `post` are stabilised above.
///
/// The square root above different floors bends the same specimen differently, which no gain and
/// offset could make up for. With `a = g b + o` in the overlap, floors that obey it too leave
/// `sqrt(a - floor) = sqrt(g) sqrt(b - floor)`. Gain and offset follow from the quantiles of the
/// overlap's brightest blocks; both floors are at most the tiles' own.
///
/// # Errors
/// When a tile cannot be read.
pub(crate) fn matching_floors(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    coarse: &CoarsePair,
    displacement: [f64; 3],
) -> Result<[f32; 2], TileError> {
    let own = sides.map(|s| s.floor());
    let (first, last) = (geometry.first(), geometry.last());
    let displacement: [i64; 3] =
        std::array::from_fn(|d| (displacement[d].round() as i64).clamp(first[d], last[d]));
    let mut samples = [Vec::new(), Vec::new()];
    let mut raw = Vec::new();
    for block in rank_blocks(geometry, coarse, displacement).iter().take(FIRST_BLOCKS) {
        // One plane of the block is enough.
        let middle = i64::midpoint(block.start[0], block.end[0]);
        let mut plane = *block;
        (plane.start[0], plane.end[0]) = (middle, middle + 1);
        for (side, span) in [plane.moved(displacement), plane].iter().enumerate() {
            let inside = span.intersect(&Span { start: [0; 3], end: sides[side].shape() });
            if inside.is_empty() {
                continue;
            }
            sides[side].read(&inside, &mut raw)?;
            let step = raw.len().div_ceil(SAMPLE);
            samples[side].extend(raw.iter().copied().step_by(step).filter(|v| v.is_finite()));
        }
    }
    Ok(match (brightness(&mut samples[0]), brightness(&mut samples[1])) {
        (Some(a), Some(b)) => {
            let gain = a.spread / b.spread;
            // The lower of both floors, in terms of `post`.
            let floor = own[1].min((own[0] - a.mean) / gain + b.mean);
            [gain * (floor - b.mean) + a.mean, floor]
        }
        _ => own,
    })
}

/// Mean and spread of the middle of a distribution.
struct Brightness {
    mean: f32,
    spread: f32,
}

/// `None` where all values are alike, or there are none.
fn brightness(values: &mut [f32]) -> Option<Brightness> {
    let step = (1.0 - 2.0 * FIRST) / (QUANTILES - 1) as f64;
    let quantiles: Option<Vec<f32>> =
        (0..QUANTILES).map(|i| quantile(values, FIRST + i as f64 * step)).collect();
    let quantiles = quantiles?;
    let mean = quantiles.iter().sum::<f32>() / QUANTILES as f32;
    let spread = quantiles.iter().map(|q| (q - mean).powi(2)).sum::<f32>().sqrt();
    (spread > 0.0).then_some(Brightness { mean, spread })
}
