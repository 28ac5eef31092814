//! From counted pairs of labels to sets of labels that are one object.

use std::cmp::{Ordering, Reverse};

use hooke_core::DisjointSets;
use serde::{Deserialize, Serialize};

use super::count::LabelPair;
use super::params::DedupParams;
use crate::error::TilesetError;

/// What became of a pair of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The two are one.
    Merged,
    /// They overlap too little of what either covers.
    BelowIou,
    /// They share too few voxels.
    BelowVoxels,
    /// One of them already belongs to another label of the same tile.
    Conflict,
}

impl Reason {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Merged => "merged",
            Reason::BelowIou => "below-iou",
            Reason::BelowVoxels => "below-voxels",
            Reason::Conflict => "conflict",
        }
    }
}

/// A row of the table of overlaps: two labels of two tiles that share voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverlapRow {
    /// The tile of the smaller index.
    pub tile_a: usize,
    /// The tile of the larger index.
    pub tile_b: usize,
    /// The labels and their voxels in the shared box.
    pub pair: LabelPair,
    /// What became of the pair.
    pub reason: Reason,
}

impl OverlapRow {
    /// Whether the two labels became one.
    pub fn accepted(&self) -> bool {
        self.reason == Reason::Merged
    }
}

/// Labels of all tiles, numbered by tile, then label, and the sets they form.
#[derive(Debug)]
pub(crate) struct Sets<'a> {
    labels: &'a [Vec<(u64, u64)>],
    first: Vec<usize>,
    sets: DisjointSets,
    /// The tiles of each set, ascending; kept for roots only.
    tiles: Vec<Vec<u32>>,
}

impl<'a> Sets<'a> {
    /// One set per label; `labels` holds the sorted labels of each tile with their voxels.
    pub fn new(labels: &'a [Vec<(u64, u64)>]) -> Sets<'a> {
        let mut first = Vec::with_capacity(labels.len());
        let mut n = 0;
        let mut tiles = Vec::new();
        for (tile, labels) in labels.iter().enumerate() {
            first.push(n);
            n += labels.len();
            tiles.resize(n, vec![tile as u32]);
        }
        Sets { labels, first, sets: DisjointSets::new(n), tiles }
    }

    /// The number of a label of a tile.
    fn number(&self, tile: usize, label: u64) -> Result<usize, TilesetError> {
        let labels = self.labels.get(tile).map(Vec::as_slice).unwrap_or_default();
        match labels.binary_search_by_key(&label, |(l, _)| *l) {
            Ok(at) => Ok(self.first[tile] + at),
            Err(_) => Err(TilesetError::UnknownLabel { tile, label }),
        }
    }

    /// Decides about every pair, best first, and joins the sets; sorts `rows` by tiles and labels.
    ///
    /// # Errors
    /// [`TilesetError::UnknownLabel`] for a label that its tile was not counted to have.
    pub fn link(
        &mut self,
        rows: &mut [OverlapRow],
        params: &DedupParams,
    ) -> Result<(), TilesetError> {
        rows.sort_by(best_first);
        for row in rows.iter_mut() {
            row.reason = if row.pair.n_overlap < params.min_voxels {
                Reason::BelowVoxels
            } else if row.pair.iou() < params.min_iou {
                Reason::BelowIou
            } else {
                let a = self.number(row.tile_a, row.pair.label_a)?;
                let b = self.number(row.tile_b, row.pair.label_b)?;
                self.try_join(a, b, params.many_to_one)
            };
        }
        rows.sort_by_key(|r| (r.tile_a, r.pair.label_a, r.tile_b, r.pair.label_b));
        Ok(())
    }

    fn try_join(&mut self, a: usize, b: usize, many_to_one: bool) -> Reason {
        let (root_a, root_b) = (self.sets.find(a), self.sets.find(b));
        if root_a == root_b {
            return Reason::Merged;
        }
        // Two sets hold different labels, so a tile in both would have two labels in one set.
        if !many_to_one && share_a_number(&self.tiles[root_a], &self.tiles[root_b]) {
            return Reason::Conflict;
        }
        if let Some((stays, goes)) = self.sets.join(root_a, root_b) {
            let gone = std::mem::take(&mut self.tiles[goes]);
            self.tiles[stays].extend(gone);
            self.tiles[stays].sort_unstable();
            self.tiles[stays].dedup();
        }
        Reason::Merged
    }

    /// Per tile and label: the number of its set, sets counted by their smallest tile and label,
    /// and the number of tiles in the set.
    pub fn numbered(&mut self) -> Vec<(u64, u32)> {
        let mut number_of = vec![None; self.tiles.len()];
        let mut next = 0;
        (0..self.tiles.len())
            .map(|i| {
                let root = self.sets.find(i);
                let number = *number_of[root].get_or_insert_with(|| {
                    next += 1;
                    next - 1
                });
                (number, self.tiles[root].len() as u32)
            })
            .collect()
    }
}

fn share_a_number(a: &[u32], b: &[u32]) -> bool {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    few.iter().any(|n| many.binary_search(n).is_ok())
}

/// IoU descending, as exact fractions; then shared voxels descending; then tiles and labels.
fn best_first(p: &OverlapRow, q: &OverlapRow) -> Ordering {
    let fraction = |n: u64, other: u64| u128::from(n) * u128::from(other);
    let iou =
        fraction(q.pair.n_overlap, p.pair.union()).cmp(&fraction(p.pair.n_overlap, q.pair.union()));
    let place = |r: &OverlapRow| (r.tile_a, r.pair.label_a, r.tile_b, r.pair.label_b);
    iou.then(Reverse(p.pair.n_overlap).cmp(&Reverse(q.pair.n_overlap)))
        .then_with(|| place(p).cmp(&place(q)))
}
