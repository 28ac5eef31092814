//! The blocks that a frame is divided into.

use super::correlate::taper;
use super::params::RegisterParams;
use super::spline_field::block_means;

/// Overlapping blocks of one size that cover a frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BlockGrid {
    /// Side along y and x.
    pub block: usize,
    /// First pixels along y and x.
    pub starts: [Vec<usize>; 2],
}

impl BlockGrid {
    /// Blocks every `stride` pixels, and a last one at the frame's end; `None` if the frame is smaller
    /// than a block, or just one, or blocks are not wanted.
    pub fn new(shape: [usize; 2], params: &RegisterParams) -> Option<Self> {
        if !params.has_blocks(shape) {
            return None;
        }
        let starts = shape.map(|n| {
            let last = n - params.block;
            let mut starts: Vec<usize> = (0..last).step_by(params.stride).collect();
            starts.push(last);
            starts
        });
        Some(Self { block: params.block, starts })
    }

    /// Rows and columns of blocks.
    pub fn counts(&self) -> [usize; 2] {
        [self.starts[0].len(), self.starts[1].len()]
    }

    pub fn len(&self) -> usize {
        self.starts[0].len() * self.starts[1].len()
    }

    /// First pixel of each block, row by row.
    pub fn corners(&self) -> impl Iterator<Item = [usize; 2]> + '_ {
        self.starts[0].iter().flat_map(|y| self.starts[1].iter().map(move |x| [*y, *x]))
    }

    /// Centres along y and x.
    pub fn centres(&self) -> [Vec<f64>; 2] {
        let half = (self.block as f64 - 1.0) / 2.0;
        [0, 1].map(|d| self.starts[d].iter().map(|s| *s as f64 + half).collect())
    }
}

/// Takes back, in part, that a block sees the mean of the field over its window.
///
/// With `A` the matrix that makes of values at the centres of blocks the means that blocks see, `v` is
/// replaced by `v + (v - A v) + (v - A v) - A (v - A v)`: Van Cittert's iteration, twice. A wave two and a half blocks long
/// gets 99 % of its height instead of 80 %.
#[derive(Debug, Clone)]
pub(crate) struct Unblur {
    means: [Vec<Vec<f64>>; 2],
}

/// Iterations.
const TIMES: usize = 2;

impl Unblur {
    pub fn new(grid: &BlockGrid) -> Self {
        // Image and template are both windowed.
        let weights: Vec<f64> = taper(grid.block).iter().map(|w| w * w).collect();
        Self { means: grid.starts.each_ref().map(|starts| block_means(starts, &weights)) }
    }

    /// Sharpens values of blocks, row by row.
    pub fn apply(&self, values: &[f64]) -> Vec<f64> {
        let mut sharp = values.to_vec();
        for _ in 0..TIMES {
            let seen = self.seen(&sharp);
            for ((sharp, seen), value) in sharp.iter_mut().zip(seen).zip(values) {
                *sharp += value - seen;
            }
        }
        sharp
    }

    /// What blocks see of the field through some values.
    fn seen(&self, values: &[f64]) -> Vec<f64> {
        let [along_y, along_x] = &self.means;
        let dot = |a: &[f64], b: &mut dyn Iterator<Item = f64>| -> f64 {
            a.iter().zip(b).map(|(a, b)| a * b).sum()
        };
        let columns = along_x.len();
        let rows: Vec<Vec<f64>> = values
            .chunks(columns)
            .map(|row| along_x.iter().map(|m| dot(m, &mut row.iter().copied())).collect())
            .collect();
        let column = |x: usize| rows.iter().map(move |row: &Vec<f64>| row[x]);
        let rows = &along_y;
        rows.iter()
            .flat_map(|m| (0..columns).map(move |x| (m, x)))
            .map(|(m, x)| dot(m, &mut column(x)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_blocks_flatten_is_taken_back() {
        let grid = BlockGrid::new([288, 288], &RegisterParams::default()).expect("larger");
        let unblur = Unblur::new(&grid);
        let [y, x] = grid.centres();
        let wave = |p: f64| (std::f64::consts::TAU * p / 160.0).sin();
        let truth: Vec<f64> =
            y.iter().flat_map(|y| x.iter().map(move |x| wave(*y) + 0.01 * x)).collect();
        let seen = unblur.seen(&truth);
        let sharp = unblur.apply(&seen);
        let rms = |v: &[f64]| {
            v.iter().zip(&truth).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / v.len() as f64
        };
        assert!(rms(&sharp) < 0.02 * rms(&seen), "{} {}", rms(&sharp), rms(&seen));
    }

    #[test]
    fn blocks_cover_the_frame_and_the_last_one_fits() {
        let params = RegisterParams::default();
        let grid = BlockGrid::new([256, 70], &params).expect("larger than a block");
        assert_eq!(grid.starts[0], [0, 32, 64, 96, 128, 160, 192]);
        assert_eq!(grid.starts[1], [0, 6]);
        assert_eq!(grid.centres()[1], [31.5, 37.5]);
        assert_eq!(BlockGrid::new([64, 64], &params), None);
        assert_eq!(BlockGrid::new([63, 400], &params), None);
    }
}
