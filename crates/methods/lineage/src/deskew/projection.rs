//! How sharp a picture's mean rows and columns are at an angle.

use hooke_filters::gaussian::gaussian_half_weights;
use ndarray::{ArrayView2, s};

/// Bins per pixel of a projection.
const BINS: f64 = 4.0;
/// Smoothing of a projection, pixels. Without it, pixels lie best in their bins at 0°, and 0° wins.
const SIGMA: f64 = 1.5;
/// Pixels looked at; of larger pictures only every n-th row and column.
const PIXELS: usize = 1 << 19;

/// A picture to be projected at many angles.
pub(super) struct Projections {
    /// Place from the centre, and value from the mean.
    samples: Vec<[f32; 3]>,
    bins: usize,
    kernel: Vec<f64>,
}

impl Projections {
    pub(super) fn new(image: ArrayView2<'_, f32>) -> Self {
        let (height, width) = image.dim();
        let step = ((height * width) as f64 / PIXELS as f64).sqrt().ceil().max(1.0) as usize;
        let (cy, cx) = (height as f32 / 2.0, width as f32 / 2.0);
        let mean = image.iter().map(|v| f64::from(*v)).sum::<f64>() / image.len().max(1) as f64;
        let coarse = image.slice(s![..;step, ..;step]);
        let samples = coarse
            .indexed_iter()
            .map(|((y, x), v)| [(y * step) as f32 - cy, (x * step) as f32 - cx, *v - mean as f32]);
        let reach = (height as f64).hypot(width as f64) / 2.0 + 2.0;
        let half = gaussian_half_weights(SIGMA.max(step as f64) * BINS);
        let kernel = half.iter().skip(1).rev().chain(&half).copied().collect();
        Self { samples: samples.collect(), bins: (2.0 * reach * BINS) as usize + 1, kernel }
    }

    /// The variance of the derivative of the mean columns and rows, after turning by `angle_deg` counter-clockwise.
    pub(super) fn sharpness(&self, angle_deg: f64) -> f64 {
        let (sin, cos) = angle_deg.to_radians().sin_cos();
        let (sin, cos) = ((sin * BINS) as f32, (cos * BINS) as f32);
        let middle = self.bins as f32 / 2.0;
        let mut sums = [vec![0.0_f64; self.bins], vec![0.0_f64; self.bins]];
        let mut counts = [vec![0_u32; self.bins], vec![0_u32; self.bins]];
        for [y, x, value] in &self.samples {
            for (axis, place) in [x * cos + y * sin, y * cos - x * sin].into_iter().enumerate() {
                let bin = (place + middle) as usize;
                sums[axis][bin] += f64::from(*value);
                counts[axis][bin] += 1;
            }
        }
        let of_axis = |axis: usize| self.variance(&sums[axis], &counts[axis]);
        of_axis(0) + of_axis(1)
    }

    fn variance(&self, sums: &[f64], counts: &[u32]) -> f64 {
        let counts: Vec<f64> = counts.iter().map(|n| f64::from(*n)).collect();
        let (sums, counts) = (self.smooth(sums), self.smooth(&counts));
        // Corners of the picture have few pixels in a line: noise.
        let enough = 0.5 * counts.iter().copied().fold(0.0, f64::max);
        let mean = |k: usize| (counts[k] > enough).then(|| sums[k] / counts[k]);
        let changes: Vec<f64> =
            (1..sums.len()).filter_map(|k| Some(mean(k)? - mean(k - 1)?)).collect();
        let n = changes.len().max(1) as f64;
        let average = changes.iter().sum::<f64>() / n;
        changes.iter().map(|c| (c - average).powi(2)).sum::<f64>() / n
    }

    fn smooth(&self, line: &[f64]) -> Vec<f64> {
        let half = self.kernel.len() / 2;
        let at = |i: usize| {
            let weights = self.kernel.iter().enumerate();
            weights.filter_map(|(k, w)| Some(w * line.get((i + k).checked_sub(half)?)?)).sum()
        };
        (0..line.len()).map(at).collect()
    }
}
