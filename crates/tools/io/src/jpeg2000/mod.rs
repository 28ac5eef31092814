//! JPEG 2000 images: JP2 and JPH files and bare code streams, lossless or lossy, with all their
//! resolutions.
//!
//! | module | holds |
//! |---|---|
//! | `boxes` | where the code stream lies in a file |
//! | `header` | what its main header says, checked before anything is unpacked |
//! | `parts` | the bytes that some tiles need |
//! | `image` | the file as a data set, and regions of it |

mod boxes;
mod header;
mod image;
mod parts;

use crate::open::Probe;

pub use image::{Jpeg2000Dataset, open};

/// Whether a file is a JP2 or JPH file or a bare code stream.
pub fn recognises(probe: &Probe) -> bool {
    probe.begins_with(boxes::SIGNATURE) || probe.begins_with(header::START)
}
