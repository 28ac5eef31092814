//! Imaris 5.5 (`.ims`): HDF5 with a dataset for each level, time point and channel.
//!
//! | module | holds |
//! |---|---|
//! | `metadata` | sizes, extent, channels and times, from attributes |
//! | `dataset` | a file and its image with all levels |
//!
//! Texts, and numbers as texts, are attributes of groups. Source: the description of the format
//! that Bitplane published for Imaris 5.5 and later.

mod dataset;
mod metadata;

pub use dataset::{ImarisDataset, open};

use crate::hdf5::Content;

/// Whether an HDF5 file is one of Imaris.
pub(crate) fn recognises(content: &Content) -> bool {
    content.attributes.iter().any(|name| name == "ImarisDataSet")
        || content.datasets.iter().any(|name| dataset::Place::of(name).is_some())
            && content.attributes.iter().any(|name| name.starts_with("ImarisVersion"))
}
