//! Blobs (cells or spots) in volumes: found, placed finer than a voxel, matched across channels.
//!
//! Arrays in, arrays out: no paths are opened here. Points, voxel sizes and shapes are `(z, y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`contrast`] | which blobs stand out in which channel |
//! | [`detect`] | blobs found block by block |
//! | [`noise`] | the noise of the sensor, and intensities whose noise is 1 |
//! | [`sim`] | simulated volumes with exact truth |
//! | [`suppress`](mod@suppress) | of blobs that are one the strongest is kept |
//! | [`unmix`] | the light of one channel taken out of another |
//! | [`voxel_box`] | boxes of voxels |

mod background;
pub mod contrast;
pub mod detect;
mod fit;
mod maxima;
pub mod noise;
mod point_grid;
mod scale_space;
mod scales;
pub mod sim;
pub mod suppress;
pub mod unmix;
pub mod voxel_box;
