//! Positions of tiles from the displacements of pairs.
//!
//! | file | holds |
//! |---|---|
//! | `params` | options and their defaults |
//! | `robust` | weighted least squares that finds wrong links: graduated non-convexity |
//! | `settle` | which links are kept, which tiles they hold |
//! | `loops` | loops of links vote |
//! | `bridges` | links that nothing checks |
//! | `stage` | where the stage puts a tile |
//! | `deviation` | standard deviations of positions |
//! | `link` | displacement, uncertainty and evidence of a pair |
//! | `normal_equations` | sparse Cholesky of a graph, variances |
//! | `peer` | ClearMap2's least squares and tree |
//! | `outcome` | writing a solution into the layout |

mod bridges;
mod deviation;
mod error;
mod link;
mod loops;
pub(crate) mod normal_equations;
mod outcome;
mod params;
mod peer;
mod robust;
mod settle;
mod stage;

pub use error::PlaceError;
pub use params::{FixedTile, PlaceMethod, PlaceOrigin, PlaceParams};
pub use peer::{Displacement, least_squares, tree};

use crate::layout::{Candidate, Layout, LayoutError, TileIndex, connected_sets, ends};
use link::{Link, damp_window_edges, moderate_variances};
use outcome::{Solution, Verdict};
use peer::{fixed_of, round_sets};
use robust::{Problem, Robust};
use settle::Rejection;

/// Places the tiles of a layout by the displacements of its pairs.
///
/// Reads no image. Fills every tile's `position_px`, `sd_px` (`robust`), island, status and
/// reason, every measured pair's verdict, weight and residual, the islands, `placement` and
/// warnings. Verdicts of an earlier placement are forgotten. On an error the layout is unchanged.
///
/// `robust` minimises, over the links of all components at once, a robust cost of each link's
/// residual in units of its covariance, plus a weak pull of every tile to the stage model, an
/// affine map of nominal positions. Wrong links are rejected, or use another of their candidates.
/// The fixed tile keeps its stage position. No tile is dropped: one without a kept link, and each island as a whole, lies where the stage
/// model puts it, relative to the largest island. Axes along which all tiles have one voxel keep
/// their positions. The axes are solved one by one, each with the marginal variances of the
/// links; the residuals are judged with the full covariances.
///
/// `optimization` and `tree` are [`least_squares`] and [`tree()`] over all links that pass the
/// bound on quality.
///
/// Deterministic: the result does not depend on threads, and with `robust` and `optimization`
/// not on the order of the pairs (beyond rounding in `optimization`).
///
/// # Errors
/// [`PlaceError`] for a layout that does not validate, an unknown id, or bad parameters.
///
/// # Cost
/// 10,000 tiles of a two-dimensional grid: less than a second, less than 100 MB.
pub fn place(layout: &mut Layout, params: &PlaceParams) -> Result<(), PlaceError> {
    params.validate()?;
    layout.validate()?;
    let index = layout.index();
    let fixed = check_ids(layout, params, &index)?;
    let usable = usable_pairs(layout, params);
    let solution = match params.method {
        PlaceMethod::Robust => place_robust(layout, params, &index, usable, fixed)?,
        method => place_as_peer(layout, params, &index, usable, fixed, method)?,
    };
    outcome::write(layout, solution, params);
    Ok(())
}

/// Checks the ids of the options; returns the place of the fixed tile, when one is named.
fn check_ids(
    layout: &Layout,
    params: &PlaceParams,
    index: &TileIndex,
) -> Result<Option<usize>, LayoutError> {
    let known = |tile: usize| {
        index.get(tile).ok_or(LayoutError::UnknownTile { tile, tiles: layout.tiles.len() })
    };
    params.drop_tiles.iter().try_for_each(|id| known(*id).map(|_| ()))?;
    for [a, b] in &params.drop_pairs {
        let (pre, post) = (*a.min(b), *a.max(b));
        if !layout.pairs.iter().any(|p| (p.pre, p.post) == (pre, post)) {
            return Err(LayoutError::UnknownPair { pre, post });
        }
    }
    match params.fixed_tile {
        FixedTile::Auto => Ok(None),
        FixedTile::Id(id) => known(id).map(Some),
    }
}

/// The first verdict on every pair, before anything is solved.
fn usable_pairs(layout: &Layout, params: &PlaceParams) -> Vec<Verdict> {
    let dropped = |pre: usize, post: usize| {
        params.drop_tiles.iter().any(|t| *t == pre || *t == post)
            || params.drop_pairs.iter().any(|[a, b]| (*a.min(b), *a.max(b)) == (pre, post))
    };
    let verdict = |pair: &crate::layout::Pair| {
        if !pair.is_measured() {
            Verdict::NotMeasured
        } else if dropped(pair.pre, pair.post) {
            Verdict::Rejected("dropped")
        } else if !pair.passes(params.min_quality) {
            Verdict::Rejected("low_quality")
        } else {
            Verdict::Kept
        }
    };
    layout.pairs.iter().map(verdict).collect()
}

fn place_as_peer(
    layout: &Layout,
    params: &PlaceParams,
    index: &TileIndex,
    verdicts: Vec<Verdict>,
    fixed: Option<usize>,
    method: PlaceMethod,
) -> Result<Solution, PlaceError> {
    let current: Vec<[f64; 3]> = layout.tiles.iter().map(|t| t.current_px()).collect();
    let axis = params.axis.and_then(|a| a.space_index());
    let mut links = Vec::new();
    for (pair, _) in layout.pairs.iter().zip(&verdicts).filter(|(_, v)| **v == Verdict::Kept) {
        let (a, b) = ends(index, pair)?;
        let px = std::array::from_fn(|d| {
            if axis.is_none_or(|a| a == d) { pair.displacement_px[d] } else { f64::NAN }
        });
        links.push(Displacement { a, b, px });
    }
    let mut islands = connected_sets(current.len(), links.iter().map(|l| (l.a, l.b)));
    islands.sort_by_key(|tiles| std::cmp::Reverse(tiles.len()));
    let held: Vec<usize> = islands.iter().map(|set| fixed_of(set, fixed)).collect();
    let mut positions = match method {
        PlaceMethod::Tree => tree(&current, &links, &held),
        _ => least_squares(&current, &links, fixed)?,
    };
    if params.round {
        round_sets(&mut positions, &current, &islands, fixed);
    }
    let pairs = layout.pairs.len();
    Ok(Solution {
        positions,
        sd: None,
        replaced: vec![None; pairs],
        weights: verdicts.iter().map(|v| (*v == Verdict::Kept).then_some(1.0)).collect(),
        verdicts,
        fixed: islands.iter().zip(held).map(|(set, t)| (set.len() > 1).then_some(t)).collect(),
        islands,
        iterations: 1,
        stage_model: None,
    })
}

fn place_robust(
    layout: &Layout,
    params: &PlaceParams,
    index: &TileIndex,
    mut verdicts: Vec<Verdict>,
    fixed: Option<usize>,
) -> Result<Solution, PlaceError> {
    let wanted = params.axis.and_then(|a| a.space_index());
    let axes: [bool; 3] = std::array::from_fn(|d| {
        wanted.is_none_or(|a| a == d) && layout.tiles.iter().any(|t| t.shape[d] > 1)
    });
    let mut links = Vec::new();
    for (k, pair) in layout.pairs.iter().enumerate() {
        if verdicts[k] != Verdict::Kept {
            continue;
        }
        match Link::new(k, pair, ends(index, pair)?, axes) {
            Some(link) => links.push(link),
            None => verdicts[k] = Verdict::Rejected("low_quality"),
        }
    }
    damp_window_edges(&mut links, layout);
    // The order of the pairs in the file must not reach the sums.
    links.sort_by_key(|l| (l.a, l.b));
    moderate_variances(&mut links);
    let mut robust = Robust::new(Problem {
        nominal: layout.tiles.iter().map(|t| t.nominal_px.0).collect(),
        axes,
        links,
        stage_sigma: params.stage_sigma,
        use_candidates: !params.ignore_candidates,
    })?;
    robust.graduate()?;
    let settled = robust.settle()?;
    solution_of(layout, robust, settled, verdicts, fixed)
}

/// Turns a settled solution into positions that hold the fixed tile.
fn solution_of(
    layout: &Layout,
    robust: Robust,
    settled: settle::Verdicts,
    mut verdicts: Vec<Verdict>,
    fixed: Option<usize>,
) -> Result<Solution, PlaceError> {
    let nominal = &robust.problem.nominal;
    let mut positions: Vec<[f64; 3]> = (0..nominal.len()).map(|t| robust.position(t)).collect();
    let groups: Vec<Vec<usize>> = settled.islands.iter().filter(|i| i.len() > 1).cloned().collect();
    let spread = robust.stage.spread(&groups, nominal, &positions);
    let held = match (fixed, settled.islands.first()) {
        (Some(t), _) => Some(t),
        (None, Some(main)) => Some(fixed_of(main, None)),
        (None, None) => None,
    };
    let mut sd = match groups.is_empty() {
        true => vec![spread; nominal.len()],
        false => robust.deviations(&settled, spread)?,
    };
    let mut moved = [0.0; 3];
    for d in 0..3 {
        if robust.problem.axes[d] {
            if let Some(t) = held {
                moved[d] = nominal[t][d] - positions[t][d];
            }
            positions.iter_mut().for_each(|p| p[d] += moved[d]);
        } else {
            let flat = layout.tiles.iter().all(|t| t.shape[d] == 1);
            for (t, tile) in layout.tiles.iter().enumerate() {
                positions[t][d] = tile.current_px()[d];
                sd[t][d] = if flat { 0.0 } else { f64::NAN };
            }
        }
    }
    let pairs = layout.pairs.len();
    let (mut replaced, mut weights) = (vec![None; pairs], vec![None; pairs]);
    for (k, link) in robust.problem.links.iter().enumerate() {
        let chosen = robust.chosen[k];
        if chosen != 0 && settled.rejected[k].is_none() {
            let mut d = layout.pairs[link.pair].displacement_px;
            (0..3).filter(|a| link.measured[*a]).for_each(|a| d.0[a] = link.candidates[chosen][a]);
            replaced[link.pair] = Some(Candidate { displacement_px: d, ncc: link.ncc[chosen] });
        }
        weights[link.pair] = Some(link.damping * robust.geman_mcclure(k, 1.0));
        verdicts[link.pair] = match settled.rejected[k] {
            None => Verdict::Kept,
            Some(Rejection::LowQuality) => Verdict::Rejected("low_quality"),
            Some(Rejection::Outlier) => Verdict::Rejected("outlier"),
            Some(Rejection::InconsistentLoop) => Verdict::Rejected("inconsistent_loop"),
        };
    }
    let is_linked = |t: &usize| settled.islands.iter().any(|i| i.len() > 1 && i.contains(t));
    let fixed_tile = held.filter(is_linked);
    let holds = |island: &Vec<usize>| fixed_tile.filter(|t| island.contains(t));
    let model = robust.stage.clone().moved(moved).model(spread);
    Ok(Solution {
        positions,
        sd: Some(sd),
        verdicts,
        replaced,
        weights,
        fixed: settled.islands.iter().map(holds).collect(),
        islands: settled.islands,
        iterations: robust.rounds,
        stage_model: Some(model).filter(|_| nominal.len() > 1),
    })
}
