//! One gain and offset per tile, so that overlaps agree.
//!
//! Measure every kept pair with [`measure_pair`], then solve for all tiles with [`solve_gains`].

mod measure;
mod regression;
mod solve;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::fuse::FuseError;
use crate::place::PlaceError;

pub use measure::measure_pair;
pub use solve::solve_gains;

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

/// How two tiles relate where they overlap: `post = gain * pre + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairGain {
    /// Id of the first tile.
    pub pre: usize,
    /// Id of the second tile.
    pub post: usize,
    /// Factor; 1 where it cannot be told.
    pub gain: f64,
    /// Grey levels added after the factor.
    pub offset: f64,
    /// Standard deviation of the logarithm of the gain; infinite where it cannot be told, as in an
    /// overlap without contrast.
    pub log_gain_sd: f64,
    /// Robust mean of `pre` over the overlap.
    pub pre_mean: f64,
    /// Robust mean of `post` over the overlap.
    pub post_mean: f64,
    /// Standard deviation of `post_mean - gain * pre_mean`.
    pub mean_sd: f64,
    /// Number of blocks compared.
    pub blocks: usize,
}

/// What can be chosen about measuring and solving gains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GainParams {
    /// Longest edge of a block whose mean is compared, voxels.
    pub block: usize,
    /// Most blocks per pair, spread evenly over the overlap.
    pub blocks: usize,
    /// Fewest blocks that say something.
    pub min_blocks: usize,
    /// Standard deviation of the logarithm of a gain before anything is measured.
    pub prior_log_gain_sd: f64,
    /// Standard deviation of an offset before anything is measured, grey levels; `None`: the
    /// median level of the overlaps.
    pub prior_offset_sd: Option<f64>,
}

impl Default for GainParams {
    fn default() -> GainParams {
        GainParams {
            block: 16,
            blocks: 512,
            min_blocks: 8,
            prior_log_gain_sd: 0.5,
            prior_offset_sd: None,
        }
    }
}

impl GainParams {
    /// Checks the values.
    ///
    /// # Errors
    /// [`GainError::Parameter`].
    pub fn validate(&self) -> Result<(), GainError> {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let checks = [
            ("block", self.block as f64, self.block > 0),
            ("blocks", self.blocks as f64, self.blocks > 0),
            ("min_blocks", self.min_blocks as f64, self.min_blocks >= 3),
            ("prior_log_gain_sd", self.prior_log_gain_sd, positive(self.prior_log_gain_sd)),
            (
                "prior_offset_sd",
                self.prior_offset_sd.unwrap_or(1.0),
                self.prior_offset_sd.is_none_or(positive),
            ),
        ];
        match checks.into_iter().find(|c| !c.2) {
            Some((name, found, _)) => Err(GainError::Parameter { name, found }),
            None => Ok(()),
        }
    }
}

/// Why gains cannot be measured or solved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GainError {
    /// An impossible parameter.
    #[error("{name} is {found}; it must be positive, min_blocks at least 3")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: f64,
    },
    /// A pair names a tile that is not there.
    #[error("the pair of tiles {pre} and {post} names tile {tile}, which is not in the layout")]
    UnknownTile {
        /// First tile of the pair.
        pre: usize,
        /// Second tile of the pair.
        post: usize,
        /// The one that is missing.
        tile: usize,
    },
    /// The normal equations cannot be solved.
    #[error(transparent)]
    Solve(#[from] PlaceError),
    /// A tile's shape or position is impossible, or it cannot be read.
    #[error(transparent)]
    Fuse(#[from] FuseError),
}
