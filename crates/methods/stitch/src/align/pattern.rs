//! The camera's fixed pattern: what every plane of every tile has in common.

use hooke_filters::gaussian::gaussian_into;
use hooke_filters::order::{median, median_along_z_into};
use rayon::prelude::*;

use super::geometry::Span;
use super::params::AlignParams;
use super::source::{Correction, TileVoxels, Voxels};
use super::statistics::{FixedPattern, SharedStatistics, TileLevels};
use crate::layout::{Layout, Tile};
use crate::tile_pixels::{TileError, TilePixels};

/// With fewer tiles the specimen would be taken for a pattern.
const FEWEST_TILES: usize = 9;
/// Tiles and planes for the test whether there is a pattern, and for the pattern itself.
const TEST_TILES: usize = 16;
const TEST_PLANES: i64 = 8;
const MOST_TILES: usize = 32;
const MOST_PLANES: i64 = 64;
/// Rows that are read at once.
const ROWS: i64 = 64;
/// Structure larger than this is shading, not pattern, voxels.
const HIGH_PASS: f64 = 4.0;
/// The pattern is subtracted where it exceeds this part of the noise.
const MATTERS: f32 = 0.5;

/// Estimates the fixed pattern: median over z, high-pass, median over tiles. `None` with fewer than
/// 9 tiles of the most common plane shape, or where its sd is below half the noise.
pub(crate) fn fixed_pattern<'a>(
    layout: &'a Layout,
    pixels: &'a dyn TilePixels<f32>,
    params: &AlignParams,
    correction: &'a Correction,
    statistics: &SharedStatistics,
) -> Option<FixedPattern> {
    let shape = most_common_plane(layout)?;
    let alike: Vec<&'a Tile> = layout
        .tiles
        .iter()
        .filter(|t| {
            [t.shape[1], t.shape[2]] == shape && statistics.levels.iter().any(|l| l.tile == t.id)
        })
        .collect();
    if alike.len() < FEWEST_TILES {
        return None;
    }
    let voxels = |tile: &'a Tile| TileVoxels {
        tile,
        pixels,
        clip: params.clip,
        correction,
        pattern: None,
        levels: TileLevels { tile: tile.id, background: 0.0, noise: 0.0, floor: 0.0 },
    };
    let some_of = |most: usize| -> Vec<TileVoxels<'a>> {
        spread(&alike, most).into_iter().map(voxels).collect()
    };
    let mut noise: Vec<f32> = statistics.levels.iter().map(|l| l.noise).collect();
    let noise = median(&mut noise)?;
    // A strip through the middle tells whether a pattern matters at all.
    let [height, width] = shape.map(|n| n as i64);
    let rows = ROWS.min(height);
    let strip = [(height - rows) / 2, (height - rows) / 2 + rows];
    let some = some_of(TEST_TILES);
    let strips = residuals(&some, strip, width, TEST_PLANES).ok()?;
    let sd = common_sd(&strips);
    if sd.is_nan() || sd <= MATTERS * noise {
        return None;
    }
    let most = some_of(MOST_TILES);
    let starts: Vec<i64> = (0..height).step_by(ROWS as usize).collect();
    let strips: Result<Vec<Vec<f32>>, TileError> = starts
        .par_iter()
        .map(|start| {
            // The high-pass needs its surroundings, which are cut off afterwards.
            let halo = (4.0 * HIGH_PASS) as i64;
            let end = (start + ROWS).min(height);
            let (low, high) = ((start - halo).max(0), (end + halo).min(height));
            let residuals = residuals(&most, [low, high], width, MOST_PLANES)?;
            let pattern = median_over_tiles(&residuals);
            let cut = ((start - low) * width) as usize..((end - low) * width) as usize;
            Ok(pattern[cut].to_vec())
        })
        .collect();
    let values: Vec<f32> = strips.ok()?.into_iter().flatten().collect();
    Some(FixedPattern { shape: shape.map(|n| n as usize), sd, values })
}

fn most_common_plane(layout: &Layout) -> Option<[u64; 2]> {
    let mut counts = std::collections::BTreeMap::new();
    for tile in &layout.tiles {
        *counts.entry([tile.shape[1], tile.shape[2]]).or_insert(0usize) += 1;
    }
    counts.into_iter().max_by_key(|(_, n)| *n).map(|(shape, _)| shape)
}

/// At most `most` items, evenly spread.
pub(crate) fn spread<T: Copy>(items: &[T], most: usize) -> Vec<T> {
    let n = items.len().min(most);
    (0..n).map(|i| items[i * items.len() / n]).collect()
}

/// Per tile the high-passed median over up to `planes` planes of a strip of rows.
fn residuals(
    tiles: &[TileVoxels<'_>],
    [low, high]: [i64; 2],
    width: i64,
    planes: i64,
) -> Result<Vec<Vec<f32>>, TileError> {
    let one = |voxels: &TileVoxels<'_>| -> Result<Vec<f32>, TileError> {
        let depth = voxels.shape()[0];
        let count = planes.min(depth);
        let (mut stack, mut raw) = (Vec::new(), Vec::new());
        for i in 0..count {
            let z = i * depth / count;
            voxels.read(&Span { start: [z, low, 0], end: [z + 1, high, width] }, &mut raw)?;
            stack.extend_from_slice(&raw);
        }
        let shape = [1, (high - low) as usize, width as usize];
        let mut plane = vec![0.0; shape[1] * shape[2]];
        median_along_z_into(&stack, count as usize, &mut plane);
        // Unknown pixels carry no pattern.
        let mut known: Vec<f32> = plane.iter().copied().filter(|v| v.is_finite()).collect();
        let middle = median(&mut known).unwrap_or(0.0);
        plane.iter_mut().for_each(|v| *v = if v.is_finite() { *v } else { middle });
        let mut smooth = vec![0.0; plane.len()];
        gaussian_into(&plane, shape, [0.0, HIGH_PASS, HIGH_PASS], &mut smooth);
        plane.iter_mut().zip(&smooth).for_each(|(v, s)| *v -= s);
        Ok(plane)
    };
    tiles.par_iter().map(one).collect()
}

fn median_over_tiles(residuals: &[Vec<f32>]) -> Vec<f32> {
    let stack = residuals.concat();
    let mut out = vec![0.0; residuals[0].len()];
    median_along_z_into(&stack, residuals.len(), &mut out);
    out
}

/// Standard deviation of what two halves of the tiles have in common: noise and specimen of single
/// tiles do not enter.
fn common_sd(residuals: &[Vec<f32>]) -> f32 {
    let half = |odd: usize| {
        let part: Vec<Vec<f32>> = residuals.iter().skip(odd).step_by(2).cloned().collect();
        median_over_tiles(&part)
    };
    let (even, odd) = (half(0), half(1));
    let n = even.len() as f64;
    let mean = |v: &[f32]| v.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    // The median of skewed structure is not 0; that it is common to all tiles is no pattern.
    let product = even.iter().zip(&odd).map(|(p, q)| f64::from(p * q)).sum::<f64>() / n;
    let covariance = product - mean(&even) * mean(&odd);
    covariance.max(0.0).sqrt() as f32
}
