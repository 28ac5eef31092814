//! The noise of the sensor, measured from a few cells of the image.
//!
//! Variance is taken as a line of the intensity, `v = alpha I + beta`: photons and read-out (Foi et
//! al. 2008, doi:10.1109/TIP.2008.2001399). Which cells to read depends on shape and seed only, so
//! the caller may read them out of core, and the result knows nothing of blocks.

mod line;
mod stabilise;

use hooke_core::seed::rng_at;
use hooke_filters::order::{MAD_TO_SIGMA, median};
use ndarray::ArrayView3;
use rand::RngExt;
use serde::{Deserialize, Serialize};

pub use stabilise::Stabiliser;

use crate::voxel_box::VoxelBox;

/// Voxels of a cell over `z, y, x`.
const CELL: [usize; 3] = [8, 32, 32];

/// Cells that are read at most: a slope is known to a percent from half as many as 512.
const MOST_CELLS: u64 = 256;

/// Smallest standard deviation of noise that is believed, as a part of the range of intensities: far
/// above the rounding of sums in `f32`.
const SMALLEST_SIGMA: f64 = 1e-5;

/// Variance of the noise as a line of the intensity: `alpha * intensity + beta`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensorNoise {
    /// Grey levels per photon; at least 0.
    pub alpha: f64,
    /// Variance at intensity 0; below 0 where the camera adds an offset.
    pub beta: f64,
    /// Variance that the line never falls below; above 0.
    pub floor: f64,
}

impl SensorNoise {
    /// Variance of the noise at an intensity.
    pub fn variance(&self, intensity: f64) -> f64 {
        (self.alpha * intensity + self.beta).max(self.floor)
    }
}

/// What one cell tells.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CellNoise {
    /// Median intensity.
    pub level: f64,
    /// Robust variance of the noise.
    pub variance: f64,
    /// About the largest less the smallest intensity.
    pub range: f64,
}

/// What all cells tell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NoiseSample {
    /// Noise over intensity.
    pub noise: SensorNoise,
    /// Median of the cells' intensities: the background.
    pub level: f64,
}

/// The boxes to read of a volume of `shape`: at most 256 cells of an absolute grid, in C order.
///
/// Cells are whole unless the volume is shorter than a cell.
pub fn sample_boxes(shape: [usize; 3], seed: u64) -> Vec<VoxelBox> {
    let cell: [usize; 3] = std::array::from_fn(|a| CELL[a].min(shape[a]));
    if cell.contains(&0) {
        return Vec::new();
    }
    let counts: [u64; 3] = std::array::from_fn(|a| (shape[a] / cell[a]) as u64);
    let total: u64 = counts.iter().product();
    let box_at = |i: u64| {
        let at = [i / (counts[1] * counts[2]), i / counts[2] % counts[1], i % counts[2]];
        let start: [usize; 3] = std::array::from_fn(|a| at[a] as usize * cell[a]);
        VoxelBox { start, end: std::array::from_fn(|a| start[a] + cell[a]) }
    };
    if total <= MOST_CELLS {
        return (0..total).map(box_at).collect();
    }
    // One cell from each of 256 equal runs: spread over the volume, none twice.
    let pick = |i: u64| {
        let within = rng_at(seed, "blobs-noise-cell", &[i as i64]).random::<f64>();
        let first = u128::from(i) * u128::from(total) / u128::from(MOST_CELLS);
        let next = u128::from(i + 1) * u128::from(total) / u128::from(MOST_CELLS);
        (first + ((next - first) as f64 * within) as u128).min(next - 1) as u64
    };
    (0..MOST_CELLS).map(pick).map(box_at).collect()
}

/// Measures one cell; `None` where fewer than nine differences can be formed.
///
/// Variance is `1.4826 MAD` of `(-1, 2, -1) / sqrt(6)` along x (along y or z where x is shorter than
/// 3), squared: blind to what is smooth, and to what fills less than half of the cell. Voxels that
/// are not finite are left out. Of a large cell every second line and every third voxel will do.
pub fn measure_cell(cell: ArrayView3<'_, f32>) -> Option<CellNoise> {
    let axis = (0..3).rev().find(|&a| cell.shape()[a] >= 3)?;
    let is_large = cell.len() >= 4096;
    let [lines, voxels] = if is_large { [2, 3] } else { [1, 1] };
    let mut differences = Vec::with_capacity(cell.len() / lines);
    for lane in cell.lanes(ndarray::Axis(axis)).into_iter().step_by(lines) {
        differences.extend(lane.windows(3).into_iter().filter_map(|w| {
            let difference = 2.0 * w[1] - w[0] - w[2];
            difference.is_finite().then_some(difference.abs())
        }));
    }
    if differences.len() < 9 {
        return None;
    }
    // The mean of such differences is 0, so the median of their sizes is their MAD.
    let sigma = f64::from(median(&mut differences)? * MAD_TO_SIGMA) / 6.0_f64.sqrt();
    let mut values: Vec<f32> =
        cell.iter().step_by(voxels).copied().filter(|v| v.is_finite()).collect();
    let (low, high) = values
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    Some(CellNoise {
        level: f64::from(median(&mut values)?),
        variance: sigma * sigma,
        range: f64::from(high) - f64::from(low),
    })
}

/// Fits the noise to the cells.
///
/// * `cells`: what [`measure_cell`] gave; their order does not matter.
/// * `quantum`: step of the intensities: 1 for integers, 0 for floating point. Rounding alone has
///   the variance `quantum² / 12`, the least that is believed.
/// * `given`: the line if it is known; only level and floor are measured then.
///
/// Cells without any variance (padding of a fused volume) count only where there are no others. A
/// slope that is not clearly above 0 is taken as 0.
pub fn fit_noise(cells: &[CellNoise], quantum: f64, given: Option<[f64; 2]>) -> NoiseSample {
    let live: Vec<CellNoise> = cells.iter().copied().filter(|c| c.variance > 0.0).collect();
    let mut cells = if live.is_empty() { cells.to_vec() } else { live };
    cells.sort_by(|a, b| a.level.total_cmp(&b.level).then(a.variance.total_cmp(&b.variance)));
    let range = cells.iter().map(|c| c.range).fold(0.0, f64::max);
    let level = cells.get(cells.len() / 2).map_or(0.0, |c| c.level);
    let floor = (quantum * quantum / 12.0)
        .max((SMALLEST_SIGMA * range).powi(2))
        .max((1e-7 * level).powi(2))
        .max(1e-30);
    let [alpha, beta] = given.unwrap_or_else(|| {
        let points: Vec<[f64; 2]> =
            cells.iter().map(|c| [c.level, c.variance.max(floor)]).collect();
        line::robust_line(&points)
    });
    NoiseSample { noise: SensorNoise { alpha, beta, floor }, level }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ndarray::Array3;
    use rand_distr::{Distribution, Normal};

    use super::*;

    #[test]
    fn few_cells_are_all_read_and_many_are_spread() {
        assert_eq!(sample_boxes([8, 64, 33], 0).len(), 2);
        assert_eq!(sample_boxes([1, 20, 20], 0), [VoxelBox::whole([1, 20, 20])]);
        assert!(sample_boxes([0, 20, 20], 0).is_empty());
        let boxes = sample_boxes([800, 3200, 3200], 3);
        assert_eq!(boxes.len(), 256);
        assert!(boxes.windows(2).all(|b| b[0].start < b[1].start));
        assert!(boxes.iter().all(|b| (0..3).all(|a| b.start[a] % CELL[a] == 0)));
        assert_ne!(boxes, sample_boxes([800, 3200, 3200], 4));
    }

    #[test]
    fn gain_and_read_noise_come_back() {
        let mut rng = rng_at(1, "test", &[]);
        let normal = Normal::new(0.0, 1.0).unwrap();
        let mut cells: Vec<CellNoise> = (0..200)
            .map(|i| {
                let mean = 100.0 + 10.0 * f64::from(i);
                let sigma = (2.0 * (mean - 80.0) + 50.0).sqrt();
                let cell = Array3::from_shape_simple_fn((8, 32, 32), || {
                    (mean + sigma * normal.sample(&mut rng)) as f32
                });
                measure_cell(cell.view()).unwrap()
            })
            .collect();
        // A tenth of the cells hold something else.
        cells.iter_mut().step_by(10).for_each(|c| c.variance *= 5.0);
        cells.push(CellNoise { level: 0.0, variance: 0.0, range: 0.0 });
        let sample = fit_noise(&cells, 1.0, None);
        assert!((sample.noise.alpha - 2.0).abs() < 0.05, "{sample:?}");
        assert!((sample.noise.variance(1000.0) - 1890.0).abs() < 40.0, "{sample:?}");
        cells.reverse();
        assert_eq!(fit_noise(&cells, 1.0, None), sample);
    }

    #[test]
    fn what_has_no_noise_gets_the_floor() {
        let flat = measure_cell(Array3::from_elem((8, 32, 32), 7.0).view()).unwrap();
        let sample = fit_noise(&[flat; 9], 1.0, None);
        assert_eq!((sample.noise.alpha, sample.level), (0.0, 7.0));
        assert!((sample.noise.variance(7.0) - 1.0 / 12.0).abs() < 1e-12);
        assert!(fit_noise(&[], 0.0, None).noise.variance(0.0) > 0.0);
        let bad = Array3::from_elem((4, 4, 4), f32::NAN);
        assert!(measure_cell(bad.view()).is_none());
        assert!(measure_cell(Array3::zeros((2, 2, 2)).view()).is_none());
    }
}
