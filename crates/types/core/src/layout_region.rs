//! Boxes in layout coordinates, which may be negative.

use serde::{Deserialize, Serialize};

/// A half-open box over `z, y, x` in layout voxels: `start <= p < start + shape`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LayoutRegion {
    /// First voxel.
    pub start: [i64; 3],
    /// Number of voxels per axis, never negative.
    pub shape: [i64; 3],
}

impl LayoutRegion {
    /// A box from its first voxel and its lengths.
    pub fn new(start: [i64; 3], shape: [i64; 3]) -> LayoutRegion {
        LayoutRegion { start, shape }
    }

    /// A box from its first voxel and one past its last; `None` when inverted on any axis.
    pub fn from_bounds(lower: [i64; 3], upper: [i64; 3]) -> Option<LayoutRegion> {
        (0..3).all(|d| lower[d] <= upper[d]).then(|| LayoutRegion {
            start: lower,
            shape: std::array::from_fn(|d| upper[d] - lower[d]),
        })
    }

    /// One past the last voxel.
    pub fn end(&self) -> [i64; 3] {
        std::array::from_fn(|d| self.start[d] + self.shape[d])
    }

    /// Whether there is no voxel.
    pub fn is_empty(&self) -> bool {
        self.shape.iter().any(|s| *s <= 0)
    }

    /// Number of voxels.
    pub fn voxels(&self) -> u64 {
        self.shape.iter().map(|s| (*s).max(0) as u64).product()
    }

    /// Whether the box holds the voxel.
    pub fn contains(&self, p: [i64; 3]) -> bool {
        let end = self.end();
        (0..3).all(|d| self.start[d] <= p[d] && p[d] < end[d])
    }

    /// The common part; `None` where the boxes only touch or are apart.
    pub fn intersect(&self, other: &LayoutRegion) -> Option<LayoutRegion> {
        let (a, b) = (self.end(), other.end());
        let lower: [i64; 3] = std::array::from_fn(|d| self.start[d].max(other.start[d]));
        let upper: [i64; 3] = std::array::from_fn(|d| a[d].min(b[d]));
        (0..3).all(|d| lower[d] < upper[d]).then(|| LayoutRegion {
            start: lower,
            shape: std::array::from_fn(|d| upper[d] - lower[d]),
        })
    }

    /// The part with coordinates >= 0: ClearMap's `origin` cut.
    pub fn clamped(&self) -> LayoutRegion {
        let end = self.end();
        let start = self.start.map(|s| s.max(0));
        LayoutRegion { start, shape: std::array::from_fn(|d| (end[d] - start[d]).max(0)) }
    }

    /// The same box in coordinates local to `origin`.
    pub fn to_local(&self, origin: [i64; 3]) -> LayoutRegion {
        LayoutRegion {
            start: std::array::from_fn(|d| self.start[d] - origin[d]),
            shape: self.shape,
        }
    }

    /// The same box moved from coordinates local to `origin` to layout coordinates.
    pub fn to_layout(&self, origin: [i64; 3]) -> LayoutRegion {
        LayoutRegion {
            start: std::array::from_fn(|d| self.start[d] + origin[d]),
            shape: self.shape,
        }
    }

    /// Cuts the box into boxes of about `rows` rows that follow one another in memory.
    pub fn slabs(&self, rows: i64) -> Vec<LayoutRegion> {
        let [planes, height, width] = self.shape;
        // Whole planes, or parts of a single plane when one is large.
        let step = if height > rows {
            [1, rows.max(1)]
        } else {
            [(rows / height.max(1)).max(1), height.max(1)]
        };
        let mut slabs = Vec::new();
        for z in (0..planes).step_by(step[0] as usize) {
            for y in (0..height).step_by(step[1] as usize) {
                let shape = [step[0].min(planes - z), step[1].min(height - y), width];
                let start = [self.start[0] + z, self.start[1] + y, self.start[2]];
                slabs.push(LayoutRegion::new(start, shape));
            }
        }
        slabs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_follow_one_another_and_fill_the_box() {
        for (shape, rows) in [([3, 5, 4], 2), ([7, 3, 4], 7), ([1, 1, 9], 100), ([0, 3, 3], 1)] {
            let whole = LayoutRegion::new([-1, 2, 5], shape);
            let slabs = whole.slabs(rows);
            let voxels: u64 = slabs.iter().map(LayoutRegion::voxels).sum();
            assert_eq!(voxels, whole.voxels());
            assert!(slabs.windows(2).all(|s| s[0].start < s[1].start));
            assert!(slabs.iter().all(|s| s.shape[0] == 1 || s.shape[1] == shape[1]));
        }
    }

    #[test]
    fn touching_boxes_have_no_overlap_and_negative_coordinates_are_legal() {
        let a = LayoutRegion::new([-4, 0, 0], [4, 5, 5]);
        assert_eq!(a.intersect(&LayoutRegion::new([0, 0, 0], [2, 5, 5])), None);
        let b =
            a.intersect(&LayoutRegion::new([-1, 2, -3], [4, 5, 5])).expect("they share a plane");
        assert_eq!(b, LayoutRegion::new([-1, 2, 0], [1, 3, 2]));
        assert_eq!(a.to_local([-4, 1, 0]).to_layout([-4, 1, 0]), a);
    }
}
