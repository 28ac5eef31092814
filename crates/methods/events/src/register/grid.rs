//! The blocks that a frame is divided into.

use super::params::RegisterParams;

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

#[cfg(test)]
mod tests {
    use super::*;

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
