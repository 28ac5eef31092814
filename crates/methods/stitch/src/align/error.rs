//! What stops `align`. A tile that cannot be read is not an error but a pair's status.

use thiserror::Error;

use crate::tile_pixels::TileError;

/// Why tiles could not be aligned.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AlignError {
    /// A parameter out of its range.
    #[error("{name} is {found}; wanted {wanted}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        wanted: &'static str,
    },
    /// A pair or task that names a tile the layout does not have.
    #[error("pair {pre}, {post} names tile {unknown}, which the layout does not have")]
    UnknownTile {
        /// Id of the first tile.
        pre: usize,
        /// Id of the second tile.
        post: usize,
        /// The id that is missing.
        unknown: usize,
    },
    /// A nominal position that is not a number.
    #[error("tile {tile} has the nominal position {found:?}; wanted finite numbers")]
    Nominal {
        /// The tile's id.
        tile: usize,
        /// Its nominal position.
        found: [f64; 3],
    },
    /// Two tiles of an array call that never meet.
    #[error("tiles {pre} and {post} can never overlap within the window of shifts")]
    NeverOverlap {
        /// Id of the first tile.
        pre: usize,
        /// Id of the second tile.
        post: usize,
    },
    /// Dark or flat image of another shape than the tiles' planes.
    #[error("the {what} image has the shape {found:?}, the planes of tile {tile} {expected:?}")]
    CorrectionShape {
        /// `dark` or `flat`.
        what: &'static str,
        /// The tile's id.
        tile: usize,
        /// Shape of the image, `(y, x)`.
        found: [usize; 2],
        /// Shape of the tile's planes, `(y, x)`.
        expected: [usize; 2],
    },
    /// A tile could not be read.
    #[error(transparent)]
    Read(#[from] TileError),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}
