//! Sets of fields of view: one intensity scale, one mosaic, labels unique over all tiles.
//!
//! Arrays in, arrays out: no paths are opened here. Points and shapes are `(z, y, x)`. A tile's
//! voxels are asked for through [`hooke_core::TilePixels`], box by box, so nothing holds a tile or
//! the mosaic. Positions are taken as they are; measuring them is the job of `hooke-stitch`.
//!
//! | module | holds |
//! |---|---|
//! | [`centroids`] | where every label of the mosaic lies, without making the mosaic |
//! | [`dedup`] | labels that are unique over all tiles |
//! | [`mask`] | voxels outside a mask set to 0 |
//! | [`noise`] | noise for images that only stand for real ones |
//! | [`overlap`] | which tiles share voxels, touch, or hang together |
//! | [`paste`] | tiles side by side in one mosaic, any box at a time |
//! | [`percentile`] | exact percentiles, streamed; one intensity scale |
//! | [`placement`] | where each tile's first voxel lies in the mosaic |
//! | [`points`] | points of tiles in the whole sample, and back |
//! | [`positions`] | tables of positions checked, axes turned, positions scaled |
//! | [`relabel`] | labels replaced by look-up |
//! | [`scale`] | intensities brought to one scale |
//! | [`score`] | new labels against the truth |
//! | [`sim`] | simulated tiles of labels with exact truth |
//! | [`slice`](mod@slice) | a look at one plane of the mosaic |
//! | [`surface`] | the first bright voxel of every column |
//! | [`tile_view`] | tiles read with axes reversed or voxels skipped |

pub mod centroids;
pub mod dedup;
mod error;
pub mod mask;
pub mod noise;
pub mod overlap;
pub mod paste;
pub mod percentile;
pub mod placement;
pub mod points;
pub mod positions;
mod read;
pub mod relabel;
pub mod scale;
pub mod score;
pub mod sim;
pub mod slice;
pub mod surface;
pub mod tile_view;

pub use error::TilesetError;
pub use placement::Placement;
