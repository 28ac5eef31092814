//! How labels of different tiles become one.

use hooke_core::Dtype;
use serde::{Deserialize, Serialize};

use crate::error::TilesetError;

/// Settings of the matching.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DedupParams {
    /// Smallest intersection over union, within the overlap, of two labels that are one; 0 to 1.
    pub min_iou: f64,
    /// Fewest voxels that two labels that are one must share.
    pub min_voxels: u64,
    /// Lets several labels of one tile become one: for fragments, not for objects.
    pub many_to_one: bool,
    /// Matches tiles that abut, or miss each other by one voxel, over their facing planes.
    pub touching: bool,
    /// The first new id, at least 1.
    pub first_id: u64,
}

impl Default for DedupParams {
    fn default() -> DedupParams {
        DedupParams {
            min_iou: 0.25,
            min_voxels: 1,
            many_to_one: false,
            touching: false,
            first_id: 1,
        }
    }
}

impl DedupParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`TilesetError::Parameter`].
    pub fn validate(&self) -> Result<(), TilesetError> {
        let wrong =
            |name, found: String, wanted| Err(TilesetError::Parameter { name, found, wanted });
        if !(0.0..=1.0).contains(&self.min_iou) {
            return wrong("min-iou", self.min_iou.to_string(), "a number from 0 to 1");
        }
        if self.min_voxels == 0 {
            return wrong("min-voxels", "0".to_owned(), "at least 1");
        }
        if self.first_id == 0 {
            return wrong("first-id", "0".to_owned(), "at least 1; 0 is the background");
        }
        Ok(())
    }
}

/// The smallest of `uint32` and `uint64` that holds every new id.
pub fn id_dtype(largest: u64) -> Dtype {
    if largest <= u64::from(u32::MAX) { Dtype::Uint32 } else { Dtype::Uint64 }
}
