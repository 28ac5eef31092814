//! A tile as a plane of reduced resolution.

use ndarray::Array2;

use super::kept_axes;
use crate::tile_pixels::{TileError, TilePixels};

/// Most voxels read at once.
const READ_VOXELS: usize = 1 << 22;

/// A box of a tile, in tile coordinates over `(z, y, x)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TilePart {
    /// The tile's id.
    pub tile: usize,
    /// First voxel.
    pub start: [usize; 3],
    /// Lengths.
    pub shape: [usize; 3],
}

/// Reduces a box of a tile to a plane: means over `reduce` x `reduce` windows of every plane across
/// `axis`, then the maximum along `axis`.
///
/// The first window along the two kept axes is only `reduce - phase` voxels long, so that windows
/// of tiles at different positions can be made to coincide; the last ends with the box. NaN and
/// infinite samples are left out; a pixel without any sample is NaN.
///
/// # Arguments
/// * `axis` — 0, 1 or 2.
/// * `reduce` — at least 1.
/// * `phase` — over the kept axes, each below `reduce`.
///
/// # Cost
/// Reads at most 4 million voxels at once.
///
/// # Errors
/// [`TileError`] from reading.
///
/// # Panics
/// When `axis`, `reduce` or `phase` is not as above.
pub fn project_part(
    pixels: &dyn TilePixels<f32>,
    part: &TilePart,
    axis: usize,
    reduce: usize,
    phase: [usize; 2],
) -> Result<Array2<f32>, TileError> {
    assert!(axis < 3, "axis is 0, 1 or 2");
    assert!(phase.iter().all(|p| *p < reduce), "the phase is below the reduction");
    let kept = kept_axes(axis);
    let [height, width] = [0, 1].map(|k| (part.shape[kept[k]] + phase[k]).div_ceil(reduce));
    let mut plane = Array2::from_elem([height, width], f32::NAN);
    let mut buffer = Vec::new();
    let mut sums = vec![(0f64, 0u32); width];
    // Bands of whole windows; along the axis as much as fits.
    let band_voxels = reduce * part.shape[kept[1]];
    let bands = (READ_VOXELS / band_voxels.max(1)).clamp(1, height.max(1));
    let depth = (READ_VOXELS / (bands * band_voxels).max(1)).max(1);
    for first_band in (0..height).step_by(bands) {
        // Rows of the tile that the bands hold.
        let row = |band: usize| (band * reduce).saturating_sub(phase[0]);
        let rows = row(first_band)..row(first_band + bands).min(part.shape[kept[0]]);
        for first in (0..part.shape[axis]).step_by(depth) {
            let (mut start, mut shape) = (part.start, part.shape);
            start[axis] += first;
            shape[axis] = depth.min(part.shape[axis] - first);
            start[kept[0]] += rows.start;
            shape[kept[0]] = rows.len();
            pixels.read(part.tile, start, shape, &mut buffer)?;
            let stride = [shape[1] * shape[2], shape[2], 1];
            for layer in 0..shape[axis] {
                for band in first_band..(first_band + bands).min(height) {
                    sums.fill((0.0, 0));
                    for v in row(band)..row(band + 1).min(rows.end) {
                        let from = layer * stride[axis] + (v - rows.start) * stride[kept[0]];
                        add_row(
                            &buffer[from..],
                            stride[kept[1]],
                            reduce,
                            phase[1],
                            shape[kept[1]],
                            &mut sums,
                        );
                    }
                    for (pixel, (sum, count)) in plane.row_mut(band).iter_mut().zip(&sums) {
                        if *count > 0 {
                            // `f32::max` keeps the number of a number and NaN.
                            *pixel = pixel.max((sum / f64::from(*count)) as f32);
                        }
                    }
                }
            }
        }
    }
    Ok(plane)
}

/// Adds `len` samples, `stride` apart, to their windows.
fn add_row(
    samples: &[f32],
    stride: usize,
    reduce: usize,
    phase: usize,
    len: usize,
    sums: &mut [(f64, u32)],
) {
    for (i, v) in samples.iter().step_by(stride).take(len).enumerate() {
        if v.is_finite() {
            let (sum, count) = &mut sums[(i + phase) / reduce];
            *sum += f64::from(*v);
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile_pixels::TilesInMemory;
    use ndarray::{Array3, s};

    #[test]
    fn every_axis_and_phase_is_the_maximum_of_the_means() {
        let tile =
            Array3::from_shape_fn([5, 7, 9], |(z, y, x)| ((z * 31 + y * 17 + x * 7) % 23) as f32);
        let pixels = TilesInMemory { tiles: vec![tile.view()] };
        let part = TilePart { tile: 0, start: [1, 2, 1], shape: [4, 5, 7] };
        let view = tile.slice(s![1..5, 2..7, 1..8]);
        for axis in 0..3 {
            for (reduce, phase) in [(1, [0, 0]), (3, [0, 2]), (2, [1, 0]), (4, [3, 3])] {
                let plane = project_part(&pixels, &part, axis, reduce, phase).expect("in memory");
                let layers = view.axis_iter(ndarray::Axis(axis));
                let mut wanted = Array2::from_elem(plane.dim(), f32::NEG_INFINITY);
                for layer in layers {
                    let mut windows = Array2::from_elem(plane.dim(), (0.0, 0.0));
                    for ((i, j), v) in layer.indexed_iter() {
                        let w = &mut windows[[(i + phase[0]) / reduce, (j + phase[1]) / reduce]];
                        *w = (w.0 + f64::from(*v), w.1 + 1.0);
                    }
                    wanted.zip_mut_with(&windows, |m, w| *m = m.max((w.0 / w.1) as f32));
                }
                assert_eq!(plane, wanted, "axis {axis}, {reduce} times, phase {phase:?}");
            }
        }
    }

    #[test]
    fn masked_samples_are_left_out() {
        let mut tile = Array3::from_elem([2, 2, 4], 6f32);
        tile.slice_mut(s![.., .., 2..]).fill(f32::NAN);
        tile[[0, 0, 0]] = f32::INFINITY;
        let pixels = TilesInMemory { tiles: vec![tile.view()] };
        let part = TilePart { tile: 0, start: [0; 3], shape: [2, 2, 4] };
        let plane = project_part(&pixels, &part, 0, 2, [0, 0]).expect("in memory");
        assert_eq!(plane[[0, 0]], 6.0);
        assert!(plane[[0, 1]].is_nan());
    }
}
