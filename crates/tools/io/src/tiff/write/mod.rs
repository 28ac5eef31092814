//! Writing TIFF, BigTIFF, OME-TIFF and ImageJ files, block by block, in bounded memory.
//!
//! | module | holds |
//! |---|---|
//! | `sink` | [`TiffSink`]: blocks in any order, levels |
//! | `container` | the file: its bytes, chunks in parallel |
//! | `finish` | descriptions, directories, header, the final name |
//! | `options` | kinds, compressions, what a kind cannot hold |
//! | `store` | where the chunks of a level go |
//! | `encode` | from samples to compressed bytes |
//! | `directory` | directories and the values of their tags |
//! | `ome_text`, `imagej_text` | the descriptions |

mod container;
mod directory;
mod encode;
mod finish;
mod imagej_text;
mod ome_text;
mod options;
mod sink;
mod store;

pub use options::{Compression, Kind, WriteOptions, lost_items};
pub use sink::TiffSink;
