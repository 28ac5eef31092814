//! Interpolation along one axis: which voxels, with which weights.

use super::params::Interpolation;

/// The voxels `k + first ..` and their weights, for every `k` of one tile along one axis.
///
/// A tile's fractional part is the same for all its voxels, so one set of weights serves a tile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Taps {
    weights: [f64; 4],
    count: usize,
    /// Offset of the first tap: 0, or -1 for cubic.
    pub first: i64,
}

impl Taps {
    /// Taps that read at `k + fraction`, `0 <= fraction < 1`; one tap when `fraction` is 0.
    pub fn new(fraction: f64, interpolation: Interpolation) -> Taps {
        let t = fraction;
        if t == 0.0 {
            return Taps { weights: [1.0, 0.0, 0.0, 0.0], count: 1, first: 0 };
        }
        match interpolation {
            // `nearest` rounds the position, so it has no fraction.
            Interpolation::Nearest | Interpolation::Linear => {
                Taps { weights: [1.0 - t, t, 0.0, 0.0], count: 2, first: 0 }
            }
            Interpolation::Cubic => Taps { weights: keys(t), count: 4, first: -1 },
        }
    }

    /// The weights, one per tap.
    pub fn weights(&self) -> &[f64] {
        &self.weights[..self.count]
    }

    /// The voxels that `k` in `low..=high` read, clipped to an axis of `size` voxels.
    pub fn reach(&self, low: i64, high: i64, size: usize) -> (usize, usize) {
        let last = size as i64 - 1;
        let from = (low + self.first).clamp(0, last);
        let to = (high + self.first + self.count as i64 - 1).clamp(0, last);
        (from as usize, to as usize)
    }
}

/// Catmull-Rom weights of the voxels -1, 0, 1, 2 at `t` (Keys 1981, doi:10.1109/TASSP.1981.1163711,
/// a = -0.5).
fn keys(t: f64) -> [f64; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        -0.5 * t3 + t2 - 0.5 * t,
        1.5 * t3 - 2.5 * t2 + 1.0,
        -1.5 * t3 + 2.0 * t2 + 0.5 * t,
        0.5 * t3 - 0.5 * t2,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_taps_reproduce_a_parabola() {
        let taps = Taps::new(0.3, Interpolation::Cubic);
        let value: f64 = taps
            .weights()
            .iter()
            .enumerate()
            .map(|(i, w)| w * ((i as i64 + taps.first) as f64).powi(2))
            .sum();
        assert!((value - 0.09).abs() < 1e-15);
        assert!((taps.weights().iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn reach_is_clipped_to_the_tile() {
        let taps = Taps::new(0.5, Interpolation::Cubic);
        assert_eq!(taps.reach(0, 3, 10), (0, 5));
        assert_eq!(taps.reach(3, 8, 10), (2, 9));
        assert_eq!(Taps::new(0.0, Interpolation::Cubic).reach(3, 8, 10), (3, 8));
    }
}
