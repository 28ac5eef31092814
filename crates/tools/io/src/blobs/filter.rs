//! Which blobs are wanted.

use hooke_core::{Blob, Review};

/// A half-open box in voxels, over `z, y, x`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VoxelBox {
    /// Its lowest corner, included.
    pub offset: [f64; 3],
    /// Its lengths.
    pub shape: [f64; 3],
}

impl VoxelBox {
    /// Whether `offset <= p < offset + shape` along every axis.
    pub fn holds(&self, position: [f64; 3]) -> bool {
        (0..3)
            .all(|d| self.offset[d] <= position[d] && position[d] < self.offset[d] + self.shape[d])
    }
}

/// Which blobs are wanted; the default is all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BlobFilter {
    /// Channels.
    pub channels: Option<Vec<u16>>,
    /// A box that the centre lies in.
    pub within: Option<VoxelBox>,
    /// Only what a person confirmed.
    pub confirmed: bool,
    /// The least score.
    pub min_score: Option<f64>,
}

impl BlobFilter {
    /// Whether a blob is wanted.
    pub fn keeps(&self, blob: &Blob) -> bool {
        self.channels.as_ref().is_none_or(|c| c.contains(&blob.channel))
            && self.within.is_none_or(|w| w.holds(blob.position))
            && (!self.confirmed || blob.confirmed == Review::Confirmed)
            && self.min_score.is_none_or(|least| f64::from(blob.score) >= least)
    }
}
