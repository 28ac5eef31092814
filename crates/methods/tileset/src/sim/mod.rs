//! Simulated tiles of labels with exact truth.
//!
//! The sample holds round objects that do not overlap. Every tile sees it through its own
//! segmentation: its own ids, and on request its own borders and an error of its position. Tiles are
//! made one by one, from the objects themselves; equal seeds give equal tiles on every machine.

mod objects;

use std::collections::{BTreeMap, BTreeSet};

use hooke_core::seed::rng_at;
use hooke_core::{TileError, TilePixels};
use ndarray::Array3;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::error::TilesetError;
use crate::placement::Placement;
use objects::{Objects, Outline};

/// What to simulate. Triples are `(z, y, x)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelSimParams {
    /// Number of tiles per axis.
    pub grid: [usize; 3],
    /// Voxels of a tile per axis.
    pub tile: [usize; 3],
    /// Overlap of neighbours, voxels; smaller than the tile.
    pub overlap: [usize; 3],
    /// Objects in the sample, if so many find room.
    pub objects: usize,
    /// Smallest and largest radius, voxels.
    pub radius: [f64; 2],
    /// How far a border in a tile may lie from the true one, voxels; varies smoothly around it.
    pub border_jitter: f64,
    /// Largest error of a tile's position per axis, whole voxels.
    pub position_error: u32,
    /// Ids of a tile are drawn from 1 to this; 0 permutes consecutive ids.
    pub largest_id: u64,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for LabelSimParams {
    fn default() -> LabelSimParams {
        LabelSimParams {
            grid: [1, 3, 3],
            tile: [24, 96, 96],
            overlap: [0, 16, 16],
            objects: 300,
            radius: [4.0, 8.0],
            border_jitter: 0.0,
            position_error: 0,
            largest_id: 0,
            seed: 0,
        }
    }
}

impl LabelSimParams {
    fn validate(&self) -> Result<(), TilesetError> {
        let wrong =
            |name, found: String, wanted| Err(TilesetError::Parameter { name, found, wanted });
        if self.grid.contains(&0) || self.tile.contains(&0) {
            return wrong("grid or tile", "0".to_owned(), "at least 1 along every axis");
        }
        if let Some(d) = (0..3).find(|d| self.overlap[*d] >= self.tile[*d]) {
            return wrong("overlap", self.overlap[d].to_string(), "less than the tile's length");
        }
        let [small, large] = self.radius;
        if !(small > 0.0 && small <= large && large.is_finite()) {
            return wrong(
                "radius",
                format!("{small} to {large}"),
                "two lengths above 0, ascending",
            );
        }
        if !(self.border_jitter >= 0.0 && self.border_jitter.is_finite()) {
            return wrong("border jitter", self.border_jitter.to_string(), "a finite number >= 0");
        }
        if self.largest_id != 0 && self.largest_id < 2 * self.objects as u64 {
            return wrong("largest id", self.largest_id.to_string(), "0, or twice the objects");
        }
        Ok(())
    }
}

/// Tiles of one sample: places now, labels on demand.
#[derive(Debug, Clone)]
pub struct LabelSim {
    params: LabelSimParams,
    /// Where tiles are said to lie.
    starts: Vec<[i64; 3]>,
    /// Where they lie.
    true_starts: Vec<[i64; 3]>,
    objects: Objects,
    /// Per tile: the objects near it and the ids it gives them.
    ids: Vec<BTreeMap<usize, u64>>,
}

impl LabelSim {
    /// Draws the objects, the places of the tiles and their ids.
    ///
    /// # Errors
    /// [`TilesetError::Parameter`] for empty grids, overlaps as long as a tile, impossible radii.
    pub fn new(params: LabelSimParams) -> Result<LabelSim, TilesetError> {
        params.validate()?;
        let [nz, ny, nx] = params.grid;
        let starts: Vec<[i64; 3]> = (0..nz * ny * nx)
            .map(|i| [i / (ny * nx), i / nx % ny, i % nx])
            .map(|g| std::array::from_fn(|d| (g[d] * (params.tile[d] - params.overlap[d])) as i64))
            .collect();
        let error = i64::from(params.position_error);
        let true_starts: Vec<[i64; 3]> = starts
            .iter()
            .enumerate()
            .map(|(tile, start)| {
                let mut rng = rng_at(params.seed, "tile-position", &[tile as i64]);
                std::array::from_fn(|d| match params.tile[d] {
                    1 => start[d],
                    _ => start[d] + rng.random_range(-error..=error),
                })
            })
            .collect();
        let extent = extent(&params);
        let objects = Objects::draw(params.objects, params.radius, extent, params.seed);
        let ids = (0..starts.len())
            .map(|tile| {
                let near = objects.in_box(true_starts[tile], params.tile, params.border_jitter);
                let mut rng = rng_at(params.seed, "tile-ids", &[tile as i64]);
                let ids = draw_ids(near.len(), params.largest_id, &mut rng);
                near.into_iter().zip(ids).collect()
            })
            .collect();
        Ok(LabelSim { params, starts, true_starts, objects, ids })
    }

    /// Number of tiles.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Never: a set has at least one tile.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Where the tiles are said to lie.
    pub fn starts(&self) -> &[[i64; 3]] {
        &self.starts
    }

    /// Where they lie.
    pub fn true_starts(&self) -> &[[i64; 3]] {
        &self.true_starts
    }

    /// The placement as said.
    ///
    /// # Errors
    /// [`TilesetError::WrongUnit`] for an absurdly large set.
    pub fn placement(&self) -> Result<Placement, TilesetError> {
        let shape = self.params.tile.map(|n| n as u64);
        Placement::from_starts(&self.starts, &vec![shape; self.len()])
    }

    /// The object behind each id of a tile; some of them may have no voxel in it. Objects count
    /// from 1.
    pub fn truth(&self, tile: usize) -> BTreeMap<u64, u64> {
        let pairs = self.ids.get(tile).into_iter().flatten();
        pairs.map(|(object, id)| (*id, *object as u64 + 1)).collect()
    }

    /// The labels of one tile.
    ///
    /// # Panics
    /// When there is no such tile.
    pub fn tile(&self, tile: usize) -> Array3<u64> {
        let (jitter, seed) = (self.params.border_jitter, self.params.seed);
        let outline = |object| Outline::new(jitter, seed, tile, object);
        let of_tile = self.ids[tile].iter().map(|(object, id)| (*object, outline(*object), *id));
        self.objects.render(of_tile, self.true_starts[tile], self.params.tile)
    }

    /// The true labels of the whole sample, objects counted from 1.
    pub fn world(&self) -> Array3<u64> {
        let shape = extent(&self.params);
        let all = self.objects.in_box([0; 3], shape, 0.0).into_iter();
        let sharp = |object| Outline::new(0.0, 0, 0, object);
        self.objects.render(all.map(|o| (o, sharp(o), o as u64 + 1)), [0; 3], shape)
    }

    /// The objects of which two tiles both hold voxels in the box they are said to share, ascending.
    ///
    /// `tiles` are all tiles, as [`LabelSim::tile`] makes them.
    ///
    /// # Errors
    /// As [`LabelSim::placement`].
    pub fn crossing(&self, tiles: &[Array3<u64>]) -> Result<Vec<u64>, TilesetError> {
        let placement = self.placement()?;
        let mut crossing = BTreeSet::new();
        for pair in crate::overlap::pairs(&placement) {
            let seen = |tile: usize| -> BTreeSet<u64> {
                let local = pair.region.to_local(placement.tile(tile).start);
                let range = |d: usize| local.start[d] as usize..local.end()[d] as usize;
                let truth = self.truth(tile);
                let labels = tiles[tile].slice(ndarray::s![range(0), range(1), range(2)]);
                labels.iter().filter_map(|l| truth.get(l).copied()).collect()
            };
            crossing.extend(seen(pair.tile_a).intersection(&seen(pair.tile_b)).copied());
        }
        Ok(crossing.into_iter().collect())
    }
}

/// Lengths of the sample.
fn extent(params: &LabelSimParams) -> [usize; 3] {
    std::array::from_fn(|d| {
        (params.grid[d] - 1) * (params.tile[d] - params.overlap[d]) + params.tile[d]
    })
}

/// `n` different ids in random order.
fn draw_ids(n: usize, largest: u64, rng: &mut impl Rng) -> Vec<u64> {
    if largest == 0 {
        let mut ids: Vec<u64> = (1..=n as u64).collect();
        for i in (1..ids.len()).rev() {
            ids.swap(i, rng.random_range(0..=i));
        }
        return ids;
    }
    let mut taken = BTreeSet::new();
    // Ids are at least twice as many as objects, so a free one is found soon.
    std::iter::repeat_with(|| rng.random_range(1..=largest))
        .filter(|id| taken.insert(*id))
        .take(n)
        .collect()
}

impl TilePixels<u64> for LabelSim {
    /// Makes the whole tile and cuts the box: for tests and small sets.
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<u64>,
    ) -> Result<(), TileError> {
        if tile >= self.len() {
            let source = format!("there are only {} tiles", self.len()).into();
            return Err(TileError { tile, source });
        }
        let labels = self.tile(tile);
        let view = hooke_core::TilesInMemory { tiles: vec![labels.view()] };
        view.read(0, start, shape, out).map_err(|e| TileError { tile, source: e.source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_show_the_world_under_their_own_names() {
        let sim = LabelSim::new(LabelSimParams::default()).expect("sound");
        let world = sim.world();
        for tile in [0, 4, 8] {
            let (labels, truth) = (sim.tile(tile), sim.truth(tile));
            let start = sim.starts()[tile];
            assert!(labels.iter().any(|l| *l > 0));
            for ((z, y, x), label) in labels.indexed_iter() {
                let at = [z + start[0] as usize, y + start[1] as usize, x + start[2] as usize];
                assert_eq!(truth.get(label).copied().unwrap_or(0), world[at], "{at:?}");
            }
        }
        assert_ne!(sim.truth(0), sim.truth(1));
    }

    #[test]
    fn ids_may_be_larger_than_32_bits() {
        let params = LabelSimParams { largest_id: 1 << 40, ..LabelSimParams::default() };
        let sim = LabelSim::new(params).expect("sound");
        assert!(sim.truth(2).keys().any(|id| *id > 1 << 32));
        let bad = LabelSimParams { largest_id: 5, ..LabelSimParams::default() };
        assert!(LabelSim::new(bad).is_err());
    }
}
