//! HDF5: every numeric dataset of two dimensions or more is an image.
//!
//! The crate `rust-hdf5` is used through this module only, so that it can be exchanged.
//!
//! | module | holds |
//! |---|---|
//! | `handles` | open handles, one per thread that reads, and what their panics become |
//! | `addresses` | where the header of every dataset lies, for object references |
//! | `array` | one dataset: shape, sample type, chunks, and its regions |
//! | `attributes` | numbers and texts that stand on a dataset |
//! | `image` | a dataset as an image with its metadata |
//! | `encode` | chunks through shuffle and gzip |
//! | `journal` | encoded chunks, kept until the file is put together |
//! | `sink` | an image being written |

mod addresses;
mod array;
mod attributes;
mod encode;
mod handles;
mod image;
mod journal;
mod sink;

pub(crate) use addresses::addresses;
pub(crate) use array::{Array, Reading, dtype_of};
pub(crate) use encode::Encoding;
pub(crate) use handles::Handles;
pub(crate) use image::image_of;
pub(crate) use journal::{Journal, JournalArray};
pub(crate) use sink::{ArrayTarget, write_chunks, write_file};

use std::path::Path;

use crate::Result;
use crate::open::Probe;

pub use attributes::Attribute;
pub use image::{Hdf5Dataset, open};
pub use sink::{Hdf5Settings, Hdf5Sink};

/// Whether a file is HDF5: the signature at its beginning, or behind a user block of 512 bytes or
/// a power of two times as many.
pub fn recognises(probe: &Probe) -> bool {
    [0, 512, 1024, 2048]
        .iter()
        .any(|at| probe.head.get(*at..).is_some_and(|h| h.starts_with(MAGIC)))
}

/// What an HDF5 file holds, to tell apart the formats that are HDF5 inside.
pub struct Content {
    /// Full paths of its datasets.
    pub datasets: Vec<String>,
    /// Names of the attributes of the file itself.
    pub attributes: Vec<String>,
}

impl Content {
    /// Reads the catalogue.
    ///
    /// # Errors
    /// What opening the file answers.
    pub fn look(path: &Path) -> Result<Content> {
        Handles::open(path)?.run("the catalogue", |file| {
            Ok(Content { datasets: file.dataset_names(), attributes: file.attr_names()? })
        })
    }
}

/// The first bytes of every HDF5 file without a user block.
pub const MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";
