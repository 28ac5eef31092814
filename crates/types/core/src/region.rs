//! Boxes of an image.

use serde::{Deserialize, Serialize};

/// A half-open box of an image over `t, c, z, y, x`: `start <= p < start + shape`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region {
    /// First voxel.
    pub start: [u64; 5],
    /// Number of voxels per axis.
    pub shape: [u64; 5],
}

impl Region {
    /// A box from its first voxel and its lengths.
    pub fn new(start: [u64; 5], shape: [u64; 5]) -> Region {
        Region { start, shape }
    }

    /// The whole of an image of the given shape.
    pub fn whole(shape: [u64; 5]) -> Region {
        Region { start: [0; 5], shape }
    }

    /// One past the last voxel, saturating.
    pub fn end(&self) -> [u64; 5] {
        std::array::from_fn(|d| self.start[d].saturating_add(self.shape[d]))
    }

    /// Number of voxels, saturating.
    pub fn voxels(&self) -> u64 {
        self.shape.iter().fold(1u64, |n, s| n.saturating_mul(*s))
    }

    /// Whether there is no voxel.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Whether the box lies inside an image of the given shape.
    pub fn fits(&self, shape: [u64; 5]) -> bool {
        (0..5).all(|d| self.start[d].checked_add(self.shape[d]).is_some_and(|e| e <= shape[d]))
    }

    /// The common part, or `None` where the boxes only touch or are apart.
    pub fn intersect(&self, other: &Region) -> Option<Region> {
        let (a, b) = (self.end(), other.end());
        let start: [u64; 5] = std::array::from_fn(|d| self.start[d].max(other.start[d]));
        let end: [u64; 5] = std::array::from_fn(|d| a[d].min(b[d]));
        (0..5)
            .all(|d| start[d] < end[d])
            .then(|| Region { start, shape: std::array::from_fn(|d| end[d] - start[d]) })
    }

    /// The box grown by `halo` on both sides, clipped to an image of the given shape.
    pub fn grown(&self, halo: [u64; 5], shape: [u64; 5]) -> Region {
        let end = self.end();
        let start = std::array::from_fn(|d| self.start[d].saturating_sub(halo[d]));
        let stop: [u64; 5] = std::array::from_fn(|d| end[d].saturating_add(halo[d]).min(shape[d]));
        Region { start, shape: std::array::from_fn(|d| stop[d].saturating_sub(start[d])) }
    }

    /// This box with `origin` subtracted from its start.
    ///
    /// # Panics
    /// When the box starts before `origin`.
    pub fn relative_to(&self, origin: [u64; 5]) -> Region {
        let start = std::array::from_fn(|d| {
            self.start[d].checked_sub(origin[d]).expect("the box starts at or after the origin")
        });
        Region { start, shape: self.shape }
    }
}

/// The boxes of a regular grid over an image, in C order; edge boxes are clipped.
pub fn grid(shape: [u64; 5], step: [u64; 5]) -> impl Iterator<Item = Region> {
    let counts = grid_counts(shape, step);
    let total: u64 = counts.iter().product();
    (0..total).map(move |id| grid_box(shape, step, id))
}

/// Number of grid boxes per axis.
pub fn grid_counts(shape: [u64; 5], step: [u64; 5]) -> [u64; 5] {
    std::array::from_fn(|d| shape[d].div_ceil(step[d].max(1)))
}

/// The `id`-th box of a regular grid, in C order.
pub fn grid_box(shape: [u64; 5], step: [u64; 5], id: u64) -> Region {
    let counts = grid_counts(shape, step);
    let mut rest = id;
    let mut start = [0; 5];
    for d in (0..5).rev() {
        start[d] = (rest % counts[d]) * step[d];
        rest /= counts[d];
    }
    Region { start, shape: std::array::from_fn(|d| step[d].min(shape[d] - start[d])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_boxes_do_not_overlap() {
        let a = Region::new([0; 5], [1, 1, 1, 4, 4]);
        let b = Region::new([0, 0, 0, 4, 0], [1, 1, 1, 4, 4]);
        assert_eq!(a.intersect(&b), None);
    }

    #[test]
    fn a_grid_partitions_the_image() {
        let shape = [2, 1, 5, 7, 9];
        let boxes: Vec<_> = grid(shape, [1, 1, 2, 4, 4]).collect();
        assert_eq!(boxes.iter().map(Region::voxels).sum::<u64>(), Region::whole(shape).voxels());
        for (i, a) in boxes.iter().enumerate() {
            assert!(a.fits(shape));
            assert!(boxes[i + 1..].iter().all(|b| a.intersect(b).is_none()));
        }
    }

    #[test]
    fn a_halo_is_clipped_to_the_image() {
        let r =
            Region::new([0, 0, 0, 4, 4], [1, 1, 1, 4, 4]).grown([0, 0, 0, 2, 9], [1, 1, 1, 9, 9]);
        assert_eq!(r, Region::new([0, 0, 0, 2, 0], [1, 1, 1, 7, 9]));
    }
}
