//! N5: chunked arrays as folders of small files, as BigStitcher, Fiji and CellMap write them.
//!
//! | module | holds |
//! |---|---|
//! | `attributes` | what `attributes.json` says of an array, checked |
//! | `block` | one file: header and samples, packed and not |
//! | `array` | regions of an array |
//! | `dataset` | a container: arrays and pyramids as images |
//! | `write` | images to arrays |

mod array;
mod attributes;
mod block;
mod dataset;
mod write;

pub(crate) use array::N5Array;
pub(crate) use attributes::read as read_attributes;
pub use dataset::{N5Dataset, open, recognises};
pub(crate) use write::{ArrayFolder, write_attributes};
pub use write::{Compression, N5Settings, N5Sink};
