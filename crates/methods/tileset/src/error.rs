//! What can be wrong with a tile set, its labels or its points.

use hooke_core::{Dtype, TileError};
use thiserror::Error;

/// A tile set that cannot be used as asked. Tiles and rows count from 0.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TilesetError {
    /// Nothing to place.
    #[error("there are no tiles")]
    NoTiles,
    /// Positions and tiles that do not belong together.
    #[error("{tiles} tiles but {positions} positions; every tile needs one")]
    Count {
        /// Number of tiles.
        tiles: usize,
        /// Number of positions.
        positions: usize,
    },
    /// A position that is NaN, infinite or absurdly large.
    #[error("tile {tile} lies at {found:?}; every component must be a number below 2^40")]
    Position {
        /// The tile.
        tile: usize,
        /// Over `z, y, x`.
        found: [f64; 3],
    },
    /// A tile without voxels, or an absurdly long one.
    #[error("tile {tile} has the shape {shape:?}; every length must be 1 to 2^40")]
    Shape {
        /// The tile.
        tile: usize,
        /// Over `z, y, x`.
        shape: [u64; 3],
    },
    /// A mosaic that is nearly all empty: positions in another unit than was said.
    #[error(
        "the mosaic would have the shape {shape:?}, {voxels} voxels for {tiles} voxels of tiles; \
         check the unit of the positions and the voxel size"
    )]
    WrongUnit {
        /// Over `z, y, x`.
        shape: [u64; 3],
        /// Voxels of the mosaic.
        voxels: u128,
        /// Voxels of all tiles together.
        tiles: u128,
    },
    /// A tile that could not be read.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// A reader that gave less, or more, than it was asked for.
    #[error("tile {tile}: {expected} voxels were asked for and {found} came")]
    ShortRead {
        /// The tile.
        tile: usize,
        /// Voxels asked for.
        expected: usize,
        /// Voxels that came.
        found: usize,
    },
    /// A buffer that does not hold the box it is for.
    #[error("the buffer holds {found} voxels; the box has {expected}")]
    BufferLength {
        /// Voxels of the box.
        expected: u64,
        /// Length of the buffer.
        found: usize,
    },
    /// A box that leaves the mosaic.
    #[error("the box {start:?} + {shape:?} leaves the mosaic of shape {mosaic:?}")]
    OutsideMosaic {
        /// First voxel of the box.
        start: [i64; 3],
        /// Lengths of the box.
        shape: [i64; 3],
        /// Lengths of the mosaic.
        mosaic: [u64; 3],
    },
    /// An order of tiles that is no order of all tiles.
    #[error("the order must name each of the {tiles} tiles once; it names {names} and {why}")]
    Order {
        /// Number of tiles.
        tiles: usize,
        /// Number of names.
        names: usize,
        /// `tile 3 twice`.
        why: String,
    },
    /// Labels of a type that cannot hold labels.
    #[error("tile {tile}: labels must be integers >= 0; found {found}")]
    LabelType {
        /// The tile.
        tile: usize,
        /// The type found.
        found: Dtype,
    },
    /// A negative label.
    #[error("tile {tile}: labels must be integers >= 0; found {found}")]
    NegativeLabel {
        /// The tile.
        tile: usize,
        /// The label found.
        found: i128,
    },
    /// A label that the table of new ids does not hold.
    #[error(
        "tile {tile}: label {label} is not in the table of new ids; was the image changed since?"
    )]
    UnknownLabel {
        /// The tile.
        tile: usize,
        /// The label.
        label: u64,
    },
    /// A new id that its type cannot hold.
    #[error("new id {id} does not fit {dtype}; use uint64")]
    IdTooLarge {
        /// The id.
        id: u64,
        /// The type asked for.
        dtype: Dtype,
    },
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
    /// An intensity range that is empty or inverted.
    #[error("the range {low} to {high} is empty; the upper end must be larger than the lower")]
    EmptyRange {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Nothing to take a percentile of.
    #[error("there is no voxel to measure{hint}")]
    NoValues {
        /// What was left out, with a leading space, or nothing.
        hint: &'static str,
    },
    /// A plane outside the mosaic.
    #[error("plane z = {z} is not in the mosaic, whose planes are 0 to {last}")]
    Plane {
        /// The plane asked for.
        z: i64,
        /// The last plane there is.
        last: u64,
    },
    /// Two images that must have one shape.
    #[error("{what} has the shape {found:?}; wanted {expected:?}")]
    ShapeMismatch {
        /// What was found, `the mask of tile 3`.
        what: String,
        /// The shape wanted.
        expected: Vec<u64>,
        /// The shape found.
        found: Vec<u64>,
    },
    /// A row of a table of positions or points that cannot be used.
    #[error("row {row}: {why}")]
    Row {
        /// The row.
        row: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A tile that a table of positions leaves out.
    #[error("tile {tile} has no position; {found} of {tiles} tiles have one")]
    MissingPosition {
        /// The tile.
        tile: usize,
        /// Tiles with a position.
        found: usize,
        /// Number of tiles.
        tiles: usize,
    },
}
