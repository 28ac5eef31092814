//! The shared statistics of a set of tiles, from a bounded part of their voxels.

use hooke_core::Progress;
use hooke_filters::order::quantile;
use rayon::prelude::*;

use super::error::AlignError;
use super::geometry::Span;
use super::null::null_distribution;
use super::params::{AlignParams, Measure};
use super::pattern::fixed_pattern;
use super::source::{Correction, TileVoxels, Voxels};
use super::statistics::{NullDistribution, SharedStatistics, TileLevels};
use crate::layout::{Layout, Tile};
use crate::pairs::pair_tasks;
use crate::tile_pixels::{TileError, TilePixels};

/// Rows of a plane that are looked at for the levels.
const ROWS: i64 = 64;
/// Columns that are looked at.
const COLUMNS: i64 = 2048;
/// The floor lies so many standard deviations of the noise below the background.
const FLOOR_SIGMAS: f32 = 3.0;

/// Measures what all pairs share: levels of each tile, the camera's fixed pattern and the null
/// distribution. Reads a small, bounded part of the tiles; one that cannot be read is left out.
///
/// Parallel over tiles; the same result for any number of threads.
///
/// # Errors
/// For bad parameters, corrections that do not fit, and when cancelled.
pub fn prepare(
    layout: &Layout,
    pixels: &dyn TilePixels<f32>,
    params: &AlignParams,
    correction: &Correction,
    progress: &dyn Progress,
) -> Result<SharedStatistics, AlignError> {
    params.validate()?;
    correction.validate(layout)?;
    let tasks = pair_tasks(layout, params)?;
    let neutral = NullDistribution::of_noise(1.0);
    let mut statistics = SharedStatistics { levels: Vec::new(), pattern: None, null: neutral };
    if params.measure == Measure::Msd {
        return Ok(statistics);
    }
    progress.start("levels", layout.tiles.len() as u64, "tiles");
    let levels = layout.tiles.par_iter().map(|tile| {
        let neutral = TileLevels { tile: tile.id, background: 0.0, noise: 0.0, floor: 0.0 };
        let plain = TileVoxels {
            tile,
            pixels,
            clip: params.clip,
            correction,
            pattern: None,
            levels: neutral,
        };
        let levels = tile_levels(&plain);
        progress.advance(1, 0);
        levels
    });
    statistics.levels = levels.filter_map(Result::ok).collect();
    if progress.is_cancelled() {
        return Err(AlignError::Cancelled);
    }
    statistics.pattern = fixed_pattern(layout, pixels, params, correction, &statistics);
    if progress.is_cancelled() {
        return Err(AlignError::Cancelled);
    }
    statistics.null = null_distribution(layout, pixels, params, correction, &statistics, &tasks);
    Ok(statistics)
}

/// Background, noise and floor of a tile from two pairs of neighbouring planes.
fn tile_levels(voxels: &TileVoxels<'_>) -> Result<TileLevels, TileError> {
    let Tile { id, .. } = *voxels.tile;
    let shape = voxels.shape();
    let middle = |n: i64, most: i64| ((n - most.min(n)) / 2, most.min(n));
    let ((y, rows), (x, columns)) = (middle(shape[1], ROWS), middle(shape[2], COLUMNS));
    let mut sample = Vec::new();
    let mut differences = Vec::new();
    let mut raw = Vec::new();
    let depth = shape[0].min(2);
    for z in [shape[0] / 3, 2 * shape[0] / 3] {
        let z = z.min(shape[0] - depth);
        let span = Span { start: [z, y, x], end: [z + depth, y + rows, x + columns] };
        voxels.read(&span, &mut raw)?;
        let plane = (rows * columns) as usize;
        let neighbour = if depth == 2 { plane } else { columns as usize };
        differences.extend(
            raw.iter()
                .zip(raw.iter().skip(neighbour))
                .map(|(a, b)| (a - b).abs())
                .filter(|v| v.is_finite()),
        );
        sample.extend(raw.iter().copied().filter(|v| v.is_finite()));
        if shape[0] <= 2 {
            break;
        }
    }
    // 1.4826 median |difference| is the sd of a difference, sqrt(2) times that of the noise.
    let noise = 1.4826 * quantile(&mut differences, 0.5).unwrap_or(0.0) / std::f32::consts::SQRT_2;
    let background = mode_of_dark(&sample);
    let floor = background - FLOOR_SIGMAS * noise;
    Ok(TileLevels { tile: id, background, noise, floor })
}

/// The most frequent value of the darker three quarters: the middle of the shortest interval that
/// holds a quarter of the values (Chernoff's mode, robust for any distribution).
fn mode_of_dark(values: &[f32]) -> f32 {
    // Enough for a mode to a small part of the noise; sorting all would cost more than the rest.
    const SAMPLE: usize = 16_384;
    let step = values.len().div_ceil(SAMPLE).max(1);
    let mut dark: Vec<f32> = values.iter().copied().step_by(step).collect();
    dark.sort_by(f32::total_cmp);
    dark.truncate((dark.len() * 3).div_ceil(4));
    let quarter = dark.len() / 3;
    let shortest = (0..dark.len().saturating_sub(quarter))
        .min_by(|p, q| (dark[p + quarter] - dark[*p]).total_cmp(&(dark[q + quarter] - dark[*q])));
    shortest.map_or(0.0, |i| dark[i].midpoint(dark[i + quarter]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_found_under_bright_structure() {
        // A triangle about 100 and a third of the voxels brighter.
        let dark = (0..6000).map(|i| 90.0 + ((i % 100) / 10 + (i / 100) % 11) as f32);
        let values: Vec<f32> = dark.chain((0..3000).map(|i| 200.0 + i as f32)).collect();
        assert!((mode_of_dark(&values) - 100.0).abs() < 3.0, "{}", mode_of_dark(&values));
        assert_eq!(mode_of_dark(&[]), 0.0);
    }
}
