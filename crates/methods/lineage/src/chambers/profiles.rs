//! Changes of a picture along and across channels.

use std::ops::Range;

use hooke_filters::gaussian::gaussian_into;
use hooke_filters::order::median;
use ndarray::Array2;

/// Smoothing before differences, pixels.
const SIGMA: f64 = 1.0;

/// Central differences of a smoothed picture.
pub(super) struct Gradients {
    /// Along x, that is across channels.
    pub(super) across: Array2<f32>,
    /// Along y.
    pub(super) along: Array2<f32>,
}

impl Gradients {
    pub(super) fn of(image: &Array2<f32>) -> Self {
        let (height, width) = image.dim();
        let source: Vec<f32> = image.iter().copied().collect();
        let mut smooth = vec![0.0; source.len()];
        gaussian_into(&source, [1, height, width], [0.0, SIGMA, SIGMA], &mut smooth);
        let at = |y: usize, x: usize| smooth[y * width + x];
        let across = Array2::from_shape_fn((height, width), |(y, x)| {
            (at(y, (x + 1).min(width - 1)) - at(y, x.saturating_sub(1))) / 2.0
        });
        let along = Array2::from_shape_fn((height, width), |(y, x)| {
            (at((y + 1).min(height - 1), x) - at(y.saturating_sub(1), x)) / 2.0
        });
        Self { across, along }
    }

    /// For each column the mean size of changes along y; what all columns of a row share is not counted.
    pub(super) fn change_along(&self, rows: Range<usize>) -> Vec<f64> {
        let mut sums = vec![0.0; self.along.ncols()];
        let count = rows.len().max(1) as f64;
        for y in rows {
            let row = self.along.row(y);
            let common = median(&mut row.to_vec()).unwrap_or(0.0);
            for (sum, v) in sums.iter_mut().zip(row) {
                *sum += f64::from((v - common).abs()) / count;
            }
        }
        sums
    }

    /// For each column the mean change along x: walls stay, cells even out.
    pub(super) fn edges_across(&self, rows: Range<usize>) -> Vec<f64> {
        let mut sums = vec![0.0; self.across.ncols()];
        let count = rows.len().max(1) as f64;
        for y in rows {
            for (sum, v) in sums.iter_mut().zip(self.across.row(y)) {
                *sum += f64::from(*v) / count;
            }
        }
        sums
    }
}

/// A running mean over `2 · half + 1` values, fewer at the ends.
pub(super) fn running_mean(values: &[f64], half: usize) -> Vec<f64> {
    let mut sums = vec![0.0];
    for v in values {
        sums.push(sums[sums.len() - 1] + v);
    }
    let mean = |i: usize| {
        let (from, to) = (i.saturating_sub(half), (i + half + 1).min(values.len()));
        (sums[to] - sums[from]) / (to - from) as f64
    };
    (0..values.len()).map(mean).collect()
}
