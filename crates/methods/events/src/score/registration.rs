//! Errors of shifts and of fields of displacements.

use ndarray::{ArrayView4, Axis};
use serde::{Deserialize, Serialize};

use crate::EventsError;

/// Lengths of the differences between found and true displacements, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RegistrationScore {
    /// Root mean square.
    pub rmse_px: f64,
    /// Median.
    pub median_px: f64,
    /// 95th percentile, interpolated between ranks.
    pub p95_px: f64,
    /// Part above one pixel.
    pub frac_gt1: f64,
    /// Number of frames, or of frames times pixels.
    pub n: usize,
}

/// Compares shifts `(dy, dx)` of frames with the true ones.
///
/// The median over time of the difference is taken out first, per axis: where the template lies is
/// nobody's fault. 0 for no frames.
///
/// # Errors
/// [`EventsError::Shape`] for unequal numbers of frames.
pub fn registration(
    found: &[[f64; 2]],
    truth: &[[f64; 2]],
) -> Result<RegistrationScore, EventsError> {
    if found.len() != truth.len() {
        return Err(EventsError::Shape {
            what: "shifts to score",
            expected: vec![truth.len()],
            found: vec![found.len()],
        });
    }
    let error = |d: usize| centred(found.iter().zip(truth).map(|(f, t)| f[d] - t[d]).collect());
    let lengths = error(0).into_iter().zip(error(1)).map(|(y, x)| y.hypot(x));
    Ok(of_lengths(lengths.collect()))
}

/// Compares fields of displacements `(frame, y, x, 2)`, the last axis `(dy, dx)`, with the true ones.
///
/// The median over time of the difference is taken out of each pixel and axis: a bent template
/// bends all frames alike.
///
/// # Errors
/// [`EventsError::Shape`] for unequal shapes, or a last axis of another length than 2.
pub fn registration_fields(
    found: ArrayView4<'_, f32>,
    truth: ArrayView4<'_, f32>,
) -> Result<RegistrationScore, EventsError> {
    let (t, y, x, d) = truth.dim();
    if found.dim() != truth.dim() || d != 2 {
        return Err(EventsError::Shape {
            what: "fields to score",
            expected: vec![t, y, x, 2],
            found: found.shape().to_vec(),
        });
    }
    let mut squares = vec![0.0_f64; t * y * x];
    for d in 0..2 {
        let (found, truth) = (found.index_axis(Axis(3), d), truth.index_axis(Axis(3), d));
        let lines = found.lanes(Axis(0)).into_iter().zip(truth.lanes(Axis(0)));
        for (pixel, (found, truth)) in lines.enumerate() {
            let differences =
                found.iter().zip(truth).map(|(f, t)| f64::from(*f) - f64::from(*t)).collect();
            for (k, error) in centred(differences).into_iter().enumerate() {
                squares[k * y * x + pixel] += error * error;
            }
        }
    }
    Ok(of_lengths(squares.into_iter().map(f64::sqrt).collect()))
}

/// Values less their median.
fn centred(mut values: Vec<f64>) -> Vec<f64> {
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = quantile(&sorted, 0.5);
    values.iter_mut().for_each(|v| *v -= middle);
    values
}

/// A quantile of ascending values, linear between ranks; 0 of none.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = q * sorted.len().saturating_sub(1) as f64;
    let (low, part) = (rank.floor() as usize, rank.fract());
    match (sorted.get(low), sorted.get(low + 1)) {
        (Some(a), Some(b)) => a + part * (b - a),
        (Some(a), None) => *a,
        _ => 0.0,
    }
}

fn of_lengths(mut lengths: Vec<f64>) -> RegistrationScore {
    lengths.sort_by(f64::total_cmp);
    let n = lengths.len();
    let mean = |sum: f64| if n > 0 { sum / n as f64 } else { 0.0 };
    RegistrationScore {
        rmse_px: mean(lengths.iter().map(|l| l * l).sum()).sqrt(),
        median_px: quantile(&lengths, 0.5),
        p95_px: quantile(&lengths, 0.95),
        frac_gt1: mean(lengths.iter().filter(|l| **l > 1.0).count() as f64),
        n,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array4;

    use super::*;

    #[test]
    fn the_gauge_is_taken_out_and_lengths_are_counted() {
        let truth = [[0.0, 0.0], [1.0, 2.0], [3.0, -1.0], [2.0, 2.0], [4.0, 0.5]];
        let mut found = truth.map(|[y, x]| [y + 5.0, x - 7.0]);
        found[2][0] += 3.0;
        found[2][1] += 4.0;
        let score = registration(&found, &truth).expect("equal lengths");
        // Lengths 0, 0, 0, 0, 5: the 95th percentile is four fifths of the way from 0 to 5.
        assert!((score.rmse_px - 5.0_f64.sqrt()).abs() < 1e-12, "{score:?}");
        assert_eq!((score.median_px, score.frac_gt1, score.n), (0.0, 0.2, 5));
        assert!((score.p95_px - 4.0).abs() < 1e-12);
        assert!(registration(&found[1..], &truth).is_err());
        assert_eq!(registration(&[], &[]).map(|s| s.n), Ok(0));
    }

    #[test]
    fn fields_have_a_gauge_per_pixel() {
        let truth = Array4::from_shape_fn((3, 2, 2, 2), |(t, y, x, d)| (t * 7 + y + x + d) as f32);
        let bend = |(_, y, x, d): (usize, usize, usize, usize)| (3 * y + 5 * x + d) as f32;
        let mut found = Array4::from_shape_fn((3, 2, 2, 2), |i| truth[i] + bend(i));
        let score = registration_fields(found.view(), truth.view()).expect("equal shapes");
        assert_eq!((score.rmse_px, score.n), (0.0, 12));
        found[[1, 0, 1, 0]] += 2.0;
        let score = registration_fields(found.view(), truth.view()).expect("equal shapes");
        assert!((score.rmse_px - (4.0_f64 / 12.0).sqrt()).abs() < 1e-6, "{score:?}");
    }
}
