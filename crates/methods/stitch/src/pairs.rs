//! Which tiles are measured against each other.

use hooke_core::Axis;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};
use serde::{Deserialize, Serialize};

use crate::align::{AlignError, AlignParams, Links};
use crate::layout::{Layout, Tile};

/// Two tiles to be measured: ids, `pre` the smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairTask {
    /// Id of the first tile.
    pub pre: usize,
    /// Id of the second tile.
    pub post: usize,
    /// The tiling axis: that of the grid, else the axis of the smallest nominal overlap.
    pub axis: Option<Axis>,
}

impl PairTask {
    /// Position of the tiling axis among `z, y, x`.
    pub(crate) fn axis_index(&self) -> Option<usize> {
        self.axis.and_then(Axis::space_index)
    }
}

/// Lists the pairs of a layout, ordered by ids.
///
/// On a grid, [`Links::Faces`] are the neighbours along one axis, overlapping or not. Without a
/// grid they are the pairs whose nominal overlap has at least `min_overlap` of the volume of the
/// largest one. [`Links::All`] are all pairs whose tiles overlap nominally.
///
/// # Errors
/// [`AlignError::Nominal`] for a nominal position that is not finite.
pub fn pair_tasks(layout: &Layout, params: &AlignParams) -> Result<Vec<PairTask>, AlignError> {
    for tile in &layout.tiles {
        if !tile.nominal_px.is_complete() {
            return Err(AlignError::Nominal { tile: tile.id, found: tile.nominal_px.0 });
        }
    }
    let on_grid = layout.tiles.len() > 1 && layout.tiles.iter().all(|t| t.grid.is_some());
    let mut tasks = match params.links {
        Links::Faces if on_grid => grid_faces(layout),
        Links::Faces => overlapping(layout, params.min_overlap.unwrap_or(0.25)),
        Links::All => overlapping(layout, 0.0),
    };
    tasks.sort_by_key(|t| (t.pre, t.post));
    tasks.dedup();
    Ok(tasks)
}

fn grid_faces(layout: &Layout) -> Vec<PairTask> {
    let place = |t: &Tile| t.grid.map(|g| [g.z, g.y, g.x]);
    let by_place: std::collections::HashMap<[i64; 3], usize> =
        layout.tiles.iter().filter_map(|t| Some((place(t)?, t.id))).collect();
    let mut tasks = Vec::new();
    for tile in &layout.tiles {
        let Some(at) = place(tile) else { continue };
        for (d, axis) in Axis::SPACE.into_iter().enumerate() {
            let mut next = at;
            next[d] += 1;
            if let Some(&other) = by_place.get(&next) {
                let (pre, post) = (tile.id.min(other), tile.id.max(other));
                tasks.push(PairTask { pre, post, axis: Some(axis) });
            }
        }
    }
    tasks
}

/// Lengths of the nominal overlap; not positive where there is none.
fn nominal_overlap(a: &Tile, b: &Tile) -> [f64; 3] {
    std::array::from_fn(|d| {
        let (a0, b0) = (a.nominal_px[d], b.nominal_px[d]);
        (a0 + a.shape[d] as f64).min(b0 + b.shape[d] as f64) - a0.max(b0)
    })
}

fn overlapping(layout: &Layout, fraction: f64) -> Vec<PairTask> {
    let boxes: Vec<_> = layout
        .tiles
        .iter()
        .enumerate()
        .map(|(i, t)| {
            let lower = t.nominal_px.0;
            let upper: [f64; 3] = std::array::from_fn(|d| lower[d] + t.shape[d] as f64);
            GeomWithData::new(Rectangle::from_corners(lower, upper), i)
        })
        .collect();
    let tree = RTree::bulk_load(boxes);
    let mut found = Vec::new();
    for (i, a) in layout.tiles.iter().enumerate() {
        let lower = a.nominal_px.0;
        let upper: [f64; 3] = std::array::from_fn(|d| lower[d] + a.shape[d] as f64);
        for hit in tree.locate_in_envelope_intersecting(AABB::from_corners(lower, upper)) {
            let b = &layout.tiles[hit.data];
            let overlap = nominal_overlap(a, b);
            if hit.data > i && overlap.iter().all(|o| *o > 0.0) {
                let volume: f64 = overlap.iter().product();
                found.push((task_of(layout, a, b, overlap), volume));
            }
        }
    }
    let largest = found.iter().map(|(_, v)| *v).fold(0.0, f64::max);
    found.into_iter().filter(|(_, v)| *v >= fraction * largest).map(|(task, _)| task).collect()
}

fn task_of(_: &Layout, a: &Tile, b: &Tile, overlap: [f64; 3]) -> PairTask {
    let from_grid = a.grid.zip(b.grid).and_then(|(p, q)| {
        let step = [q.z - p.z, q.y - p.y, q.x - p.x];
        let mut moved = (0..3).filter(|d| step[*d] != 0);
        moved.next().filter(|_| moved.next().is_none())
    });
    // An axis along which both tiles are one plane cannot be tiled.
    let smallest = || {
        (0..3)
            .filter(|d| a.shape[*d] > 1 || b.shape[*d] > 1)
            .min_by(|p, q| overlap[*p].total_cmp(&overlap[*q]))
    };
    let axis = from_grid.or_else(smallest).map(|d| Axis::SPACE[d]);
    PairTask { pre: a.id.min(b.id), post: a.id.max(b.id), axis }
}
