//! Whether motion is real: the quality gate.
//!
//! A shift fitted to a frame raises that frame's correlation with any template, by fitting its noise.
//! So shifts are found from two disjoint sets of pixels, A and B. Motion is what both say,
//! `mean(a b)`; noise is what they disagree on, `mean((a - b)²) / 4`, the variance of their mean. Motion is
//! used if it is the larger, and if moving B's pixels by A's shifts does not lower their correlation with the template.

use serde::{Deserialize, Serialize};

/// Least variance of motion of frames that is worth an interpolation of the movie, px².
pub(crate) const LEAST_OF_FRAMES: f64 = 4e-4;

/// Least variance of motion of a block on its own, px². Events seem to move what they light up by about
/// half of this, in both sets of pixels alike.
pub(crate) const LEAST_OF_BLOCKS: f64 = 0.01;

/// Part of the frames left out whose two shifts differ most: failures, which say nothing of the rest.
const TRIMMED: f64 = 0.02;

/// Fewest frames that can prove motion.
const FEWEST: usize = 3;

/// Mean correlation of pixels with the template, and the standard error of the mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MeanR {
    /// Mean over frames.
    pub r_mean: f64,
    /// Its standard error.
    pub r_se: f64,
}

impl MeanR {
    pub(crate) fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        if values.is_empty() {
            return Self::default();
        }
        let r_mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - r_mean).powi(2)).sum();
        let r_se = if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { 0.0 };
        Self { r_mean, r_se }
    }
}

/// What the gate saw. Correlations are of pixels that had no part in finding the shift.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Of frames as they are.
    pub none: MeanR,
    /// Of frames moved as a whole, if that was tried.
    pub rigid: Option<MeanR>,
    /// Of blocks moved each on its own, if that was tried.
    pub piecewise: Option<MeanR>,
    /// Of the shifts of whole frames, over both axes.
    pub rigid_variance: Option<Variances>,
    /// Of the blocks on top of it, the mean over blocks.
    pub piecewise_variance: Option<Variances>,
}

/// How far shifts by two sets of pixels agree, px², summed over both axes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Variances {
    /// What they have in common.
    pub motion: f64,
    /// Variance of their mean by what they have not.
    pub noise: f64,
}

impl Variances {
    /// Compares shifts by two sets of pixels, one pair per frame; medians over time are taken out.
    ///
    /// `None` for fewer than three frames.
    pub(crate) fn of(pairs: &[[[f64; 2]; 2]]) -> Option<Self> {
        if pairs.len() < FEWEST {
            return None;
        }
        let median = |set: usize, d: usize| median(pairs.iter().map(|p| p[set][d]).collect());
        let medians = [0, 1].map(|set| [0, 1].map(|d| median(set, d)));
        let mut terms: Vec<(f64, f64)> = pairs
            .iter()
            .map(|pair| {
                let [a, b]: [[f64; 2]; 2] = std::array::from_fn(|set| {
                    std::array::from_fn(|d| pair[set][d] - medians[set][d])
                });
                let difference = (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
                (difference / 4.0, a[0] * b[0] + a[1] * b[1])
            })
            .collect();
        terms.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.total_cmp(&q.1)));
        terms.truncate(pairs.len() - (TRIMMED * pairs.len() as f64) as usize);
        let n = terms.len() as f64;
        Some(Self {
            motion: terms.iter().map(|t| t.1).sum::<f64>() / n,
            noise: terms.iter().map(|t| t.0).sum::<f64>() / n,
        })
    }

    /// Whether there is motion of more than `least`, and more of it than noise.
    pub(crate) fn proves_motion(&self, least: f64) -> bool {
        self.motion > self.noise.max(least)
    }
}

/// The median, of an even number the mean of the middle two; 0 of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n.is_multiple_of(2) => (values[middle - 1] + values[middle]) / 2.0,
        _ => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_motion_and_disagreement_is_noise() {
        // Per axis: a = m + n, b = m - n with m = ±2, n = ±1, all four combinations.
        let pairs: Vec<[[f64; 2]; 2]> = [(2.0, 1.0), (2.0, -1.0), (-2.0, 1.0), (-2.0, -1.0)]
            .map(|(m, n)| [[m + n + 7.0, 0.0], [m - n - 3.0, 0.0]])
            .to_vec();
        // mean(a b) = 4 - 1, mean((a - b)^2) / 4 = 1
        let found = Variances::of(&pairs).expect("four frames");
        assert_eq!(found, Variances { motion: 3.0, noise: 1.0 });
        assert!(found.proves_motion(LEAST_OF_FRAMES));
        assert_eq!(Variances::of(&pairs[..2]), None);
    }

    #[test]
    fn equal_shifts_of_no_size_prove_nothing() {
        let still = Variances::of(&[[[0.001; 2]; 2], [[0.0; 2]; 2], [[-0.001; 2]; 2]]);
        assert!(!still.expect("three frames").proves_motion(LEAST_OF_FRAMES));
    }
}
