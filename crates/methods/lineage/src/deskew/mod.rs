//! The angle by which a picture of channels has to be turned to be level.
//!
//! A first angle comes from edges (Canny 1986, doi:10.1109/TPAMI.1986.4767851) and the direction of their longest line
//! (Hough; Duda & Hart 1972), or from a coarse scan. It is refined by the sharpness of projections: when a picture is
//! level, its mean rows and columns change most abruptly, so that the variance of their derivative is greatest.

mod canny;
mod hough;
mod projection;

use hooke_filters::order::quantile;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use canny::canny;
use hough::strongest_angle;
use projection::Projections;

/// How far around a first angle is searched, degrees.
const REACH: f64 = 0.5;
/// How far a level picture may be from 0 in the coarse scan, degrees.
const SCAN: f64 = 10.0;
/// Step of the coarse scan and of the Hough transform, degrees.
const GRID: f64 = 0.25;

/// Finds the rotation that levels a picture, in degrees counter-clockwise on the screen, in the grid of 0.25°.
///
/// The direction of the strongest line among the edges, as DeLTA does; from −45° to 45°.
/// 0 where there are no edges.
pub fn deskew_grid(image: ArrayView2<'_, u8>) -> f64 {
    let values: Vec<f32> = image.iter().map(|v| f32::from(*v)).collect();
    let [low, high] = [0.1, 0.2].map(|share| quantile(&mut values.clone(), share).unwrap_or(0.0));
    strongest_angle(&canny(image, low, high), image.dim()).unwrap_or(0.0)
}

/// Finds the rotation that levels a picture, in degrees counter-clockwise on the screen, to 0.01°.
///
/// Within 0.5° of [`deskew_grid`] or, where that is sharper, of the best of ±10°. Any range of values; 0 for a flat
/// picture, or one with values that are no numbers. Parallel, the same for any number of threads.
pub fn deskew(image: ArrayView2<'_, f32>) -> f64 {
    let low = image.iter().copied().fold(f32::INFINITY, f32::min);
    let high = image.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !(low < high && (high - low).is_finite()) || image.iter().any(|v| v.is_nan()) {
        return 0.0;
    }
    let bytes: Array2<u8> = image.mapv(|v| ((v - low) / (high - low) * 255.0) as u8);
    let projections = Projections::new(image);
    let sharpest = |centre: f64, step: f64, count: i32| -> (f64, f64) {
        let angle = |k: i32| centre + f64::from(k) * step;
        let scores: Vec<f64> =
            (-count..=count).into_par_iter().map(|k| projections.sharpness(angle(k))).collect();
        let mut best = 0;
        for (k, score) in scores.iter().enumerate() {
            if *score > scores[best] {
                best = k;
            }
        }
        (angle(best as i32 - count), scores[best])
    };
    let scan = sharpest(0.0, GRID, (SCAN / GRID) as i32);
    let by_line = sharpest(deskew_grid(bytes.view()), GRID, 1);
    let first = if by_line.1 > scan.1 { by_line.0 } else { scan.0 };
    let (rough, _) = sharpest(first, 0.05, (REACH / 0.05) as i32);
    let (fine, _) = sharpest(rough, 0.01, 6);
    // The grid of the search, not of sums of steps.
    (fine * 100.0).round() / 100.0
}
