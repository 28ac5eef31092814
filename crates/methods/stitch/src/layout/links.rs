//! Lookups of tiles and pairs, connected components, displacements from positions and back.

use std::collections::{HashMap, VecDeque};

use serde_json::Map;

use super::error::LayoutError;
use super::model::{Grid, Layout, Pair, PairStatus, Tile};
use super::quality::MinQuality;
use super::vector::Vector3;
use crate::place::{Displacement, tree};

/// Where each tile id stands in the list of tiles.
#[derive(Debug, Clone, Default)]
pub struct TileIndex(HashMap<usize, usize>);

impl TileIndex {
    /// Place in the list of tiles.
    pub fn get(&self, id: usize) -> Option<usize> {
        self.0.get(&id).copied()
    }
}

impl Pair {
    /// A pair of two tiles with a displacement, not yet measured otherwise.
    ///
    /// `shift_px` is not known before [`Layout::refresh_shifts`]; status `measured`.
    pub fn new(pre: usize, post: usize, displacement_px: [f64; 3], quality: Option<f64>) -> Pair {
        Pair {
            pre,
            post,
            axis: None,
            overlap_px: None,
            displacement_px: Vector3(displacement_px),
            shift_px: Vector3::UNKNOWN,
            quality,
            ncc: None,
            msd: None,
            peak_ratio: None,
            p_false: None,
            confidence: None,
            sd_px: None,
            covariance_px2: None,
            candidates: Vec::new(),
            weight: None,
            residual_px: None,
            status: PairStatus::Measured,
            reason: None,
            extra: Map::new(),
        }
    }

    /// Whether the pair was measured, whatever became of it later.
    pub fn is_measured(&self) -> bool {
        matches!(self.status, PairStatus::Measured | PairStatus::Kept | PairStatus::Rejected)
    }

    /// The axis along which a projection of the overlap keeps most: the pair's tiling axis, or,
    /// where that is not known, the axis of the smallest nominal overlap (0, 1, 2 for z, y, x).
    ///
    /// ClearMap2 takes the largest overlap there, against its own comment.
    pub fn projection_axis(&self) -> Option<usize> {
        let named = self.axis.as_deref().and_then(|a| ["z", "y", "x"].iter().position(|n| *n == a));
        named.or_else(|| {
            let overlap = self.overlap_px?;
            (0..3).min_by_key(|d| overlap[*d])
        })
    }
}

impl Layout {
    /// Where each tile id stands in the list; made once for many lookups.
    pub fn index(&self) -> TileIndex {
        TileIndex(self.tiles.iter().enumerate().map(|(at, t)| (t.id, at)).collect())
    }

    /// The tile of an id.
    pub fn tile(&self, id: usize) -> Option<&Tile> {
        self.tiles.iter().find(|t| t.id == id)
    }

    /// The pair of two tiles, in either order.
    pub fn pair_between(&self, a: usize, b: usize) -> Option<&Pair> {
        self.pairs.iter().find(|p| (p.pre, p.post) == (a.min(b), a.max(b)))
    }

    /// The pairs of one tile.
    pub fn pairs_of(&self, id: usize) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(move |p| p.pre == id || p.post == id)
    }

    /// The pair of two places of the grid, in either order.
    pub fn pair_at(&self, a: Grid, b: Grid) -> Option<&Pair> {
        self.pair_between(self.tile_at(a)?.id, self.tile_at(b)?.id)
    }

    /// Connected sets of tile ids, each ascending, in order of their smallest id.
    ///
    /// Kept pairs connect once the layout is placed, measured pairs before; they must pass
    /// `min_quality` where it is given. A tile without such a pair is a set of its own.
    pub fn components(&self, min_quality: Option<MinQuality>) -> Vec<Vec<usize>> {
        let placed = self.placement.is_some();
        let counts = |pair: &&Pair| {
            let status = match pair.status {
                PairStatus::Kept => true,
                PairStatus::Measured => !placed,
                _ => false,
            };
            status && pair.quality.is_some() && pair.passes(min_quality)
        };
        let index = self.index();
        let links = self.pairs.iter().filter(counts);
        let links = links.filter_map(|p| Some((index.get(p.pre)?, index.get(p.post)?)));
        let mut sets: Vec<Vec<usize>> = connected_sets(self.tiles.len(), links)
            .into_iter()
            .map(|set| {
                let mut ids: Vec<usize> = set.into_iter().map(|t| self.tiles[t].id).collect();
                ids.sort_unstable();
                ids
            })
            .collect();
        sets.sort_unstable_by_key(|ids| ids[0]);
        sets
    }

    /// Sets every pair's displacement to the current difference of its tiles' positions.
    ///
    /// # Errors
    /// [`LayoutError::UnknownTileOfPair`].
    pub fn pairs_from_positions(&mut self) -> Result<(), LayoutError> {
        let index = self.index();
        for pair in &mut self.pairs {
            let (a, b) = ends(&index, pair)?;
            let (a, b) = (self.tiles[a].current_px(), self.tiles[b].current_px());
            pair.displacement_px = Vector3(std::array::from_fn(|d| b[d] - a[d]));
        }
        self.refresh_shifts();
        Ok(())
    }

    /// Sets `position_px` of every tile by following displacements from the first tile, along
    /// paths with the fewest pairs; pairs are tried in file order and their quality is ignored.
    ///
    /// Other components keep the current position of their first tile. Components of a
    /// displacement that are not measured are taken from the current positions.
    ///
    /// # Errors
    /// [`LayoutError::UnknownTileOfPair`].
    pub fn positions_from_pairs(&mut self) -> Result<(), LayoutError> {
        let index = self.index();
        let mut links = Vec::new();
        for pair in self.pairs.iter().filter(|p| p.is_measured()) {
            let (a, b) = ends(&index, pair)?;
            links.push(Displacement { a, b, px: pair.displacement_px.0 });
        }
        let current: Vec<[f64; 3]> = self.tiles.iter().map(Tile::current_px).collect();
        let starts: Vec<usize> = connected_sets(current.len(), links.iter().map(|l| (l.a, l.b)))
            .into_iter()
            .map(|set| set[0])
            .collect();
        let positions = tree(&current, &links, &starts);
        for (tile, p) in self.tiles.iter_mut().zip(positions) {
            tile.position_px = Some(Vector3(p));
        }
        self.refresh_position_um();
        Ok(())
    }

    /// Sets every pair's `shift_px` to its displacement minus the nominal one.
    pub fn refresh_shifts(&mut self) {
        let index = self.index();
        for pair in &mut self.pairs {
            if let (Some(a), Some(b)) = (index.get(pair.pre), index.get(pair.post)) {
                let (a, b) = (self.tiles[a].nominal_px, self.tiles[b].nominal_px);
                let d = pair.displacement_px;
                pair.shift_px = Vector3(std::array::from_fn(|k| d[k] - (b[k] - a[k])));
            }
        }
    }
}

/// Places of a pair's tiles in the list of tiles.
pub(crate) fn ends(index: &TileIndex, pair: &Pair) -> Result<(usize, usize), LayoutError> {
    let (pre, post) = (pair.pre, pair.post);
    let find = |id| index.get(id).ok_or(LayoutError::UnknownTileOfPair { pre, post, unknown: id });
    Ok((find(pre)?, find(post)?))
}

/// Connected sets of the nodes `0..n`, each ascending, in order of their smallest node.
pub(crate) fn connected_sets(
    n: usize,
    links: impl IntoIterator<Item = (usize, usize)>,
) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..n).collect();
    for (a, b) in links {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        // The smaller node stays the root, so that sets come out in order of it.
        parent[a.max(b)] = a.min(b);
    }
    let mut sets: Vec<Vec<usize>> = Vec::new();
    let mut place = vec![usize::MAX; n];
    for node in 0..n {
        let root = root(&mut parent, node);
        if place[root] == usize::MAX {
            place[root] = sets.len();
            sets.push(Vec::new());
        }
        sets[place[root]].push(node);
    }
    sets
}

/// The root of a node's set; halves the path on the way.
pub(crate) fn root(parent: &mut [usize], mut node: usize) -> usize {
    while parent[node] != node {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    node
}

/// One step of a breadth-first walk: `to` is reached from `from` over a link.
pub(crate) struct Step {
    pub from: usize,
    pub to: usize,
    pub link: usize,
}

/// Walks breadth first from each of the starts; the links of a node are followed in the order
/// given. Starts should lie in different connected sets.
pub(crate) fn breadth_first(n: usize, links: &[(usize, usize)], starts: &[usize]) -> Vec<Step> {
    let mut of_node: Vec<Vec<usize>> = vec![Vec::new(); n];
    for (link, (a, b)) in links.iter().enumerate() {
        of_node[*a].push(link);
        of_node[*b].push(link);
    }
    let mut seen = vec![false; n];
    starts.iter().for_each(|s| seen[*s] = true);
    let mut queue: VecDeque<usize> = starts.iter().copied().collect();
    let mut steps = Vec::new();
    while let Some(from) = queue.pop_front() {
        for &link in &of_node[from] {
            let (a, b) = links[link];
            let to = if a == from { b } else { a };
            if !seen[to] {
                seen[to] = true;
                queue.push_back(to);
                steps.push(Step { from, to, link });
            }
        }
    }
    steps
}
