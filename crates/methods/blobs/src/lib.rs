//! Blobs (cells or spots) in volumes: found, placed finer than a voxel, matched across channels.
//!
//! Arrays in, arrays out: no paths are opened here. Points, voxel sizes and shapes are `(z, y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`matches`] | tables of matches with both blobs spelled out |
//! | [`matching`] | which blobs of two channels are one object |
//! | [`tuples`](mod@tuples) | objects seen in any number of channels |

mod error;
pub mod matches;
pub mod matching;
pub mod tuples;

pub use error::BlobsError;
