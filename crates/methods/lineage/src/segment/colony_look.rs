//! The look of cells on a pad.

use hooke_filters::order::{median, robust_sigma};
use ndarray::{Array2, ArrayView2};

use super::bars::bars;
use super::colony::{Mask, OUTSIDE};
use super::look::{CellLook, FIRST_SIGMA, SEPTUM, SIGMA_FACTOR, SIGMAS};
use super::{SegmentParams, prepared, smoothed};

/// Pixels of the strongest bars that do not count: noise, and a speck or two.
const BAR: usize = 30;

/// Part of the strongest answer of a bar from which on pixels are taken to be in cells.
const CLEAR: f32 = 0.5;

/// Cells stand out of the noise by this many deviations at least.
const LEAST_CONTRAST: f32 = 3.0;

/// Learns the look of cells from one or more frames of a pad.
///
/// * `frames`: `(y, x)`, all on the same scale of grey levels.
///
/// A first width is where the scale-normalised greater eigenvalue of the Hessian is strongest (Lindeberg 1998,
/// doi:10.1023/A:1008045108935; a bar answers most at a sigma of half its width); then it is measured on the
/// ridge of the mask's distance map, three times. Nothing if nothing stands out of the noise.
pub fn learn_colony_look(
    frames: &[ArrayView2<'_, f32>],
    params: &SegmentParams,
) -> Option<CellLook> {
    let images: Vec<Array2<f32>> =
        frames.iter().filter_map(|f| prepared(f.view(), params.cells)).collect();
    let (mut width, depth) = first_look(&images)?;
    for _ in 0..3 {
        let mut ridge: Vec<f32> = images.iter().flat_map(|i| ridge(i, width, depth)).collect();
        let inner = inner_width(&mut ridge)?;
        width = (inner / (1.0 - 2.0 * OUTSIDE)).max(2.0);
    }
    Some(CellLook { width, depth, septum: SEPTUM })
}

/// Width of the mask from the distances on its ridge: of the middle half of them, since their steps are coarse.
///
/// The ridge of an odd number of pixels is half a pixel further from the next pixel outside than from the edge;
/// that of an even number is not: a quarter, then.
fn inner_width(ridge: &mut [f32]) -> Option<f64> {
    ridge.sort_unstable_by(f32::total_cmp);
    let middle = ridge.get(ridge.len() / 4..(3 * ridge.len()).div_ceil(4))?;
    let sum: f64 = middle.iter().copied().map(f64::from).sum();
    (!middle.is_empty()).then(|| 2.0 * (sum / middle.len() as f64 - 0.25))
}

/// Width and contrast from bars at all scales.
fn first_look(images: &[Array2<f32>]) -> Option<(f64, f64)> {
    let mut best: (f32, f64) = (0.0, 0.0);
    for k in 0..SIGMAS {
        let sigma = FIRST_SIGMA * SIGMA_FACTOR.powi(k as i32);
        let mut answers: Vec<f32> =
            images.iter().flat_map(|i| bars(&smoothed(i, sigma), sigma)).collect();
        let rank = answers.len().checked_sub(1 + BAR)?;
        let (_, strongest, _) = answers.select_nth_unstable_by(rank, f32::total_cmp);
        let strongest = *strongest;
        if strongest > best.0 {
            best = (strongest, sigma);
        }
    }
    let (strongest, sigma) = best;
    if strongest <= 0.0 {
        return None;
    }
    let (mut depths, mut steps) = (Vec::new(), Vec::new());
    for image in images {
        let smooth = smoothed(image, sigma);
        let mut levels: Vec<f32> = image.iter().copied().collect();
        let background = median(&mut levels)?;
        let answers = bars(&smooth, sigma);
        let inside = image.iter().zip(answers).filter(|(_, a)| *a > CLEAR * strongest);
        depths.extend(inside.map(|(v, _)| background - v));
        for row in image.rows() {
            steps.extend(row.iter().zip(row.iter().skip(1)).map(|(a, b)| b - a));
        }
    }
    let noise = robust_sigma(&mut steps)? * std::f32::consts::FRAC_1_SQRT_2;
    let depth = median(&mut depths)?;
    (depth > LEAST_CONTRAST * noise).then_some((2.0 * sigma, f64::from(depth)))
}

/// Distances from the edge on the ridge of the mask.
fn ridge(image: &Array2<f32>, width: f64, depth: f64) -> Vec<f32> {
    let mask = Mask::new(image, width, depth);
    let [_, rows, columns] = mask.shape;
    let mut out = Vec::new();
    for y in 1..rows.saturating_sub(1) {
        for x in 1..columns.saturating_sub(1) {
            let at = |dy: usize, dx: usize| mask.distance[(y + dy - 1) * columns + x + dx - 1];
            let here = at(1, 1);
            let is_top = |a: f32, b: f32| here >= a && here > b || here > a && here >= b;
            let is_ridge = is_top(at(0, 1), at(2, 1)) || is_top(at(1, 0), at(1, 2));
            // Less is a speck, or noise.
            if here >= 1.5 && here > 0.2 * width as f32 && is_ridge {
                out.push(here);
            }
        }
    }
    out
}
