//! Blobs (cells or spots) in volumes: found, placed finer than a voxel, matched across channels.
//!
//! Arrays in, arrays out: no paths are opened here. Points, voxel sizes and shapes are `(z, y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`chance`](mod@chance) | how many pairs chance alone would make |
//! | [`contrast`] | which blobs stand out in which channel |
//! | [`detect`] | blobs found block by block |
//! | [`matches`](mod@matches) | tables of matches with both blobs spelled out |
//! | [`matching`] | which blobs of two channels are one object |
//! | [`neighborhood`] | which channels carry signal at a blob, by MagellanMapper's rule |
//! | [`noise`] | the noise of the sensor, and intensities whose noise is 1 |
//! | [`pixel_stats`] | how much two channels overlap, voxel by voxel |
//! | [`score`] | found blobs and pairs against the truth |
//! | [`sim`] | simulated volumes with exact truth |
//! | [`suppress`](mod@suppress) | of blobs that are one the strongest is kept |
//! | [`tuples`](mod@tuples) | objects seen in any number of channels |
//! | [`unmix`] | the light of one channel taken out of another |
//! | [`voxel_box`] | boxes of voxels |

mod background;
pub mod chance;
pub mod contrast;
pub mod detect;
mod error;
mod fit;
pub mod matches;
pub mod matching;
mod maxima;
pub mod neighborhood;
pub mod noise;
pub mod pixel_stats;
mod point_grid;
mod scale_space;
mod scales;
pub mod score;
pub mod sim;
pub mod suppress;
pub mod tuples;
pub mod unmix;
pub mod voxel_box;
mod wilson;

pub use error::BlobsError;
pub use wilson::Fraction;
