//! Gaussian smoothing, the difference of two Gaussians, the Laplacian of one.

use ndarray::{Array3, ArrayView3};
use rayon::prelude::*;

use crate::Border;
use crate::fir::convolve_symmetric_into;

/// Standard deviations at which the kernel ends, as in SciPy.
const TRUNCATE: f64 = 4.0;

/// Returns the right half of a sampled Gaussian: the weight at the centre, then at 1, 2, ...
///
/// Ends at `4 sigma` rounded; the whole kernel sums to 1. Weights are computed in `f64`. A `sigma`
/// of 0 gives the single weight 1.
///
/// # Panics
/// If `sigma` is negative or not finite.
pub fn gaussian_half_kernel(sigma: f64) -> Vec<f32> {
    gaussian_half_weights(sigma).iter().map(|w| *w as f32).collect()
}

/// The weights of [`gaussian_half_kernel`] before they are rounded to `f32`.
///
/// # Panics
/// If `sigma` is negative or not finite.
pub fn gaussian_half_weights(sigma: f64) -> Vec<f64> {
    assert!(sigma >= 0.0 && sigma.is_finite(), "sigma is {sigma}, wanted a finite number >= 0");
    let radius = (TRUNCATE * sigma + 0.5) as usize;
    let weights: Vec<f64> = (0..=radius)
        .map(|k| (-0.5 * (k as f64 / sigma.max(f64::MIN_POSITIVE)).powi(2)).exp())
        .collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter().map(|w| w / sum).collect()
}

/// Smooths a `(z, y, x)` volume with a Gaussian; an image has one plane.
///
/// Allocating form of [`gaussian_into`].
pub fn gaussian(image: ArrayView3<'_, f32>, sigma: [f64; 3]) -> Array3<f32> {
    with_standard_layout(image, |src, shape, out| {
        gaussian_into(src, shape, sigma, out);
    })
}

/// Smooths a `(z, y, x)` volume with a Gaussian, into the caller's memory.
///
/// A separable sum of pixels within `4 sigma`, mirrored at the edges with the edge pixel repeated:
/// `scipy.ndimage.gaussian_filter` with its defaults, equal to about 1e-6 of the largest value.
///
/// * `sigma`: pixels along z, y, x; 0 leaves an axis as it is, as does an axis of length 1.
///
/// NaN spreads to every pixel within reach. Parallel in the current rayon pool; the same bits for any
/// number of threads.
///
/// # Panics
/// If a length does not fit `shape`, or a `sigma` is negative or not finite.
pub fn gaussian_into(src: &[f32], shape: [usize; 3], sigma: [f64; 3], out: &mut [f32]) {
    let kernels = sigma.map(gaussian_half_kernel);
    let kernels = kernels.each_ref().map(|k| (k.len() > 1).then_some(k.as_slice()));
    convolve_symmetric_into(src, shape, kernels, Border::Reflect, out);
}

/// Computes the difference of two Gaussians, narrow minus wide: a band-pass.
///
/// Allocating form of [`difference_of_gaussians_into`].
pub fn difference_of_gaussians(
    image: ArrayView3<'_, f32>,
    narrow: [f64; 3],
    wide: [f64; 3],
) -> Array3<f32> {
    with_standard_layout(image, |src, shape, out| {
        difference_of_gaussians_into(src, shape, narrow, wide, out, &mut Vec::new());
    })
}

/// Computes the difference of two Gaussians, narrow minus wide, into the caller's memory.
///
/// Removes structures much larger than `wide` (shading, background) and much smaller than `narrow`
/// (noise). A constant image gives 0 to rounding. Arguments, border and NaN as [`gaussian_into`];
/// `scratch` is working memory to keep from call to call; it grows to `src`'s length.
///
/// # Panics
/// As [`gaussian_into`].
pub fn difference_of_gaussians_into(
    src: &[f32],
    shape: [usize; 3],
    narrow: [f64; 3],
    wide: [f64; 3],
    out: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    if scratch.len() < src.len() {
        scratch.resize(src.len(), 0.0);
    }
    let smooth = &mut scratch[..src.len()];
    gaussian_into(src, shape, wide, smooth);
    gaussian_into(src, shape, narrow, out);
    out.par_iter_mut()
        .with_min_len(1 << 14)
        .zip(smooth)
        .for_each(|(narrow, wide)| *narrow -= *wide);
}

/// Returns the right half of a sampled second derivative of a Gaussian: at the centre, then at 1, 2, ...
///
/// The weights of [`gaussian_half_kernel`] times `(k² / sigma² - 1) / sigma²`, in `f64`, as in SciPy. Cut
/// at `4 sigma` they do not quite sum to 0: a constant `c` gives about `0.001 c / sigma²`. Empty for a
/// `sigma` of 0, of which there is no derivative.
///
/// # Panics
/// If `sigma` is negative or not finite.
pub fn gaussian_curvature_half_kernel(sigma: f64) -> Vec<f64> {
    if sigma == 0.0 {
        return Vec::new();
    }
    let weights = gaussian_half_weights(sigma);
    let curvature = |k: usize| ((k as f64 / sigma).powi(2) - 1.0) / (sigma * sigma);
    weights.iter().enumerate().map(|(k, weight)| weight * curvature(k)).collect()
}

/// Computes the Laplacian of a Gaussian, the sum of second derivatives per pixel, into the caller's memory.
///
/// `scipy.ndimage.gaussian_laplace` with its defaults, but that axes with a `sigma` of 0 and axes of
/// length 1 have no term. Negative at the centre of a bright blob. Arguments, border and NaN as
/// [`gaussian_into`]; `scratch` as [`difference_of_gaussians_into`].
///
/// # Panics
/// As [`gaussian_into`].
pub fn laplacian_of_gaussian_into(
    src: &[f32],
    shape: [usize; 3],
    sigma: [f64; 3],
    out: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    let smooth = sigma.map(gaussian_half_kernel);
    let curved = sigma.map(gaussian_curvature_half_kernel);
    let curved = curved.map(|k| k.iter().map(|w| *w as f32).collect::<Vec<f32>>());
    out.fill(0.0);
    for axis in (0..3).filter(|&a| sigma[a] > 0.0 && shape[a] > 1) {
        let mut kernels = smooth.each_ref().map(|k| (k.len() > 1).then_some(k.as_slice()));
        kernels[axis] = Some(&curved[axis]);
        add_convolved(src, shape, kernels, out, scratch);
    }
}

/// Adds a volume convolved as by [`convolve_symmetric_into`] with [`Border::Reflect`] to `out`.
///
/// `scratch` is working memory to keep from call to call; it grows to `src`'s length.
///
/// # Panics
/// As [`convolve_symmetric_into`].
pub fn add_convolved(
    src: &[f32],
    shape: [usize; 3],
    kernels: [Option<&[f32]>; 3],
    out: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    if scratch.len() < src.len() {
        scratch.resize(src.len(), 0.0);
    }
    let term = &mut scratch[..src.len()];
    convolve_symmetric_into(src, shape, kernels, Border::Reflect, term);
    out.par_iter_mut().with_min_len(1 << 14).zip(term).for_each(|(out, term)| *out += *term);
}

/// Calls `work` with the volume as a contiguous slice and an output of its shape.
fn with_standard_layout(
    image: ArrayView3<'_, f32>,
    work: impl FnOnce(&[f32], [usize; 3], &mut [f32]),
) -> Array3<f32> {
    let shape = image.dim();
    let image = image.as_standard_layout();
    let mut out = Array3::zeros(shape);
    work(
        image.as_slice().expect("in standard layout"),
        shape.into(),
        out.as_slice_mut().expect("in standard layout"),
    );
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ndarray::Array3;

    use super::*;

    #[test]
    fn half_kernel_has_scipys_radius_and_weights() {
        // exp(-0.5 k^2) / (1 + 2 (e^-0.5 + e^-2 + e^-4.5 + e^-8)), radius int(4 * 1 + 0.5) = 4
        let kernel = gaussian_half_kernel(1.0);
        let expected = [0.398_943_5, 0.241_971_44, 0.053_991_13, 0.004_431_861, 0.000_133_830_6];
        assert_eq!(kernel.len(), 5);
        assert!(kernel.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-7), "{kernel:?}");
        assert_eq!(gaussian_half_kernel(0.1), [1.0]);
        assert_eq!(gaussian_half_kernel(0.0), [1.0]);
    }

    #[test]
    fn an_impulse_becomes_the_kernel_on_each_axis() {
        let mut image = Array3::zeros((11, 12, 80));
        image[(5, 6, 40)] = 1.0;
        let smooth = gaussian(image.view(), [1.0, 0.0, 0.5]);
        let (z, x) = (gaussian_half_kernel(1.0), gaussian_half_kernel(0.5));
        assert_eq!(smooth[(5, 6, 40)], z[0] * x[0]);
        assert_eq!(smooth[(7, 6, 41)], z[2] * x[1]);
        assert_eq!(smooth[(5, 5, 40)], 0.0);
        assert_eq!(smooth[(5, 6, 43)], 0.0);
    }

    #[test]
    fn difference_is_narrow_minus_wide_and_keeps_scratch() {
        let image = Array3::from_shape_fn((5, 6, 7), |(z, y, x)| (z * z + 3 * y + x * y) as f32);
        let (narrow, wide) = ([1.0, 0.5, 0.0], [2.0, 1.0, 1.5]);
        let expected = gaussian(image.view(), narrow) - gaussian(image.view(), wide);
        let mut out = vec![0.0; image.len()];
        let mut scratch = Vec::new();
        for _ in 0..2 {
            let src = image.as_slice().unwrap();
            difference_of_gaussians_into(src, [5, 6, 7], narrow, wide, &mut out, &mut scratch);
            assert_eq!(out, expected.as_slice().unwrap());
        }
    }

    #[test]
    fn nan_spreads_within_reach_only() {
        let mut image = Array3::<f32>::zeros((1, 1, 100));
        image[(0, 0, 50)] = f32::NAN;
        let smooth = gaussian(image.view(), [0.0, 0.0, 1.0]);
        let touched: Vec<usize> = (0..100).filter(|&x| smooth[(0, 0, x)].is_nan()).collect();
        assert_eq!(touched, (46..=54).collect::<Vec<_>>());
    }
}
