//! How far apart two blobs may lie, and all pairs that lie that close.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::error::BlobsError;

/// Positions beyond this cannot be compared to a fraction of a micrometre.
const LARGEST_POSITION: f64 = (1u64 << 50) as f64;
/// Cells are a little larger than the gate, so that rounding never puts two blobs within the gate
/// two cells apart.
const CELL_SLACK: f64 = 1.0 + 1.0 / 65536.0;
/// Cells per axis, at most; an index then takes 21 bits and three of them one word.
const CELLS_PER_AXIS: f64 = (1u64 << 20) as f64;
/// Pairs within the gate, at most; numbers of pairs take 32 bits.
pub const MAX_EDGES: usize = u32::MAX as usize - 1;
/// Blobs of the first side looked at together.
const CHUNK: usize = 1024;

/// An ellipsoid of given semi-axes around a blob; a partner lies strictly inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    semi_axes_um: [f64; 3],
}

impl Gate {
    /// A gate of these semi-axes over `z, y, x`.
    ///
    /// # Errors
    /// Unless each is a positive number.
    pub fn new(semi_axes_um: [f64; 3]) -> Result<Self, BlobsError> {
        if semi_axes_um.iter().all(|a| a.is_finite() && *a > 0.0) {
            return Ok(Self { semi_axes_um });
        }
        Err(BlobsError::parameter("tolerance", semi_axes_um, "positive numbers over z, y, x"))
    }

    /// Semi-axes over `z, y, x`.
    pub fn semi_axes_um(&self) -> [f64; 3] {
        self.semi_axes_um
    }

    /// The distance in units of the gate, or `None` when it is not below 1.
    #[inline]
    pub fn distance(&self, a: [f64; 3], b: [f64; 3]) -> Option<f64> {
        let scaled: [f64; 3] = std::array::from_fn(|d| (a[d] - b[d]) / self.semi_axes_um[d]);
        let squared = scaled[0] * scaled[0] + scaled[1] * scaled[1] + scaled[2] * scaled[2];
        (squared < 1.0).then(|| squared.sqrt())
    }
}

/// A blob as the search for partners sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Site {
    /// Unique on its side.
    pub id: u64,
    /// Over `z, y, x`.
    pub position_um: [f64; 3],
    /// Of a pair at least one end must be inner.
    pub is_inner: bool,
}

/// Two sites within the gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Ids of the two, first side first.
    pub ids: [u64; 2],
    /// Distance in units of the gate, below 1.
    pub gate_distance: f64,
}

/// All pairs of a `first` and a `second` site that lie within the gate, in no given order.
///
/// An edge depends on its two ends only. A volume can thus be searched block by block: take the
/// sites of the first side that the block owns, and those of the second within the gate of it; the
/// edges of all blocks together are the edges of the volume.
///
/// # Errors
/// [`BlobsError::Position`] for a position that is no number; [`BlobsError::TooManyPairs`] beyond
/// `limit`, soon after it is passed.
///
/// # Cost
/// `O(n log n + edges)`, parallel. An edge takes 24 bytes, and about 80 when it is assigned.
pub fn gate_edges(
    first: &[Site],
    second: &[Site],
    gate: &Gate,
    limit: usize,
) -> Result<Vec<Edge>, BlobsError> {
    let usable = |p: &f64| p.abs() < LARGEST_POSITION;
    if let Some(bad) = first.iter().chain(second).find(|s| !s.position_um.iter().all(usable)) {
        return Err(BlobsError::Position { id: bad.id, found: bad.position_um });
    }
    if first.is_empty() || second.is_empty() {
        return Ok(Vec::new());
    }
    let cells = Cells::around(first, second, gate);
    let (first, second) = rayon::join(|| cells.sorted(first), || cells.sorted(second));
    let (limit, total) = (limit.min(MAX_EDGES), AtomicUsize::new(0));
    let parts: Vec<Vec<Edge>> = first
        .par_chunks(CHUNK)
        .map(|chunk| {
            let edges = edges_of(chunk, &second, gate);
            // Whether the sum passes the limit does not depend on the order of its parts.
            let before = total.fetch_add(edges.len(), Ordering::Relaxed);
            match before + edges.len() > limit {
                true => Err(BlobsError::TooManyPairs { limit }),
                false => Ok(edges),
            }
        })
        .collect::<Result<_, _>>()?;
    Ok(parts.concat())
}

/// A uniform grid of cells no smaller than the gate.
struct Cells {
    low: [f64; 3],
    size: [f64; 3],
}

impl Cells {
    fn around(first: &[Site], second: &[Site], gate: &Gate) -> Self {
        let mut low = [f64::INFINITY; 3];
        let mut high = [f64::NEG_INFINITY; 3];
        for site in first.iter().chain(second) {
            for d in 0..3 {
                low[d] = low[d].min(site.position_um[d]);
                high[d] = high[d].max(site.position_um[d]);
            }
        }
        let size = std::array::from_fn(|d| {
            (gate.semi_axes_um[d] * CELL_SLACK).max((high[d] - low[d]) / CELLS_PER_AXIS)
        });
        Self { low, size }
    }

    /// The cell of a site as one number, in the order of `z`, then `y`, then `x`.
    fn key(&self, site: &Site) -> i64 {
        // From 1, so that the cell before the first has a number too.
        let index = |d: usize| ((site.position_um[d] - self.low[d]) / self.size[d]) as i64 + 1;
        index(0) << 42 | index(1) << 21 | index(2)
    }

    fn sorted(&self, sites: &[Site]) -> Vec<(i64, Site)> {
        let mut keys: Vec<(i64, usize)> =
            sites.par_iter().enumerate().map(|(i, site)| (self.key(site), i)).collect();
        keys.par_sort_unstable();
        keys.into_par_iter().map(|(key, i)| (key, sites[i])).collect()
    }
}

/// Edges of some sites, which are sorted by cell, as the others are.
///
/// The three neighbouring cells along x lie side by side in that order; of the nine rows of
/// neighbours each has a cursor that only moves forward.
fn edges_of(chunk: &[(i64, Site)], others: &[(i64, Site)], gate: &Gate) -> Vec<Edge> {
    let rows: [i64; 9] = std::array::from_fn(|i| {
        let (dz, dy) = (i as i64 / 3 - 1, i as i64 % 3 - 1);
        dz * (1 << 42) + dy * (1 << 21) - 1
    });
    let start = chunk.first().map_or(0, |(key, _)| *key);
    let mut cursors = rows.map(|row| others.partition_point(|(key, _)| *key < start + row));
    let mut edges = Vec::new();
    for (key, site) in chunk {
        for (row, cursor) in rows.iter().zip(&mut cursors) {
            let from = key + row;
            while others.get(*cursor).is_some_and(|(other, _)| *other < from) {
                *cursor += 1;
            }
            for (_, other) in others[*cursor..].iter().take_while(|(key, _)| *key <= from + 2) {
                if !(site.is_inner || other.is_inner) {
                    continue;
                }
                if let Some(gate_distance) = gate.distance(site.position_um, other.position_um) {
                    edges.push(Edge { ids: [site.id, other.id], gate_distance });
                }
            }
        }
    }
    edges
}
