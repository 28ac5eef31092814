//! How strong the responses are that are no blobs: local median and spread on a coarse grid.
//!
//! The grid divides the whole image evenly. Every block counts the responses of its core, sampled on
//! an absolute lattice, into a histogram per cell and scale; histograms of one cell add up exactly
//! whatever blocks they come from. Once a cell is complete two numbers of it are kept, and none of a
//! cell in which there is nothing but the sensor's noise: those of most of a large image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scales::Scales;
use crate::voxel_box::VoxelBox;

/// Side of a cell in widths of the widest filter.
const CELL_WIDTHS: f64 = 16.0;

/// Shortest side of a cell, voxels.
const SHORTEST: f64 = 16.0;

/// Samples that a cell should have along an axis.
const SAMPLES: usize = 16;

/// Bins of each sign; eight per doubling of `4 |response| + 1`.
const BINS: usize = 96;

/// Spreads up to so many times the sensor's are put down to chance.
const CHANCE: f32 = 1.3;

/// Quantiles to either side of the median that tell the spread, and their distance from it in standard
/// deviations. Bright blobs with their dark rims may fill a third of a cell: what is far from the median
/// is them, not the spread of what is no blob.
const NEAR_MEDIAN: [f64; 2] = [0.35, 0.65];
const NEAR_PER_SIGMA: f32 = 0.385_320_5;

/// The grid of an image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CoarseGrid {
    shape: [usize; 3],
    counts: [usize; 3],
    stride: [usize; 3],
}

/// Responses of one cell and scale as far as one block has seen them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellCounts {
    /// Number of the cell in C order.
    pub cell: u64,
    /// Number of the scale.
    pub scale: u8,
    /// Bins that are not empty and their counts, ascending.
    pub counts: Vec<(u16, u32)>,
}

impl CoarseGrid {
    pub(crate) fn new(shape: [usize; 3], scales: &Scales) -> Self {
        let widest = scales.largest_width();
        let side = widest.map(|w| (CELL_WIDTHS * w).max(SHORTEST));
        let counts = std::array::from_fn(|a| ((shape[a] as f64 / side[a]).round() as usize).max(1));
        let stride = std::array::from_fn(|a| {
            // Neighbouring responses are alike: nothing is lost by every second of a narrow filter.
            let alike = (widest[a] as usize).clamp(1, 4);
            (shape[a] / counts[a] / SAMPLES).clamp(1, alike)
        });
        Self { shape, counts, stride }
    }

    /// Voxels of a cell along an axis.
    fn range(&self, axis: usize, cell: usize) -> [usize; 2] {
        let edge =
            |i: usize| (i as u128 * self.shape[axis] as u128 / self.counts[axis] as u128) as usize;
        [edge(cell), edge(cell + 1)]
    }

    /// The cell along an axis that holds a voxel.
    fn cell_of(&self, axis: usize, at: usize) -> usize {
        let guess = (at as u128 * self.counts[axis] as u128 / self.shape[axis] as u128) as usize;
        let next = (guess + 1).min(self.counts[axis] - 1);
        if at >= self.range(axis, next)[0] { next } else { guess }
    }

    /// Lattice points of a cell.
    fn samples(&self, cell: [usize; 3]) -> u64 {
        (0..3)
            .map(|a| {
                let [start, end] = self.range(a, cell[a]);
                (end.div_ceil(self.stride[a]) - start.div_ceil(self.stride[a])) as u64
            })
            .product()
    }

    fn number(&self, cell: [usize; 3]) -> u64 {
        let [_, ny, nx] = self.counts.map(|n| n as u64);
        let [z, y, x] = cell.map(|c| c as u64);
        (z * ny + y) * nx + x
    }

    /// Counts the responses of one scale in a core.
    ///
    /// * `response`: a contiguous volume that starts at `start` of the image and holds the core.
    /// * `gain`: the noise of the response, which becomes 1.
    pub(crate) fn count(
        &self,
        response: &[f32],
        held: VoxelBox,
        core: VoxelBox,
        scale: u8,
        gain: f64,
    ) -> Vec<CellCounts> {
        if core.voxels() == 0 {
            return Vec::new();
        }
        let shape = held.shape();
        let cells = |a: usize| self.cell_of(a, core.start[a])..=self.cell_of(a, core.end[a] - 1);
        // Lattice points that the core and a cell share along an axis.
        let points = |a: usize, cell: usize| {
            let [start, end] = self.range(a, cell);
            let first = start.max(core.start[a]).next_multiple_of(self.stride[a]);
            (first..end.min(core.end[a])).step_by(self.stride[a])
        };
        let per_unit = (1.0 / gain) as f32;
        let mut all = Vec::new();
        for cz in cells(0) {
            for cy in cells(1) {
                for cx in cells(2) {
                    let mut counts = [0u32; 2 * BINS];
                    for z in points(0, cz) {
                        for y in points(1, cy) {
                            let row = (z - held.start[0]) * shape[1] + y - held.start[1];
                            let row = &response[row * shape[2]..][..shape[2]];
                            for x in points(2, cx) {
                                counts[bin(row[x - held.start[2]] * per_unit)] += 1;
                            }
                        }
                    }
                    let counts: Vec<(u16, u32)> =
                        (0..).zip(counts).filter(|(_, count)| *count > 0).collect();
                    if !counts.is_empty() {
                        all.push(CellCounts { cell: self.number([cz, cy, cx]), scale, counts });
                    }
                }
            }
        }
        all
    }
}

/// Bin of a response in units of its noise.
fn bin(value: f32) -> usize {
    let size = (4.0 * value.abs() + 1.0).to_bits() >> 20;
    let k = ((size - (1.0_f32.to_bits() >> 20)) as usize).min(BINS - 1);
    if value < 0.0 { BINS - 1 - k } else { BINS + k }
}

/// Lower edge of a bin; the upper edge is that of the next.
fn edge(bin: usize) -> f32 {
    let size =
        |k: usize| (f32::from_bits(((1.0_f32.to_bits() >> 20) + k as u32) << 20) - 1.0) / 4.0;
    if bin >= BINS { size(bin - BINS) } else { -size(BINS - bin) }
}

/// Histogram of a cell that may still lack parts.
#[derive(Debug, Clone)]
struct Open {
    counts: Vec<u32>,
    seen: u64,
}

/// What a cell adds to the scores in it: median (at least 0) and inflation (at least 1).
type Level = [f32; 2];

/// A cell of nothing but the sensor's noise.
const QUIET: Level = [0.0, 1.0];

/// Median and spread of the responses all over one image.
#[derive(Debug, Clone)]
pub(crate) struct Background {
    grid: CoarseGrid,
    open: BTreeMap<(u8, u64), Open>,
    /// Cells that are complete and not quiet.
    loud: BTreeMap<(u8, u64), Level>,
}

impl Background {
    pub(crate) fn new(grid: CoarseGrid) -> Self {
        Self { grid, open: BTreeMap::new(), loud: BTreeMap::new() }
    }

    /// Adds what a block counted; parts of unknown cells or bins are left out.
    pub(crate) fn add(&mut self, part: &CellCounts) {
        let [nz, ny, nx] = self.grid.counts.map(|n| n as u64);
        if part.cell >= nz * ny * nx {
            return;
        }
        let key = (part.scale, part.cell);
        let none = || Open { counts: vec![0; 2 * BINS], seen: 0 };
        let cell = self.open.entry(key).or_insert_with(none);
        for (bin, count) in &part.counts {
            if let Some(sum) = cell.counts.get_mut(usize::from(*bin)) {
                *sum += count;
                cell.seen += u64::from(*count);
            }
        }
        let at = [part.cell / (ny * nx), part.cell / nx % ny, part.cell % nx].map(|c| c as usize);
        if cell.seen >= self.grid.samples(at) {
            let level = cell.level();
            self.open.remove(&key);
            if level != QUIET {
                self.loud.insert(key, level);
            }
        }
    }

    /// What to take off the response of a scale at a voxel, and what to divide it by, in units of the
    /// sensor's noise; trilinear between the centres of cells.
    ///
    /// A negative median is the dips between blobs, not a darker background, and raises no score.
    pub(crate) fn at(&self, scale: u8, at: [usize; 3]) -> Level {
        let corners: [[(usize, f32); 2]; 3] = std::array::from_fn(|a| {
            let centre = |cell: usize| {
                let [start, end] = self.grid.range(a, cell);
                0.5 * (start + end - 1) as f32
            };
            let cell = self.grid.cell_of(a, at[a]);
            let p = at[a] as f32;
            let other = if p < centre(cell) { cell.saturating_sub(1) } else { cell + 1 };
            if other == cell || other >= self.grid.counts[a] {
                return [(cell, 1.0), (cell, 0.0)];
            }
            let weight = (p - centre(cell)) / (centre(other) - centre(cell));
            [(cell, 1.0 - weight), (other, weight)]
        });
        let mut sum = [0.0; 2];
        for (z, wz) in corners[0] {
            for (y, wy) in corners[1] {
                for (x, wx) in corners[2] {
                    let level = self.cell(scale, [z, y, x]);
                    sum.iter_mut().zip(level).for_each(|(sum, l)| *sum += wz * wy * wx * l);
                }
            }
        }
        sum
    }

    fn cell(&self, scale: u8, cell: [usize; 3]) -> Level {
        let key = (scale, self.grid.number(cell));
        let open = || self.open.get(&key).map(Open::level);
        self.loud.get(&key).copied().or_else(open).unwrap_or(QUIET)
    }
}

impl Open {
    fn quantile(&self, q: f64) -> f32 {
        let wanted = q * self.seen as f64;
        let mut below = 0.0;
        for (bin, count) in self.counts.iter().enumerate() {
            let count = f64::from(*count);
            if count > 0.0 && below + count >= wanted {
                let part = ((wanted - below) / count) as f32;
                return edge(bin) + part * (edge(bin + 1) - edge(bin));
            }
            below += count;
        }
        0.0
    }

    fn level(&self) -> Level {
        let median = self.quantile(0.5);
        let [below, above] = NEAR_MEDIAN.map(|q| (self.quantile(q) - median).abs());
        let spread = below.min(above) / NEAR_PER_SIGMA;
        [median.max(0.0), (spread / CHANCE).max(1.0)]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use hooke_core::seed::rng_at;
    use rand_distr::{Distribution, Normal};

    use super::*;
    use crate::detect::DetectParams;

    #[test]
    fn bins_hold_their_values() {
        for value in [0.0, 0.01, -0.01, 0.24, 0.26, 1.0, -1.0, 17.5, -300.0, 900.0] {
            let bin = bin(value);
            assert!(edge(bin) <= value && value <= edge(bin + 1), "{value} in {bin}");
        }
        assert_eq!((bin(1e9), bin(-1e9)), (2 * BINS - 1, 0));
        assert!((0..2 * BINS - 1).all(|b| edge(b) < edge(b + 1)));
    }

    #[test]
    fn any_blocks_give_the_spread_of_the_whole() {
        let shape = [20, 300, 200];
        let whole = VoxelBox::whole(shape);
        let mut rng = rng_at(5, "test", &[]);
        let normal = Normal::new(0.3, 2.0).unwrap();
        let response: Vec<f32> =
            (0..whole.voxels()).map(|_| 0.1 * normal.sample(&mut rng) as f32).collect();
        let scales = Scales::new(&DetectParams::default(), shape, [2.0; 3]);
        let grid = CoarseGrid::new(shape, &scales);
        assert_eq!(grid.counts, [1, 8, 5]);
        let found = |step: [usize; 3]| {
            let mut all = Background::new(grid.clone());
            for core in crate::voxel_box::grid(shape, step) {
                let counts = grid.count(&response, whole, core, 1, 0.1);
                counts.iter().for_each(|c| all.add(c));
            }
            assert!(all.open.is_empty());
            all.at(1, [3, 150, 20])
        };
        let [median, inflation] = found(shape);
        assert!((median - 0.3).abs() < 0.1 && (inflation - 2.0 / CHANCE).abs() < 0.15);
        assert_eq!(found([7, 64, 51]), [median, inflation]);
        assert_eq!(found([20, 11, 200]), [median, inflation]);
        assert_eq!(Background::new(grid.clone()).at(0, [0; 3]), [0.0, 1.0]);
    }
}
