//! Whether drift can be measured by a part of a picture: noise has no place.

use hooke_filters::gaussian::gaussian_into;
use hooke_filters::order::robust_sigma;
use ndarray::ArrayView2;

use crate::imgops::CropBox;

/// Smoothing before slopes are taken, pixels.
const SIGMA: f64 = 2.0;
/// Mean squares of slopes, over those of noise alone, that a picture needs along each axis.
const LEAST: f64 = 8.0;

/// Whether a box of a picture changes along x and along y by more than noise does.
pub(super) fn has_structure(image: ArrayView2<'_, f32>, place: CropBox) -> bool {
    let crop = place.crop(image);
    let (height, width) = crop.dim();
    if height < 8 || width < 8 || crop.iter().any(|v| !v.is_finite()) {
        return false;
    }
    let values: Vec<f32> = crop.iter().copied().collect();
    let mut seconds: Vec<f32> = Vec::with_capacity(values.len());
    for row in values.chunks_exact(width) {
        seconds.extend(row.windows(3).map(|v| v[0] - 2.0 * v[1] + v[2]));
    }
    // A second difference has six times the variance of noise.
    let noise = f64::from(robust_sigma(&mut seconds).unwrap_or(0.0)).powi(2) / 6.0;
    // White noise, smoothed, has slopes of this variance.
    let slope_noise = noise / (8.0 * std::f64::consts::PI * SIGMA.powi(4));

    let mut smooth = vec![0.0; values.len()];
    gaussian_into(&values, [1, height, width], [0.0, SIGMA, SIGMA], &mut smooth);
    let mean_square = |step: usize, is_inside: &dyn Fn(usize) -> bool| {
        let slopes = (0..smooth.len().saturating_sub(2 * step)).filter(|i| is_inside(*i));
        let squares = slopes.map(|i| (f64::from(smooth[i + 2 * step] - smooth[i]) / 2.0).powi(2));
        let (sum, count) = squares.fold((0.0, 0), |(s, n), v| (s + v, n + 1));
        sum / f64::from(count.max(1))
    };
    let across = mean_square(1, &|i| i % width + 2 < width);
    let along = mean_square(width, &|_| true);
    across.min(along) > LEAST * slope_noise && across.min(along) > 0.0
}
