//! One gain and offset per tile, so that overlaps agree.

use serde::{Deserialize, Serialize};

/// A tile's corrected value is `gain * value + offset`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TileGain {
    /// Factor, > 0.
    pub gain: f64,
    /// Grey levels added after the factor.
    pub offset: f64,
}

impl Default for TileGain {
    /// No change.
    fn default() -> TileGain {
        TileGain { gain: 1.0, offset: 0.0 }
    }
}
