//! Disjoint boxes that together cover the tiles, each with the tiles that cover it.

use crate::layout::Layout;
use crate::region::LayoutRegion;

/// A box covered by the same tiles everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveredRegion {
    /// The box, in layout voxels.
    pub region: LayoutRegion,
    /// The covering tiles, ascending.
    pub tiles: Vec<usize>,
}

impl Layout {
    /// Partitions the union of the tiles into boxes, with the ids of the tiles that cover each.
    ///
    /// Positions are rounded half to even. See [`partition`].
    pub fn regions(&self) -> Vec<CoveredRegion> {
        let mut order: Vec<usize> = (0..self.tiles.len()).collect();
        order.sort_unstable_by_key(|t| self.tiles[*t].id);
        let boxes: Vec<LayoutRegion> = order.iter().map(|t| self.tiles[*t].region()).collect();
        let mut regions = partition(&boxes);
        for region in &mut regions {
            region.tiles.iter_mut().for_each(|t| *t = self.tiles[order[*t]].id);
        }
        regions
    }
}

/// Partitions the union of boxes into disjoint boxes, with the numbers of the boxes that cover
/// each.
///
/// Boxes are inserted in order into a growing partition. Empty boxes take no part. The partition
/// is exact; the number and cut of its boxes depend on the order.
///
/// # Cost
/// `O(n m)` for `n` boxes and `m` boxes of the partition.
pub fn partition(boxes: &[LayoutRegion]) -> Vec<CoveredRegion> {
    let mut parts: Vec<CoveredRegion> = Vec::new();
    for (tile, new) in boxes.iter().enumerate().filter(|(_, b)| !b.is_empty()) {
        let mut pieces = vec![*new];
        let mut at = 0;
        // The list grows on the way: what is left of a part may meet another piece.
        while at < parts.len() {
            let mut rest = Vec::new();
            for piece in pieces {
                let Some(common) = parts[at].region.intersect(&piece) else {
                    rest.push(piece);
                    continue;
                };
                let tiles = parts[at].tiles.clone();
                let (region, met) = (parts[at].region, [tiles.clone(), vec![tile]].concat());
                rest.extend(remainder(&piece, &common));
                parts[at] = CoveredRegion { region: common, tiles: met };
                let left = remainder(&region, &common);
                parts.extend(
                    left.into_iter().map(|region| CoveredRegion { region, tiles: tiles.clone() }),
                );
            }
            pieces = rest;
            at += 1;
        }
        parts.extend(pieces.into_iter().map(|region| CoveredRegion { region, tiles: vec![tile] }));
    }
    parts
}

/// What is left of a box without a box inside it: at most two boxes per axis, disjoint.
fn remainder(whole: &LayoutRegion, inner: &LayoutRegion) -> Vec<LayoutRegion> {
    let mut left = Vec::new();
    let mut rest = *whole;
    for d in 0..3 {
        let mut piece = rest;
        piece.shape[d] = inner.start[d] - rest.start[d];
        left.push(piece);
        piece.start[d] = inner.end()[d];
        piece.shape[d] = rest.end()[d] - piece.start[d];
        left.push(piece);
        (rest.start[d], rest.shape[d]) = (inner.start[d], inner.shape[d]);
    }
    left.retain(|piece| !piece.is_empty());
    left
}
