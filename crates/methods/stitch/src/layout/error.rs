//! What can be wrong with a layout.

use thiserror::Error;

/// A layout that cannot be used, or an edit it does not allow.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The text is not JSON, or not of the layout's keys.
    #[error("the layout cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Another kind of file.
    #[error("format is `{found}`, not `hooke.layout`")]
    Format {
        /// What the file says.
        found: String,
    },
    /// A version this program does not know.
    #[error("layout version {found} is not known; this program reads version 1")]
    Version {
        /// What the file says.
        found: u32,
    },
    /// Axes other than `z, y, x`.
    #[error("axes are {found:?}, not [\"z\", \"y\", \"x\"]")]
    Axes {
        /// What the file says.
        found: Vec<String>,
    },
    /// Two tiles of the same id.
    #[error("tile id {tile} is used more than once")]
    DuplicateTile {
        /// The id.
        tile: usize,
    },
    /// Two tiles at the same place of the grid.
    #[error("tiles {first} and {second} both have the grid index z {}, y {}, x {}", at[0], at[1], at[2])]
    DuplicateGrid {
        /// Id of the first tile.
        first: usize,
        /// Id of the second tile.
        second: usize,
        /// The index over `z, y, x`.
        at: [i64; 3],
    },
    /// A tile with an empty or absurdly long side.
    #[error("tile {tile} has the shape {shape:?}; every length must be 1 to 2^40")]
    Shape {
        /// The tile's id.
        tile: usize,
        /// Its shape.
        shape: [u64; 3],
    },
    /// A position that is missing, NaN, infinite or absurdly large.
    #[error("tile {tile} has the {what} {found:?}; every component must be a number below 2^40")]
    Position {
        /// The tile's id.
        tile: usize,
        /// `nominal_px` or `position_px`.
        what: &'static str,
        /// The position.
        found: [f64; 3],
    },
    /// A voxel size that is not positive.
    #[error("voxel size {found:?} um is not positive")]
    VoxelSize {
        /// Over `z, y, x`.
        found: [f64; 3],
    },
    /// A conversion between voxels and µm without a voxel size.
    #[error("the layout has no voxel size, so voxels and um cannot be converted")]
    NoVoxelSize,
    /// A pair that names a tile the layout does not have.
    #[error("pair ({pre}, {post}) names tile {unknown}, which the layout does not have")]
    UnknownTileOfPair {
        /// Id of the pair's first tile.
        pre: usize,
        /// Id of the pair's second tile.
        post: usize,
        /// The one that is unknown.
        unknown: usize,
    },
    /// A pair whose first id is not the smaller one.
    #[error("pair ({pre}, {post}) must name the smaller id first, and two different tiles")]
    PairOrder {
        /// Id of the pair's first tile.
        pre: usize,
        /// Id of the pair's second tile.
        post: usize,
    },
    /// A tiling axis other than `z`, `y`, `x`.
    #[error("pair ({pre}, {post}) has the axis `{found}`, not z, y or x")]
    PairAxis {
        /// Id of the pair's first tile.
        pre: usize,
        /// Id of the pair's second tile.
        post: usize,
        /// What the file says.
        found: String,
    },
    /// An id that the layout does not have.
    #[error("there is no tile {tile}; the layout has {tiles} tiles")]
    UnknownTile {
        /// The id asked for.
        tile: usize,
        /// How many tiles there are.
        tiles: usize,
    },
    /// A pair that the layout does not have.
    #[error("there is no pair ({pre}, {post})")]
    UnknownPair {
        /// The smaller id asked for.
        pre: usize,
        /// The larger id asked for.
        post: usize,
    },
    /// A grid operation on a layout whose tiles have no grid index.
    #[error("tile {tile} has no grid index")]
    NoGrid {
        /// The first such tile.
        tile: usize,
    },
    /// An overlap list without an entry.
    #[error("at least one overlap is needed")]
    NoOverlap,
    /// An overlap that leaves no step between neighbours.
    #[error("an overlap of {overlap} px along {axis} leaves no step between tiles of {size} px")]
    Overlap {
        /// `z`, `y` or `x`.
        axis: char,
        /// The overlap asked for.
        overlap: i64,
        /// The length of a tile there.
        size: u64,
    },
    /// A slice outside its tile.
    #[error(
        "{axis} = {local} lies outside tile {tile}, whose {axis} runs over 0 <= {axis} < {size}"
    )]
    OutOfTile {
        /// The tile's id.
        tile: usize,
        /// `z`, `y` or `x`.
        axis: char,
        /// Local coordinate asked for.
        local: f64,
        /// The tile's length.
        size: u64,
    },
    /// A slice along time or channel.
    #[error("a layout has the axes z, y and x, not {axis}")]
    NotASpaceAxis {
        /// The axis asked for.
        axis: char,
    },
}
