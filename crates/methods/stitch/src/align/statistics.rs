//! What all pairs share: levels of the tiles, the camera's pattern, the null distribution.

use serde::{Deserialize, Serialize};

/// Statistics of a set of tiles that every pair needs; a step of its own, so that each pair is a
/// pure function of layout, parameters and this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharedStatistics {
    /// Levels per tile, in order of ids.
    pub levels: Vec<TileLevels>,
    /// The camera's fixed pattern, where it matters.
    pub pattern: Option<FixedPattern>,
    /// What wrong partners score.
    pub null: NullDistribution,
}

impl SharedStatistics {
    /// The levels of a tile; those of an unread tile are neutral.
    pub fn levels_of(&self, tile: usize) -> TileLevels {
        let neutral = TileLevels { tile, background: 0.0, noise: 0.0, floor: 0.0 };
        self.levels.iter().find(|l| l.tile == tile).copied().unwrap_or(neutral)
    }
}

/// Grey levels of one tile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TileLevels {
    /// The tile's id.
    pub tile: usize,
    /// The most frequent value of the darker voxels.
    pub background: f32,
    /// Standard deviation of the noise, from differences of neighbouring planes (rows in 2-D).
    pub noise: f32,
    /// Subtracted before the square root: so far below the background that noise is not cut off.
    pub floor: f32,
}

/// A pattern that repeats in every plane of every tile: it belongs to the camera.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FixedPattern {
    /// Shape of a plane, `(y, x)`.
    pub shape: [usize; 2],
    /// Standard deviation of the pattern, grey levels.
    pub sd: f32,
    /// The pattern in C order, mean about 0.
    pub values: Vec<f32>,
}

impl FixedPattern {
    /// A part of one row.
    pub fn row(&self, y: usize, x: usize, width: usize) -> &[f32] {
        &self.values[y * self.shape[1] + x..][..width]
    }
}

/// The distribution of the best score among wrong partners: a Gumbel law of
/// `atanh(ncc) sqrt(voxels)`, fitted by moments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NullDistribution {
    /// Mode of the law.
    pub location: f64,
    /// Its scale.
    pub scale: f64,
    /// Number of shifts over which each best score was taken.
    pub shifts: f64,
    /// Number of wrong partners.
    pub samples: usize,
}

impl NullDistribution {
    /// The law of independent normal scores, for sets too small to be measured.
    pub fn of_noise(shifts: f64) -> NullDistribution {
        let n = shifts.max(2.0);
        // Fisher and Tippett (1928): location and scale of the largest of n normal draws.
        let location = (2.0 * n.ln()).sqrt();
        NullDistribution { location, scale: 1.0 / location, shifts: n, samples: 0 }
    }

    /// Fits the law to the best scores of wrong partners.
    pub fn fit(scores: &[f64], shifts: f64) -> NullDistribution {
        const EULER: f64 = 0.577_215_664_901_532_9;
        let n = scores.len() as f64;
        let floor = NullDistribution::of_noise(shifts);
        if scores.len() < 8 {
            return floor;
        }
        let mean = scores.iter().sum::<f64>() / n;
        let variance = scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let scale = (6.0 * variance).sqrt() / std::f64::consts::PI;
        // Never more certain than pure noise allows.
        let scale = scale.max(floor.scale);
        NullDistribution { location: mean - EULER * scale, scale, shifts, samples: scores.len() }
    }

    /// Probability that wrong partners reach a score `ncc` over `voxels` in a search over `shifts`.
    pub fn p_false(&self, ncc: f64, voxels: f64, shifts: f64) -> f64 {
        let z = (score(ncc, voxels) - self.location) / self.scale
            - (shifts / self.shifts).max(1e-6).ln();
        // 1 - exp(-exp(-z)), exact for small probabilities.
        (-(-(-z).exp()).exp_m1()).clamp(0.0, 1.0)
    }
}

/// Fisher's transform of a correlation, scaled so that noise of any overlap scores alike.
pub(crate) fn score(ncc: f64, voxels: f64) -> f64 {
    ncc.clamp(-0.999_999, 0.999_999).atanh() * voxels.max(1.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typical_noise_peak_is_likely_and_a_strong_one_is_not() {
        let null = NullDistribution::of_noise(1000.0);
        assert!(null.p_false(0.037, 10_000.0, 1000.0) > 0.3);
        assert!(null.p_false(0.5, 10_000.0, 1000.0) < 1e-9);
        assert!(null.p_false(0.0, 10_000.0, 1000.0) > 0.99);
    }

    #[test]
    fn the_fit_finds_the_law_that_made_the_scores() {
        // Quantiles of a Gumbel law with location 5 and scale 0.4.
        let scores: Vec<f64> =
            (0..200).map(|i| 5.0 - 0.4 * (-((f64::from(i) + 0.5) / 200.0).ln()).ln()).collect();
        let null = NullDistribution::fit(&scores, 500.0);
        assert!((null.location - 5.0).abs() < 0.02 && (null.scale - 0.4).abs() < 0.03, "{null:?}");
    }
}
