//! From gains of pairs to gains of tiles.

use std::collections::BTreeMap;

use super::{GainError, GainParams, PairGain, TileGain};
use crate::place::normal_equations::LinkGraph;

/// No gain of a pair is trusted more than this.
const LEAST_LOG_GAIN_SD: f64 = 1e-3;
/// No mean is trusted more than this part of the level.
const LEAST_MEAN_SD: f64 = 1e-4;

/// Solves for one gain and offset per tile, so that corrected tiles agree where they overlap.
///
/// Least squares over the graph of pairs, first for the logarithms of the gains, then, with these,
/// for the offsets, each pair weighted by its variance and each tile drawn to no change by a weak
/// prior. In every connected set the geometric mean of the gains is 1 and the mean of the offsets
/// 0; a tile without a pair is not changed. The order of `tiles` and `pairs` does not matter.
///
/// # Returns
/// Gain and offset by tile id.
///
/// # Errors
/// [`GainError::Parameter`]; [`GainError::UnknownTile`] when a pair names a tile not in `tiles`;
/// [`GainError::Solve`] when the equations are not finite.
pub fn solve_gains(
    tiles: &[usize],
    pairs: &[PairGain],
    params: &GainParams,
) -> Result<BTreeMap<usize, TileGain>, GainError> {
    params.validate()?;
    let number: BTreeMap<usize, usize> =
        sorted(tiles).into_iter().enumerate().map(|(n, id)| (id, n)).collect();
    let mut pairs = pairs.to_vec();
    pairs.sort_by_key(|p| (p.pre, p.post));
    for p in &pairs {
        if let Some(&tile) = [p.pre, p.post].iter().find(|t| !number.contains_key(t)) {
            return Err(GainError::UnknownTile { pre: p.pre, post: p.post, tile });
        }
    }
    if pairs.is_empty() {
        return Ok(number.into_keys().map(|id| (id, TileGain::default())).collect());
    }
    let level = median_level(&pairs);
    let ends: Vec<(usize, usize)> =
        pairs.iter().map(|p| (number[&p.pre], number[&p.post])).collect();
    let graph = LinkGraph::new(number.len(), ends.clone())?;
    let solve = |prior: f64, links: Vec<(f64, f64)>| -> Result<Vec<f64>, GainError> {
        let (weights, differences): (Vec<f64>, Vec<f64>) = links.into_iter().unzip();
        let mut values = graph.right_hand_side(&weights, differences.into_iter());
        graph.factor(&weights, &vec![prior; number.len()])?.solve(&mut values);
        Ok(values)
    };
    // Both tiles shall show the same: gain_pre * pre + offset_pre = gain_post * post + offset_post.
    let log_gain = |p: &PairGain| {
        let sd = p.log_gain_sd.max(LEAST_LOG_GAIN_SD);
        (sd.powi(-2), -p.gain.ln())
    };
    let gains = solve(params.prior_log_gain_sd.powi(-2), pairs.iter().map(log_gain).collect())?;
    let gains: Vec<f64> = gains.into_iter().map(f64::exp).collect();
    let offset = |(p, (a, b)): (&PairGain, &(usize, usize))| {
        let sd = gains[*b] * p.mean_sd.max(LEAST_MEAN_SD * level);
        (sd.powi(-2), gains[*a] * p.pre_mean - gains[*b] * p.post_mean)
    };
    let prior = params.prior_offset_sd.unwrap_or(level).powi(-2);
    let offsets = solve(prior, pairs.iter().zip(&ends).map(offset).collect())?;
    let solved = |n: usize| TileGain { gain: gains[n], offset: offsets[n] };
    Ok(number.into_iter().map(|(id, n)| (id, solved(n))).collect())
}

fn sorted(tiles: &[usize]) -> Vec<usize> {
    let mut tiles = tiles.to_vec();
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}

/// Median of the overlaps' levels, 1 when there is none or it is 0.
fn median_level(pairs: &[PairGain]) -> f64 {
    let mut levels: Vec<f64> =
        pairs.iter().map(|p| (p.pre_mean.abs() + p.post_mean.abs()) / 2.0).collect();
    levels.sort_unstable_by(f64::total_cmp);
    levels.get(levels.len() / 2).copied().filter(|l| *l > 0.0).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(pre: usize, post: usize, gain: f64, offset: f64) -> PairGain {
        PairGain {
            pre,
            post,
            gain,
            offset,
            log_gain_sd: 0.01,
            pre_mean: 200.0,
            post_mean: gain * 200.0 + offset,
            mean_sd: 0.5,
            blocks: 100,
        }
    }

    #[test]
    fn a_pair_meets_in_the_middle() {
        let gains = solve_gains(&[7, 3], &[pair(3, 7, 4.0, 0.0)], &GainParams::default());
        let gains = gains.expect("both tiles are known");
        // 2 * v = 0.5 * (4 v); the prior pulls by (0.01 / 0.5)^2 only.
        assert!((gains[&3].gain - 2.0).abs() < 1e-3 && (gains[&7].gain - 0.5).abs() < 1e-3);
        assert!((gains[&3].gain * gains[&7].gain - 1.0).abs() < 1e-12);
    }

    #[test]
    fn tiles_without_pairs_keep_their_values_and_unknown_tiles_are_named() {
        let gains = solve_gains(&[1, 2, 9], &[pair(1, 2, 1.1, 5.0)], &GainParams::default());
        let gains = gains.expect("both tiles are known");
        assert_eq!(gains[&9], TileGain::default());
        assert!((gains[&1].offset + gains[&2].offset).abs() < 1e-9);
        let corrected = |id: usize, v: f64| gains[&id].gain * v + gains[&id].offset;
        assert!((corrected(1, 200.0) - corrected(2, 225.0)).abs() < 0.1);
        let missing = solve_gains(&[1], &[pair(1, 2, 1.1, 5.0)], &GainParams::default());
        assert!(matches!(missing, Err(GainError::UnknownTile { tile: 2, .. })));
    }

    #[test]
    fn the_order_of_pairs_does_not_show() {
        let mut pairs: Vec<PairGain> =
            (0..40).map(|i| pair(i, i + 1, 1.0 + 0.01 * (i % 5) as f64, i as f64 % 3.0)).collect();
        let tiles: Vec<usize> = (0..41).collect();
        let forward = solve_gains(&tiles, &pairs, &GainParams::default());
        pairs.reverse();
        let backward = solve_gains(&tiles, &pairs, &GainParams::default());
        assert_eq!(forward.expect("known tiles"), backward.expect("known tiles"));
    }
}
