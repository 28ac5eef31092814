//! Simulated sets as the alignment tests use them, and their errors after placing.

use hooke_stitch::Layout;
use hooke_stitch::align::{AlignParams, Correction, align_layout};
use hooke_stitch::place::{PlaceParams, place};
use hooke_stitch::sim::{TileKind, TileSim, TileSimParams};
use hooke_stitch::tile_pixels::TilesInMemory;
use ndarray::Array3;

/// Tiles of a set with where they are said to be and where they are.
pub struct Set {
    pub layout: Layout,
    pub tiles: Vec<Array3<f32>>,
    pub truth: Vec<[f64; 3]>,
}

impl Set {
    pub fn new(params: TileSimParams) -> Set {
        let sim = TileSim::new(params).unwrap();
        let array = |i| {
            let values = sim.tile(i).into_iter().map(f32::from).collect();
            Array3::from_shape_vec(sim.params().tile, values).unwrap()
        };
        Set {
            layout: sim.layout(),
            tiles: (0..sim.len()).map(array).collect(),
            truth: sim.truth().to_vec(),
        }
    }

    pub fn align(&self, params: &AlignParams) -> Layout {
        self.align_with(params, &Correction::default())
    }

    pub fn align_with(&self, params: &AlignParams, correction: &Correction) -> Layout {
        let mut layout = self.layout.clone();
        let pixels = TilesInMemory { tiles: self.tiles.iter().map(|t| t.view()).collect() };
        align_layout(&mut layout, &pixels, params, correction, &()).unwrap();
        layout
    }

    /// Displacement of a pair minus its true one.
    pub fn link_error(&self, pair: &hooke_stitch::Pair) -> [f64; 3] {
        std::array::from_fn(|d| {
            pair.displacement_px[d] - (self.truth[pair.post][d] - self.truth[pair.pre][d])
        })
    }

    /// Root mean square and largest error of the positions after placing.
    pub fn errors(&self, aligned: &Layout) -> (f64, f64) {
        let mut placed = aligned.clone();
        place(&mut placed, &PlaceParams::default()).unwrap();
        let found: Vec<[f64; 3]> = placed.tiles.iter().map(|t| t.position_px.unwrap().0).collect();
        errors(&found, &self.truth)
    }
}

/// 3 x 3 tiles of 32 x 256 x 256, overlap 40.
pub fn scaled(kind: TileKind, seed: u64) -> TileSimParams {
    TileSimParams {
        kind,
        grid: [1, 3, 3],
        tile: [32, 256, 256],
        overlap: [0, 40, 40],
        jitter: [4.0, 8.0, 8.0],
        seed,
    }
}

/// 2 x 2 tiles of 20 x 128 x 128, overlap 40: for tests of behaviour, not of accuracy.
pub fn small(kind: TileKind, seed: u64) -> TileSimParams {
    TileSimParams {
        kind,
        grid: [1, 2, 2],
        tile: [20, 128, 128],
        overlap: [0, 40, 40],
        jitter: [2.0, 4.0, 4.0],
        seed,
    }
}

/// 4 x 4 images of 256 x 256, overlap 40.
pub fn flat(kind: TileKind, seed: u64) -> TileSimParams {
    TileSimParams {
        kind,
        grid: [1, 4, 4],
        tile: [1, 256, 256],
        overlap: [0, 40, 40],
        jitter: [0.0, 8.0, 8.0],
        seed,
    }
}

pub fn window(shift: i64) -> AlignParams {
    AlignParams { max_shift: [[-shift, shift]; 3], ..Default::default() }
}

/// Root mean square and largest distance after removing the mean difference.
pub fn errors(found: &[[f64; 3]], truth: &[[f64; 3]]) -> (f64, f64) {
    let n = found.len() as f64;
    let mean: [f64; 3] =
        std::array::from_fn(|d| found.iter().zip(truth).map(|(f, t)| f[d] - t[d]).sum::<f64>() / n);
    let distances: Vec<f64> = found
        .iter()
        .zip(truth)
        .map(|(f, t)| (0..3).map(|d| (f[d] - t[d] - mean[d]).powi(2)).sum::<f64>())
        .collect();
    let rms = (distances.iter().sum::<f64>() / n).sqrt();
    (rms, distances.into_iter().fold(0.0, f64::max).sqrt())
}

/// Largest difference of two sets of displacements.
pub fn largest_difference(a: &Layout, b: &Layout) -> f64 {
    assert_eq!(a.pairs.len(), b.pairs.len());
    let pairs = a.pairs.iter().zip(&b.pairs);
    pairs
        .flat_map(|(p, q)| (0..3).map(move |d| (p.shift_px[d] - q.shift_px[d]).abs()))
        .inspect(|v| assert!(v.is_finite(), "a component is not measured"))
        .fold(0.0, f64::max)
}
