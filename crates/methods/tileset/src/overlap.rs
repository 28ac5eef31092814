//! Which tiles share voxels, which only touch, and which hang together.

use hooke_core::{DisjointSets, LayoutRegion, Problem};

use crate::placement::Placement;

/// Two tiles that share at least one voxel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// The tile of the smaller index.
    pub tile_a: usize,
    /// The tile of the larger index.
    pub tile_b: usize,
    /// The common box, in mosaic voxels.
    pub region: LayoutRegion,
    /// Voxels of the box over those of the smaller tile.
    pub fraction: f64,
}

/// The common box of two boxes; `None` when they share no voxel, also when they touch.
pub fn box_intersection(a: &LayoutRegion, b: &LayoutRegion) -> Option<LayoutRegion> {
    a.intersect(b)
}

/// Lists the pairs of tiles that share at least one voxel, ordered by `tile_a`, `tile_b`.
///
/// # Cost
/// A sweep along the mosaic's longest axis: `O(n log n)` and the tiles met on the way.
pub fn pairs(placement: &Placement) -> Vec<Overlap> {
    let tiles = placement.tiles();
    near_pairs(placement, 0)
        .into_iter()
        .filter_map(|(a, b)| {
            let region = box_intersection(&tiles[a], &tiles[b])?;
            let smaller = tiles[a].voxels().min(tiles[b].voxels());
            let fraction = region.voxels() as f64 / smaller as f64;
            Some(Overlap { tile_a: a, tile_b: b, region, fraction })
        })
        .collect()
}

/// Pairs whose boxes are at most `gap` voxels apart on every axis, `a < b`, ordered.
pub(crate) fn near_pairs(placement: &Placement, gap: i64) -> Vec<(usize, usize)> {
    let tiles = placement.tiles();
    let shape = placement.volume_shape();
    let axis = (0..3).max_by_key(|d| (shape[*d], 3 - *d)).unwrap_or(0);
    let near = |a: &LayoutRegion, b: &LayoutRegion, d: usize| {
        a.start[d] - gap <= b.end()[d] && b.start[d] - gap <= a.end()[d]
    };
    let mut order: Vec<usize> = (0..tiles.len()).collect();
    order.sort_by_key(|i| (tiles[*i].start[axis], *i));
    let mut open: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    for i in order {
        open.retain(|j| tiles[*j].end()[axis] + gap >= tiles[i].start[axis]);
        let met = open.iter().filter(|j| (0..3).all(|d| near(&tiles[i], &tiles[**j], d)));
        found.extend(met.map(|j| (i.min(*j), i.max(*j))));
        open.push(i);
    }
    found.sort_unstable();
    found
}

/// Groups of tiles connected by overlaps, each ascending, ordered by their first tile.
pub fn islands(placement: &Placement) -> Vec<Vec<usize>> {
    let mut sets = DisjointSets::new(placement.len());
    for pair in pairs(placement) {
        sets.join(pair.tile_a, pair.tile_b);
    }
    let mut islands: Vec<Vec<usize>> = Vec::new();
    let mut island_of: Vec<Option<usize>> = vec![None; placement.len()];
    for tile in 0..placement.len() {
        let root = sets.find(tile);
        match island_of[root] {
            Some(i) => islands[i].push(tile),
            None => {
                island_of[root] = Some(islands.len());
                islands.push(vec![tile]);
            }
        }
    }
    islands
}

/// Two tiles whose facing planes lie beside each other, or one voxel apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facing {
    /// The tile of the smaller index.
    pub tile_a: usize,
    /// The tile of the larger index.
    pub tile_b: usize,
    /// The plane of `tile_a` that faces `tile_b`, cropped to what they have in common, in mosaic voxels.
    pub face_a: LayoutRegion,
    /// The plane of `tile_b` that faces `tile_a`; of the same shape.
    pub face_b: LayoutRegion,
    /// Voxels between the tiles: 0 when they abut, or 1.
    pub gap: i64,
}

/// Lists the pairs of tiles that share no voxel but abut, or miss each other by one voxel, along
/// one axis while they overlap on the other two; ordered by `tile_a`, `tile_b`.
pub fn facing(placement: &Placement) -> Vec<Facing> {
    let tiles = placement.tiles();
    near_pairs(placement, 1).into_iter().filter_map(|(a, b)| face(tiles, a, b)).collect()
}

fn face(tiles: &[LayoutRegion], tile_a: usize, tile_b: usize) -> Option<Facing> {
    let (a, b) = (tiles[tile_a], tiles[tile_b]);
    let gaps: [i64; 3] =
        std::array::from_fn(|d| (a.start[d] - b.end()[d]).max(b.start[d] - a.end()[d]));
    let mut apart = (0..3).filter(|d| gaps[*d] >= 0);
    let axis = apart.next()?;
    if apart.next().is_some() {
        return None;
    }
    let mut common = LayoutRegion::new(
        std::array::from_fn(|d| a.start[d].max(b.start[d])),
        std::array::from_fn(|d| a.end()[d].min(b.end()[d]) - a.start[d].max(b.start[d])),
    );
    common.shape[axis] = 1;
    let plane = |tile: &LayoutRegion, other: &LayoutRegion| {
        let first = tile.start[axis] >= other.end()[axis];
        let mut plane = common;
        plane.start[axis] = if first { tile.start[axis] } else { tile.end()[axis] - 1 };
        plane
    };
    Some(Facing { tile_a, tile_b, face_a: plane(&a, &b), face_b: plane(&b, &a), gap: gaps[axis] })
}

/// What is suspicious about the placement.
///
/// `islands` when the tiles do not all hang together; `tiles-abut` when tiles touch without
/// sharing a voxel, so that objects at the seam cannot be matched by overlap.
pub fn problems(placement: &Placement) -> Vec<Problem> {
    let mut problems = Vec::new();
    let islands = islands(placement);
    if islands.len() > 1 {
        let what = format!("the tiles form {} groups that share no voxel", islands.len());
        problems.push(Problem::warning("islands", what));
    }
    let abutting: Vec<Facing> = facing(placement).into_iter().filter(|f| f.gap == 0).collect();
    if let Some(first) = abutting.first() {
        let (n, a, b) = (abutting.len(), first.tile_a, first.tile_b);
        let what = format!("{n} pairs of tiles touch without sharing a voxel (first: {a} and {b})");
        problems.push(Problem::warning("tiles-abut", what));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(starts: &[[i64; 3]]) -> Placement {
        Placement::from_starts(starts, &vec![[4, 10, 10]; starts.len()]).expect("sound tiles")
    }

    #[test]
    fn touching_tiles_share_no_voxel_but_face_each_other() {
        let placement = placed(&[[0, 0, 0], [0, 2, 10], [0, 10, 21]]);
        assert_eq!(pairs(&placement), []);
        assert_eq!(islands(&placement), [vec![0], vec![1], vec![2]]);
        let faces = facing(&placement);
        assert_eq!(faces.len(), 2);
        assert_eq!(faces[0].face_a, LayoutRegion::new([0, 2, 9], [4, 8, 1]));
        assert_eq!(faces[0].face_b, LayoutRegion::new([0, 2, 10], [4, 8, 1]));
        assert_eq!((faces[1].gap, faces[1].face_b.start), (1, [0, 10, 21]));
        let codes: Vec<String> = problems(&placement).into_iter().map(|p| p.code).collect();
        assert_eq!(codes, ["islands", "tiles-abut"]);
    }

    #[test]
    fn the_fraction_is_of_the_smaller_tile() {
        let shapes = [[4, 10, 10], [2, 5, 5]];
        let placement =
            Placement::from_starts(&[[0, 0, 0], [0, 0, 8]], &shapes).expect("sound tiles");
        let pairs = pairs(&placement);
        assert_eq!(pairs[0].region.voxels(), 2 * 5 * 2);
        assert_eq!(pairs[0].fraction, 0.4);
        assert!(problems(&placement).is_empty());
    }
}
