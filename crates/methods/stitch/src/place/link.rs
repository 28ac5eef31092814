//! Links as the robust solve sees them: displacement, uncertainty, evidence.

use crate::layout::{Layout, Pair};

/// Floor of a displacement's standard deviation, voxels: below it, systematic errors rule.
pub(super) const SD_FLOOR: f64 = 0.02;
/// Standard deviation of a displacement that says nothing of its uncertainty, voxels.
const SD_UNKNOWN: f64 = 0.5;
/// A link less certain than this on every axis was not really measured, voxels.
const SD_USELESS: f64 = 2.0;
/// Chance that a link without `p_false` and `ncc` is false.
const P_FALSE_UNKNOWN: f64 = 0.02;
/// `p_false` is not believed beyond this: a match can be wrong for other reasons than noise.
const P_FALSE_FLOOR: f64 = 1e-4;

/// Blocks that an empirical covariance is typically estimated from, less one; and how many more
/// the median link counts as when a link's own variance is moderated.
const OWN_FREEDOM: f64 = 7.0;
const SHARED_FREEDOM: f64 = 4.0;

/// Squared distance that `k = 1, 2, 3` normal components exceed as rarely as one exceeds 4 sd.
pub(super) const FOUR_SIGMA: [f64; 4] = [0.0, 16.0, 19.334, 22.061];
/// Squared distance that `k = 1, 2, 3` normal components exceed as rarely as one exceeds 5 sd.
pub(super) const FIVE_SIGMA: [f64; 4] = [0.0, 25.0, 28.744, 31.812];

/// A symmetric 3x3 matrix over `(z, y, x)`.
pub(super) type Covariance = [[f64; 3]; 3];

/// A measured link between the tiles at places `a` and `b` of the list of tiles.
pub(super) struct Link {
    /// Place in the list of pairs.
    pub pair: usize,
    pub a: usize,
    pub b: usize,
    /// Possible displacements, the measured one first.
    pub candidates: Vec<[f64; 3]>,
    /// NCC of each candidate, where known.
    pub ncc: Vec<Option<f64>>,
    /// Which components are measured and wanted.
    pub measured: [bool; 3],
    /// Covariance of the displacement, with the floor; unmeasured rows and columns are zero.
    pub covariance: Covariance,
    /// Log odds that the measurement is true, by its `p_false` alone.
    pub log_odds: f64,
    /// Factor on the weight: one half when the shift lies at the edge of its window.
    pub damping: f64,
}

impl Link {
    /// A link of a pair; `wanted` are the axes to solve. `None` when it says nothing about them.
    pub fn new(at: usize, pair: &Pair, ends: (usize, usize), wanted: [bool; 3]) -> Option<Link> {
        let d = pair.displacement_px.0;
        let measured: [bool; 3] = std::array::from_fn(|k| wanted[k] && d[k].is_finite());
        let covariance = covariance_of(pair, measured);
        let certain = |k: usize| measured[k] && covariance[k][k] <= SD_USELESS * SD_USELESS;
        if !(0..3).any(certain) {
            return None;
        }
        let mut candidates = vec![d];
        let mut ncc = vec![pair.ncc];
        for other in &pair.candidates {
            let o = other.displacement_px.0;
            let known = (0..3).all(|k| !measured[k] || o[k].is_finite());
            let same = (0..3).all(|k| !measured[k] || (o[k] - d[k]).abs() < 1e-9);
            if known && !same {
                candidates.push(o);
                ncc.push(other.ncc);
            }
        }
        let (a, b) = ends;
        let log_odds = log_odds(pair);
        Some(Link { pair: at, a, b, candidates, ncc, measured, covariance, log_odds, damping: 1.0 })
    }

    /// Number of measured components.
    pub fn components(&self) -> usize {
        self.measured.iter().filter(|m| **m).count()
    }
}

/// Log odds of a true measurement: from `p_false`, else from the NCC, else from a constant.
fn log_odds(pair: &Pair) -> f64 {
    let p = match (pair.p_false, pair.ncc.or(pair.quality.filter(|q| (0.0..=1.0).contains(q)))) {
        (Some(p), _) if p.is_finite() => p,
        // Noise seldom correlates above 0.2 over an overlap of ordinary size.
        (_, Some(ncc)) => 1.0 / (1.0 + ((ncc - 0.2) / 0.04).exp()),
        _ => P_FALSE_UNKNOWN,
    };
    let p = p.clamp(P_FALSE_FLOOR, 1.0 - P_FALSE_FLOOR);
    ((1.0 - p) / p).ln()
}

/// The covariance of the measured components: the full one where it is known, else from the
/// standard deviations; variances have a floor, correlations stay below 0.95.
fn covariance_of(pair: &Pair, measured: [bool; 3]) -> Covariance {
    let full = pair.covariance_px2.map(|c| c.0);
    let variance = |k: usize| {
        let given = full.map(|c| c[k][k]).or(pair.sd_px.map(|s| s[k] * s[k]));
        given.filter(|v| v.is_finite() && *v >= 0.0).unwrap_or(SD_UNKNOWN * SD_UNKNOWN)
    };
    let raw: [f64; 3] = std::array::from_fn(variance);
    let floored = raw.map(|v| v.max(SD_FLOOR * SD_FLOOR));
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            if !measured[i] || !measured[j] {
                return 0.0;
            }
            if i == j {
                return floored[i];
            }
            let correlation = full.map_or(0.0, |c| c[i][j] / (raw[i] * raw[j]).sqrt());
            let usable = if correlation.is_finite() { correlation.clamp(-0.95, 0.95) } else { 0.0 };
            usable * (floored[i] * floored[j]).sqrt()
        })
    })
}

/// Squared Mahalanobis distance over the components that `measured` names.
///
/// Three correlations of up to 0.95 need not form a positive matrix; then they are ignored.
pub(super) fn squared_distance(r: [f64; 3], c: &Covariance, measured: [bool; 3]) -> f64 {
    let mut factor = [[0.0; 3]; 3];
    let mut solved = [0.0; 3];
    for i in (0..3).filter(|i| measured[*i]) {
        for j in (0..=i).filter(|j| measured[*j]) {
            let known: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            let rest = c[i][j] - known;
            if i != j {
                factor[i][j] = rest / factor[j][j];
            } else if rest > 1e-6 * c[i][i] {
                factor[i][i] = rest.sqrt();
            } else {
                return (0..3).filter(|k| measured[*k]).map(|k| r[k] * r[k] / c[k][k]).sum();
            }
        }
        let known: f64 = (0..i).map(|k| factor[i][k] * solved[k]).sum();
        solved[i] = (r[i] - known) / factor[i][i];
    }
    solved.iter().map(|s| s * s).sum()
}

/// Draws the variances of links towards their median, per axis.
///
/// A covariance over a handful of blocks is uncertain itself: a link whose blocks agree by chance
/// would get a weight far above its worth (as in moderated t statistics, Smyth 2004,
/// doi:10.2202/1544-6115.1027). Correlations stay.
pub(super) fn moderate_variances(links: &mut [Link]) {
    let mut factors = vec![[1.0; 3]; links.len()];
    for d in 0..3 {
        let known = links.iter().filter(|l| l.measured[d]).map(|l| l.covariance[d][d]);
        let mut variances: Vec<f64> = known.collect();
        variances.sort_unstable_by(f64::total_cmp);
        let Some(&median) = variances.get(variances.len() / 2) else { continue };
        for (link, factor) in links.iter().zip(&mut factors).filter(|(l, _)| l.measured[d]) {
            let own = link.covariance[d][d];
            let moderated =
                (OWN_FREEDOM * own + SHARED_FREEDOM * median) / (OWN_FREEDOM + SHARED_FREEDOM);
            factor[d] = (moderated / own).sqrt();
        }
    }
    for (link, factor) in links.iter_mut().zip(factors) {
        for i in 0..3 {
            (0..3).for_each(|j| link.covariance[i][j] *= factor[i] * factor[j]);
        }
    }
}

/// Marks links whose shift lay at the edge of the window that was searched.
pub(super) fn damp_window_edges(links: &mut [Link], layout: &Layout) {
    let mut edges: Vec<[usize; 2]> =
        layout.warnings.iter().filter(|w| w.code == "window_edge").filter_map(|w| w.pair).collect();
    edges.sort_unstable();
    for link in links {
        let pair = &layout.pairs[link.pair];
        if edges.binary_search(&[pair.pre, pair.post]).is_ok() {
            link.damping = 0.5;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_uses_the_measured_components_and_their_correlation() {
        let c = [[4.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.5, 1.0]];
        assert_eq!(squared_distance([4.0, f64::NAN, f64::NAN], &c, [true, false, false]), 4.0);
        // (1, 1) along the long axis of the ellipse: 2 / (1 + 0.5).
        let d = squared_distance([0.0, 1.0, 1.0], &c, [true; 3]);
        assert!((d - 4.0 / 3.0).abs() < 1e-12, "{d}");
    }

    #[test]
    fn a_link_without_any_certainty_is_no_link() {
        let mut pair = Pair::new(0, 1, [0.0, 5.0, 1.0], Some(0.9));
        assert!(Link::new(0, &pair, (0, 1), [true; 3]).is_some());
        pair.sd_px = Some([3.0, 2.5, 4.0].into());
        assert!(Link::new(0, &pair, (0, 1), [true; 3]).is_none());
        pair.sd_px = Some([3.0, 0.001, 4.0].into());
        let link = Link::new(0, &pair, (0, 1), [true; 3]).expect("y is certain");
        assert_eq!(link.covariance[1][1], SD_FLOOR * SD_FLOOR);
        assert!(Link::new(0, &pair, (0, 1), [true, false, true]).is_none());
    }
}
