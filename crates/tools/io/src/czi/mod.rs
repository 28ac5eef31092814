//! Zeiss CZI: stacks, time-lapses, scenes and mosaics, uncompressed or packed by zstd.
//!
//! | module | holds |
//! |---|---|
//! | `segments` | the file's header, its directory of sub-blocks, its XML |
//! | `metadata` | what the XML says: voxel size, channels, time |
//! | `dataset` | a file and its images, one per scene and mosaic tile |
//! | `codec` | from stored bytes to samples |
//! | `image` | regions of an image |
//!
//! Source: ZEISS, "CZI file format" (ZISRAW), version 1.2.2; the layout of packed sub-blocks is that of libCZI.

mod codec;
mod dataset;
mod image;
mod metadata;
mod segments;

pub use dataset::{CziDataset, open};

/// The first bytes of a file.
pub const MAGIC: &[u8] = b"ZISRAWFILE";
