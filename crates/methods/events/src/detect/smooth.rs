//! The movie smoothed, and the noise that is left in it.

use std::ops::Range;

use hooke_filters::fir::convolve_symmetric_into;
use hooke_filters::{Border, order};
use ndarray::{Array2, Array3, ArrayView3, s};
use rayon::prelude::*;

use super::DetectParams;

/// Part of the median noise that no pixel's noise is below.
const LEAST_NOISE: f32 = 0.1;

/// Part of the largest value that stands for the noise of a movie without any.
const NO_NOISE: f32 = 1e-6;

/// Pixels that are turned into traces at a time.
pub(super) const LANES: usize = 32;

/// Smooths a block and cuts its core out. Parallel.
///
/// * `block`: `(t, y, x)`, wider than the core by [`DetectParams::halo`] where the movie goes on.
/// * `core`: the part of the block that is wanted, over `t, y, x`.
///
/// Weights `exp(-k² / 2 sigma²)` within the radius, normalised, `t`, `y`, `x` after each other; the edge of
/// the movie goes on.
pub fn smooth(
    block: ArrayView3<'_, f32>,
    core: [Range<usize>; 3],
    params: &DetectParams,
) -> Array3<f32> {
    let [t, y, x] = core;
    let part = s![t, y, x];
    let halo = params.halo();
    if halo == [0; 3] || block.is_empty() {
        return block.slice(part).to_owned();
    }
    let sigma = params.smooth.unwrap_or_default().sigma;
    let kernels: [Vec<f32>; 3] = std::array::from_fn(|axis| half_kernel(sigma[axis], halo[axis]));
    let kernels = kernels.each_ref().map(|k| (k.len() > 1).then_some(k.as_slice()));
    let (depth, height, width) = block.dim();
    let source = block.as_standard_layout();
    let mut out = Array3::zeros(block.raw_dim());
    convolve_symmetric_into(
        source.as_slice().unwrap_or_default(),
        [depth, height, width],
        kernels,
        Border::Nearest,
        out.as_slice_mut().unwrap_or_default(),
    );
    if out.slice(part).dim() == out.dim() { out } else { out.slice(part).to_owned() }
}

/// What smoothing makes of the standard deviation of noise that is independent from voxel to voxel.
pub fn noise_gain(params: &DetectParams) -> f64 {
    let (halo, sigma) = (params.halo(), params.smooth.unwrap_or_default().sigma);
    let gain = |axis: usize| {
        let kernel = half_kernel(sigma[axis], halo[axis]);
        let squares = |w: &f32| f64::from(*w).powi(2);
        (squares(&kernel[0]) + 2.0 * kernel[1..].iter().map(squares).sum::<f64>()).sqrt()
    };
    (0..3).map(gain).product()
}

fn half_kernel(sigma: f64, radius: usize) -> Vec<f32> {
    let weight = |k: usize| (-0.5 * (k as f64 / sigma).powi(2)).exp();
    let weights: Vec<f64> =
        if radius == 0 { vec![1.0] } else { (0..=radius).map(weight).collect() };
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter().map(|w| (w / sum) as f32).collect()
}

/// Noise of some rows of a movie.
#[derive(Debug, Clone, PartialEq)]
pub struct RowNoise {
    /// Standard deviation of each pixel, `(y, x)`.
    pub sd: Array2<f32>,
    /// Largest size of any sample.
    pub largest: f32,
}

/// Measures the noise of smoothed rows. Parallel.
///
/// * `rows`: `(t, y, x)`, all frames of some rows, smoothed.
///
/// The median of `|g(t + L) - g(t)|` over 0.6745 times the root of 2, `L` being so long that smoothing
/// lets two samples share nothing.
pub fn row_noise(rows: ArrayView3<'_, f32>, params: &DetectParams) -> RowNoise {
    let (frames, height, width) = rows.dim();
    let lag = (2 * params.halo()[0] + 1).min(frames / 2).max(1);
    let rows = rows.as_standard_layout();
    let samples = rows.as_slice().unwrap_or_default();
    let pixels = height * width;
    let of_chunk = |c: usize| {
        let (first, width) = (c * LANES, LANES.min(pixels - c * LANES));
        let mut sizes = vec![0_u32; width * frames.saturating_sub(lag)];
        let mut largest = 0.0_f32;
        let count = frames.saturating_sub(lag);
        for t in 0..frames {
            let now = &samples[t * pixels + first..][..width];
            largest = now.iter().fold(largest, |most, v| most.max(v.abs()));
            if t < count {
                let later = &samples[(t + lag) * pixels + first..][..width];
                for (lane, (a, b)) in now.iter().zip(later).enumerate() {
                    // Sizes are ordered as their bits are.
                    sizes[lane * count + t] = (b - a).abs().to_bits();
                }
            }
        }
        let sd = sizes.chunks_exact_mut(count.max(1)).map(sd_of_sizes);
        let mut sd: Vec<f32> = sd.collect();
        sd.resize(width, 0.0);
        (sd, largest)
    };
    let chunks: Vec<_> = (0..pixels.div_ceil(LANES)).into_par_iter().map(of_chunk).collect();
    let largest = chunks.iter().fold(0.0_f32, |most, c| most.max(c.1));
    let sd = chunks.into_iter().flat_map(|c| c.0).collect();
    let sd = Array2::from_shape_vec((height, width), sd);
    RowNoise { sd: sd.unwrap_or_else(|_| Array2::zeros((height, width))), largest }
}

fn sd_of_sizes(sizes: &mut [u32]) -> f32 {
    let half = sizes.len() / 2;
    let is_even = sizes.len().is_multiple_of(2);
    let (below, middle, _) = sizes.select_nth_unstable(half);
    let middle = f64::from(f32::from_bits(*middle));
    let other = below.iter().max().filter(|_| is_even);
    let median = other.map_or(middle, |o| 0.5 * (middle + f64::from(f32::from_bits(*o))));
    (median / (0.674_489_75 * std::f64::consts::SQRT_2)) as f32
}

/// The noise of a whole movie after smoothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    /// Standard deviation of each pixel, `(y, x)`, never 0 unless the movie is.
    pub sd: Array2<f32>,
    /// Median of it.
    pub median: f32,
}

impl Noise {
    /// Puts the rows of a movie together: a pixel's own noise, but at least the median over the 5 x 5 pixels
    /// around it, and a tenth of the median over all.
    ///
    /// The median alone makes noise of small bright spots pass for events.
    ///
    /// * `rows`: from [`row_noise`], from the first rows to the last.
    pub fn new(rows: &[RowNoise]) -> Self {
        let width = rows.first().map_or(0, |r| r.sd.ncols());
        let raw: Vec<f32> = rows.iter().flat_map(|r| r.sd.iter().copied()).collect();
        let height = raw.len() / width.max(1);
        let largest = rows.iter().fold(0.0_f32, |most, r| most.max(r.largest));
        let mut sd = vec![0.0; raw.len()];
        order::median_filter_5x5_into(&raw, [1, height, width], &mut sd);
        let median = order::median(&mut sd.clone()).unwrap_or(0.0);
        let least = (LEAST_NOISE * median).max(NO_NOISE * largest);
        sd.iter_mut().zip(&raw).for_each(|(sd, raw)| *sd = sd.max(*raw).max(least));
        let sd = Array2::from_shape_vec((height, width), sd);
        Self { sd: sd.unwrap_or_else(|_| Array2::zeros((height, width))), median }
    }

    /// What a smoothed sample is multiplied with to be in the units of the parameters.
    pub fn scale(&self, params: &DetectParams) -> Array2<f32> {
        match params.units {
            super::Units::Absolute => Array2::ones(self.sd.raw_dim()),
            super::Units::Sd => self.sd.mapv(|sd| if sd > 0.0 { 1.0 / sd } else { 0.0 }),
        }
    }
}
