//! Blobs (cells or spots) in volumes: found, placed finer than a voxel, matched across channels.
//!
//! Arrays in, arrays out: no paths are opened here. Points, voxel sizes and shapes are `(z, y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`chance`](mod@chance) | how many pairs chance alone would make |
//! | [`matches`](mod@matches) | tables of matches with both blobs spelled out |
//! | [`matching`] | which blobs of two channels are one object |
//! | [`neighborhood`] | which channels carry signal at a blob, by MagellanMapper's rule |
//! | [`pixel_stats`] | how much two channels overlap, voxel by voxel |
//! | [`score`] | found blobs and pairs against the truth |
//! | [`tuples`](mod@tuples) | objects seen in any number of channels |

pub mod chance;
mod error;
pub mod matches;
pub mod matching;
pub mod neighborhood;
pub mod pixel_stats;
pub mod score;
pub mod tuples;
mod wilson;

pub use error::BlobsError;
pub use wilson::Fraction;
