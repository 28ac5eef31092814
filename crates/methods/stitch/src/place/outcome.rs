//! Writing a solution into the layout.

use super::params::{PlaceOrigin, PlaceParams};
use crate::layout::{
    Candidate, Island, Layout, LayoutWarning, Pair, PairStatus, PlacedBy, Placement, StageModel,
    TileStatus, Vector3,
};

/// A position less certain than this deserves a look, voxels.
const DOUBTFUL_SD: f64 = 1.0;
/// A tile whose links are all more likely false than this deserves a look.
const DOUBTFUL_P_FALSE: f64 = 0.05;
/// The warnings that placing writes; those of an earlier placement are replaced.
const CODES: [&str; 3] = ["no_links", "low_confidence", "islands"];

/// What became of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// It was never measured; its status stays.
    NotMeasured,
    /// It is not used, for this reason.
    Rejected(&'static str),
    /// It holds the layout together.
    Kept,
}

/// A solved placement. Tiles and pairs by place in their lists.
pub(super) struct Solution {
    pub positions: Vec<[f64; 3]>,
    pub sd: Option<Vec<[f64; 3]>>,
    pub verdicts: Vec<Verdict>,
    /// Per pair the candidate that replaced the measured displacement.
    pub replaced: Vec<Option<Candidate>>,
    pub weights: Vec<Option<f64>>,
    /// Connected sets of tiles; the first one holds its place, the others follow the stage.
    pub islands: Vec<Vec<usize>>,
    /// Per island the tile that was held.
    pub fixed: Vec<Option<usize>>,
    pub iterations: usize,
    pub stage_model: Option<StageModel>,
}

/// Writes a solution into the layout: positions, verdicts, islands, residuals, warnings.
pub(super) fn write(layout: &mut Layout, mut solution: Solution, params: &PlaceParams) {
    move_to_origin(&mut solution, params);
    write_pairs(layout, &solution);
    write_tiles(layout, &solution, params);
    write_islands(layout, &solution);
    write_placement(layout, &solution, params);
    write_warnings(layout, &solution);
}

fn move_to_origin(solution: &mut Solution, params: &PlaceParams) {
    if params.origin == PlaceOrigin::Zero {
        for d in 0..3 {
            let lowest = solution.positions.iter().map(|p| p[d]).fold(f64::INFINITY, f64::min);
            solution.positions.iter_mut().for_each(|p| p[d] -= lowest);
            if let Some(model) = &mut solution.stage_model {
                model.offset_px.0[d] -= lowest;
            }
        }
    }
    if params.round {
        for p in &mut solution.positions {
            *p = p.map(f64::round_ties_even);
        }
    }
}

fn write_pairs(layout: &mut Layout, solution: &Solution) {
    let index = layout.index();
    for (k, pair) in layout.pairs.iter_mut().enumerate() {
        (pair.weight, pair.residual_px) = (solution.weights[k], None);
        match solution.verdicts[k] {
            Verdict::NotMeasured => continue,
            Verdict::Rejected(reason) => {
                (pair.status, pair.reason) = (PairStatus::Rejected, Some(reason.to_string()));
            }
            Verdict::Kept => (pair.status, pair.reason) = (PairStatus::Kept, None),
        }
        if let Some(candidate) = solution.replaced[k] {
            replace_displacement(pair, candidate);
        }
        let (Some(a), Some(b)) = (index.get(pair.pre), index.get(pair.post)) else { continue };
        let (pa, pb) = (solution.positions[a], solution.positions[b]);
        let d = pair.displacement_px;
        pair.residual_px = Some(Vector3(std::array::from_fn(|k| pb[k] - pa[k] - d[k])));
    }
    layout.refresh_shifts();
}

/// Makes a candidate the pair's displacement; the one it replaces stays among the candidates.
fn replace_displacement(pair: &mut Pair, candidate: Candidate) {
    let before = Candidate { displacement_px: pair.displacement_px, ncc: pair.ncc };
    if !pair.candidates.iter().any(|c| c.displacement_px == before.displacement_px) {
        pair.candidates.insert(0, before);
    }
    pair.displacement_px = candidate.displacement_px;
    if let Some(ncc) = candidate.ncc {
        // Quality is the NCC unless the pair was measured by another score.
        pair.quality = if pair.quality == pair.ncc { Some(ncc) } else { pair.quality };
        pair.ncc = Some(ncc);
    }
}

fn write_tiles(layout: &mut Layout, solution: &Solution, params: &PlaceParams) {
    let mut linked = vec![false; layout.tiles.len()];
    for island in solution.islands.iter().filter(|i| i.len() > 1) {
        island.iter().for_each(|t| linked[*t] = true);
    }
    let index = layout.index();
    let mut measured = vec![false; layout.tiles.len()];
    for (pair, verdict) in layout.pairs.iter().zip(&solution.verdicts) {
        if *verdict != Verdict::NotMeasured {
            [pair.pre, pair.post]
                .iter()
                .filter_map(|id| index.get(*id))
                .for_each(|t| measured[t] = true);
        }
    }
    for (t, tile) in layout.tiles.iter_mut().enumerate() {
        tile.position_px = Some(Vector3(solution.positions[t]));
        tile.sd_px = solution.sd.as_ref().map(|sd| Vector3(sd[t]));
        (tile.status, tile.reason) = if linked[t] {
            let fixed = solution.fixed.contains(&Some(t));
            (Some(if fixed { TileStatus::Fixed } else { TileStatus::Linked }), None)
        } else {
            let reason = match (params.drop_tiles.contains(&tile.id), measured[t]) {
                (true, _) => "dropped",
                (false, true) => "links_rejected",
                (false, false) => "no_link",
            };
            (Some(TileStatus::Stage), Some(reason.to_string()))
        };
    }
    layout.refresh_position_um();
}

fn write_islands(layout: &mut Layout, solution: &Solution) {
    layout.islands.clear();
    for (id, set) in solution.islands.iter().enumerate() {
        let mut tiles: Vec<usize> = set.iter().map(|t| layout.tiles[*t].id).collect();
        tiles.sort_unstable();
        set.iter().for_each(|t| layout.tiles[*t].island = Some(id));
        layout.islands.push(Island {
            id,
            tiles,
            fixed_tile: solution.fixed[id].map(|t| layout.tiles[t].id),
            placed_by: if id == 0 && set.len() > 1 { PlacedBy::Links } else { PlacedBy::Stage },
            extra: serde_json::Map::new(),
        });
    }
}

fn write_placement(layout: &mut Layout, solution: &Solution, params: &PlaceParams) {
    let axis = params.axis.and_then(|a| a.space_index());
    let size = |pair: &Pair| -> Option<f64> {
        let r = pair.residual_px?;
        let solved = |d: &usize| axis.is_none_or(|a| a == *d) && r[*d].is_finite();
        Some((0..3).filter(solved).map(|d| r[d] * r[d]).sum::<f64>().sqrt())
    };
    let kept = layout.pairs.iter().filter(|p| p.status == PairStatus::Kept);
    let sizes: Vec<f64> = kept.filter_map(size).collect();
    let some = |v: f64| (!sizes.is_empty()).then_some(v);
    let squares: f64 = sizes.iter().map(|s| s * s).sum();
    layout.placement = Some(Placement {
        method: params.method.name().to_string(),
        min_quality: params.min_quality,
        rounded: params.round,
        iterations: solution.iterations,
        residual_rms_px: some((squares / sizes.len() as f64).sqrt()),
        residual_max_px: some(sizes.iter().copied().fold(0.0, f64::max)),
        rejected: layout.pairs.iter().filter(|p| p.status == PairStatus::Rejected).count(),
        stage_model: solution.stage_model,
        extra: serde_json::Map::new(),
    });
}

fn write_warnings(layout: &mut Layout, solution: &Solution) {
    layout.warnings.retain(|w| !CODES.contains(&w.code.as_str()));
    let warn = |code: &str, tile: Option<usize>, message: String| LayoutWarning {
        code: code.to_string(),
        tile,
        pair: None,
        message,
    };
    let kept = layout.pairs.iter().filter(|p| p.status == PairStatus::Kept);
    if kept.clone().count() == 0 {
        let message = "no link holds two tiles together; all tiles are at their stage positions";
        layout.warnings.push(warn("no_links", None, message.to_string()));
        return;
    }
    let groups = solution.islands.iter().filter(|i| i.len() > 1).count();
    if groups > 1 {
        let message = format!(
            "{groups} groups of tiles are not linked to each other; all but the largest lie where \
             the stage model puts them"
        );
        layout.warnings.push(warn("islands", None, message));
    }
    let index = layout.index();
    let mut best = vec![f64::INFINITY; layout.tiles.len()];
    for pair in kept {
        for t in [pair.pre, pair.post].iter().filter_map(|id| index.get(*id)) {
            best[t] = best[t].min(pair.p_false.unwrap_or(0.0));
        }
    }
    let mut doubts = Vec::new();
    for (t, tile) in layout.tiles.iter().enumerate() {
        let sd = tile.sd_px.map_or(0.0, |s| s.0.iter().copied().fold(0.0, f64::max));
        let message = match (tile.status, &tile.reason) {
            (Some(TileStatus::Stage), Some(reason)) => {
                format!("tile {} lies where the stage model puts it: {reason}", tile.id)
            }
            _ if sd > DOUBTFUL_SD => {
                format!("tile {} is placed to {sd:.1} px (standard deviation) only", tile.id)
            }
            _ if best[t] > DOUBTFUL_P_FALSE => format!(
                "tile {} hangs on links that are false with a chance of {:.2} or more",
                tile.id, best[t]
            ),
            _ => continue,
        };
        doubts.push(warn("low_confidence", Some(tile.id), message));
    }
    layout.warnings.extend(doubts);
}
