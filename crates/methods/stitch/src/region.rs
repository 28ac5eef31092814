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
}

#[cfg(test)]
mod tests {
    use super::*;

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
