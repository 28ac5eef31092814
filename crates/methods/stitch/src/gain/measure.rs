//! Means of small blocks of an overlap, seen by both tiles.

use super::regression::{Line, fit_line};
use super::{GainError, GainParams, PairGain};
use crate::fuse::FuseTile;
use crate::region::LayoutRegion;
use crate::tile_pixels::TilePixels;

/// Measures how two tiles relate where they overlap.
///
/// Compares the means of up to `params.blocks` blocks, spread evenly over the overlap: a mean is
/// blind to noise and to fractions of a voxel (positions are rounded here). A robust line through
/// them, with errors in both tiles, gives gain and offset. NaN and infinite samples are left out;
/// a block less than half full is not used.
///
/// # Arguments
/// * `pre`, `post` — the tiles at their final positions.
/// * `pixels` — read block by block, at most `params.block`^3 voxels of each tile at once.
///
/// # Returns
/// `None` when the tiles do not overlap or fewer than `params.min_blocks` blocks can be compared.
///
/// # Errors
/// [`GainError::Parameter`], and [`GainError::Tile`] from reading.
pub fn measure_pair(
    pre: &FuseTile,
    post: &FuseTile,
    pixels: &dyn TilePixels<f32>,
    params: &GainParams,
) -> Result<Option<PairGain>, GainError> {
    params.validate()?;
    let Some(overlap) = cover(pre).intersect(&cover(post)) else { return Ok(None) };
    let mut buffer = Vec::new();
    let mut means = Vec::new();
    for block in sample_blocks(&overlap, params) {
        let mut mean_of = |tile: &FuseTile| -> Result<Option<f64>, GainError> {
            let local = block.to_local(cover(tile).start);
            let (start, shape) = (local.start.map(|v| v as usize), local.shape.map(|v| v as usize));
            pixels.read(tile.id, start, shape, &mut buffer)?;
            Ok(mean(&buffer))
        };
        if let (Some(a), Some(b)) = (mean_of(pre)?, mean_of(post)?) {
            means.push((a, b));
        }
    }
    if means.len() < params.min_blocks {
        return Ok(None);
    }
    let Line { slope, slope_log_sd, x_mean, y_mean, mean_sd } = fit_line(&means);
    Ok(Some(PairGain {
        pre: pre.id,
        post: post.id,
        gain: slope,
        offset: y_mean - slope * x_mean,
        log_gain_sd: slope_log_sd,
        pre_mean: x_mean,
        post_mean: y_mean,
        mean_sd,
        blocks: means.len(),
    }))
}

/// The voxels of a tile at its rounded position.
fn cover(tile: &FuseTile) -> LayoutRegion {
    let start = tile.position.map(|p| p.round_ties_even() as i64);
    LayoutRegion::new(start, tile.shape.map(|s| s as i64))
}

/// Blocks on an even lattice over the overlap, in C order.
fn sample_blocks(overlap: &LayoutRegion, params: &GainParams) -> Vec<LayoutRegion> {
    // At least four blocks across a thin overlap, but no block of a single noisy voxel.
    let edge = overlap.shape.map(|len| (len / 4).max(len.min(4)).min(params.block as i64).max(1));
    let mut count: [i64; 3] = std::array::from_fn(|d| overlap.shape[d] / edge[d]);
    while count.iter().product::<i64>() > params.blocks as i64 {
        let most = (0..3).max_by_key(|d| (count[*d], *d)).expect("there are three axes");
        count[most] -= 1;
    }
    let at = |d: usize, i: i64| {
        let room = overlap.shape[d] - edge[d];
        overlap.start[d] + if count[d] > 1 { room * i / (count[d] - 1) } else { room / 2 }
    };
    let mut blocks = Vec::new();
    for z in 0..count[0] {
        for y in 0..count[1] {
            for x in 0..count[2] {
                blocks.push(LayoutRegion::new([at(0, z), at(1, y), at(2, x)], edge));
            }
        }
    }
    blocks
}

/// Mean of the finite samples; `None` when they are fewer than half.
fn mean(samples: &[f32]) -> Option<f64> {
    let finite = samples.iter().filter(|v| v.is_finite());
    let (count, sum) = finite.fold((0usize, 0.0), |(n, s), v| (n + 1, s + f64::from(*v)));
    (count > 0 && 2 * count >= samples.len()).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_spread_to_the_corners_and_are_not_too_many() {
        for (shape, most) in
            [([64, 60, 512], 512), ([1, 30, 256], 512), ([1, 1, 3], 512), ([9, 9, 9], 5)]
        {
            let overlap = LayoutRegion::new([-5, 0, 100], shape);
            let params = GainParams { blocks: most, ..GainParams::default() };
            let blocks = sample_blocks(&overlap, &params);
            assert!(!blocks.is_empty() && blocks.len() <= most);
            assert!(blocks.iter().all(|b| b.intersect(&overlap) == Some(*b)));
            if most > 100 {
                assert_eq!(blocks[0].start, overlap.start);
                assert_eq!(blocks[blocks.len() - 1].end(), overlap.end());
            }
        }
    }

    #[test]
    fn masked_samples_do_not_enter_a_mean() {
        assert_eq!(mean(&[1.0, f32::NAN, 3.0, f32::INFINITY]), Some(2.0));
        assert_eq!(mean(&[1.0, f32::NAN, f32::NAN]), None);
        assert_eq!(mean(&[]), None);
    }
}
