//! Leica LIF: an XML tree that describes images, then one block of raw samples for each.
//!
//! | module | holds |
//! |---|---|
//! | `container` | the XML and the blocks: where they are, what is cut |
//! | `description` | an image's dimensions, channels, tiles and times, from the XML |
//! | `dataset` | a file and its images, one per mosaic tile |
//! | `layout` | how the samples of an image lie in its block |
//! | `image` | regions of an image |
//!
//! Leica has published no specification that describes whole files; what is known of them was read
//! from files, and is written down here where it is used.

mod container;
mod dataset;
mod description;
mod image;
mod layout;

pub use dataset::{LifDataset, open};

use crate::open::Probe;

/// Whether a file begins as Leica's do: LIF, and LIFEXT and LOF, which are refused by name.
pub fn recognises(probe: &Probe) -> bool {
    let head = probe.head.as_slice();
    head.starts_with(&container::MARK) && head.get(8) == Some(&container::TEST)
}
