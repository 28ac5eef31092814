//! OME-Zarr 0.1 to 0.5 and plain Zarr of versions 2 and 3.
//!
//! | module | holds |
//! |---|---|
//! | `dataset` | a folder: images, labels, collections, plain arrays |
//! | `image` | a pyramid as an image source |
//! | `level` | one array over `t, c, z, y, x`: only touched chunks are decoded |
//! | `array` | the metadata of an array |
//! | `codec` | from the bytes of a chunk to its samples |
//! | `shard` | the index of a shard |
//! | `ngff` | OME-NGFF metadata |
//! | `sample` | stored sample types |
//! | `units` | units of length and time |

mod array;
mod codec;
mod dataset;
mod image;
mod level;
mod ngff;
mod sample;
mod shard;
mod units;

pub use dataset::{open, recognises};

/// The metadata of an image that is being written, until all of it is there.
const PENDING: &str = ".hooke-unfinished.json";
