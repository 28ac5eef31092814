//! Relative growth rates along a cell's line of descent.
//!
//! Sizes are followed from the root of a tree to a cell. So that a division is no fall, the logarithm is lifted
//! at it by what the other branch took: `ln(1 + d/m)` on the mother's branch, `ln(1 + m/d)` on the daughter's. The
//! rate is the slope of a line through `w` frames (Savitzky & Golay 1964, order 1, first derivative); at both ends
//! of the series it is that of the first and the last `w` frames.

use std::collections::BTreeMap;

use crate::error::LineageError;
use crate::tree::{CellId, GrowthFeature, Inverse, Lineage};

/// What a division is taken for when a size is missing: into two equal halves.
const EVEN_DIVISION: f64 = std::f64::consts::LN_2;

/// Computes the growth rates of all cells from their features, and keeps them there.
///
/// # Arguments
/// * `smooth` — frames of the window, at least 3; a shorter line of descent takes a window of its own length.
///
/// # Returns
/// Steps that put the growth rates back that were there before, for a log of edits.
///
/// # Errors
/// [`LineageError::Parameter`] for a window below 3 frames.
pub fn compute_growthrates(
    lineage: &mut Lineage,
    feature: GrowthFeature,
    smooth: usize,
) -> Result<Vec<Inverse>, LineageError> {
    let size = |cell, frame| {
        lineage.features(cell, frame).map_or(f64::NAN, |f| f64::from(f.size(feature)))
    };
    let rates = growth_rates(lineage, smooth, size)?;
    let mut before = Vec::with_capacity(rates.len());
    for (cell, rates) in rates {
        let rates: Vec<f32> = rates.into_iter().map(|rate| rate as f32).collect();
        before.push(lineage.set_growthrates(cell, feature, &rates)?);
    }
    Ok(before)
}

/// Growth rates of all cells of a lineage, 1/frame, one per frame of a cell.
///
/// A size that is not above 0 or not finite has no weight; a rate is NaN where fewer than two sizes are in its window.
///
/// # Arguments
/// * `size` — the size of a cell in a frame in which it lives.
///
/// # Errors
/// [`LineageError::Parameter`] for a window below 3 frames.
pub fn growth_rates(
    lineage: &Lineage,
    smooth: usize,
    size: impl Fn(CellId, usize) -> f64,
) -> Result<BTreeMap<CellId, Vec<f64>>, LineageError> {
    if smooth < 3 {
        return Err(LineageError::Parameter {
            name: "smooth",
            reason: format!("a window of {smooth} frames is too short; wanted are at least 3"),
        });
    }
    let of_cell = |(id, len): (CellId, usize)| {
        let series = line_of_descent(lineage, id, &size);
        let slopes = slopes(&series, smooth, series.len() - len);
        (id, slopes)
    };
    Ok(lineage.iter().map(|(id, cell)| of_cell((id, cell.features.len()))).collect())
}

/// Logarithms of sizes from the root to the end of a cell, without the falls at divisions; NaN where unknown.
fn line_of_descent(
    lineage: &Lineage,
    cell: CellId,
    size: &impl Fn(CellId, usize) -> f64,
) -> Vec<f64> {
    let mut path = vec![cell];
    while let Some(mother) = path.last().and_then(|id| lineage.cell(*id).ok()?.mother) {
        path.push(mother);
    }
    path.reverse();
    let (mut series, mut offset) = (Vec::new(), 0.0);
    for (i, &id) in path.iter().enumerate() {
        let Ok(cell) = lineage.cell(id) else { continue };
        let next = path.get(i + 1).and_then(|next| lineage.cell(*next).ok().map(|c| (*next, c)));
        let end = next.map_or(cell.last_frame() + 1, |(_, child)| child.first_frame);
        for frame in cell.first_frame..end {
            if let Some(daughter) = cell.daughters[frame - cell.first_frame] {
                offset += lift(size(daughter, frame) / size(id, frame));
            }
            series.push(logarithm(size(id, frame)) + offset);
        }
        if let Some((child, _)) = next {
            offset += lift(size(id, end) / size(child, end));
        }
    }
    series
}

fn logarithm(size: f64) -> f64 {
    if size > 0.0 && size.is_finite() { size.ln() } else { f64::NAN }
}

/// `ln(1 + ratio)`, where the ratio is one of sizes.
fn lift(ratio: f64) -> f64 {
    if ratio > 0.0 && ratio.is_finite() { ratio.ln_1p() } else { EVEN_DIVISION }
}

/// Slopes from `from` on of lines through windows of a series.
fn slopes(series: &[f64], smooth: usize, from: usize) -> Vec<f64> {
    let n = series.len();
    let window = smooth.min(n);
    let half = window / 2;
    let slope_at = |i: usize| {
        let start = if i < half {
            0
        } else if i + half >= n {
            n - window
        } else {
            // The middle of an even window lies half a frame after its frame.
            i + 1 - half - window % 2
        };
        slope(&series[start..start + window])
    };
    (from..n).map(slope_at).collect()
}

/// Slope of the line through values at 0, 1, 2, …; NaN has no weight.
fn slope(values: &[f64]) -> f64 {
    let known =
        || values.iter().enumerate().filter(|(_, y)| !y.is_nan()).map(|(x, y)| (x as f64, *y));
    let count = known().count();
    if count < 2 {
        return f64::NAN;
    }
    let mean_x = known().map(|(x, _)| x).sum::<f64>() / count as f64;
    let mean_y = known().map(|(_, y)| y).sum::<f64>() / count as f64;
    let covariance: f64 = known().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    covariance / known().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>()
}
