//! Coloured pictures in which a wrong position shows: tiles over one another, and seams.
//!
//! Colours add where tiles overlap, so that what fits is of one colour and what does not is not.
//! Pictures are `(height, width, 3)` of u8; writing them to a file is left to the caller.
//!
//! | module | holds |
//! |---|---|
//! | [`colors`](self) | [`color_tiles`], [`palette`] |
//! | [`project`](self) | [`project_part`]: a tile as a plane of reduced resolution |
//! | [`compose`](self) | [`compose`]: planes to one picture |
//! | [`tiles`](self) | [`overlay_tiles`]: all tiles |
//! | [`pair`](self) | [`overlay_pair`]: two tiles, or a crop of their seam |

mod colors;
mod compose;
mod pair;
mod project;
mod tiles;

use thiserror::Error;

use crate::tile_pixels::TileError;

pub use colors::{color_tiles, palette};
pub use compose::{ColoredPlane, Overlay, compose, full_scale};
pub use pair::{PairView, overlap_window, overlay_pair, seam_window, union_window};
pub use project::{TilePart, project_part};
pub use tiles::{TilesView, overlay_tiles};

/// Why a picture cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OverlayError {
    /// An axis that is not 0, 1 or 2.
    #[error("axis {found}; wanted 0 (z), 1 (y) or 2 (x)")]
    Axis {
        /// The number given.
        found: usize,
    },
    /// A percentile outside 0 to 100.
    #[error("percentile {found}; wanted 0 to 100")]
    Percentile {
        /// The number given.
        found: f64,
    },
    /// A reduction by 0.
    #[error("a picture cannot be reduced 0 times")]
    NotReduced,
    /// A list of colours without a colour.
    #[error("there is no colour to draw in")]
    NoColor,
    /// A picture of more than 2^28 pixels.
    #[error("a picture of {height} x {width} pixels is too large; reduce it more")]
    TooLarge {
        /// Rows.
        height: u64,
        /// Columns.
        width: u64,
    },
    /// A tile cannot be read.
    #[error(transparent)]
    Tile(#[from] TileError),
}

/// Checks what all views share.
fn check(axis: usize, reduce: usize, percentile: f64) -> Result<(), OverlayError> {
    if axis > 2 {
        return Err(OverlayError::Axis { found: axis });
    }
    if reduce == 0 {
        return Err(OverlayError::NotReduced);
    }
    if !(0.0..=100.0).contains(&percentile) {
        return Err(OverlayError::Percentile { found: percentile });
    }
    Ok(())
}

/// The two axes that remain when one is projected.
fn kept_axes(axis: usize) -> [usize; 2] {
    match axis {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    }
}
