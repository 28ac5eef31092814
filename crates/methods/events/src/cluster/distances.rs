//! How unlike traces or features are.

use rayon::prelude::*;

use crate::EventsError;

/// Distances of all pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Distances {
    n: usize,
    /// Of `(0, 1)`, `(0, 2)`, …, `(1, 2)`, …: SciPy's condensed form.
    condensed: Vec<f64>,
}

impl Distances {
    /// Takes distances in SciPy's condensed form, of `n` items.
    ///
    /// # Errors
    /// When their number does not fit, or one is negative or not finite.
    pub fn from_condensed(n: usize, condensed: Vec<f64>) -> Result<Self, EventsError> {
        let expected = n * n.saturating_sub(1) / 2;
        if condensed.len() != expected {
            let (expected, found) = (vec![expected], vec![condensed.len()]);
            return Err(EventsError::Shape { what: "distances", expected, found });
        }
        if let Some(bad) = condensed.iter().find(|d| !(d.is_finite() && **d >= 0.0)) {
            let reason = format!("{bad} is no distance");
            return Err(EventsError::Parameter { name: "distances", reason });
        }
        Ok(Self { n, condensed })
    }

    /// Of all pairs of `n` items, each computed once, in parallel.
    fn of_pairs(
        n: usize,
        distance: impl Fn(usize, usize) -> f64 + Sync,
    ) -> Result<Self, EventsError> {
        let rows: Vec<Vec<f64>> =
            (0..n).into_par_iter().map(|i| (i + 1..n).map(|j| distance(i, j)).collect()).collect();
        Self::from_condensed(n, rows.concat())
    }

    /// How many items.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The distances in condensed form.
    pub fn condensed(&self) -> &[f64] {
        &self.condensed
    }

    /// The distance of two items.
    ///
    /// # Panics
    /// When an item is not there.
    pub fn get(&self, a: usize, b: usize) -> f64 {
        assert!(a < self.n && b < self.n, "items {a} and {b} of {}", self.n);
        let (a, b) = (a.min(b), a.max(b));
        if a == b { 0.0 } else { self.condensed[a * (2 * self.n - a - 1) / 2 + b - a - 1] }
    }

    /// The full matrix, row by row.
    pub(super) fn square(&self) -> Vec<Vec<f64>> {
        (0..self.n).map(|a| (0..self.n).map(|b| self.get(a, b)).collect()).collect()
    }
}

fn check(points: &[Vec<f64>], needs_one_length: bool) -> Result<(), EventsError> {
    for (i, point) in points.iter().enumerate() {
        if needs_one_length && point.len() != points[0].len() {
            let (expected, found) = (vec![points[0].len()], vec![point.len()]);
            return Err(EventsError::Shape { what: "traces of one length", expected, found });
        }
        let reason = match point.iter().position(|v| !v.is_finite()) {
            Some(k) => format!("value {k} of event {i} is {}", point[k]),
            None if point.is_empty() => format!("event {i} has none"),
            None => continue,
        };
        return Err(EventsError::Parameter { name: "values", reason });
    }
    Ok(())
}

/// Euclidean distances of points of one dimension, or of traces of one length.
///
/// # Errors
/// When lengths differ, or a value is not finite.
pub fn euclidean(points: &[Vec<f64>]) -> Result<Distances, EventsError> {
    check(points, true)?;
    let squares = |a: usize, b: usize| {
        points[a].iter().zip(&points[b]).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
    };
    Distances::of_pairs(points.len(), |a, b| squares(a, b).sqrt())
}

/// 1 minus the correlation of traces of one length, from 0 to 2. With a constant trace nothing
/// correlates: 1.
///
/// # Errors
/// As [`euclidean`].
pub fn pearson(traces: &[Vec<f64>]) -> Result<Distances, EventsError> {
    check(traces, true)?;
    // Constant up to rounding is constant.
    let unit = |trace: &Vec<f64>| {
        let mean = trace.iter().sum::<f64>() / trace.len() as f64;
        let largest = trace.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let centred: Vec<f64> = trace.iter().map(|v| v - mean).collect();
        let norm = centred.iter().map(|v| v * v).sum::<f64>().sqrt();
        let is_constant = norm <= 1e-13 * largest * (trace.len() as f64).sqrt();
        centred.into_iter().map(|v| if is_constant { 0.0 } else { v / norm }).collect()
    };
    let units: Vec<Vec<f64>> = traces.iter().map(unit).collect();
    let product =
        |a: usize, b: usize| units[a].iter().zip(&units[b]).map(|(a, b)| a * b).sum::<f64>();
    Distances::of_pairs(units.len(), |a, b| (1.0 - product(a, b)).clamp(0.0, 2.0))
}

/// Dynamic time warping of traces of any lengths: the root of the least sum of squared differences
/// along a path.
///
/// Paths stay within `band` samples of the diagonal (Sakoe & Chiba 1978,
/// doi:10.1109/TASSP.1978.1163055), or within the difference of the lengths where that is more; `None`
/// is free.
///
/// # Errors
/// When a trace is empty or a value is not finite.
pub fn dtw(traces: &[Vec<f64>], band: Option<usize>) -> Result<Distances, EventsError> {
    check(traces, false)?;
    Distances::of_pairs(traces.len(), |a, b| warped(&traces[a], &traces[b], band))
}

fn warped(a: &[f64], b: &[f64], band: Option<usize>) -> f64 {
    let reach = band.unwrap_or(usize::MAX).max(a.len().abs_diff(b.len()));
    // `row[j]` is the cost up to the first j samples of b.
    let mut last = vec![f64::INFINITY; b.len() + 1];
    last[0] = 0.0;
    for (i, va) in a.iter().enumerate() {
        let mut row = vec![f64::INFINITY; b.len() + 1];
        for j in i.saturating_sub(reach)..i.saturating_add(reach).saturating_add(1).min(b.len()) {
            let best = last[j].min(last[j + 1]).min(row[j]);
            row[j + 1] = (va - b[j]).powi(2) + best;
        }
        last = row;
    }
    last[b.len()].sqrt()
}

/// Traces stretched to `length` samples, in straight lines between samples; first and last stay.
///
/// # Errors
/// When `length` is 0 or a trace is empty.
pub fn resample(traces: &[Vec<f64>], length: usize) -> Result<Vec<Vec<f64>>, EventsError> {
    if length == 0 {
        let reason = "a trace needs a sample".to_owned();
        return Err(EventsError::Parameter { name: "length", reason });
    }
    let stretch = |trace: &Vec<f64>| -> Vec<f64> {
        let step = (trace.len() - 1) as f64 / (length - 1).max(1) as f64;
        let at = |i: usize| {
            let place = i as f64 * step;
            let k = (place as usize).min(trace.len() - 1);
            let next = (k + 1).min(trace.len() - 1);
            trace[k] + (place - k as f64) * (trace[next] - trace[k])
        };
        (0..length).map(at).collect()
    };
    match traces.iter().position(Vec::is_empty) {
        Some(i) => {
            let reason = format!("event {i} has none");
            Err(EventsError::Parameter { name: "values", reason })
        }
        None => Ok(traces.iter().map(stretch).collect()),
    }
}

/// Features, a row per event, each with mean 0 and standard deviation 1 (divided by n) over events; a
/// constant one is 0.
///
/// # Errors
/// As [`euclidean`].
pub fn z_scored(features: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, EventsError> {
    check(features, true)?;
    let n = features.len().max(1) as f64;
    let mut scored = features.to_vec();
    for k in 0..features.first().map_or(0, Vec::len) {
        let mean = features.iter().map(|f| f[k]).sum::<f64>() / n;
        let sd = (features.iter().map(|f| (f[k] - mean).powi(2)).sum::<f64>() / n).sqrt();
        let is_constant = sd <= 1e-13 * mean.abs();
        scored.iter_mut().for_each(|f| f[k] = if is_constant { 0.0 } else { (f[k] - mean) / sd });
    }
    Ok(scored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_copy_is_near_by_warping_and_far_by_points() {
        let traces = [
            vec![0.0, 1.0, 2.0, 0.0, 0.0],
            vec![0.0, 0.0, 1.0, 2.0, 0.0],
            vec![0.0, 1.0, 2.0, 0.0],
        ];
        assert_eq!(warped(&traces[0], &traces[1], None), 0.0);
        assert_eq!(warped(&traces[0], &traces[1], Some(0)), 6_f64.sqrt());
        assert_eq!(warped(&traces[0], &traces[2], Some(0)), 0.0);
    }

    #[test]
    fn correlation_ignores_scale_and_does_not_exist_for_constants() {
        let Ok(d) = pearson(&[
            vec![1.0, 2.0, 3.0],
            vec![20.0, 40.0, 60.0],
            vec![3.0, 2.0, 1.0],
            vec![0.1; 3],
        ]) else {
            panic!("finite");
        };
        let expected = [0.0, 2.0, 1.0, 2.0, 1.0, 1.0];
        assert!(d.condensed.iter().zip(expected).all(|(d, e)| (d - e).abs() < 1e-12), "{d:?}");
        assert_eq!((d.get(2, 0), d.get(3, 3)), (d.condensed[1], 0.0));
    }

    #[test]
    fn stretching_keeps_the_ends() {
        assert_eq!(
            resample(&[vec![0.0, 4.0], vec![3.0]], 3),
            Ok(vec![vec![0.0, 2.0, 4.0], vec![3.0; 3]])
        );
        assert!(resample(&[vec![]], 3).is_err() && resample(&[vec![1.0]], 0).is_err());
    }
}
