//! What can be chosen about fusing, and what can be wrong with it.

use std::collections::BTreeMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::gain::TileGain;
use crate::tile_pixels::TileError;

/// How the tiles that cover a voxel become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blend {
    /// Mean weighted by the distance to the tile's border.
    #[default]
    Linear,
    /// Mean weighted by a raised cosine over the width of the overlap.
    Cosine,
    /// Largest value.
    Max,
    /// Smallest value.
    Min,
    /// Plain mean.
    Mean,
    /// The tile of lowest id.
    First,
    /// The tile of highest id.
    Last,
    /// The tile whose border is farthest; ties: lowest id.
    Closest,
    /// `Linear`, each region then scaled so that its maximum is that of its inputs. Makes steps
    /// between regions; for compatibility with ClearMap only.
    LinearAdjustMax,
}

impl Blend {
    /// Every way to blend.
    pub const ALL: [Blend; 9] = [
        Blend::Linear,
        Blend::Cosine,
        Blend::Max,
        Blend::Min,
        Blend::Mean,
        Blend::First,
        Blend::Last,
        Blend::Closest,
        Blend::LinearAdjustMax,
    ];

    /// Whether one tile's value is taken as it is.
    pub(crate) fn selects(self) -> bool {
        matches!(self, Blend::Max | Blend::Min | Blend::First | Blend::Last | Blend::Closest)
    }
}

/// How a tile is read between its voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// The tile's position is rounded, half to even.
    Nearest,
    /// Separable linear.
    #[default]
    Linear,
    /// Separable Catmull-Rom (Keys 1981, a = -0.5), the edge voxel repeated.
    Cubic,
}

/// A correction per pixel of the camera: `(v - dark) / flat`, the same for every plane and tile.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shading {
    /// Relative sensitivity over `(y, x)`, finite and > 0; `None` = 1.
    pub flat: Option<Array2<f32>>,
    /// Level without light over `(y, x)`, finite; `None` = 0.
    pub dark: Option<Array2<f32>>,
}

/// What can be chosen about fusing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FuseParams {
    /// How tiles are blended.
    pub blend: Blend,
    /// How fractional positions are read; integer positions are copied.
    pub interpolation: Interpolation,
    /// Value where no tile is, rounded and clamped to the sample type.
    pub fill: f64,
    /// Width of the `cosine` ramp over `(z, y, x)`, voxels >= 0; 0 = no ramp along that axis.
    /// `None`: the largest overlap of any two tiles along the axis that they tile.
    pub ramp: Option<[f64; 3]>,
    /// Gain and offset by tile id; a tile that is not named keeps its values.
    pub gains: BTreeMap<usize, TileGain>,
    /// Correction of the camera, applied before gains and interpolation.
    pub shading: Option<Shading>,
}

impl FuseParams {
    /// Checks the values.
    ///
    /// # Errors
    /// [`FuseError::Ramp`], [`FuseError::Gain`] or [`FuseError::Shading`].
    pub fn validate(&self) -> Result<(), FuseError> {
        if let Some(ramp) = self.ramp
            && !ramp.iter().all(|r| r.is_finite() && *r >= 0.0)
        {
            return Err(FuseError::Ramp { found: ramp });
        }
        for (&tile, g) in &self.gains {
            if !(g.gain.is_finite() && g.gain > 0.0 && g.offset.is_finite()) {
                return Err(FuseError::Gain { tile, gain: g.gain, offset: g.offset });
            }
        }
        let Some(shading) = &self.shading else { return Ok(()) };
        let bad_flat = shading
            .flat
            .iter()
            .flatten()
            .find(|v| !(v.is_finite() && **v > 0.0))
            .map(|v| ("flat", *v));
        let bad_dark = shading.dark.iter().flatten().find(|v| !v.is_finite()).map(|v| ("dark", *v));
        match bad_flat.or(bad_dark) {
            Some((image, found)) => Err(FuseError::Shading { image, found }),
            None => Ok(()),
        }
    }
}

/// Why tiles cannot be fused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FuseError {
    /// There is nothing to fuse.
    #[error("there is no tile to fuse")]
    NoTiles,
    /// Two tiles share an id.
    #[error("two tiles have the id {id}")]
    DuplicateId {
        /// The id.
        id: usize,
    },
    /// A tile has an axis of length 0, or one longer than 2^31.
    #[error("tile {id} has the shape {shape:?}; every axis needs 1 to 2^31 voxels")]
    Shape {
        /// The tile.
        id: usize,
        /// Its shape over `(z, y, x)`.
        shape: [usize; 3],
    },
    /// A position that is not a number, or absurdly far away.
    #[error("tile {id} lies at {position:?}; positions are finite and within 2^40 voxels of 0")]
    Position {
        /// The tile.
        id: usize,
        /// Its position over `(z, y, x)`.
        position: [f64; 3],
    },
    /// A ramp that is negative or not a number.
    #[error("the ramp is {found:?} voxels over z, y, x; each must be 0 or more")]
    Ramp {
        /// The ramp.
        found: [f64; 3],
    },
    /// A gain that is not positive, or an offset that is not finite.
    #[error("tile {tile} has gain {gain} and offset {offset}; the gain must be > 0, both finite")]
    Gain {
        /// The tile.
        tile: usize,
        /// Its gain.
        gain: f64,
        /// Its offset.
        offset: f64,
    },
    /// A flat or dark image with an impossible value.
    #[error("the {image} image holds {found}; flat must be > 0, both must be finite")]
    Shading {
        /// `flat` or `dark`.
        image: &'static str,
        /// The value.
        found: f32,
    },
    /// A flat or dark image whose shape is not that of the tiles.
    #[error("the {image} image has {found:?} pixels over y, x, tile {tile} has {expected:?}")]
    ShadingShape {
        /// `flat` or `dark`.
        image: &'static str,
        /// The tile.
        tile: usize,
        /// The tile's shape over `(y, x)`.
        expected: [usize; 2],
        /// The image's shape.
        found: [usize; 2],
    },
    /// The output buffer is not as long as the region.
    #[error("the output holds {found} samples, the region {expected}")]
    OutputLength {
        /// Voxels of the region.
        expected: u64,
        /// Length of the buffer.
        found: usize,
    },
    /// A reader returned another number of samples than was asked for.
    #[error("tile {tile}: {expected} samples were asked for, {found} came")]
    ShortRead {
        /// The tile.
        tile: usize,
        /// Voxels asked for.
        expected: usize,
        /// Samples that came.
        found: usize,
    },
    /// `linear-adjust-max` needs the maxima of every region first.
    #[error("linear-adjust-max needs the maxima of all regions (FusePlan::with_maxima) first")]
    MaximaMissing,
    /// Another number of arrays than of positions.
    #[error("there are {arrays} arrays and {positions} positions")]
    Count {
        /// Arrays given.
        arrays: usize,
        /// Positions given.
        positions: usize,
    },
    /// A tile cannot be read.
    #[error(transparent)]
    Tile(#[from] TileError),
}
