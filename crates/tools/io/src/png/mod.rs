//! PNG pictures: one plane of 8 or 16 bits, grey or in colours.
//!
//! | module | holds |
//! |---|---|
//! | `read` | a picture as a data set |
//! | `write` | a plane into a picture |

mod read;
mod write;

pub use read::{PngDataset, open};
pub use write::{PngSink, check_png};

/// The first bytes of every PNG file.
pub const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
