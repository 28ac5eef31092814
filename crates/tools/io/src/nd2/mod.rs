//! Nikon ND2, versions 2 and 3: single planes, stacks, time-lapses, several positions and channels.
//!
//! | module | holds |
//! |---|---|
//! | `chunk_map` | where the chunks of a file are, read or searched for |
//! | `node` | the tree of values that both kinds of metadata have |
//! | `clx` | the binary metadata of version 3 |
//! | `xml` | the XML metadata of version 2 |
//! | `experiment` | the nested loops of an acquisition: time, position, depth |
//! | `picture` | what is known about pixels, channels and the stage |
//! | `dataset` | a file and its images, one per position |
//! | `image` | regions of an image |
//!
//! No description by the maker is public; the layout was read off files (`formats.md` section 3.5).

mod chunk_map;
mod clx;
mod dataset;
mod experiment;
mod image;
mod node;
mod picture;
mod xml;

use crate::open::Probe;

pub use dataset::{Nd2Dataset, open};

/// The first bytes of versions 2 and 3.
pub const MAGIC: &[u8] = &[0xDA, 0xCE, 0xBE, 0x0A];

/// Whether a file is of the older generation, which is JPEG 2000 under the same suffix.
pub(crate) fn is_old(probe: &Probe) -> bool {
    probe.begins_with(OLD_MAGIC) && probe.has_suffix(".nd2")
}

const OLD_MAGIC: &[u8] = &[0, 0, 0, 0x0C, b'j', b'P', b' ', b' '];
