//! The joint histogram of two channels, of the values that occur only.

use hooke_core::counts::Counts;
use rayon::prelude::*;

use super::moments::{ExactMoments, Moments};
use super::{PixelStats, Threshold, manders, ranks};
use crate::error::BlobsError;

/// Voxels of one value in each channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    /// Numbers of the two values among those that occur.
    pub a: u32,
    pub b: u32,
    /// Voxels.
    pub n: u64,
}

/// How often each pair of values occurs.
#[derive(Debug, Clone, PartialEq)]
pub struct JointHistogram {
    /// The values of either channel that occur, ascending.
    pub(super) levels: [Vec<f64>; 2],
    /// Voxels of each of them.
    pub(super) counts: [Vec<u64>; 2],
    /// By `a`, then `b`.
    pub(super) cells: Vec<Cell>,
    pub(super) n: u64,
    pub(super) moments: Moments,
}

impl JointHistogram {
    /// From counts by `code of a << 16 | code of b`; values must ascend with their codes.
    pub(super) fn from_codes(
        counts: &Counts<u32>,
        value: impl Fn(usize, u16) -> f64,
        moments: Option<&ExactMoments>,
    ) -> Self {
        let mut sorted: Vec<(u32, u64)> = counts.iter().map(|(key, n)| (*key, *n)).collect();
        sorted.par_sort_unstable();
        let codes = |key: u32| [(key >> 16) as usize, key as usize & 0xffff];
        let mut is_there = [vec![false; 1 << 16], vec![false; 1 << 16]];
        for (key, _) in &sorted {
            let [a, b] = codes(*key);
            is_there[0][a] = true;
            is_there[1][b] = true;
        }
        let mut levels = [Vec::new(), Vec::new()];
        let mut number = [vec![0u32; 1 << 16], vec![0u32; 1 << 16]];
        for channel in 0..2 {
            for code in (0..=u16::MAX).filter(|code| is_there[channel][usize::from(*code)]) {
                let value = value(channel, code);
                // Below the background, values are one.
                if levels[channel].last() != Some(&value) {
                    levels[channel].push(value);
                }
                number[channel][usize::from(code)] = levels[channel].len() as u32 - 1;
            }
        }
        let cell = |(key, n): &(u32, u64)| {
            let [a, b] = codes(*key);
            Cell { a: number[0][a], b: number[1][b], n: *n }
        };
        let cells = sorted.iter().map(cell).collect();
        Self::from_cells(levels, cells, moments)
    }

    /// From the values of every voxel.
    pub(super) fn from_values(values: &[[f64; 2]]) -> Self {
        let levels: [Vec<f64>; 2] = std::array::from_fn(|channel| {
            // Adding 0 makes -0 and 0 one.
            let mut levels: Vec<f64> = values.iter().map(|pair| pair[channel] + 0.0).collect();
            levels.par_sort_unstable_by(f64::total_cmp);
            levels.dedup();
            levels
        });
        let number = |channel: usize, value: f64| {
            levels[channel].partition_point(|level| *level < value) as u32
        };
        let cell = |[a, b]: &[f64; 2]| Cell { a: number(0, *a), b: number(1, *b), n: 1 };
        let cells = values.par_iter().map(cell).collect();
        Self::from_cells(levels, cells, None)
    }

    fn from_cells(
        levels: [Vec<f64>; 2],
        mut cells: Vec<Cell>,
        moments: Option<&ExactMoments>,
    ) -> Self {
        if !cells.is_sorted_by(|x, y| (x.a, x.b) < (y.a, y.b)) {
            cells.par_sort_unstable_by_key(|cell| (cell.a, cell.b));
            cells.dedup_by(|next, cell| {
                let is_same = (next.a, next.b) == (cell.a, cell.b);
                cell.n += if is_same { next.n } else { 0 };
                is_same
            });
        }
        let mut counts = [vec![0; levels[0].len()], vec![0; levels[1].len()]];
        for cell in &cells {
            counts[0][cell.a as usize] += cell.n;
            counts[1][cell.b as usize] += cell.n;
        }
        let n = counts[0].iter().sum();
        let moments = match moments {
            Some(exact) => exact.moments(n),
            None => Moments::of(&levels, &cells, n),
        };
        Self { levels, counts, cells, n, moments }
    }

    /// The values of the two channels in a cell.
    pub(super) fn values(&self, cell: &Cell) -> [f64; 2] {
        [self.levels[0][cell.a as usize], self.levels[1][cell.b as usize]]
    }

    /// Voxels.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Pairs of values that occur.
    pub fn n_cells(&self) -> usize {
        self.cells.len()
    }

    /// All statistics that follow from the joint histogram.
    ///
    /// # Errors
    /// When the threshold makes no sense.
    pub fn stats(&self, threshold: &Threshold) -> Result<PixelStats, BlobsError> {
        let costes = self.costes();
        let thresholds = threshold.resolve(self, costes.as_ref())?;
        let moments = &self.moments;
        let mut stats = PixelStats {
            n: self.n,
            pearson: moments.pearson(),
            slope: moments.regression().map(|line| line.slope),
            spearman: ranks::spearman(self),
            kendall: ranks::kendall(self),
            moc: moments.overlap_coefficient(),
            k1: moments.k1(),
            k2: moments.k2(),
            icq: moments.intensity_correlation_quotient(self),
            threshold1: thresholds.map(|t| t[0]),
            threshold2: thresholds.map(|t| t[1]),
            costes_t1: costes.map(|c| c.thresholds[0]),
            costes_t2: costes.map(|c| c.thresholds[1]),
            ..PixelStats::default()
        };
        if let Some(thresholds) = thresholds {
            let [m1, m2] = manders::manders(self, thresholds);
            let above = manders::above(self, thresholds);
            (stats.m1, stats.m2) = (m1, m2);
            [stats.tm1, stats.tm2] = above.fractions;
            [stats.overlap1, stats.overlap2] = above.overlaps;
            [stats.rwc1, stats.rwc2] = above.rank_weighted;
        }
        if let Some(costes) = costes {
            [stats.costes_tm1, stats.costes_tm2] =
                manders::above(self, costes.thresholds).fractions;
        }
        Ok(stats)
    }
}
