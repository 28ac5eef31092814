//! The image that blobs lie in.

use hooke_core::Axes;
use serde::{Deserialize, Serialize};

/// What a table says of its image, as `hooke.image` in its metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlobImage {
    /// Lengths over `axes`; empty when they are not known.
    pub shape: Vec<u64>,
    /// The axes of `shape`.
    pub axes: Axes,
    /// Voxel size in µm, over `z, y, x`.
    pub voxel_size_um: [f64; 3],
    /// Place of the centre of voxel 0 in µm, over `z, y, x`.
    pub origin_um: [f64; 3],
}

impl BlobImage {
    /// An image of which only the voxel size is known.
    pub fn of_voxels(voxel_size_um: [f64; 3]) -> BlobImage {
        BlobImage { shape: Vec::new(), axes: Axes::of(&[]), voxel_size_um, origin_um: [0.0; 3] }
    }

    /// A point in voxels as µm, both over `z, y, x`.
    pub fn to_um(&self, position: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|d| position[d] * self.voxel_size_um[d] + self.origin_um[d])
    }

    /// A point in µm as voxels, both over `z, y, x`.
    pub fn to_voxels(&self, position_um: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|d| (position_um[d] - self.origin_um[d]) / self.voxel_size_um[d])
    }

    /// The shortest edge of a voxel in µm: the unit of MagellanMapper's radii.
    pub fn shortest_um(&self) -> f64 {
        self.voxel_size_um.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Whether every length of a voxel is a positive number and the origin is finite.
    pub fn is_usable(&self) -> bool {
        self.voxel_size_um.iter().all(|v| v.is_finite() && *v > 0.0)
            && self.origin_um.iter().all(|v| v.is_finite())
    }
}
