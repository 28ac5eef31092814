//! Simulated tiles with exact truth.
//!
//! The specimen is a sum of Gaussian spots, filaments and a smooth haze, evaluated analytically at
//! fractional positions, so no interpolation stands between truth and voxels. Every tile has its
//! own noise. Tiles are made one by one; equal seeds give equal tiles on every machine.

mod camera;
mod specimen;

use hooke_core::Dtype;
use hooke_core::seed::rng_at;
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::layout::{Grid, Layout, Tile};
use camera::Camera;
use specimen::Specimen;

/// How difficult the simulated tiles are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TileKind {
    /// Strong signal, tiles at integer positions.
    Easy,
    /// Strong signal, tiles at fractional positions.
    Subpixel,
    /// Fractional positions, a fifth of the signal, 0.25 photons per grey level, 40 % vignetting,
    /// 15 % tile gain, a camera pattern of sd 20, specimen only in the middle of the layout.
    Hard,
}

/// What to simulate. Triples are `(z, y, x)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TileSimParams {
    /// How difficult.
    pub kind: TileKind,
    /// Number of tiles per axis.
    pub grid: [usize; 3],
    /// Voxels of a tile per axis; `z` = 1 makes two-dimensional tiles.
    pub tile: [usize; 3],
    /// Nominal overlap of neighbours, voxels; must be smaller than the tile.
    pub overlap: [usize; 3],
    /// Largest distance of a true position from the nominal one, voxels (uniform).
    pub jitter: [f64; 3],
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for TileSimParams {
    fn default() -> TileSimParams {
        TileSimParams {
            kind: TileKind::Easy,
            grid: [1, 3, 3],
            tile: [64, 512, 512],
            overlap: [0, 61, 61],
            jitter: [8.0; 3],
            seed: 0,
        }
    }
}

/// A set of tiles that cannot be simulated.
#[derive(Debug, Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum TileSimError {
    /// A length of 0.
    #[error("{what} along {axis} is 0; at least 1 is needed")]
    Empty {
        /// `grid` or `tile`.
        what: &'static str,
        /// The axis.
        axis: char,
    },
    /// Neighbours that would be the same tile.
    #[error("overlap along {axis} is {overlap}; it must be smaller than the tile's {tile} voxels")]
    OverlapTooLarge {
        /// The axis.
        axis: char,
        /// Overlap asked for.
        overlap: usize,
        /// Length of a tile.
        tile: usize,
    },
    /// A jitter that is negative or not finite.
    #[error("jitter along {axis} is {jitter}; wanted a finite number >= 0")]
    BadJitter {
        /// The axis.
        axis: char,
        /// Jitter asked for.
        jitter: f64,
    },
}

/// Tiles of one specimen seen through one camera: positions now, voxels on demand.
#[derive(Debug, Clone)]
pub struct TileSim {
    params: TileSimParams,
    grid: Vec<[usize; 3]>,
    nominal: Vec<[f64; 3]>,
    truth: Vec<[f64; 3]>,
    specimen: Specimen,
    camera: Camera,
}

impl TileSim {
    /// Draws the positions and the specimen's settings.
    ///
    /// # Errors
    /// [`TileSimError`] for empty grids or tiles, overlaps as large as the tile and bad jitters.
    pub fn new(params: TileSimParams) -> Result<TileSim, TileSimError> {
        check(&params)?;
        let [nz, ny, nx] = params.grid;
        let grid: Vec<[usize; 3]> =
            (0..nz * ny * nx).map(|i| [i / (ny * nx), i / nx % ny, i % nx]).collect();
        let nominal: Vec<[f64; 3]> = grid
            .iter()
            .map(|g| std::array::from_fn(|d| (g[d] * (params.tile[d] - params.overlap[d])) as f64))
            .collect();
        let truth = nominal.iter().enumerate().map(|(i, n)| true_position(&params, i, n)).collect();
        let extent: [f64; 3] = std::array::from_fn(|d| {
            let step = params.tile[d] - params.overlap[d];
            ((params.grid[d] - 1) * step + params.tile[d]) as f64
        });
        let specimen = Specimen::new(params.kind, params.seed, extent, params.tile[0] == 1);
        let camera = Camera::new(params.kind, params.seed, [params.tile[1], params.tile[2]]);
        Ok(TileSim { params, grid, nominal, truth, specimen, camera })
    }

    /// What was asked for.
    pub fn params(&self) -> &TileSimParams {
        &self.params
    }

    /// Number of tiles.
    pub fn len(&self) -> usize {
        self.grid.len()
    }

    /// Never: a set has at least one tile.
    pub fn is_empty(&self) -> bool {
        self.grid.is_empty()
    }

    /// Place of a tile on the grid.
    pub fn grid(&self, index: usize) -> [usize; 3] {
        self.grid[index]
    }

    /// Nominal (stage) positions of the tiles' first voxels.
    pub fn nominal(&self) -> &[[f64; 3]] {
        &self.nominal
    }

    /// True positions of the tiles' first voxels.
    pub fn truth(&self) -> &[[f64; 3]] {
        &self.truth
    }

    /// The voxels of one tile in C order. Parallel over planes; the same bits for any number of
    /// threads. Values are clipped to the range of `u16`.
    ///
    /// # Panics
    /// When there is no such tile.
    pub fn tile(&self, index: usize) -> Vec<u16> {
        /// Planes that are made together: a spot's row weights are used for all of them.
        const PLANES: usize = 8;
        let shape = self.params.tile;
        let plane = shape[1] * shape[2];
        let elements = self.specimen.elements_in(self.truth[index], shape);
        let mut voxels = vec![0u16; shape[0] * plane];
        voxels.par_chunks_mut(PLANES * plane).enumerate().for_each(|(chunk, out)| {
            let z0 = chunk * PLANES;
            let mut signal = vec![0f32; out.len()];
            let mut origin = self.truth[index];
            origin[0] += z0 as f64;
            let shape = [out.len() / plane, shape[1], shape[2]];
            self.specimen.render(&elements, origin, shape, &mut signal);
            for (dz, (out, signal)) in out.chunks_mut(plane).zip(signal.chunks(plane)).enumerate() {
                self.camera.expose(index, z0 + dz, signal, out);
            }
        });
        voxels
    }

    /// The layout before any measurement: nominal positions, names `tile_z_y_x`.
    pub fn layout(&self) -> Layout {
        let tile = |id: usize| {
            let [z, y, x] = self.grid[id];
            let shape = self.params.tile.map(|n| n as u64);
            let grid = Grid { z: z as i64, y: y as i64, x: x as i64 };
            let name = format!("tile_{z}_{y}_{x}");
            Tile { grid: Some(grid), ..Tile::new(id, name, shape, self.nominal[id]) }
        };
        let mut layout = Layout::new((0..self.len()).map(tile).collect());
        layout.dtype = Some(Dtype::Uint16);
        layout
    }
}

fn check(params: &TileSimParams) -> Result<(), TileSimError> {
    for d in 0..3 {
        let axis = ['z', 'y', 'x'][d];
        for (what, length) in [("grid", params.grid[d]), ("tile", params.tile[d])] {
            if length == 0 {
                return Err(TileSimError::Empty { what, axis });
            }
        }
        if params.overlap[d] >= params.tile[d] {
            let (overlap, tile) = (params.overlap[d], params.tile[d]);
            return Err(TileSimError::OverlapTooLarge { axis, overlap, tile });
        }
        if !(params.jitter[d] >= 0.0 && params.jitter[d].is_finite()) {
            return Err(TileSimError::BadJitter { axis, jitter: params.jitter[d] });
        }
    }
    Ok(())
}

fn true_position(params: &TileSimParams, tile: usize, nominal: &[f64; 3]) -> [f64; 3] {
    let mut rng = rng_at(params.seed, "tiles.position", &[tile as i64]);
    std::array::from_fn(|d| {
        let offset = (2.0 * rng.random::<f64>() - 1.0) * params.jitter[d];
        match (params.kind, params.tile[d]) {
            (_, 1) => nominal[d],
            (TileKind::Easy, _) => nominal[d] + offset.round(),
            _ => nominal[d] + offset,
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sim(kind: TileKind, tile: [usize; 3], seed: u64) -> TileSim {
        let overlap = [0, tile[1] / 4, tile[2] / 4];
        let params = TileSimParams { kind, grid: [1, 2, 2], tile, overlap, jitter: [3.0; 3], seed };
        TileSim::new(params).unwrap()
    }

    #[test]
    fn equal_seeds_give_equal_tiles_and_other_seeds_do_not() {
        let a = sim(TileKind::Hard, [9, 40, 40], 3);
        assert_eq!(a.tile(2), sim(TileKind::Hard, [9, 40, 40], 3).tile(2));
        assert_ne!(a.tile(2), sim(TileKind::Hard, [9, 40, 40], 4).tile(2));
    }

    #[test]
    fn tiles_share_the_specimen_but_not_the_noise() {
        let sim = sim(TileKind::Easy, [12, 64, 64], 5);
        let (a, b) = (sim.tile(0), sim.tile(1));
        let d: [i64; 3] = std::array::from_fn(|d| (sim.truth()[1][d] - sim.truth()[0][d]) as i64);
        let (mut same, mut n, mut noise) = (0.0f64, 0.0f64, 0.0f64);
        for z in d[0].max(0)..12 + d[0].min(0) {
            for y in d[1].max(0)..64 + d[1].min(0) {
                for x in d[2].max(0)..64 {
                    let i = ((z * 64 + y) * 64 + x) as usize;
                    let j = (((z - d[0]) * 64 + y - d[1]) * 64 + x - d[2]) as usize;
                    let difference = f64::from(a[i]) - f64::from(b[j]);
                    noise += difference * difference;
                    same += f64::from(u8::from(a[i] == b[j]));
                    n += 1.0;
                }
            }
        }
        let sd = (noise / n / 2.0).sqrt();
        assert!(n > 3000.0 && same / n < 0.1, "{same} of {n} voxels are equal");
        assert!((15.0..30.0).contains(&sd), "noise sd {sd} is not that of the camera");
    }

    #[test]
    fn two_dimensional_tiles_stay_in_their_plane() {
        let sim = sim(TileKind::Subpixel, [1, 50, 60], 1);
        assert!(sim.truth().iter().all(|p| p[0] == 0.0));
        assert_eq!(sim.tile(3).len(), 3000);
    }

    #[test]
    fn impossible_sets_are_refused() {
        let bad = TileSimParams { overlap: [0, 512, 10], ..Default::default() };
        let error = TileSim::new(bad).unwrap_err();
        assert_eq!(error, TileSimError::OverlapTooLarge { axis: 'y', overlap: 512, tile: 512 });
        let bad = TileSimParams { jitter: [0.0, f64::NAN, 0.0], ..Default::default() };
        assert!(matches!(TileSim::new(bad), Err(TileSimError::BadJitter { axis: 'y', .. })));
    }
}
