//! Means of small blocks of an overlap, as both tiles see them.

use super::regression::{Line, fit_line};
use super::{GainError, GainParams, PairGain};
use crate::fuse::{FuseParams, FusePlan, FuseScratch, FuseTile, fuse_block};
use crate::region::LayoutRegion;
use crate::tile_pixels::TilePixels;

/// Measures how two tiles relate where they overlap.
///
/// Compares the means (of the middle 80 %) of up to `params.blocks` blocks, spread evenly over the
/// overlap, `post` interpolated linearly to the voxels of `pre`. A robust line through them, with
/// errors in both tiles, gives gain and offset. NaN and infinite samples are left out; a block less
/// than half full is not used.
///
/// # Arguments
/// * `pre`, `post` — the tiles at their final positions.
/// * `pixels` — read block by block, at most `(params.block + 1)`^3 voxels at once.
///
/// # Returns
/// `None` when the tiles do not overlap or fewer than `params.min_blocks` blocks can be compared.
///
/// # Errors
/// [`GainError::Parameter`], and [`GainError::Fuse`] for a tile that cannot be or cannot be read.
pub fn measure_pair(
    pre: &FuseTile,
    post: &FuseTile,
    pixels: &dyn TilePixels<f32>,
    params: &GainParams,
) -> Result<Option<PairGain>, GainError> {
    params.validate()?;
    let displacement = std::array::from_fn(|d| post.position[d] - pre.position[d]);
    let seen = [alone(pre, [0.0; 3])?, alone(post, displacement)?];
    let Some(overlap) = seen[0].output().intersect(&seen[1].output()) else { return Ok(None) };
    let mut scratch = FuseScratch::default();
    let mut block_mean = |plan: &FusePlan, block: &LayoutRegion| {
        let mut voxels = vec![0f32; block.voxels() as usize];
        fuse_block(plan, block, pixels, &mut scratch, &mut voxels)?;
        Ok::<_, GainError>(middle_mean(&mut voxels))
    };
    let mut means = Vec::new();
    for block in sample_blocks(&overlap, params) {
        if let (Some(a), Some(b)) = (block_mean(&seen[0], &block)?, block_mean(&seen[1], &block)?) {
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

/// One tile by itself at a position, NaN where it has no sample.
fn alone(tile: &FuseTile, position: [f64; 3]) -> Result<FusePlan, GainError> {
    let params = FuseParams { fill: f64::NAN, ..FuseParams::default() };
    Ok(FusePlan::new(&[FuseTile { position, ..*tile }], params)?)
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

/// Mean of the finite samples without the lowest and highest tenth; `None` when fewer than half are
/// finite.
///
/// A trimmed mean follows gain and offset as a mean does, but hot pixels do not move it. Reorders
/// the samples.
fn middle_mean(samples: &mut Vec<f32>) -> Option<f64> {
    let all = samples.len();
    samples.retain(|v| v.is_finite());
    let count = samples.len();
    if count == 0 || 2 * count < all {
        return None;
    }
    let cut = count / 10;
    samples.sort_unstable_by(f32::total_cmp);
    let middle = &samples[cut..count - cut];
    Some(middle.iter().map(|v| f64::from(*v)).sum::<f64>() / middle.len() as f64)
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
    fn masked_and_hot_samples_do_not_move_a_mean() {
        assert_eq!(middle_mean(&mut vec![1.0, f32::NAN, 3.0, f32::INFINITY]), Some(2.0));
        assert_eq!(middle_mean(&mut vec![1.0, f32::NAN, f32::NAN]), None);
        assert_eq!(middle_mean(&mut vec![]), None);
        let mut hot: Vec<f32> = (0..20).map(|i| i as f32).collect();
        hot[3] = 60_000.0;
        hot[4] = 60_000.0;
        // 0 and 1 are cut below, both hot ones above.
        assert_eq!(middle_mean(&mut hot), Some((190.0 - 0.0 - 1.0 - 3.0 - 4.0) / 16.0));
    }
}
