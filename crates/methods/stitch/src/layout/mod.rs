//! Tiles, pairs, islands: the model behind `layout.json`.
//!
//! The keys are a contract (docs/layout.md); unknown keys survive a round trip, and numbers that
//! are not known are NaN in memory and `null` on disk. The values of fixed size (`grid`,
//! `voxel_size_um`, a candidate, the stage model, a warning) hold no keys of their own beside
//! those of the contract.
//!
//! | file | holds |
//! |---|---|
//! | `model` | the keys |
//! | `json` | text in and out, deterministic |
//! | `validate` | what a layout must satisfy before anything is computed from it |
//! | `geometry` | current positions, bounds, boxes, µm |
//! | `grid` | tiles on a grid: nominal positions from overlaps, neighbours, the centre |
//! | `links` | lookups of pairs, components, displacements from positions and back |
//! | `edit` | remove, crop, sort, move, relocate |
//! | `slice` | a plane of a tile, a two-dimensional layout |

mod edit;
mod error;
mod geometry;
mod grid;
mod json;
mod links;
mod model;
mod quality;
mod slice;
mod validate;
mod vector;

pub use edit::SortKey;
pub use error::LayoutError;
pub use grid::{GridLink, GridTile};
pub use links::TileIndex;
pub(crate) use links::{breadth_first, connected_sets, ends, root};
pub use model::{
    Candidate, Grid, Island, Layout, LayoutVoxelSize, LayoutWarning, Pair, PairStatus, PlacedBy,
    Placement, StageModel, Tile, TileSource, TileStatus,
};
pub use quality::MinQuality;
pub use slice::{SliceAt, TileSlice};
pub use vector::{Matrix3, Vector3};
