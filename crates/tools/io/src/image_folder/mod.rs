//! Folders of pictures: one file per plane, read as one stack and written as one.
//!
//! | module | holds |
//! |---|---|
//! | `places` | which file holds which planes: by the names Hooke writes, or one after the other |
//! | `read` | the folder as a data set |
//! | `sequence` | files that an expression names as a data set |
//! | `write` | planes into TIFF files |

mod places;
mod read;
mod sequence;
mod write;

pub use read::{FolderDataset, open, recognises};
pub use sequence::{is_sequence, open_sequence, sequence_files};
pub use write::FolderSink;
