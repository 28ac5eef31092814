//! Boxes of voxels of one volume.

use serde::{Deserialize, Serialize};

/// A half-open box over `z, y, x`: `start <= p < end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoxelBox {
    /// First voxel.
    pub start: [usize; 3],
    /// One past the last voxel.
    pub end: [usize; 3],
}

impl VoxelBox {
    /// The whole of a volume.
    pub fn whole(shape: [usize; 3]) -> Self {
        Self { start: [0; 3], end: shape }
    }

    /// Lengths; 0 along an axis on which the box is inverted.
    pub fn shape(&self) -> [usize; 3] {
        std::array::from_fn(|a| self.end[a].saturating_sub(self.start[a]))
    }

    /// Number of voxels.
    pub fn voxels(&self) -> usize {
        self.shape().iter().product()
    }

    /// Whether the box holds the voxel.
    pub fn contains(&self, at: [usize; 3]) -> bool {
        (0..3).all(|a| self.start[a] <= at[a] && at[a] < self.end[a])
    }

    /// Whether the box holds all of another.
    pub fn holds(&self, other: &Self) -> bool {
        (0..3).all(|a| self.start[a] <= other.start[a] && other.end[a] <= self.end[a])
    }

    /// The box grown by `halo` on both sides, clipped to a volume of `shape`.
    pub fn grown(&self, halo: [usize; 3], shape: [usize; 3]) -> Self {
        Self {
            start: std::array::from_fn(|a| self.start[a].saturating_sub(halo[a])),
            end: std::array::from_fn(|a| self.end[a].saturating_add(halo[a]).min(shape[a])),
        }
    }
}

/// The boxes of a regular grid over a volume, in C order; the last along an axis may be shorter.
///
/// A step of 0 is taken as 1.
pub fn grid(shape: [usize; 3], step: [usize; 3]) -> impl Iterator<Item = VoxelBox> {
    let step = step.map(|s| s.max(1));
    let counts: [usize; 3] = std::array::from_fn(|a| shape[a].div_ceil(step[a]));
    (0..counts.iter().product()).map(move |i| {
        let cell = [i / (counts[1] * counts[2]), i / counts[2] % counts[1], i % counts[2]];
        let start: [usize; 3] = std::array::from_fn(|a| cell[a] * step[a]);
        VoxelBox { start, end: std::array::from_fn(|a| (start[a] + step[a]).min(shape[a])) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_covers_every_voxel_once() {
        let shape = [3, 5, 4];
        let mut seen = [0; 60];
        for part in grid(shape, [2, 3, 9]) {
            for i in 0..60 {
                seen[i] += usize::from(part.contains([i / 20, i / 4 % 5, i % 4]));
            }
        }
        assert_eq!(seen, [1; 60]);
    }

    #[test]
    fn a_halo_ends_at_the_faces() {
        let inner = VoxelBox { start: [1, 2, 3], end: [2, 3, 4] };
        let grown = inner.grown([2, 1, 9], [9, 9, 9]);
        assert_eq!(grown, VoxelBox { start: [0, 1, 0], end: [4, 4, 9] });
        assert!(grown.holds(&inner) && !inner.holds(&grown));
    }
}
