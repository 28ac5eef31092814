//! Tiles, pairs, islands: the model behind `layout.json`.
//!
//! The keys are a contract (docs/layout.md); unknown keys survive a round trip, and numbers that
//! are not known are NaN in memory and `null` on disk.

mod model;
mod vector;

pub use model::{
    Candidate, Grid, Island, Layout, LayoutVoxelSize, LayoutWarning, Pair, PairStatus, PlacedBy,
    Placement, StageModel, Tile, TileSource, TileStatus,
};
pub use vector::{Matrix3, Vector3};
