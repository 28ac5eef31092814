//! Fractions of intensity, and of voxels, that lie above thresholds.

use super::joint::{Cell, JointHistogram};
use super::{pairwise, quotient};

/// `Σ a[b > T2] / Σ a` and `Σ b[a > T1] / Σ b`: each channel is selected by the other's threshold.
///
/// Manders et al. (1993), doi:10.1111/j.1365-2818.1993.tb03313.x.
pub(super) fn manders(joint: &JointHistogram, thresholds: [f64; 2]) -> [Option<f64>; 2] {
    let sums = pairwise(&joint.cells, &|cell: &Cell| {
        let ([a, b], n) = (joint.values(cell), cell.n as f64);
        let select = |is_above: bool, value: f64| if is_above { n * value } else { 0.0 };
        [select(b > thresholds[1], a), n * a, select(a > thresholds[0], b), n * b]
    });
    [quotient(sums[0], sums[1]), quotient(sums[2], sums[3])]
}

/// What of the voxels above one threshold lies above both, of either channel.
pub(super) struct Above {
    /// Of the intensity.
    pub fractions: [Option<f64>; 2],
    /// Of the voxels.
    pub overlaps: [Option<f64>; 2],
    /// Of the intensity, weighted by how near the ranks of both channels are.
    pub rank_weighted: [Option<f64>; 2],
}

/// Ranks are dense, from 0, over all voxels (Singan et al. 2011, doi:10.1186/1471-2105-12-407).
pub(super) fn above(joint: &JointHistogram, thresholds: [f64; 2]) -> Above {
    let ranks = joint.levels[0].len().max(joint.levels[1].len()) as f64;
    let sums = pairwise(&joint.cells, &|cell: &Cell| {
        let ([a, b], n) = (joint.values(cell), cell.n as f64);
        let weight = (ranks - f64::from(cell.a.abs_diff(cell.b))) / ranks;
        let [in_a, in_b] = [a > thresholds[0], b > thresholds[1]];
        let select = |is_above: bool, value: f64| if is_above { n * value } else { 0.0 };
        let both = in_a && in_b;
        [
            select(both, 1.0),
            select(in_a, 1.0),
            select(in_b, 1.0),
            select(both, a),
            select(both, b),
            select(in_a, a),
            select(in_b, b),
            select(both, a * weight),
            select(both, b * weight),
        ]
    });
    let [both, n_a, n_b, a_both, b_both, a, b, a_weighted, b_weighted] = sums;
    Above {
        fractions: [quotient(a_both, a), quotient(b_both, b)],
        overlaps: [quotient(both, n_a), quotient(both, n_b)],
        rank_weighted: [quotient(a_weighted, a), quotient(b_weighted, b)],
    }
}
