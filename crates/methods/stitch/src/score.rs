//! A placement against the truth: errors of positions and links, flagged links, intervals.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::layout::{Layout, Pair, PairStatus, Tile};

/// Half width of a 95 % interval in standard deviations of a normal distribution.
const INTERVAL_95: f64 = 1.96;

/// What `truth.json` says of simulated tiles.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Truth {
    /// The tiles, in any order.
    pub tiles: Vec<TrueTile>,
    /// Names of the tiles of links that were made wrong on purpose; `None` when not listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong_pairs: Option<Vec<[String; 2]>>,
    /// What else the file says: kind, seed, overlap.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A tile whose true position is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrueTile {
    /// The tile's name; matches a layout tile's name, or its file name without the extension.
    pub name: String,
    /// Place on the grid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grid: Vec<i64>,
    /// Stage position over `(z, y, x)`, voxels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nominal: Option<[f64; 3]>,
    /// True position over `(z, y, x)`, voxels.
    #[serde(rename = "true")]
    pub position: [f64; 3],
}

/// A truth that does not fit the layout.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ScoreError {
    /// The text is not a truth.
    #[error("the truth cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Two true tiles of one name.
    #[error("the truth lists the tile `{name}` twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A tile of the layout without truth.
    #[error("the truth does not list tile {tile} (`{name}`)")]
    Missing {
        /// The tile's id.
        tile: usize,
        /// The tile's name.
        name: String,
    },
    /// A layout without tiles.
    #[error("the layout has no tiles")]
    Empty,
    /// A layout that does not validate.
    #[error(transparent)]
    Layout(#[from] crate::layout::LayoutError),
}

/// Errors of a set of vectors over `(z, y, x)`, voxels.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct VectorErrors {
    /// How many vectors.
    pub count: usize,
    /// Root of the mean squared length.
    pub rms_px: f64,
    /// Largest length.
    pub max_px: f64,
    /// Root mean square per axis.
    pub axis_rms_px: [f64; 3],
    /// Largest absolute error per axis.
    pub axis_max_px: [f64; 3],
}

/// How many intervals hold the truth.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Coverage {
    /// Intervals, one per component that has a standard deviation above 0.
    pub intervals: usize,
    /// Intervals that hold the truth.
    pub covered: usize,
}

impl Coverage {
    /// Share of intervals that hold the truth; `None` without intervals.
    pub fn share(&self) -> Option<f64> {
        (self.intervals > 0).then(|| self.covered as f64 / self.intervals as f64)
    }

    fn count(&mut self, error: f64, sd: f64) {
        if sd > 0.0 && error.is_finite() {
            self.intervals += 1;
            self.covered += usize::from(error.abs() <= INTERVAL_95 * sd);
        }
    }
}

/// How well wrong links were flagged, over the links that were measured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Flagging {
    /// Links that the truth lists as wrong.
    pub wrong: usize,
    /// Links that the placement rejected.
    pub flagged: usize,
    /// Links that are both.
    pub both: usize,
}

impl Flagging {
    /// Share of flagged links that are wrong; `None` when none is flagged.
    pub fn precision(&self) -> Option<f64> {
        (self.flagged > 0).then(|| self.both as f64 / self.flagged as f64)
    }

    /// Share of wrong links that are flagged; `None` when none is wrong.
    pub fn recall(&self) -> Option<f64> {
        (self.wrong > 0).then(|| self.both as f64 / self.wrong as f64)
    }
}

/// The errors of one island.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct IslandScore {
    /// The island's id.
    pub island: usize,
    /// Errors after removing the island's own mean.
    pub positions: VectorErrors,
}

/// A placement against the truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TileScore {
    /// Errors of the current positions after removing the mean over all tiles.
    pub positions: VectorErrors,
    /// Errors of the stage positions, likewise: what the placement began with.
    pub nominal: VectorErrors,
    /// Islands of at least two tiles, each about its own mean.
    pub islands: Vec<IslandScore>,
    /// Errors of the displacements of kept links (before placing, of measured ones) over their
    /// measured components.
    pub links: VectorErrors,
    /// How wrong links were flagged; `None` when the truth does not list them.
    pub flagging: Option<Flagging>,
    /// 95 % intervals of the displacements of those links.
    pub link_coverage: Coverage,
    /// 95 % intervals of the positions, about each island's mean.
    pub tile_coverage: Coverage,
}

impl Truth {
    /// Reads the text of a `truth.json`.
    ///
    /// # Errors
    /// [`ScoreError::Json`].
    pub fn from_json(text: &str) -> Result<Truth, ScoreError> {
        Ok(serde_json::from_str(text)?)
    }
}

/// Scores a layout against the truth.
///
/// Positions are those after placing, or the stage positions before. An error is position minus
/// truth after removing the mean difference, since a layout may lie anywhere.
///
/// # Errors
/// [`ScoreError`] when a tile has no truth, or the truth lists a name twice.
pub fn score_tiles(layout: &Layout, truth: &Truth) -> Result<TileScore, ScoreError> {
    layout.validate()?;
    if layout.tiles.is_empty() {
        return Err(ScoreError::Empty);
    }
    let true_at = true_positions(layout, truth)?;
    let error = |at: &dyn Fn(&Tile) -> [f64; 3]| -> Vec<[f64; 3]> {
        layout.tiles.iter().zip(&true_at).map(|(t, p)| minus(at(t), *p)).collect()
    };
    let current = error(&|t| t.current_px());
    let links = link_errors(layout, &true_at);
    let (islands, tile_coverage) = island_scores(layout, &current);
    Ok(TileScore {
        positions: errors(&about_mean(&current)),
        nominal: errors(&about_mean(&error(&|t| t.nominal_px.0))),
        islands,
        links: errors(&links.iter().map(|(e, _)| *e).collect::<Vec<_>>()),
        flagging: flagging(layout, truth),
        link_coverage: link_coverage(&links),
        tile_coverage,
    })
}

/// The true position of every tile, in the order of the tiles.
fn true_positions(layout: &Layout, truth: &Truth) -> Result<Vec<[f64; 3]>, ScoreError> {
    let mut by_name = HashMap::new();
    for tile in &truth.tiles {
        if by_name.insert(tile.name.as_str(), tile.position).is_some() {
            return Err(ScoreError::Duplicate { name: tile.name.clone() });
        }
    }
    let find = |tile: &Tile| {
        by_name
            .get(tile.name.as_str())
            .or_else(|| by_name.get(file_stem(&tile.source.path)))
            .copied()
    };
    let missing = |tile: &Tile| ScoreError::Missing { tile: tile.id, name: tile.name.clone() };
    layout.tiles.iter().map(|t| find(t).ok_or_else(|| missing(t))).collect()
}

/// The file name up to its first dot.
fn file_stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.split('.').next().unwrap_or(name)
}

/// The links that hold the layout, with the errors of their displacements.
fn link_errors<'a>(layout: &'a Layout, true_at: &[[f64; 3]]) -> Vec<([f64; 3], &'a Pair)> {
    let index = layout.index();
    let holds = if layout.placement.is_some() { PairStatus::Kept } else { PairStatus::Measured };
    let error = |pair: &'a Pair| {
        let (a, b) = (index.get(pair.pre)?, index.get(pair.post)?);
        Some((minus(pair.displacement_px.0, minus(true_at[b], true_at[a])), pair))
    };
    layout.pairs.iter().filter(|p| p.status == holds).filter_map(error).collect()
}

fn link_coverage(links: &[([f64; 3], &Pair)]) -> Coverage {
    let mut coverage = Coverage::default();
    for (error, pair) in links {
        for d in 0..3 {
            let variance = pair.covariance_px2.map(|c| c.0[d][d]);
            let sd = variance.map(f64::sqrt).or(pair.sd_px.map(|s| s[d]));
            coverage.count(error[d], sd.unwrap_or(f64::NAN));
        }
    }
    coverage
}

fn island_scores(layout: &Layout, current: &[[f64; 3]]) -> (Vec<IslandScore>, Coverage) {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (t, tile) in layout.tiles.iter().enumerate() {
        if let Some(island) = tile.island {
            members.entry(island).or_default().push(t);
        }
    }
    let mut coverage = Coverage::default();
    let mut islands = Vec::new();
    for (island, tiles) in members.into_iter().filter(|(_, tiles)| tiles.len() > 1) {
        let own = about_mean(&tiles.iter().map(|t| current[*t]).collect::<Vec<_>>());
        islands.push(IslandScore { island, positions: errors(&own) });
        for (e, t) in own.iter().zip(tiles) {
            let sd = layout.tiles[t].sd_px.map_or([f64::NAN; 3], |s| s.0);
            (0..3).for_each(|d| coverage.count(e[d], sd[d]));
        }
    }
    (islands, coverage)
}

fn flagging(layout: &Layout, truth: &Truth) -> Option<Flagging> {
    let wrong = truth.wrong_pairs.as_ref()?;
    let both_orders = |[a, b]: &[String; 2]| [(a.clone(), b.clone()), (b.clone(), a.clone())];
    let wrong: HashSet<(String, String)> = wrong.iter().flat_map(both_orders).collect();
    let index = layout.index();
    let name = |id| index.get(id).map_or("", |t| layout.tiles[t].name.as_str()).to_string();
    let mut flagging = Flagging::default();
    for pair in layout.pairs.iter().filter(|p| p.is_measured()) {
        let is_wrong = wrong.contains(&(name(pair.pre), name(pair.post)));
        let is_flagged = pair.status == PairStatus::Rejected;
        flagging.wrong += usize::from(is_wrong);
        flagging.flagged += usize::from(is_flagged);
        flagging.both += usize::from(is_wrong && is_flagged);
    }
    Some(flagging)
}

fn about_mean(vectors: &[[f64; 3]]) -> Vec<[f64; 3]> {
    let n = vectors.len() as f64;
    let mean: [f64; 3] = std::array::from_fn(|d| vectors.iter().map(|v| v[d]).sum::<f64>() / n);
    vectors.iter().map(|v| minus(*v, mean)).collect()
}

/// Errors over the finite components.
fn errors(vectors: &[[f64; 3]]) -> VectorErrors {
    let mut result = VectorErrors { count: vectors.len(), ..VectorErrors::default() };
    let mut squares = 0.0;
    let mut axis = [(0.0, 0usize); 3];
    for v in vectors {
        let finite = |d: &usize| v[*d].is_finite();
        let length2: f64 = (0..3).filter(finite).map(|d| v[d] * v[d]).sum();
        squares += length2;
        result.max_px = result.max_px.max(length2.sqrt());
        for d in (0..3).filter(finite) {
            axis[d] = (axis[d].0 + v[d] * v[d], axis[d].1 + 1);
            result.axis_max_px[d] = result.axis_max_px[d].max(v[d].abs());
        }
    }
    result.rms_px = (squares / vectors.len().max(1) as f64).sqrt();
    result.axis_rms_px = axis.map(|(sum, n)| (sum / n.max(1) as f64).sqrt());
    result
}

fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|d| a[d] - b[d])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case() -> (Layout, Truth) {
        let at = [[0.0, 0.0, 0.0], [0.0, 0.0, 10.0], [0.0, 10.0, 0.0]];
        let tile = |(id, p): (usize, &[f64; 3])| Tile::new(id, format!("t{id}"), [1, 16, 16], *p);
        let mut layout = Layout::new(at.iter().enumerate().map(tile).collect());
        layout.tiles[2].name = String::new();
        layout.tiles[2].source.path = "a/b/t2.ome.tif".to_string();
        let truth = at.iter().enumerate().map(|(id, p)| TrueTile {
            name: format!("t{id}"),
            grid: Vec::new(),
            nominal: None,
            position: minus(*p, [5.0, 5.0, 5.0]),
        });
        (layout, Truth { tiles: truth.collect(), ..Truth::default() })
    }

    #[test]
    fn a_common_shift_is_no_error_and_one_moved_tile_is() {
        let (mut layout, truth) = case();
        assert_eq!(score_tiles(&layout, &truth).expect("all named").positions.max_px, 0.0);
        layout.set_positions(&[(1, [0.0, 3.0, 10.0])], false).expect("it exists");
        let score = score_tiles(&layout, &truth).expect("all named");
        // Errors after the mean: -1, 2, -1 along y.
        assert!((score.positions.rms_px - 2f64.sqrt()).abs() < 1e-12);
        assert!((score.positions.max_px - 2.0).abs() < 1e-12);
        assert!((score.positions.axis_rms_px[1] - 2f64.sqrt()).abs() < 1e-12);
        assert_eq!(score.nominal.rms_px, 0.0);
    }

    #[test]
    fn links_flags_and_intervals_are_counted() {
        let (mut layout, mut truth) = case();
        let link = |pre, post, d, sd: f64| {
            let mut pair = Pair::new(pre, post, d, Some(0.9));
            pair.sd_px = Some([0.0, sd, sd].into());
            pair
        };
        layout.pairs.push(link(0, 1, [f64::NAN, 0.1, 10.0], 0.1));
        layout.pairs.push(link(0, 2, [0.0, 10.0, 0.5], 0.1));
        layout.pairs[1].status = PairStatus::Rejected;
        truth.wrong_pairs = Some(vec![["t1".to_string(), "t0".to_string()]]);
        let score = score_tiles(&layout, &truth).expect("all named");
        assert_eq!(score.links.count, 1);
        assert!((score.links.rms_px - 0.1).abs() < 1e-12);
        assert_eq!(score.link_coverage, Coverage { intervals: 2, covered: 2 });
        let flags = score.flagging.expect("wrong links are listed");
        assert_eq!((flags.wrong, flags.flagged, flags.both), (1, 1, 0));
        assert_eq!((flags.precision(), flags.recall()), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn a_tile_without_truth_is_named() {
        let (mut layout, truth) = case();
        layout.tiles[1].name = "other".to_string();
        let said = score_tiles(&layout, &truth).expect_err("no truth").to_string();
        assert!(said.contains("tile 1 (`other`)"), "{said}");
    }
}
