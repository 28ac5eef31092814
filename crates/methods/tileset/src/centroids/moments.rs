//! Sums of the coordinates of each label.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;

use hooke_core::ExactSum;
use hooke_core::counts::{IntegerHasher, IntegerMap};

/// A label in the mosaic: where it lies and how large it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Centroid {
    /// The label, not 0.
    pub label: u64,
    /// Mean coordinate over `z, y, x`, mosaic voxels; voxel centres are whole numbers.
    pub centre: [f64; 3],
    /// Voxels of the label in the mosaic.
    pub n_voxels: u64,
    /// First voxel of its box.
    pub start: [u32; 3],
    /// One past the last voxel of its box.
    pub end: [u32; 3],
    /// Tiles that hold the label, also where another tile lies above.
    pub n_tiles: u32,
    /// With an intensity image.
    pub weighted: Option<Weighted>,
}

/// What an intensity image adds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    /// Mean intensity; voxels that are not finite count as 0.
    pub mean_intensity: f64,
    /// Mean coordinate weighted by intensity, mosaic voxels; NaN when the intensities sum to 0.
    pub centre: [f64; 3],
}

/// Mosaic voxels as µm: `voxel * size + origin`, where the origin is the smallest tile position.
pub fn to_um(centre: [f64; 3], voxel_um: [f64; 3], origin_um: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|d| centre[d] * voxel_um[d] + origin_um[d])
}

/// Exact sums over the voxels of each label; parts of a mosaic merge in any order.
#[derive(Debug, Clone, Default)]
pub struct LabelMoments {
    sums: IntegerMap<u64, Sums>,
    tiles: HashSet<(u64, u32), BuildHasherDefault<IntegerHasher>>,
}

#[derive(Debug, Clone)]
struct Sums {
    n: u64,
    coordinates: [i128; 3],
    start: [i64; 3],
    end: [i64; 3],
    weighted: Option<Box<WeightedSums>>,
}

/// Sums of weight and of weight times coordinate.
#[derive(Debug, Clone, Default)]
struct WeightedSums {
    weight: ExactSum,
    coordinates: [ExactSum; 3],
}

/// A stretch of one label along x, at mosaic voxel `at`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LabelRun {
    pub label: u64,
    pub at: [i64; 3],
    pub length: i64,
}

impl LabelMoments {
    /// Notes that a tile holds a label.
    pub(crate) fn see(&mut self, label: u64, tile: usize) {
        self.tiles.insert((label, tile as u32));
    }

    /// Adds a run; `weights` are the sums of its weights and of weight times x, if there are any.
    pub(crate) fn add(&mut self, run: LabelRun, weights: Option<(&ExactSum, &ExactSum)>) {
        let LabelRun { label, at: [z, y, x], length } = run;
        let end = [z + 1, y + 1, x + length];
        let sums = self.sums.entry(label).or_insert_with(|| Sums::empty(run.at, end));
        let n = i128::from(length);
        sums.n += length as u64;
        sums.coordinates[0] += n * i128::from(z);
        sums.coordinates[1] += n * i128::from(y);
        sums.coordinates[2] += n * i128::from(x) + n * (n - 1) / 2;
        sums.cover(run.at, end);
        if let Some((weight, weight_x)) = weights {
            let weighted = sums.weighted.get_or_insert_default();
            weighted.weight.add_sum(weight, 1);
            weighted.coordinates[0].add_sum(weight, z);
            weighted.coordinates[1].add_sum(weight, y);
            weighted.coordinates[2].add_sum(weight_x, 1);
        }
    }

    /// Adds the sums of another part of the same mosaic.
    pub fn merge(&mut self, other: LabelMoments) {
        for (label, more) in other.sums {
            let sums = self.sums.entry(label).or_insert_with(|| Sums::empty(more.start, more.end));
            sums.n += more.n;
            for d in 0..3 {
                sums.coordinates[d] += more.coordinates[d];
            }
            sums.cover(more.start, more.end);
            if let Some(more) = more.weighted {
                let weighted = sums.weighted.get_or_insert_default();
                weighted.weight.add_sum(&more.weight, 1);
                for d in 0..3 {
                    weighted.coordinates[d].add_sum(&more.coordinates[d], 1);
                }
            }
        }
        self.tiles.extend(other.tiles);
    }

    /// One row per label that has a voxel in the mosaic, ascending; never 0.
    pub fn rows(&self) -> Vec<Centroid> {
        let mut n_tiles: IntegerMap<u64, u32> = IntegerMap::default();
        for (label, _) in &self.tiles {
            *n_tiles.entry(*label).or_default() += 1;
        }
        let tiles_of = |label: &u64| n_tiles.get(label).copied().unwrap_or(0);
        let mut rows: Vec<Centroid> =
            self.sums.iter().map(|(label, sums)| sums.row(*label, tiles_of(label))).collect();
        rows.sort_unstable_by_key(|r| r.label);
        rows
    }
}

impl Sums {
    fn empty(start: [i64; 3], end: [i64; 3]) -> Sums {
        Sums { n: 0, coordinates: [0; 3], start, end, weighted: None }
    }

    fn cover(&mut self, start: [i64; 3], end: [i64; 3]) {
        for d in 0..3 {
            self.start[d] = self.start[d].min(start[d]);
            self.end[d] = self.end[d].max(end[d]);
        }
    }

    fn row(&self, label: u64, n_tiles: u32) -> Centroid {
        let n = self.n as f64;
        let weighted = self.weighted.as_ref().map(|w| {
            let weight = w.weight.to_f64();
            let centre = |d: usize| w.coordinates[d].to_f64() / weight;
            Weighted { mean_intensity: weight / n, centre: std::array::from_fn(centre) }
        });
        // A mosaic of at most 2^48 voxels of tiles whose sides are checked; longer sides saturate.
        let small = |v: i64| u32::try_from(v).unwrap_or(u32::MAX);
        Centroid {
            label,
            centre: self.coordinates.map(|sum| sum as f64 / n),
            n_voxels: self.n,
            start: self.start.map(small),
            end: self.end.map(small),
            n_tiles,
            weighted,
        }
    }
}
