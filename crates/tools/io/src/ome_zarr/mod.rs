//! OME-Zarr 0.1 to 0.5 and plain Zarr of versions 2 and 3.
//!
//! | module | holds |
//! |---|---|
//! | `dataset` | a folder: images, labels, collections, plain arrays |
//! | `image` | a pyramid as an image source |
//! | `level` | one array over `t, c, z, y, x`: only touched chunks are decoded |
//! | `array` | the metadata of an array |
//! | `codec` | from the bytes of a chunk to its samples |
//! | `step` | one codec of a chain: a compressor, or a checksum |
//! | `shard` | the index of a shard |
//! | `ngff` | OME-NGFF metadata, as files have it |
//! | `options` | how an image is to be written |
//! | `layout` | lengths of levels, chunks and shards |
//! | `describe` | the metadata of an image that is written |
//! | `encode` | from samples to the bytes of a chunk |
//! | `sink` | writing shard by shard |
//! | `sample` | stored sample types |
//! | `units` | units of length and time |

mod array;
mod codec;
mod dataset;
mod describe;
mod encode;
mod image;
mod layout;
mod level;
mod ngff;
mod options;
mod sample;
mod shard;
mod sink;
mod step;
mod units;

pub use dataset::{open, recognises};
pub use options::{Compression, Levels, Ngff, WriteOptions};
pub use sink::{
    OmeZarrSink, create, create_label, finish_collection, finish_group, open_for_write, plan_levels,
};

/// The metadata of an image that is being written, until all of it is there.
const PENDING: &str = ".hooke-unfinished.json";
